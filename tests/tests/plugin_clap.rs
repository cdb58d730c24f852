//! The CLAP plugin in a host of ours: scan, create, activate, process, state, parameters, events, destroy.
//!
//! Covers what `clap-validator` checks, as far as that can be said in safe code, because the validator is in
//! no registry that a bare machine can install from. Where it is on `PATH`, it is run as well.

mod plugin_host;

use std::process::Command;
use std::time::{Duration, Instant};

use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_extensions::tail::{PluginTail, TailLength};
use clack_host::events::Pckn;
use clack_host::events::event_types::{MidiEvent, NoteOnEvent, ParamValueEvent};
use clack_host::prelude::*;
use clack_host::utils::ClapId;
use plugin_host::{Dice, Host, ID, Instance, Shared, bits, framed, info, library, load, project};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

#[test]
fn a_scan_is_quick_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(library(), folder.path().join("Undertone.clap")).unwrap();
    let start = Instant::now();
    let entry = load(folder.path());
    let factory = entry.get_plugin_factory().unwrap();
    assert_eq!(factory.plugin_count(), 1);
    let descriptor = factory.plugin_descriptor(0).unwrap();
    assert_eq!(descriptor.id(), Some(ID));
    assert_eq!(descriptor.name(), Some(c"Undertone"));
    assert!(descriptor.version().is_some_and(|version| !version.is_empty()));
    let features: Vec<_> = descriptor
        .features()
        .map(|feature| feature.to_string_lossy().into_owned())
        .collect();
    assert!(
        features.iter().any(|feature| feature == "audio-effect"),
        "{features:?}"
    );
    assert!(factory.plugin_descriptor(1).is_none());
    let scan = start.elapsed();
    println!("scan: {scan:?}");

    // Other tests of this process run beside, so only a coarse look is possible: no engine's threads.
    let instance = Instance::new(&entry);
    let names: Vec<String> = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .collect();
    println!("{} threads: {names:?}", threads());
    drop(instance);
    assert!(
        scan < Duration::from_millis(500),
        "a debug build scans in {scan:?}"
    );
}

#[test]
fn a_wrong_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    assert!(
        PluginInstance::<Host>::new(
            |()| Shared::default(),
            |_| (),
            &entry,
            c"org.undertone.other",
            &info()
        )
        .is_err()
    );
}

#[test]
fn sound_passes_bit_for_bit_whatever_the_block_rate_and_layout() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut dice = Dice(0x5EED_0001);
    for agreed in [false, true] {
        for channels in [2, 1, 6, 8] {
            let mut instance = Instance::new(&entry);
            instance.channels(channels);
            if agreed {
                instance.agree();
            }
            for rate in [
                44_100.0,
                48_000.0,
                96_000.0,
                8_000.0,
                384_000.0,
                11_025.5,
                1_000_000.0,
            ] {
                let mut running = instance.start(rate, 8_192);
                for size in [1, 2, 63, 64, 8_192] {
                    running.exact(&mut dice.block(channels as usize, size));
                }
                for _ in 0..60 {
                    let frames = 1 + dice.below(8_192);
                    running.exact(&mut dice.block(channels as usize, frames));
                }
                instance.stop(running);
            }
        }
    }
}

#[test]
fn no_latency_no_tail_and_an_extra_port_each_way() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    for channels in [2, 1, 3, 4, 5, 6, 7, 8] {
        instance.channels(channels);
        let handle = instance.plugin.plugin_handle();
        let latency: PluginLatency = handle.get_extension().unwrap();
        assert_eq!(latency.get(&handle), 0);
        let ports: PluginAudioPorts = handle.get_extension().unwrap();
        for is_input in [true, false] {
            assert_eq!(ports.count(&handle, is_input), 2);
            for (index, expected) in [(0, channels), (1, 2)] {
                let mut buffer = AudioPortInfoBuffer::new();
                let port = ports.get(&handle, index, is_input, &mut buffer).unwrap();
                assert_eq!(port.channel_count, expected);
            }
            assert!(
                ports
                    .get(&handle, 2, is_input, &mut AudioPortInfoBuffer::new())
                    .is_none()
            );
        }
        let tail: Option<PluginTail> = handle.get_extension();
        let mut running = instance.start(48_000.0, 64);
        if let Some(tail) = tail {
            assert_eq!(
                tail.get(&running.processor.plugin_handle()),
                TailLength::Finite(0)
            );
        }
        running.exact(&mut vec![vec![0.5; 64]; channels as usize]);
        instance.stop(running);
    }
}

#[test]
fn a_project_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut first = Instance::new(&entry);
    let fresh = first.save();
    assert!(
        !String::from_utf8_lossy(&fresh).contains(r#"consent\":true"#),
        "a new plugin has nobody's consent"
    );
    assert!(first.load(&project(true, true)));
    let saved = first.save();
    assert!(String::from_utf8_lossy(&saved).contains(r#"consent\":true"#));
    let mut second = Instance::new(&entry);
    assert!(second.load(&saved));
    assert_eq!(second.save(), saved);
    // A project from before there was a depth has the whole of it, whatever this instance had.
    let deep = framed(br#"{"version":"0.1.0","params":{"depth":{"f32":0.25}},"fields":{}}"#);
    assert!(second.load(&deep));
    assert!(String::from_utf8_lossy(&second.save()).contains(r#""depth":{"f32":0.25}"#));
    assert!(second.load(&saved));
    assert!(String::from_utf8_lossy(&second.save()).contains(r#""depth":{"f32":1.0}"#));
    assert_eq!(second.save(), saved);
    // Into an active plugin too, which must go on.
    let mut running = second.start(48_000.0, 512);
    assert!(second.load(&fresh));
    running.exact(&mut vec![vec![0.25; 512]; 2]);
    second.stop(running);
    assert_eq!(second.save(), fresh);
}

#[test]
fn a_state_that_is_rubbish_or_from_the_future_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    let good = project(true, true);
    let mut dice = Dice(0x5EED_0002);
    let mut states: Vec<Vec<u8>> = vec![
        vec![],
        b"{".to_vec(),
        b"null".to_vec(),
        vec![0; 1_000],
        vec![0xFF; 100_000],
        framed(br#"{"version":"99.0.0","params":{"aura":{"f32":1e39}},"fields":{"panel":"[1,2,3]"}}"#),
        framed(
            br#"{"version":"","params":{"bypass":{"f32":0.5}},"fields":{"panel":"{\"form\":7,\"settings\":{\"consent\":true}}"}}"#,
        ),
        u64::MAX.to_le_bytes().to_vec(),
    ];
    states.extend((0..good.len()).step_by(17).map(|end| good[..end].to_vec()));
    states.extend((8..good.len()).step_by(17).map(|end| framed(&good[8..end])));
    states.extend((0..200).map(|_| {
        let mut state = good.clone();
        for _ in 0..=dice.below(6) {
            let at = 8 + dice.below(state.len() - 8);
            state[at] = dice.next() as u8;
        }
        state
    }));
    for state in &states {
        instance.load(state);
        let mut running = instance.start(48_000.0, 64);
        running.exact(&mut dice.block(2, 64));
        instance.stop(running);
        // What was kept can be saved and loaded again.
        let kept = instance.save();
        assert!(instance.load(&kept));
    }
    instance.load(&states[6]);
    assert!(
        !String::from_utf8_lossy(&instance.save()).contains(r#"consent\":true"#),
        "consent of an unknown form"
    );
}

#[test]
fn parameters_say_what_they_are_and_bear_a_flood() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    instance.agree();
    let params: PluginParams = instance.params();
    let handle = instance.plugin.plugin_handle();
    let count = params.count(&handle);
    let mut ids = Vec::new();
    for index in 0..count {
        let mut buffer = ParamInfoBuffer::new();
        let info = params.get_info(&handle, index, &mut buffer).unwrap();
        assert!(info.min_value <= info.default_value && info.default_value <= info.max_value);
        let value = params.get_value(&handle, info.id).unwrap();
        assert!((info.min_value..=info.max_value).contains(&value));
        let mut text = [0; 128];
        let text = params.value_to_text(&handle, info.id, value, &mut text).unwrap();
        let text = std::ffi::CString::new(text.to_vec()).unwrap();
        assert_eq!(params.text_to_value(&handle, info.id, &text), Some(value));
        ids.push((info.id, info.flags.contains(ParamInfoFlags::IS_BYPASS)));
    }
    let unique: std::collections::HashSet<_> = ids.iter().map(|(id, _)| id.get()).collect();
    assert_eq!(unique.len(), ids.len());
    assert_eq!(
        ids.iter().filter(|(_, bypass)| *bypass).count(),
        1,
        "one bypass: {ids:?}"
    );
    // The framework (0.4.2) compares with `>` and panics one past the end; the door does not let it come to that.
    for index in [count, count + 1, u32::MAX] {
        assert!(
            params
                .get_info(&handle, index, &mut ParamInfoBuffer::new())
                .is_none()
        );
    }

    let mut running = instance.start(48_000.0, 256);
    let mut dice = Dice(0x5EED_0003);
    for _ in 0..300 {
        let mut events = EventBuffer::new();
        for at in 0..32 {
            let id = if dice.below(4) == 0 {
                ClapId::new(dice.next() as u32 / 2)
            } else {
                ids[dice.below(ids.len())].0
            };
            let value = [0.0, 1.0, 0.5, -3.0, 1e300][dice.below(5)];
            events.push(&ParamValueEvent::new(at * 8, id, Pckn::match_all(), value));
        }
        running.exact_with(&mut dice.block(2, 256), &events.as_input());
    }
    instance.stop(running);
}

#[test]
fn events_and_empty_blocks_and_restarts_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    instance.agree();
    let mut dice = Dice(0x5EED_0004);
    for round in 0..40 {
        let mut running = instance.start(48_000.0, 1_024);
        for _ in 0..10 {
            let frames = 1 + dice.below(1_024);
            let mut events = EventBuffer::new();
            for _ in 0..dice.below(50) {
                let at = dice.below(frames) as u32;
                let key = dice.below(128) as u16;
                events.push(&NoteOnEvent::new(
                    at,
                    Pckn::new(0_u16, 0_u16, key, u32::from(key)),
                    0.5,
                ));
                events.push(&MidiEvent::new(at, 0, [0xB0, key as u8, 64]));
            }
            events.sort();
            running.exact_with(&mut dice.block(2, frames), &events.as_input());
        }
        running.exact(&mut [vec![], vec![]]);
        running.processor.reset();
        if round % 2 == 0 {
            let stopped = running.processor.stop_processing();
            let started = stopped.start_processing().unwrap();
            instance.plugin.deactivate(started.stop_processing());
        } else {
            instance.stop(running);
        }
    }
}

#[test]
fn twenty_instances_on_other_threads_are_destroyed_while_they_score() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instances: Vec<Instance> = (0..20).map(|_| Instance::new(&entry)).collect();
    for round in 0..3_u64 {
        let start = Instant::now();
        let audio: Vec<_> = instances
            .iter_mut()
            .enumerate()
            .map(|(index, instance)| {
                instance.agree();
                let rate = [44_100.0, 48_000.0, 96_000.0][index % 3];
                let mut running = instance.start(rate, 2_048);
                std::thread::spawn(move || {
                    let mut dice = Dice(0x5EED_1000 + index as u64 + 100 * round);
                    for block in 0..150_u32 {
                        let frames = 1 + dice.below(2_048);
                        // Something like a voice, so that the engine has work when it is torn down.
                        let tone: Vec<f32> = (0..frames)
                            .map(|i| ((block * 2_048 + i as u32) as f32 * 0.02).sin() * 0.3)
                            .collect();
                        running.exact(&mut [tone.clone(), tone]);
                        std::thread::sleep(Duration::from_micros(500));
                    }
                    running
                })
            })
            .collect();
        for (instance, audio) in instances.iter_mut().zip(audio) {
            let running = audio.join().unwrap();
            instance.stop(running);
        }
        println!("round {round}: {:?}", start.elapsed());
        // Half of them go at once, with whatever the worker is doing for them; new ones come.
        instances.truncate(10);
        instances.extend((0..10).map(|_| Instance::new(&entry)));
    }
}

#[test]
fn the_validator_passes_where_it_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    let clap = folder.path().join("Undertone.clap");
    std::fs::copy(library(), &clap).unwrap();
    match Command::new("clap-validator")
        .args(["validate", "--only-failed"])
        .arg(&clap)
        .output()
    {
        Err(why) => undertone_tests::skipped(format!(
            "clap-validator is not on PATH ({why}); it is in no package registry"
        )),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success(),
                "{said}\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
            println!("{said}");
        }
    }
}

#[test]
fn the_dice_cover_what_they_should() {
    let mut dice = Dice(1);
    let samples: Vec<f32> = (0..4_000).map(|_| dice.any_sample()).collect();
    assert!(samples.iter().any(|sample| sample.is_nan()));
    assert!(samples.iter().any(|sample| sample.is_subnormal()));
    assert!(samples.iter().any(|sample| sample.is_infinite()));
    assert_ne!(bits(&[0.0]), bits(&[-0.0]));
}
