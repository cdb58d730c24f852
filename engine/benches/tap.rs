//! What a block costs the audio thread beyond a plain copy: 64 stereo frames into the tap, against copying
//! the same 64 frames of two channels.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "the macros' own items; a bench may fail loudly"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use undertone::{Engine, EngineConfig, StreamConfig};

fn tap(c: &mut Criterion) {
    let left: Vec<f32> = (0..64).map(|i| (i as f32 * 0.1).sin()).collect();
    let right = left.clone();
    let mut group = c.benchmark_group("64 stereo frames");
    group.bench_function("plain copy", |b| {
        let mut sink = [[0.0_f32; 64]; 2];
        b.iter(|| {
            sink[0].copy_from_slice(black_box(&left));
            sink[1].copy_from_slice(black_box(&right));
            black_box(&sink);
        });
    });
    group.bench_function("push, ring being emptied", |b| {
        let engine = Engine::start(EngineConfig::default());
        // The highest rate has the longest ring, so that most pushes really write.
        let (mut tap, _stream) = engine.open(&StreamConfig::new("bench", 384_000)).unwrap();
        b.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            let mut left_over = rounds;
            while left_over > 0 {
                // As many as fit are timed; the wait for the worker is not.
                let now = left_over.min((tap.room() / 64) as u64);
                let began = Instant::now();
                for _ in 0..now {
                    tap.push(&[black_box(&left), black_box(&right)]);
                }
                spent += began.elapsed();
                left_over -= now;
                std::thread::sleep(Duration::from_millis(1));
            }
            spent
        });
    });
    group.bench_function("push, ring full", |b| {
        let engine = Engine::start(EngineConfig::default());
        let (mut tap, stream) = engine.open(&StreamConfig::new("bench", 8_000)).unwrap();
        drop(stream);
        b.iter(|| tap.push(&[black_box(&left), black_box(&right)]));
    });
    group.finish();
}

criterion_group!(benches, tap);
criterion_main!(benches);
