//! The voices of a bench: live streams fed at the pace of the sound, and when their scores came.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use undertone::{Engine, OpenError, Stream, StreamConfig, Tap, Update, Updates};

use super::machine;

/// What a microphone would deliver at a time, in seconds.
const BLOCK_S: f64 = 0.01;
/// How long silence is played to measure what it costs: a room's noise, as a microphone has it.
const SILENCE_S: f64 = 10.0;
/// Level of that noise, 60 dB under full scale.
const NOISE: f32 = 1e-3;
/// How long finals may still come after the last sound.
const AFTERGLOW: Duration = Duration::from_secs(2);
/// Pushes timed for the audio thread's figure.
const TIMED: usize = 100_000;

/// The speech that every voice speaks.
#[derive(Debug)]
pub(super) struct Sample {
    pub mono: Vec<f32>,
    pub rate: u32,
}

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub first_ms: Vec<f64>,
    pub final_ms: Vec<f64>,
    pub lost: usize,
    pub speech_s: f64,
    pub cpu: Option<f64>,
    pub cpu_silent: Option<f64>,
    pub memory_mb: Option<f64>,
    pub memory_growth_mb: Option<f64>,
    pub push_ns: Vec<f64>,
    pub copy_ns: Vec<f64>,
    pub dropped: u64,
    pub degraded: usize,
}

struct Voice {
    tap: Tap,
    stream: Stream,
    updates: Updates,
    at: usize,
    /// Utterances that were shown and have no final yet.
    open: HashSet<u64>,
}

/// Plays silence, then speech, to so many voices.
pub(super) fn play(engine: &Engine, sample: &Sample, count: u32, seconds: f64) -> Result<Run, OpenError> {
    let mut run = Run {
        push_ns: time_pushes(engine)?,
        copy_ns: time_copies(),
        ..Run::default()
    };
    let empty = machine::memory_mb();
    let mut voices = (0..count)
        .map(|number| {
            let (tap, stream) = engine.open(&StreamConfig::new(format!("voice {number}"), sample.rate))?;
            let updates = stream.updates(1_024);
            // Nobody speaks in step: each voice begins elsewhere.
            let at = sample.mono.len() / count as usize * number as usize;
            Ok(Voice {
                tap,
                stream,
                updates,
                at,
                open: HashSet::new(),
            })
        })
        .collect::<Result<Vec<_>, OpenError>>()?;

    let before = machine::others_cpu_s();
    let clock = Instant::now();
    feed(&mut voices, None, sample.rate, SILENCE_S, clock, &mut run);
    run.cpu_silent = percent(before, SILENCE_S);

    let before = machine::others_cpu_s();
    feed(
        &mut voices,
        Some(&sample.mono),
        sample.rate,
        seconds,
        clock,
        &mut run,
    );
    run.cpu = percent(before, seconds);
    run.memory_mb = machine::memory_mb();
    run.memory_growth_mb = empty.zip(run.memory_mb).map(|(before, after)| after - before);

    let silence = AFTERGLOW.as_secs_f64();
    feed(&mut voices, None, sample.rate, silence, clock, &mut run);
    run.lost = voices.iter().map(|voice| voice.open.len()).sum();
    run.dropped = voices.iter().map(|voice| voice.stream.losses().dropped).sum();
    Ok(run)
}

fn percent(before: Option<f64>, seconds: f64) -> Option<f64> {
    before
        .zip(machine::others_cpu_s())
        .map(|(before, after)| (after - before) / seconds * 100.0)
}

/// Feeds every voice in real time. The streams' clocks began with `clock`.
fn feed(voices: &mut [Voice], sound: Option<&[f32]>, rate: u32, seconds: f64, clock: Instant, run: &mut Run) {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a block of 10 ms"
    )]
    let frames = (f64::from(rate) * BLOCK_S) as usize;
    let began = clock.elapsed();
    let mut block = vec![0.0; frames];
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / 8_388_608.0 - 1.0) * NOISE
    };
    let mut played = Duration::ZERO;
    while played.as_secs_f64() < seconds {
        let now = clock.elapsed().saturating_sub(began);
        std::thread::sleep(played.saturating_sub(now));
        for voice in &mut *voices {
            for sample in &mut block {
                *sample = if let Some(sound) = sound {
                    voice.at = (voice.at + 1) % sound.len();
                    sound[voice.at]
                } else {
                    noise()
                };
            }
            voice.tap.push(&[&block]);
            while let Some(update) = voice.updates.try_next() {
                note(&update, clock.elapsed().as_secs_f64(), &mut voice.open, run);
            }
        }
        played += Duration::from_secs_f64(frames as f64 / f64::from(rate));
    }
}

fn note(update: &Arc<Update>, now_s: f64, open: &mut HashSet<u64>, run: &mut Run) {
    run.degraded += usize::from(!update.degraded.is_empty());
    if update.is_final() {
        run.final_ms.push((now_s - update.end_s) * 1e3);
        run.speech_s += update.end_s - update.start_s;
        open.remove(&update.utterance);
    } else {
        if update.revision == 0 {
            run.first_ms.push((now_s - update.start_s) * 1e3);
        }
        open.insert(update.utterance);
    }
}

/// Times single pushes of 64 stereo frames into a stream that is being listened to.
fn time_pushes(engine: &Engine) -> Result<Vec<f64>, OpenError> {
    let (mut tap, _stream) = engine.open(&StreamConfig::new("timing", 192_000))?;
    let block = [0.1_f32; 64];
    let mut times = Vec::with_capacity(TIMED);
    while times.len() < TIMED {
        if tap.room() < 64 {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        let began = Instant::now();
        tap.push(&[&block, &block]);
        times.push(began.elapsed().as_nanos() as f64);
    }
    Ok(times)
}

/// Times a plain copy of the same 64 stereo frames, the way pushes are timed: what any effect pays.
fn time_copies() -> Vec<f64> {
    let block = [0.1_f32; 64];
    let mut sink = [[0.0_f32; 64]; 2];
    (0..TIMED)
        .map(|_| {
            let began = Instant::now();
            for channel in &mut sink {
                channel.copy_from_slice(std::hint::black_box(&block));
            }
            std::hint::black_box(&sink);
            began.elapsed().as_nanos() as f64
        })
        .collect()
}
