//! What the plugin costs a host: scan, opening, memory of one and of twenty instances, the audio thread.
//!
//! A process of its own, as memory is the process's. Prints the figures; fails where something is out of
//! proportion, such as a second copy of a model. Debug builds are slower, so times are only held loosely.
#![cfg(target_os = "linux")]

mod plugin_host;

use std::time::{Duration, Instant};

use clack_host::prelude::*;
use plugin_host::{Instance, load};
use undertone_tests::samples;
use undertone_tests::sounds::at_rate;

const RATE: u32 = 48_000;

/// Resident memory of this process, in MB.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kb: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kb / 1_024.0
}

/// One second of a voice through every instance, at its own pace.
fn speak(running: &mut [plugin_host::Running], sound: &[f32], rate: u32) {
    let start = Instant::now();
    for (index, block) in sound.chunks(rate as usize / 50).enumerate() {
        for one in &mut *running {
            one.exact(&mut [block.to_vec(), block.to_vec()]);
        }
        let due = Duration::from_millis(20) * (index as u32 + 1);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
}

#[test]
fn twenty_instances_cost_one_model() {
    let (rate, sound) = samples::sample("neutral");
    let (rate, sound) = (RATE, at_rate(&sound, rate, RATE));
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(plugin_host::library(), folder.path().join("Undertone.clap")).unwrap();
    let bare = resident_mb();

    let start = Instant::now();
    let entry = load(folder.path());
    assert_eq!(entry.get_plugin_factory().unwrap().plugin_count(), 1);
    let scan = start.elapsed();
    let scanned = resident_mb();

    let mut instances = Vec::new();
    let mut running = Vec::new();
    let mut opened = Vec::new();
    let mut open = |instances: &mut Vec<Instance>, running: &mut Vec<plugin_host::Running>| {
        let start = Instant::now();
        let mut instance = Instance::new(&entry);
        instance.agree();
        running.push(instance.start(f64::from(rate), 8_192));
        instances.push(instance);
        opened.push(start.elapsed());
    };
    open(&mut instances, &mut running);
    // Until its models are loaded and it has scored.
    speak(&mut running, &sound, rate);
    speak(&mut running, &sound, rate);
    let one = resident_mb();
    while instances.len() < 20 {
        open(&mut instances, &mut running);
    }
    speak(&mut running, &sound, rate);
    let twenty = resident_mb();
    let each = (twenty - one) / 19.0;
    println!(
        "scan {scan:?}; opening the first {:?}, the twentieth {:?}",
        opened[0], opened[19]
    );
    println!(
        "memory: bare {bare:.0} MB, scanned {scanned:.0}, one instance {one:.0}, twenty {twenty:.0}: \
         {each:.1} for each further one"
    );

    // At its own pace: blocks that do not fit into the ring would be cheaper than those that do.
    let block = Duration::from_secs_f64(64.0 / f64::from(rate));
    let mut output = vec![vec![0.0_f32; 64]; 2];
    let begun = Instant::now();
    let mut times = Vec::new();
    for (index, part) in sound.chunks_exact(64).enumerate() {
        std::thread::sleep((block * index as u32).saturating_sub(begun.elapsed()));
        let mut input = [part.to_vec(), part.to_vec()];
        let start = Instant::now();
        running[0].block(&mut input, &mut output, &InputEvents::empty());
        times.push(start.elapsed());
    }
    times.sort();
    let at = |share: f64| times[(times.len() as f64 * share) as usize];
    let share = |time: Duration| time.as_secs_f64() / block.as_secs_f64() * 100.0;
    println!(
        "{} blocks of 64 in process: median {:?}, p99.9 {:?}: {:.2} % and {:.2} % of real time at {rate} Hz (copy included)",
        times.len(),
        at(0.5),
        at(0.999),
        share(at(0.5)),
        share(at(0.999)),
    );
    for (instance, running) in instances.iter_mut().zip(running) {
        instance.stop(running);
    }
    let start = Instant::now();
    drop(instances);
    println!(
        "closing all: {:?}; memory afterwards {:.0} MB",
        start.elapsed(),
        resident_mb()
    );
    assert!(
        each < 8.0,
        "{each:.1} MB for each further instance: is a model there twice?"
    );
    assert!(scan < Duration::from_millis(500), "{scan:?}");
}
