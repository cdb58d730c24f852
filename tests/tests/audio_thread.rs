//! The audio thread is holy: `Tap::push` and `Latest::read` under the guard, and the guard under test.
#![cfg(target_os = "linux")]

use std::hint::black_box;
use std::sync::Mutex;
use std::time::Duration;

use undertone::{Engine, EngineConfig, StreamConfig};
use undertone_tests::guard::{self, GuardedAllocator, Verdict};

#[global_allocator]
static ALLOCATOR: GuardedAllocator = GuardedAllocator;

/// Not a test by itself: the guarded process starts here. Without a role there is nothing to do.
#[test]
fn guarded_process() {
    let Some(role) = guard::role() else { return };
    match role.as_str() {
        "push" => push_into_a_live_stream(),
        "allocate" => guard::guarded(|| drop(black_box(vec![1.0_f32; 64]))),
        "system call" => guard::guarded(|| {
            black_box(std::process::id());
            std::thread::yield_now();
        }),
        "lock" => lock_against_another_thread(),
        other => panic!("no such role: {other}"),
    }
}

/// A live stream with its worker running at full tilt behind, so that anything shared is contended; blocks
/// of every size; overflow too, as the ring holds two seconds and this pushes an hour in no time.
fn push_into_a_live_stream() {
    let engine = Engine::start(EngineConfig::default());
    let (mut tap, stream) = engine.open(&StreamConfig::new("guarded", 48_000)).unwrap();
    let mut latest = stream.latest();
    let mut left: Vec<f32> = (0..8_192).map(|i| (i as f32 * 0.05).sin() * 0.3).collect();
    let right = left.clone();
    left[77] = f32::NAN;
    let sizes = [1, 7, 32, 64, 128, 441, 512, 1_024, 4_096, 8_192];
    std::thread::sleep(Duration::from_millis(300));
    guard::guarded(|| {
        for round in 0..20_000 {
            let frames = sizes[round % sizes.len()];
            tap.push(&[&left[..frames], &right[..frames]]);
            black_box(latest.read());
            black_box(tap.losses());
        }
    })
}

fn lock_against_another_thread() {
    static LOCK: Mutex<u64> = Mutex::new(0);
    std::thread::spawn(|| {
        loop {
            let mut held = LOCK.lock().unwrap();
            *held += 1;
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    std::thread::sleep(Duration::from_millis(50));
    guard::guarded(|| {
        for _ in 0..100_000 {
            *LOCK.lock().unwrap() += 1;
        }
    })
}

#[test]
fn pushing_and_reading_neither_allocate_nor_lock_nor_call_the_system() {
    assert_eq!(guard::run("guarded_process", "push"), Verdict::Clean);
}

#[test]
fn the_guard_catches_an_allocation() {
    assert_eq!(guard::run("guarded_process", "allocate"), Verdict::Allocated);
}

#[test]
fn the_guard_catches_a_system_call() {
    assert_eq!(guard::run("guarded_process", "system call"), Verdict::SystemCall);
}

#[test]
fn the_guard_catches_a_contended_lock() {
    assert_eq!(guard::run("guarded_process", "lock"), Verdict::SystemCall);
}
