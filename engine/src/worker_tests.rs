//! What the worker does with a request that panics and with one that hangs, planted in the runtime: loud sound
//! sets them off, and nothing of it is in the shipped code.

use std::sync::Arc;
use std::time::{Duration, Instant};

use undertone_models::{Bytes, Pack};

use crate::engine::{Engine, EngineConfig, EngineState};
use crate::latest::Activity;
use crate::mind::Mind;
use crate::outlet::Updates;
use crate::runtime::{Data, Graph, Input, Output, Rten, Runtime, RuntimeError};
use crate::stream::{Stream, StreamConfig};
use crate::tap::Tap;
use crate::update::Update;

/// What loud sound does to the encoder.
#[derive(Clone, Copy)]
enum Plant {
    Panic,
    Hang(Duration),
}

struct Planted<R>(R, Plant);

impl<R: Runtime> Runtime for Planted<R> {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn batch(&self) -> usize {
        self.0.batch()
    }

    fn load(
        &self,
        bytes: &Bytes,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<Box<dyn Graph>, RuntimeError> {
        let graph = self.0.load(bytes, inputs, outputs)?;
        Ok(if inputs[0] == "audio" {
            Box::new(PlantedGraph(graph, self.1))
        } else {
            graph
        })
    }
}

struct PlantedGraph(Box<dyn Graph>, Plant);

impl Graph for PlantedGraph {
    fn run(&self, inputs: &[Input<'_>]) -> Result<Vec<Output>, RuntimeError> {
        let loud = match inputs[0].data {
            Data::Floats(sound) => sound.iter().any(|sample| sample.abs() > 2.0),
            Data::Ids(_) => false,
        };
        match self.1 {
            Plant::Panic => assert!(!loud, "planted"),
            Plant::Hang(time) if loud => std::thread::sleep(time),
            Plant::Hang(_) => {}
        }
        self.0.run(inputs)
    }
}

fn engine(plant: Plant) -> Engine {
    let pack = Pack::embedded().unwrap();
    Engine::of(Mind::load(&pack, None, &Planted(Rten::new(1), plant)).unwrap())
}

#[cfg(feature = "ort")]
fn engine_of_many(plant: Plant) -> Engine {
    let many = Planted(crate::runtime::Many(8, Rten::new(1)), plant);
    Engine::of(Mind::load(&Pack::embedded().unwrap(), None, &many).unwrap())
}

/// A voice that speaks when it is told to.
struct Voice {
    tap: Tap,
    stream: Stream,
    updates: Updates,
}

impl Voice {
    fn new(engine: &Engine, name: &str) -> Self {
        let (tap, stream) = engine.open(&StreamConfig::new(name, 16_000)).unwrap();
        let updates = stream.updates(64);
        Self { tap, stream, updates }
    }

    /// Says a phrase of the sample, so much louder, and falls silent.
    fn say(&mut self, gain: f32) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/neutral.wav");
        let bytes = std::fs::read(path).unwrap();
        let samples = bytes[44..].chunks_exact(2);
        let sound = samples.map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0 * gain);
        let mut sound: Vec<f32> = sound.skip(8_000).take(20_000).collect();
        sound.resize(31_000, 0.0);
        self.tap.push(&[&sound]);
    }

    fn next_final(&self, within: Duration) -> Option<Arc<Update>> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.checked_duration_since(Instant::now())?;
            match self.updates.next_timeout(left) {
                Some(update) if update.is_final() => return Some(update),
                Some(_) => {}
                None => return None,
            }
        }
    }
}

/// Louder than full scale, which only a host with floating samples can be, so that nothing else sets it off.
const LOUD: f32 = 30.0;
const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_request_that_panics_fails_its_own_stream_until_the_next_score_and_no_other() {
    let engine = engine(Plant::Panic);
    let (mut hurt, mut well) = (Voice::new(&engine, "hurt"), Voice::new(&engine, "well"));
    hurt.say(LOUD);
    well.say(1.0);
    assert!(well.next_final(SOON).is_some(), "the other stream goes on");
    let deadline = Instant::now() + SOON;
    let told = loop {
        if let Some(why) = hurt.stream.failure() {
            break why;
        }
        assert!(Instant::now() < deadline, "nobody was told");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(told.contains("planted"), "{told}");
    assert_eq!(well.stream.failure(), None);
    hurt.say(1.0);
    assert!(hurt.next_final(SOON).is_some(), "the stream itself goes on too");
    assert_eq!(hurt.stream.failure(), None);
}

#[test]
fn a_voice_does_not_wait_for_the_models_of_another() {
    let engine = engine(Plant::Hang(Duration::ZERO));
    let mut voice = Voice::new(&engine, "heard already");
    let other = crate::mind::while_loading(|| {
        let other = Engine::start(EngineConfig::default());
        voice.say(1.0);
        assert!(voice.next_final(SOON).is_some(), "it had to wait");
        assert_eq!(other.state(), EngineState::Loading);
        other
    });
    other.wait_ready().unwrap();
}

#[cfg(feature = "ort")]
#[test]
fn whoever_panics_in_company_fails_alone() {
    let engine = engine_of_many(Plant::Panic);
    let mut voices: Vec<Voice> = (0..6).map(|_| Voice::new(&engine, "one of many")).collect();
    for (at, voice) in voices.iter_mut().enumerate() {
        voice.say(if at == 2 { LOUD } else { 1.0 });
    }
    for (at, voice) in voices.iter().enumerate() {
        if at == 2 {
            continue;
        }
        let soon = voice.next_final(3 * SOON);
        assert!(soon.is_some(), "voice {at} has lost its final");
        assert_eq!(voice.stream.failure(), None);
    }
    let told = voices[2].stream.failure().unwrap();
    assert!(told.contains("planted"), "{told}");
    assert!(engine.runs().unwrap().largest > 1, "they ran together");
}

#[test]
fn a_request_that_hangs_is_seen_within_two_seconds_and_every_stream_goes_on() {
    let hang = Duration::from_secs(12);
    let engine = engine(Plant::Hang(hang));
    let (mut hurt, mut well) = (Voice::new(&engine, "hurt"), Voice::new(&engine, "well"));
    let mut latest = hurt.stream.latest();
    hurt.say(LOUD);
    let began = Instant::now();
    while latest.read().activity != Activity::Stalled {
        assert!(began.elapsed() < SOON, "the stall was never shown");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The request itself began a little after the sound was there.
    let seen = began.elapsed();
    assert!(
        seen < Duration::from_millis(2_500),
        "shown {seen:?} after the sound"
    );
    well.say(1.0);
    assert!(well.next_final(SOON).is_some(), "another stream goes on");
    hurt.say(1.0);
    let next = hurt.next_final(SOON).unwrap();
    assert!(began.elapsed() < hang, "it had to wait for the hanging request");
    // The newest state is written at the next look.
    std::thread::sleep(Duration::from_millis(200));
    assert_ne!(latest.read().activity, Activity::Stalled);
    // What the hanging thread finds out in the end is thrown away.
    std::thread::sleep(hang.saturating_sub(began.elapsed()) + Duration::from_millis(500));
    let late = std::iter::from_fn(|| hurt.updates.try_next());
    assert!(late.into_iter().all(|update| update.utterance > next.utterance));
}
