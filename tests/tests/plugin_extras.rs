//! What the doors add to the framework: read-only parameters, control voltages, the side-chain.

mod plugin_host;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags};
use clack_host::events::Pckn;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;
use clack_host::utils::ClapId;
use plugin_host::{Instance, Running, bits, load, project, project_with};
use serde_json::json;
use undertone::{Engine, EngineConfig, Label, StreamConfig, Update};
use undertone_tests::samples;

/// What came out of a run: every channel of the control voltages, and the last value of every parameter.
#[derive(Default)]
struct Heard {
    voltages: [Vec<f32>; 2],
    values: BTreeMap<u32, f64>,
    events: usize,
}

/// Plays a voice at its own pace, to the track or to the side-chain, and silence to the other; then silence.
fn play(running: &mut Running, sound: &[f32], rate: u32, chain: bool) -> Heard {
    let frames = rate as usize / 100;
    let silence = vec![0.0; rate as usize * 2];
    let mut heard = Heard::default();
    let start = Instant::now();
    for (index, block) in sound.chunks(frames).chain(silence.chunks(frames)).enumerate() {
        let (quiet, voice) = (vec![vec![0.0; block.len()]; 2], vec![block.to_vec(); 2]);
        let (mut input, mut side) = if chain { (quiet, voice) } else { (voice, quiet) };
        let mut output = vec![vec![7.25; block.len()]; 2];
        let mut voltages = vec![vec![7.25; block.len()]; 2];
        running.wide(&mut input, &mut side, &mut output, &mut voltages);
        for (input, output) in input.iter().zip(&output) {
            assert_eq!(bits(input), bits(output), "the track's sound is its own");
        }
        for (all, block) in heard.voltages.iter_mut().zip(voltages) {
            all.extend(block);
        }
        for event in &running.events_out {
            if let Some(event) = event.as_event::<ParamValueEvent>() {
                heard
                    .values
                    .insert(event.param_id().unwrap().get(), event.value());
                heard.events += 1;
            }
        }
        let due = Duration::from_millis(10) * (index as u32 + 1);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    heard
}

/// What the engine says of the same sound, or `None` where there is no pack.
fn expected(rate: u32, sound: &[f32]) -> Option<Update> {
    let engine = Engine::start(EngineConfig::default());
    if let Err(why) = engine.wait_ready() {
        undertone_tests::skipped(format!("no pack to score with ({why})"));
        return None;
    }
    let mut updates = Vec::new();
    let mut session = engine.session(&StreamConfig::new("file", rate)).unwrap();
    let mut padded = sound.to_vec();
    padded.extend(vec![0.0; rate as usize * 2]);
    session.push(&[&padded], &mut updates).unwrap();
    session.finish(&mut updates).unwrap();
    let last = updates.into_iter().rev().find(Update::is_final);
    Some(last.expect("somebody speaks in the sample"))
}

fn names(instance: &mut Instance) -> BTreeMap<String, u32> {
    let params = instance.params();
    let handle = instance.plugin.plugin_handle();
    let mut names = BTreeMap::new();
    for index in 0..params.count(&handle) {
        let mut buffer = ParamInfoBuffer::new();
        let info = params.get_info(&handle, index, &mut buffer).unwrap();
        let name = String::from_utf8_lossy(info.name)
            .trim_end_matches('\0')
            .to_owned();
        let read_only = info.flags.contains(ParamInfoFlags::IS_READONLY);
        assert_eq!(read_only, !["Bypass", "Depth"].contains(&name.as_str()), "{name}");
        // What the host may not write it cannot play back.
        let automatable = info.flags.contains(ParamInfoFlags::IS_AUTOMATABLE);
        assert_eq!(automatable, !read_only, "{name}");
        names.insert(name, info.id.get());
    }
    names
}

#[test]
fn parameters_and_voltages_say_what_the_engine_says() {
    let (rate, sound) = samples::sample("neutral");
    let Some(last) = expected(rate, &sound) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    let names = names(&mut instance);
    let voltage = json!({ "on": true, "left": "valence", "right": "neutral" });
    assert!(instance.load(&project_with(
        &json!({ "consent": true, "wiring": { "voltage": voltage } })
    )));
    let mut running = instance.start(f64::from(rate), 8_192);
    let heard = play(&mut running, &sound, rate, false);
    let params = instance.params();

    // Half the depth is half the voltage; what a score says stays as it is.
    let mut halved = EventBuffer::new();
    let depth = ClapId::new(names["Depth"]);
    halved.push(&ParamValueEvent::new(0, depth, Pckn::match_all(), 0.5));
    running.exact_with(&mut vec![vec![0.0; 64]; 2], &halved.as_input());
    let half = play(&mut running, &[], rate, false);
    instance.stop(running);
    let mut changed = half.values;
    // Whether somebody speaks is heard anew.
    changed.remove(&names["Voice"]);
    assert!(changed.is_empty(), "{changed:?}");
    for (whole, half) in heard.voltages.iter().zip(&half.voltages) {
        assert!((half.last().unwrap() - whole.last().unwrap() / 2.0).abs() < 1e-6);
    }

    let value = |name: &str| heard.values[&names[name]];
    println!("{} changes: {:?}", heard.events, heard.values.values());
    for label in Label::ALL {
        let mut name = label.name().to_owned();
        name[..1].make_ascii_uppercase();
        assert!(
            (value(&name) - f64::from(last.scores.of(label))).abs() < 0.01,
            "{label}"
        );
    }
    for (name, axis) in [
        ("Valence", last.affect.valence),
        ("Arousal", last.affect.arousal),
        ("Dominance", last.affect.dominance),
        ("Confidence", last.confidence),
    ] {
        assert!(
            (value(name) - f64::from(axis)).abs() < 0.01,
            "{name}: {} and {axis}",
            value(name)
        );
    }
    let handle = instance.plugin.plugin_handle();
    let id = ClapId::new(names["Valence"]);
    assert_eq!(params.get_value(&handle, id), Some(value("Valence")));

    let [left, right] = &heard.voltages;
    assert!((left.last().unwrap() - last.affect.valence).abs() < 0.01);
    assert!((right.last().unwrap() - last.scores.of(Label::Neutral)).abs() < 0.01);
    for channel in [left, right] {
        assert!(channel.iter().all(|sample| (-1.0..=1.0).contains(sample)));
        let steepest = channel
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max);
        // From end to end in 20 ms at the fastest.
        assert!(
            steepest <= 2.0 / (rate as f32 * 0.02) * 1.01,
            "a click of {steepest}"
        );
    }
    let seconds = sound.len() as f64 / f64::from(rate) + 2.0;
    assert!(
        heard.events as f64 <= seconds * 50.0 * 13.0,
        "{} changes",
        heard.events
    );
}

#[test]
fn a_voice_on_the_side_chain_is_heard_and_the_track_is_not() {
    let (rate, sound) = samples::sample("neutral");
    let Some(last) = expected(rate, &sound) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    let names = names(&mut instance);
    let settings = json!({ "consent": true, "wiring": { "ear": "sidechain" } });
    assert!(instance.load(&project_with(&settings)));
    let mut running = instance.start(f64::from(rate), 8_192);
    let heard = play(&mut running, &sound, rate, true);
    instance.stop(running);
    assert!((heard.values[&names["Arousal"]] - f64::from(last.affect.arousal)).abs() < 0.01);
    assert!(
        heard.voltages.iter().flatten().all(|sample| *sample == 0.0),
        "nobody asked for voltages"
    );

    // The same voice on the track, with the ear on the side-chain, is nobody's.
    let mut other = Instance::new(&entry);
    assert!(other.load(&project_with(&settings)));
    let mut running = other.start(f64::from(rate), 8_192);
    let heard = play(&mut running, &sound, rate, false);
    other.stop(running);
    assert_eq!(heard.values[&names["Label"]], 0.0);
    assert_eq!(heard.values[&names["Confidence"]], 0.0);
}

#[test]
fn a_project_restored_while_sound_runs_is_followed_at_once() {
    let (rate, sound) = samples::sample("neutral");
    if expected(rate, &sound).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    let names = names(&mut instance);
    let mut running = instance.start(f64::from(rate), 8_192);
    assert!(instance.load(&project(true, false)));
    let heard = play(&mut running, &sound, rate, false);
    assert!(heard.values[&names["Confidence"]] > 0.0, "{:?}", heard.values);
    assert!(instance.load(&project(false, false)));
    let heard = play(&mut running, &sound[..rate as usize], rate, false);
    assert_eq!(heard.values[&names["Confidence"]], 0.0);
    instance.stop(running);
}

#[test]
fn before_consent_every_read_out_is_at_rest() {
    let (rate, sound) = samples::sample("neutral");
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    assert!(instance.load(&project(false, false)));
    let mut running = instance.start(f64::from(rate), 8_192);
    let second = &sound[..sound.len().min(rate as usize)];
    let heard = play(&mut running, second, rate, false);
    instance.stop(running);
    assert!(
        heard.values.values().all(|value| *value == 0.0),
        "{:?}",
        heard.values
    );
    assert!(heard.voltages.iter().flatten().all(|sample| *sample == 0.0));
}
