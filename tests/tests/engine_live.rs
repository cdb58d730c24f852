//! Live streams through the shared worker: scores come in time, settle once, and are the file's own scores.

use std::sync::Arc;
use std::time::{Duration, Instant};

use undertone::{Activity, Engine, EngineConfig, EngineState, Kind, Stream, StreamConfig, Tap, Update};
use undertone_tests::samples::sample;

const BLOCK: usize = 480;

fn ready() -> Engine {
    let engine = Engine::start(EngineConfig::default());
    engine.wait_ready().unwrap();
    engine
}

/// Pushes as a device would, at the pace of the sound, and gives what came out with when it came.
fn play(tap: &mut Tap, stream: &Stream, sound: &[f32], rate: u32) -> Vec<(Duration, Arc<Update>)> {
    let updates = stream.updates(256);
    let began = Instant::now();
    let mut got = Vec::new();
    for (at, block) in sound.chunks(BLOCK).enumerate() {
        let due = Duration::from_secs_f64((at * BLOCK) as f64 / f64::from(rate));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        tap.push(&[block]);
        got.extend(std::iter::from_fn(|| updates.try_next()).map(|update| (began.elapsed(), update)));
    }
    while let Some(update) = updates.next_timeout(Duration::from_millis(700)) {
        got.push((began.elapsed(), update));
    }
    got
}

#[test]
fn a_live_voice_is_scored_in_time_and_settles_once() {
    let (rate, sound) = sample("neutral");
    let engine = ready();
    let (mut tap, stream) = engine.open(&StreamConfig::new("live", rate)).unwrap();
    let mut sound = sound;
    sound.extend(vec![0.0; rate as usize]);
    let got = play(&mut tap, &stream, &sound, rate);

    assert!(!got.is_empty(), "nothing was scored");
    let finals: Vec<_> = got.iter().filter(|(_, update)| update.is_final()).collect();
    for (_, last) in &finals {
        let of_same: Vec<_> = got
            .iter()
            .filter(|(_, u)| u.utterance == last.utterance)
            .collect();
        assert_eq!(of_same.iter().filter(|(_, u)| u.is_final()).count(), 1);
        assert!(
            of_same.windows(2).all(|w| w[0].1.revision < w[1].1.revision),
            "revisions only grow"
        );
        assert_eq!(
            of_same.last().unwrap().1.kind,
            Kind::Final,
            "a final is the last word"
        );
    }
    for (when, update) in &got {
        let sum: f32 = update.scores.values().iter().sum();
        assert!((sum - 1.0).abs() < 1e-4);
        assert!(update.start_s < update.end_s && update.end_s <= update.emitted_s);
        // The stream's clock and the wall started together here, so the age it states can be checked.
        let late = when.as_secs_f64() - update.emitted_s;
        assert!(
            late.abs() < 0.25,
            "says it was emitted at {:.2} s, came at {:.2} s",
            update.emitted_s,
            when.as_secs_f64()
        );
    }
    let mut latest = stream.latest();
    std::thread::sleep(Duration::from_millis(50));
    let now = latest.read();
    assert_eq!(now.activity, Activity::Silent);
    assert_eq!(now.score.map(|score| score.kind), Some(Kind::Final));
    assert!(!now.is_stale(Instant::now()));
}

#[test]
fn live_finals_are_the_files_finals() {
    let (rate, mut sound) = sample("neutral");
    sound.extend(vec![0.0; rate as usize]);
    let engine = ready();
    let mut from_file = Vec::new();
    let mut session = engine.session(&StreamConfig::new("file", rate)).unwrap();
    session.push(&[&sound], &mut from_file).unwrap();
    session.finish(&mut from_file).unwrap();

    let (mut tap, stream) = engine.open(&StreamConfig::new("live", rate)).unwrap();
    let live = play(&mut tap, &stream, &sound, rate);
    let of = |update: &Update| {
        (
            update.utterance,
            update.label,
            (update.start_s * 1e3).round() as i64,
        )
    };
    let wanted: Vec<_> = from_file.iter().filter(|u| u.is_final()).map(of).collect();
    let got: Vec<_> = live
        .iter()
        .filter(|(_, u)| u.is_final())
        .map(|(_, u)| of(u))
        .collect();
    assert_eq!(got, wanted);
}

#[test]
fn the_same_file_gives_the_same_scores_in_blocks_of_any_size() {
    let (rate, sound) = sample("neutral");
    let engine = ready();
    let mut runs = Vec::new();
    for block in [1_usize, 333, 8_192, sound.len()] {
        let mut out = Vec::new();
        let mut session = engine.session(&StreamConfig::new("file", rate)).unwrap();
        for part in sound.chunks(block) {
            session.push(&[part, part], &mut out).unwrap();
        }
        session.finish(&mut out).unwrap();
        runs.push(
            out.iter()
                .map(|u| (u.kind, u.utterance, u.revision, u.scores))
                .collect::<Vec<_>>(),
        );
    }
    assert!(!runs[0].is_empty());
    assert!(runs.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_device_change_keeps_clock_and_utterance_numbers() {
    let (rate, sound) = sample("neutral");
    let engine = ready();
    let (mut tap, stream) = engine.open(&StreamConfig::new("live", rate)).unwrap();
    let first = play(&mut tap, &stream, &sound, rate);
    let before = first.last().unwrap().1.clone();
    drop(tap);
    let doubled: Vec<f32> = sound.iter().flat_map(|s| [*s, *s]).collect();
    let mut tap = stream.retap(rate * 2).unwrap();
    let second = play(&mut tap, &stream, &doubled, rate * 2);
    let after = &second.first().unwrap().1;
    assert!(after.start_s > before.start_s && after.utterance > before.utterance);
}

#[test]
fn a_stream_takes_sound_in_before_its_pack_is_loaded_and_a_bad_pack_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("no-pack");
    let engine = Engine::start(EngineConfig {
        pack: Some(bad.to_string_lossy().into_owned()),
        ..EngineConfig::default()
    });
    let (mut tap, stream) = engine.open(&StreamConfig::new("live", 48_000)).unwrap();
    tap.push(&[&[0.0; 480]]);
    let told = engine.wait_ready().unwrap_err().to_string();
    assert!(told.contains("no-pack") && told.contains("models list"), "{told}");
    assert!(matches!(engine.state(), EngineState::Failed(_)));
    let mut latest = stream.latest();
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(latest.read().activity, Activity::Failed);
}
