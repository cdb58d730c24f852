//! The plugin's whole `process`, framework included, under the guard of the audio thread: an allocation, a
//! contended lock or a system call ends the process.
//!
//! The plugin is linked here, not loaded, so that the guard's allocator is the plugin's too.
#![cfg(target_os = "linux")]

mod plugin_host;

use std::time::Duration;

use clack_host::prelude::*;
use plugin_host::{Dice, Instance, Running};
use undertone_tests::guard::{self, GuardedAllocator, Verdict};

#[global_allocator]
static ALLOCATOR: GuardedAllocator = GuardedAllocator;

fn linked() -> PluginEntry {
    // SAFETY: the entry is our own plugin's, linked into this binary.
    unsafe { PluginEntry::load_from_raw(&undertone_plugin::clap_entry, c"/undertone.clap") }.unwrap()
}

/// Not a test by itself: the guarded process starts here. Without a role there is nothing to do.
#[test]
fn guarded_process() {
    let Some(role) = guard::role() else { return };
    let entry = linked();
    let mut instance = Instance::new(&entry);
    if role != "unasked" {
        assert!(instance.load(&plugin_host::project(true, true)));
    }
    let mut running = instance.start(48_000.0, 8_192);
    // While the engine's threads work behind, so that whatever is shared is contended.
    std::thread::sleep(Duration::from_millis(300));
    let mut dice = Dice(0x5EED_0005);
    let mut blocks: Vec<[Vec<Vec<f32>>; 2]> = [1, 7, 64, 128, 441, 512, 1_024, 8_192]
        .map(|frames| [dice.block(2, frames), dice.block(2, frames)])
        .into();
    if role == "planted" {
        guard::guarded(|| {
            round(&mut running, &mut blocks);
            drop(std::hint::black_box(vec![1.0_f32; 64]));
        });
    }
    if role == "watched" {
        guard::watched(|| drop(std::hint::black_box(vec![1.0_f32; 64])));
        return;
    }
    guard::guarded(|| {
        for _ in 0..200 {
            round(&mut running, &mut blocks);
        }
    });
}

fn round(running: &mut Running, blocks: &mut [[Vec<Vec<f32>>; 2]]) {
    for [input, output] in blocks {
        running.block(input, output, &InputEvents::empty());
    }
}

#[test]
fn process_neither_allocates_nor_locks_nor_calls_the_system() {
    assert_eq!(guard::run("guarded_process", "agreed"), Verdict::Clean);
}

#[test]
fn process_before_consent_is_as_still() {
    assert_eq!(guard::run("guarded_process", "unasked"), Verdict::Clean);
}

#[test]
fn a_planted_allocation_is_caught() {
    assert_eq!(guard::run("guarded_process", "planted"), Verdict::Allocated);
}

#[test]
fn a_planted_allocation_is_caught_by_the_watch_of_the_soak_too() {
    assert_eq!(guard::run("guarded_process", "watched"), Verdict::Allocated);
}
