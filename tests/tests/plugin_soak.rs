//! The plugin for as long as one likes: twenty instances on threads of their own, random blocks, rates, channels and
//! states, floods of parameters, instances that go while they are scored; the sound stays bit-exact, no audio thread
//! allocates, memory stays.
//!
//! `UNDERTONE_SOAK_MINUTES=30` plays for that long by the clock, as fast as it goes; without it every instance gets
//! some seconds. `UNDERTONE_SOAK_INSTANCES=N` takes fewer or more than twenty. `UNDERTONE_SOAK_CYCLES=N` opens and
//! closes N instances one after another in `open_and_close`. All of them may run under valgrind or heaptrack.
//!
//! The plugin is linked here, not loaded, so that the guard's allocator is the plugin's too.
#![cfg(target_os = "linux")]

mod plugin_host;

use std::time::{Duration, Instant};

use clack_extensions::render::{PluginRender, RenderMode};
use clack_host::events::Pckn;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;
use clack_host::utils::ClapId;
use plugin_host::{Dice, Instance, Running, project, project_with};
use serde_json::json;
use undertone_tests::guard::{self, GuardedAllocator};
use undertone_tests::samples;

#[global_allocator]
static ALLOCATOR: GuardedAllocator = GuardedAllocator;

/// Rounds that are played however short the time.
const LEAST_ROUNDS: usize = 3;

/// Sound that one round gives each instance, in seconds.
const ROUND_S: f64 = 5.0;

const RATES: [f64; 6] = [44_100.0, 48_000.0, 96_000.0, 16_000.0, 22_050.0, 192_000.0];

fn linked() -> PluginEntry {
    // SAFETY: the entry is our own plugin's, linked into this binary.
    unsafe { PluginEntry::load_from_raw(&undertone_plugin::clap_entry, c"/undertone.clap") }.unwrap()
}

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

/// What was seen after a round, with every instance stopped.
struct Seen {
    at: Duration,
    instances: usize,
    /// What the process holds of the computer's memory.
    resident_mb: f64,
    /// What of it is in use: the rest is kept by the allocator for later.
    used_mb: f64,
}

/// How memory went on after the first quarter, as MB an hour by least squares.
fn slope(seen: &[Seen]) -> f64 {
    let later = &seen[seen.len() / 4..];
    let mean = |of: &dyn Fn(&Seen) -> f64| later.iter().map(of).sum::<f64>() / later.len() as f64;
    let hours = |one: &Seen| one.at.as_secs_f64() / 3_600.0;
    let (x, y) = (mean(&hours), mean(&|one| one.used_mb));
    let spread: f64 = later.iter().map(|one| (hours(one) - x).powi(2)).sum();
    let both: f64 = later.iter().map(|one| (hours(one) - x) * (one.used_mb - y)).sum();
    if spread > 0.0 { both / spread } else { 0.0 }
}

/// Settings, channels and mode of an instance for the next round, and its start.
fn prepare(instance: &mut Instance, first: bool, dice: &mut Dice) -> (Running, usize, f64) {
    // The first always listens; what the others do is chance. A garbled project may be refused.
    let state = if first {
        project(true, true)
    } else {
        some_project(dice)
    };
    instance.load(&state);
    let channels = [2, 1, 2, 6, 8][dice.below(5)];
    instance.channels(channels);
    // Offline the worker is waited for, so that one in ten scores all that it gets.
    let handle = instance.plugin.plugin_handle();
    let render: Option<PluginRender> = handle.get_extension();
    if let Some(render) = render {
        let offline = first || dice.below(10) == 0;
        let mode = if offline {
            RenderMode::Offline
        } else {
            RenderMode::Realtime
        };
        render.set(&handle, mode).unwrap();
    }
    let rate = RATES[dice.below(RATES.len())];
    (instance.start(rate, 2_048), channels as usize, rate)
}

#[test]
fn twenty_instances_for_as_long_as_one_likes() {
    let minutes = from_environment("UNDERTONE_SOAK_MINUTES").unwrap_or(0.0);
    let count = from_environment("UNDERTONE_SOAK_INSTANCES").unwrap_or(20.0) as usize;
    let (_, voice) = samples::sample("neutral");
    let entry = linked();
    let mut dice = Dice(0x5EED_50AC);
    let start = Instant::now();
    let mut instances: Vec<Instance> = Vec::new();
    let (mut audio_s, mut opened, mut rounds) = (0.0, 0, Vec::new());
    while rounds.len() < LEAST_ROUNDS || start.elapsed().as_secs_f64() < minutes * 60.0 {
        while instances.len() < count {
            instances.push(Instance::new(&entry));
            opened += 1;
        }
        let mut threads = Vec::new();
        for (index, instance) in instances.iter_mut().enumerate() {
            let (mut running, channels, rate) = prepare(instance, index == 0, &mut dice);
            let (voice, seed) = (voice.clone(), dice.next());
            threads.push(std::thread::spawn(move || {
                let done = round(&mut running, channels, rate, &voice, seed);
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
        rounds.push(Seen {
            at: start.elapsed(),
            instances: instances.len(),
            resident_mb: resident_mb(),
            used_mb: guard::in_use_mb(),
        });
        // Some go at once, with whatever the worker is doing for them.
        instances.truncate(count - dice.below(count));
        if let Some(now) = rounds.last().filter(|_| rounds.len() % 20 == 0) {
            let (used, resident) = (now.used_mb, now.resident_mb);
            println!(
                "{:.0?}: round {}, {used:.0} MB in use, {resident:.0} resident",
                now.at,
                rounds.len()
            );
        }
    }
    // Not the first: the models may still be coming.
    let at = |share: f64| &rounds[(((rounds.len() - 1) as f64 * share) as usize).max(1)];
    let full = rounds.iter().map(|one| one.instances).max().unwrap_or_default();
    println!(
        "{} rounds of {full} instances in {:.1} minutes, {opened} opened, {:.1} minutes of sound",
        rounds.len(),
        start.elapsed().as_secs_f64() / 60.0,
        audio_s / 60.0,
    );
    for (name, share) in [("a quarter", 0.25), ("half", 0.5), ("all", 1.0)] {
        let one = at(share);
        println!(
            "after {name}: {:.0} MB in use, {:.0} resident",
            one.used_mb, one.resident_mb
        );
    }
    let slope = slope(&rounds);
    drop(instances);
    println!(
        "{slope:+.1} MB an hour in use; with all closed {:.1} MB in use, {:.0} resident",
        guard::in_use_mb(),
        resident_mb()
    );
    let growth = at(1.0).used_mb - at(0.25).used_mb;
    assert!(growth < 60.0, "memory in use grew by {growth:.0} MB");
}

#[test]
fn open_and_close() {
    let cycles = from_environment("UNDERTONE_SOAK_CYCLES").unwrap_or(3.0) as usize;
    let entry = linked();
    for cycle in 0..cycles {
        let mut instance = Instance::new(&entry);
        // Every other one listens, so that models come and go too.
        assert!(instance.load(&project(cycle % 2 == 1, true)));
        let mut running = instance.start(48_000.0, 512);
        running.exact(&mut vec![vec![0.25; 512]; 2]);
        instance.stop(running);
        instance.save();
    }
    // The plugin waits for a thread that still loads for five seconds at most, and under valgrind loading takes longer:
    // give it the time to end by itself, or what it holds looks lost.
    let patience = Instant::now() + Duration::from_mins(2);
    while cycles > 3 && guard::in_use_mb() > 5.0 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("{:.1} MB in use with all closed", guard::in_use_mb());
}
