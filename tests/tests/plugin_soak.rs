//! The plugin for as long as one likes: twenty instances on threads of their own, random blocks, rates, channels and
//! states, floods of parameters, instances that go while they are scored; the sound stays bit-exact, memory stays.
//!
//! `UNDERTONE_SOAK_MINUTES=30` gives every instance that much sound (as fast as it goes); without it every instance
//! gets some seconds. `UNDERTONE_SOAK_CYCLES=N` opens and closes N instances one after another in `open_and_close`,
//! to be run under valgrind or heaptrack.
#![cfg(target_os = "linux")]

mod plugin_host;

use std::time::{Duration, Instant};

use clack_extensions::render::{PluginRender, RenderMode};
use clack_host::events::Pckn;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;
use clack_host::utils::ClapId;
use plugin_host::{Dice, Instance, Running, load, project, project_with};
use serde_json::json;
use undertone_tests::samples;

const INSTANCES: usize = 20;

/// Sound that one round gives each instance, in seconds.
const ROUND_S: f64 = 5.0;

const RATES: [f64; 6] = [44_100.0, 48_000.0, 96_000.0, 16_000.0, 22_050.0, 192_000.0];

fn from_environment(name: &str) -> Option<f64> {
    std::env::var(name)
        .ok()
        .map(|value| value.parse().expect("a number"))
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

/// A project that a plugin might find: mostly good, sometimes garbled, with everything switched on by chance.
fn some_project(dice: &mut Dice) -> Vec<u8> {
    let flip = |dice: &mut Dice| dice.below(2) == 0;
    let mut state = match dice.below(4) {
        0 => project(flip(dice), flip(dice)),
        _ => project_with(&json!({
            "consent": dice.below(8) != 0,
            "midi": { "on": flip(dice), "channel": dice.below(16), "first": 1 + dice.below(20), "fine": flip(dice), "notes": flip(dice) },
            "wiring": {
                "ear": if dice.below(6) == 0 { "sidechain" } else { "track" },
                "voltage": { "on": flip(dice), "left": "arousal", "right": "label" },
            },
        })),
    };
    if dice.below(5) == 0 {
        let at = 8 + dice.below(state.len() - 8);
        state[at] = dice.next() as u8;
    }
    state
}

/// One round of one instance, on an audio thread.
fn round(running: &mut Running, channels: usize, rate: f64, voice: &[f32], seed: u64) -> f64 {
    let mut dice = Dice(seed | 1);
    let (mut done, mut at) = (0.0, dice.below(voice.len()));
    let fixed = [0, 64, 441, 512, 2_048][dice.below(5)];
    while done < ROUND_S {
        let frames = if fixed > 0 { fixed } else { 1 + dice.below(2_048) };
        let mut input = if dice.below(40) == 0 {
            dice.block(channels, frames)
        } else {
            let block: Vec<f32> = voice.iter().copied().cycle().skip(at).take(frames).collect();
            at = (at + frames) % voice.len();
            vec![block; channels]
        };
        let mut events = EventBuffer::new();
        if dice.below(50) == 0 {
            for time in 0..frames.min(64) as u32 {
                let id = ClapId::new(dice.next() as u32 / 2);
                events.push(&ParamValueEvent::new(time, id, Pckn::match_all(), 0.5));
            }
        }
        running.exact_with(&mut input, &events.as_input());
        if dice.below(300) == 0 {
            running.exact(&mut vec![vec![]; channels]);
            running.processor.reset();
        }
        done += frames as f64 / rate;
    }
    done
}

#[test]
fn twenty_instances_for_as_long_as_one_likes() {
    let minutes = from_environment("UNDERTONE_SOAK_MINUTES").unwrap_or(0.2);
    let (_, voice) = samples::sample("neutral");
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut dice = Dice(0x5EED_50AC);
    let start = Instant::now();
    let rounds = ((minutes * 60.0 / ROUND_S).ceil() as u64).max(2);
    let mut instances: Vec<Instance> = Vec::new();
    let (mut audio_s, mut early) = (0.0, None);
    for number in 0..rounds {
        while instances.len() < INSTANCES {
            instances.push(Instance::new(&entry));
        }
        let mut threads = Vec::new();
        for (index, instance) in instances.iter_mut().enumerate() {
            // The first always listens; what the others do is chance. A garbled project may be refused.
            let state = if index == 0 {
                project(true, true)
            } else {
                some_project(&mut dice)
            };
            instance.load(&state);
            let channels = [2, 1, 2, 6, 8][dice.below(5)];
            instance.channels(channels);
            // Offline the worker is waited for, so that one in ten scores all that it gets.
            let handle = instance.plugin.plugin_handle();
            let render: Option<PluginRender> = handle.get_extension();
            if let Some(render) = render {
                let offline = index == 0 || dice.below(10) == 0;
                let mode = if offline {
                    RenderMode::Offline
                } else {
                    RenderMode::Realtime
                };
                render.set(&handle, mode).unwrap();
            }
            let rate = RATES[dice.below(RATES.len())];
            let mut running = instance.start(rate, 2_048);
            let (voice, seed) = (voice.clone(), dice.next());
            threads.push(std::thread::spawn(move || {
                let done = round(&mut running, channels as usize, rate, &voice, seed);
                (running, done)
            }));
        }
        // While they play: saves and, sometimes, another project.
        for instance in &mut instances {
            if dice.below(3) == 0 {
                let saved = instance.save();
                assert!(instance.load(&saved));
            }
            instance.idle();
        }
        for (instance, thread) in instances.iter_mut().zip(threads) {
            let (running, done) = thread.join().unwrap();
            audio_s += done;
            instance.stop(running);
        }
        // Some go at once, with whatever the worker is doing for them.
        instances.truncate(INSTANCES - dice.below(INSTANCES));
        if number == rounds / 4 {
            early = Some(resident_mb());
        }
        if start.elapsed() > Duration::from_secs(5) && number % 30 == 0 {
            println!("round {number} of {rounds}: {:.0} MB", resident_mb());
        }
    }
    let late = resident_mb();
    println!(
        "{rounds} rounds, {:.1} minutes of sound in all ({:.1} each) in {:?}; memory {:.0} MB after a quarter, {late:.0} at \
         the end, {:.0} with all closed",
        audio_s / 60.0,
        rounds as f64 * ROUND_S / 60.0,
        start.elapsed(),
        early.unwrap_or(late),
        {
            drop(instances);
            resident_mb()
        }
    );
    let growth = late - early.unwrap_or(late);
    assert!(growth < 60.0, "memory grew by {growth:.0} MB");
}

#[test]
fn open_and_close() {
    let cycles = from_environment("UNDERTONE_SOAK_CYCLES").unwrap_or(3.0) as usize;
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    for _ in 0..cycles {
        let mut instance = Instance::new(&entry);
        assert!(instance.load(&project(false, true)));
        let mut running = instance.start(48_000.0, 512);
        running.exact(&mut vec![vec![0.25; 512]; 2]);
        instance.stop(running);
        instance.save();
    }
}
