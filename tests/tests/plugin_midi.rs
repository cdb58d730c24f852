//! Scores leave the plugin as MIDI controllers, and say what the engine says of the same sound.

mod plugin_host;

use std::time::{Duration, Instant};

use clack_extensions::params::ParamInfoBuffer;
use clack_host::events::Pckn;
use clack_host::events::event_types::{MidiEvent, NoteOffEvent, NoteOnEvent, ParamValueEvent};
use clack_host::prelude::*;
use plugin_host::{Instance, load, project};
use undertone::{Engine, EngineConfig, Label, StreamConfig};
use undertone_tests::samples;

/// Sends a sample at its own pace and then silence; answers the last value of every controller and how many
/// messages came.
fn controllers(running: &mut plugin_host::Running, sound: &[f32], rate: u32) -> ([Option<u8>; 128], usize) {
    let frames = rate as usize / 100;
    let silence = vec![0.0; rate as usize * 2];
    let mut last = [None; 128];
    let mut count = 0;
    let mut held = false;
    let start = Instant::now();
    for (index, block) in sound.chunks(frames).chain(silence.chunks(frames)).enumerate() {
        let mut input = vec![block.to_vec(); 2];
        running.exact_with(&mut input, &InputEvents::empty());
        for event in &running.events_out {
            // A held note: never two at once, and none ended that was not begun.
            if event.as_event::<NoteOnEvent>().is_some() {
                assert!(!held, "a second note was begun");
                held = true;
            }
            if event.as_event::<NoteOffEvent>().is_some() {
                assert!(held, "a note was ended that was not held");
                held = false;
            }
            let Some(midi) = event.as_event::<MidiEvent>() else {
                continue;
            };
            let [status, number, value] = midi.data();
            assert_eq!(status, 0xB2, "a controller on channel 3");
            last[usize::from(number)] = Some(value);
            count += 1;
        }
        let due = Duration::from_millis(10) * (index as u32 + 1);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    (last, count)
}

#[test]
fn controllers_say_what_the_engine_says() {
    let (rate, sound) = samples::sample("neutral");
    let engine = Engine::start(EngineConfig::default());
    if let Err(why) = engine.wait_ready() {
        undertone_tests::skipped(format!("no pack to score with ({why})"));
        return;
    }
    let mut updates = Vec::new();
    let mut session = engine.session(&StreamConfig::new("file", rate)).unwrap();
    let mut padded = sound.clone();
    padded.extend(vec![0.0; rate as usize * 2]);
    session.push(&[&padded], &mut updates).unwrap();
    session.finish(&mut updates).unwrap();
    let last = updates
        .iter()
        .rev()
        .find(|update| update.is_final())
        .expect("somebody speaks in the sample");

    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    assert!(instance.load(&project(true, true)));
    let mut running = instance.start(f64::from(rate), 8_192);
    // Nothing is lost while the pack loads: the ring holds two seconds.
    let (controls, count) = controllers(&mut running, &sound, rate);
    let rest = at_rest(&mut instance, &mut running, controls);
    instance.stop(running);
    assert_eq!(
        rest,
        [0, 0, 0, 0, 0, 0, 0, 64, 64, 64],
        "without depth all is at rest"
    );

    println!("{count} messages, controllers 20 to 29: {:?}", &controls[20..30]);
    for (index, label) in Label::ALL.into_iter().enumerate() {
        let expected = last.scores.of(label) * 127.0;
        let got = f32::from(controls[20 + index].expect("every label is sent"));
        assert!(
            (got - expected).abs() <= 2.0,
            "{label}: {got}, the engine says {expected}"
        );
    }
    let axes = [last.affect.valence, last.affect.arousal, last.affect.dominance];
    for (index, axis) in axes.into_iter().enumerate() {
        let expected = f32::midpoint(axis, 1.0) * 127.0;
        let got = f32::from(controls[27 + index].expect("every axis is sent"));
        assert!(
            (got - expected).abs() <= 2.0,
            "axis {index}: {got}, the engine says {expected}"
        );
    }
    assert!(
        controls[..20].iter().chain(&controls[30..]).all(Option::is_none),
        "nothing else is sent"
    );
    let seconds = (sound.len() as f64 / f64::from(rate)) + 2.0;
    assert!(
        count as f64 <= seconds * 50.0 * 10.0,
        "{count} messages in {seconds:.1} s"
    );
}

/// What the controllers, which stood so, come to when the depth is taken away.
fn at_rest(
    instance: &mut Instance,
    running: &mut plugin_host::Running,
    mut stand: [Option<u8>; 128],
) -> [u8; 10] {
    let params = instance.params();
    let handle = instance.plugin.plugin_handle();
    let depth = (0..params.count(&handle)).find_map(|index| {
        let mut buffer = ParamInfoBuffer::new();
        let info = params.get_info(&handle, index, &mut buffer)?;
        info.name.starts_with(b"Depth").then_some(info.id)
    });
    let mut none = EventBuffer::new();
    none.push(&ParamValueEvent::new(0, depth.unwrap(), Pckn::match_all(), 0.0));
    let mut silence = vec![vec![0.0; 64]; 2];
    running.exact_with(&mut silence, &none.as_input());
    for event in &running.events_out {
        if let Some(midi) = event.as_event::<MidiEvent>() {
            let [_, number, value] = midi.data();
            stand[usize::from(number)] = Some(value);
        }
    }
    std::array::from_fn(|index| stand[20 + index].unwrap())
}

#[test]
fn nothing_is_sent_before_consent() {
    let (rate, sound) = samples::sample("neutral");
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    assert!(instance.load(&project(false, true)));
    let mut running = instance.start(f64::from(rate), 8_192);
    let second = &sound[..sound.len().min(rate as usize)];
    assert_eq!(controllers(&mut running, second, rate).1, 0);
    instance.stop(running);
}
