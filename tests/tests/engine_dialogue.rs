//! Two people in one conversation, each on a channel of their own, as `samples/script.csv` has it; and devices that
//! are not what they say: a clock that drifts, a rate that changes in the middle of a word.

use std::fs;

use undertone::{Engine, EngineConfig, StreamConfig, Update};
use undertone_app::sound::{Origin, Sound};
use undertone_tests::samples::{folder, sample};
use undertone_tests::sounds::at_rate;

fn ready() -> Engine {
    let engine = Engine::start(EngineConfig::default());
    engine.wait_ready().unwrap();
    engine
}

/// Rate and channels of a recording.
fn channels(name: &str) -> (u32, Vec<Vec<f32>>) {
    let origin = Origin::from_argument(&folder().join(name));
    let mut sound = Sound::open(&origin, None).unwrap();
    let mut all: Vec<Vec<f32>> = Vec::new();
    while let Some(block) = sound.next_block().unwrap() {
        all.resize(block.len(), Vec::new());
        for (channel, part) in all.iter_mut().zip(block) {
            channel.extend_from_slice(part);
        }
    }
    (sound.rate(), all)
}

/// What is said in a recording: channel, speaker, from, to.
fn script(name: &str) -> Vec<(usize, String, f64, f64)> {
    let text = fs::read_to_string(folder().join("script.csv")).unwrap();
    let fields = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    fields
        .filter(|field| field[0] == name)
        .map(|field| {
            let number = |at: usize| field[at].parse::<f64>().unwrap();
            (
                field[1].parse().unwrap(),
                field[2].to_owned(),
                number(3),
                number(4),
            )
        })
        .collect()
}

fn finals(engine: &Engine, config: &StreamConfig, parts: &[(u32, &[f32])]) -> Vec<Update> {
    let mut session = engine.session(config).unwrap();
    let mut out = Vec::new();
    for (rate, sound) in parts {
        session.set_rate(*rate).unwrap();
        session.push(&[sound], &mut out).unwrap();
    }
    session.finish(&mut out).unwrap();
    out.retain(Update::is_final);
    out
}

#[test]
fn each_speaker_of_a_conversation_is_heard_where_they_speak_and_nowhere_else() {
    let engine = ready();
    let (rate, channels) = channels("dialogue.flac");
    let script = script("dialogue.flac");
    assert_eq!(channels.len(), 2);
    for (number, sound) in channels.iter().enumerate() {
        let lines: Vec<_> = script.iter().filter(|line| line.0 == number).collect();
        let speaker = lines[0].1.clone();
        let mut config = StreamConfig::new(format!("channel {number}"), rate);
        config.speaker = Some(speaker.clone());
        let heard = finals(&engine, &config, &[(rate, sound)]);
        assert!(
            heard
                .iter()
                .all(|update| update.speaker.as_deref() == Some(&speaker))
        );
        for (_, _, from, to) in &lines {
            let overlap = |update: &Update| (update.end_s.min(*to) - update.start_s.max(*from)).max(0.0);
            let covered: f64 = heard.iter().map(overlap).sum();
            // Pauses between sentences are no speech.
            assert!(
                covered > 0.6 * (to - from),
                "{speaker} {from}–{to}: {covered:.2} s were heard"
            );
        }
        for update in &heard {
            let own = lines
                .iter()
                .any(|line| update.start_s > line.2 - 0.5 && update.end_s < line.3 + 0.5);
            assert!(
                own,
                "{speaker} was heard at {:.2} s and did not speak",
                update.start_s
            );
        }
        // Each is compared with their own past, not with the other's.
        let known = heard.iter().map(|u| u.speech.as_ref().unwrap().baseline_clips);
        assert!(known.into_iter().all(|clips| clips <= heard.len() as f32));
    }
}

#[test]
fn a_devices_clock_that_drifts_moves_times_by_no_more_than_it_drifts() {
    let engine = ready();
    let (rate, sound) = sample("demo");
    let config = StreamConfig::new("drift", rate);
    let true_clock = finals(&engine, &config, &[(rate, &sound)]);
    // Two devices of one nominal rate, 500 millionths apart: far more than real ones.
    let fast = at_rate(&sound, rate * 2_000, rate * 2_001);
    let drifted = finals(&engine, &config, &[(rate, &fast)]);
    assert_eq!(drifted.len(), true_clock.len());
    for (a, b) in drifted.iter().zip(&true_clock) {
        assert!(
            (a.start_s - b.start_s).abs() < 0.1 + b.start_s * 5e-4,
            "{} {}",
            a.start_s,
            b.start_s
        );
        assert!((a.end_s - b.end_s).abs() < 0.1 + b.end_s * 5e-4);
    }
}

#[test]
fn a_rate_that_changes_in_the_middle_of_a_word_splits_nothing_and_moves_nothing() {
    let engine = ready();
    let (rate, sound) = sample("neutral");
    let config = StreamConfig::new("change", rate);
    let whole = finals(&engine, &config, &[(rate, &sound)]);
    let middle = (whole[0].start_s.midpoint(whole[0].end_s) * f64::from(rate)) as usize;
    let rest = at_rate(&sound[middle..], rate, 48_000);
    let changed = finals(&engine, &config, &[(rate, &sound[..middle]), (48_000, &rest)]);
    assert_eq!(changed.len(), whole.len(), "the utterance goes on");
    for (a, b) in changed.iter().zip(&whole) {
        assert!((a.start_s - b.start_s).abs() < 0.1 && (a.end_s - b.end_s).abs() < 0.1);
    }
}

#[test]
fn a_voice_that_is_always_loud_is_no_other_voice() {
    let engine = ready();
    let (rate, sound) = sample("neutral");
    let pause = vec![0.0; rate as usize];
    let four = [&sound[..], &pause, &sound, &pause, &sound, &pause, &sound].concat();
    let loud: Vec<f32> = four.iter().map(|sample| sample * 2.5).collect();
    let config = StreamConfig::new("loud", rate);
    let (calm, loud) = (
        finals(&engine, &config, &[(rate, &four)]),
        finals(&engine, &config, &[(rate, &loud)]),
    );
    let (calm, loud) = (calm.last().unwrap(), loud.last().unwrap());
    let apart = calm
        .scores
        .values()
        .iter()
        .zip(loud.scores.values())
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    println!(
        "{} {:?} and {} {:?}: {apart:.3} apart",
        calm.label, calm.scores, loud.label, loud.scores
    );
    assert!(apart < 0.35, "once it is known, its level is its own: {apart}");
}
