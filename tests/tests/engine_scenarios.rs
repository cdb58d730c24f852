//! What happens to an engine in a long life: streams that come and go, silence, a start in mid-word, a voice
//! that is too loud, a worker that is asked for more than it can do.

use std::time::{Duration, Instant};

use undertone::{Degraded, Engine, EngineConfig, StreamConfig, Update, Verdict};
use undertone_tests::samples::sample;

fn ready() -> Engine {
    let engine = Engine::start(EngineConfig::default());
    engine.wait_ready().unwrap();
    engine
}

fn hear(engine: &Engine, rate: u32, sound: &[f32]) -> Vec<Update> {
    let mut out = Vec::new();
    let mut session = engine.session(&StreamConfig::new("scenario", rate)).unwrap();
    session.push(&[sound], &mut out).unwrap();
    session.finish(&mut out).unwrap();
    out
}

#[cfg(target_os = "linux")]
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_streams_come_and_go_and_leave_nothing() {
    let engine = ready();
    let block = [0.05_f32; 480];
    let visit = |times: usize| {
        for _ in 0..times {
            let (mut tap, stream) = engine.open(&StreamConfig::new("guest", 48_000)).unwrap();
            let _updates = stream.updates(16);
            tap.push(&[&block]);
        }
    };
    visit(100);
    std::thread::sleep(Duration::from_millis(100));
    let before = resident_kb();
    visit(900);
    std::thread::sleep(Duration::from_millis(100));
    let grown = resident_kb().saturating_sub(before);
    assert!(grown < 8_192, "{grown} kB more after 900 streams");
}

#[test]
fn ten_minutes_of_silence_say_nothing_and_the_clock_is_right() {
    let engine = ready();
    let mut session = engine.session(&StreamConfig::new("silence", 16_000)).unwrap();
    let (second, mut out) = (vec![0.0; 16_000], Vec::new());
    for _ in 0..600 {
        session.push(&[&second], &mut out).unwrap();
    }
    assert!((session.clock_s() - 600.0).abs() < 0.1, "{}", session.clock_s());
    session.finish(&mut out).unwrap();
    assert!(out.is_empty(), "{out:?}");
}

#[test]
fn a_stream_that_starts_in_the_middle_of_a_word_is_scored() {
    let engine = ready();
    let (rate, sound) = sample("neutral");
    let whole = hear(&engine, rate, &sound);
    let onset = whole[0].start_s + 0.4;
    let cut = &sound[(onset * f64::from(rate)) as usize..];
    let finals = hear(&engine, rate, cut)
        .into_iter()
        .filter(Update::is_final)
        .count();
    assert!(finals >= 1);
}

#[test]
fn a_distorted_voice_is_called_distorted_and_teaches_no_baseline() {
    let engine = ready();
    let (rate, sound) = sample("neutral");
    let loud: Vec<f32> = sound
        .iter()
        .map(|sample| (sample * 40.0).clamp(-1.0, 1.0))
        .collect();
    let twice = [loud.as_slice(), &vec![0.0; rate as usize], loud.as_slice()].concat();
    let out = hear(&engine, rate, &twice);
    assert!(
        out.iter()
            .any(|update| update.degraded.contains(&Degraded::Clipped))
    );
    let clips: Vec<_> = out
        .iter()
        .filter_map(|u| u.speech.as_ref().map(|speech| speech.baseline_clips))
        .collect();
    assert!(clips.iter().all(|clips| *clips == 0.0), "{clips:?}");
}

#[test]
fn what_is_no_voice_is_scored_as_unknown_if_at_all() {
    let engine = ready();
    // A tone that swells and fades like syllables: the detector takes it for a voice.
    let buzz: Vec<f32> = (0..5 * 16_000)
        .map(|i| {
            let t = i as f32 / 16_000.0;
            let swell = 0.55 + 0.45 * (25.0 * t).sin();
            0.2 * swell * (std::f32::consts::TAU * 230.0 * t).sin().signum()
        })
        .collect();
    let sound = [vec![0.0; 8_000], buzz, vec![0.0; 16_000]].concat();
    let updates = hear(&engine, 16_000, &sound);
    for update in updates.iter().filter(|update| update.is_final()) {
        assert_eq!(update.label, Verdict::Unknown, "{update:?}");
        assert!(
            update.degraded.contains(&Degraded::UnfamiliarVoice),
            "{:?}",
            update.degraded
        );
    }
    assert!(
        !updates.is_empty(),
        "nothing was taken for a voice: the test shows nothing"
    );
}

#[test]
fn a_speaker_is_learnt_from_finals_of_the_past_only() {
    let engine = ready();
    let (rate, sound) = sample("neutral");
    let pause = vec![0.0; rate as usize];
    let three = [&sound[..], &pause, &sound, &pause, &sound].concat();
    let out = hear(&engine, rate, &three);
    let finals: Vec<_> = out.iter().filter(|update| update.is_final()).collect();
    assert!(finals.len() >= 3);
    let known = |update: &Update| update.speech.as_ref().unwrap().baseline_clips;
    assert_eq!(known(finals[0]), 0.0, "nothing is known at first hearing");
    assert!(known(finals.last().unwrap()) >= 1.0);
    assert!(finals.windows(2).all(|pair| known(pair[0]) <= known(pair[1])));
}

#[test]
fn sound_that_comes_faster_than_time_is_counted_as_lost_and_the_clock_stays_true() {
    let engine = ready();
    let (mut tap, stream) = engine.open(&StreamConfig::new("flood", 16_000)).unwrap();
    let block = [0.0_f32; 1_600];
    for _ in 0..100 {
        tap.push(&[&block]);
    }
    assert!(stream.losses().dropped > 0);
    let mut latest = stream.latest();
    let deadline = Instant::now() + Duration::from_secs(3);
    loop {
        let clock = latest.read().clock_s;
        if (clock - 10.0).abs() < 0.01 {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "the clock stands at {clock} s instead of 10"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
