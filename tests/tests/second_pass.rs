//! What the real Moonshine writes about speech that never stops. One test, as it sets the process's data folder.

use tempfile::tempdir;
use undertone::{Engine, EngineConfig, Recogniser, StreamConfig, Update};
use undertone_tests::program::{run, undertone};
use undertone_tests::samples::sample;
use undertone_tests::wheels::wheel;

/// What the sample says, sentence by sentence, as plain words.
const SAID: [&str; 6] = [
    "the meeting starts at ten on the second floor",
    "oh that is wonderful news i am so happy for you",
    "what no way i can not believe this",
    "stop lying to me i hate this and i am very angry",
    "please be quiet i am so scared there is someone at the door",
    "i miss her so much it hurts and i feel so alone",
];

fn hear(engine: &Engine, rate: u32, sound: &[f32]) -> Vec<Update> {
    let config = StreamConfig {
        provisional: false,
        ..StreamConfig::new("second pass", rate)
    };
    let mut session = engine.session(&config).unwrap();
    let mut updates = Vec::new();
    for block in sound.chunks(rate as usize / 100) {
        session.push(&[block], &mut updates).unwrap();
    }
    session.finish(&mut updates).unwrap();
    updates
}

fn words(updates: &[Update]) -> Vec<String> {
    updates
        .iter()
        .filter_map(|update| update.text.as_ref())
        .flat_map(|text| &text.words)
        .flat_map(|word| {
            let plain = word
                .text
                .to_lowercase()
                .replace(|c: char| !c.is_alphanumeric() && c != '\'', "");
            // Both are right.
            let plain = plain
                .replace("cannot", "can not")
                .replace("i'm", "i am")
                .replace("10", "ten");
            plain.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// Wrong, missing and added words.
fn edits(wanted: &[&str], heard: &[String]) -> usize {
    let mut best: Vec<usize> = (0..=heard.len()).collect();
    for (row, word) in wanted.iter().enumerate() {
        let mut corner = std::mem::replace(&mut best[0], row + 1);
        for (at, other) in heard.iter().enumerate() {
            let here = (corner + usize::from(word != other))
                .min(best[at] + 1)
                .min(best[at + 1] + 1);
            corner = std::mem::replace(&mut best[at + 1], here);
        }
    }
    best[heard.len()]
}

/// The sample without its pauses: every quiet stretch shortened to a twentieth of a second.
fn without_pauses(rate: u32, sound: &[f32]) -> Vec<f32> {
    let frame = rate as usize / 100;
    let mut quiet = 0;
    let mut dense = Vec::new();
    for part in sound.chunks(frame) {
        let loud = part.iter().any(|sample| sample.abs() > 0.015);
        quiet = if loud { 0 } else { quiet + 1 };
        if quiet <= 5 {
            dense.extend_from_slice(part);
        }
    }
    dense
}

#[test]
fn nothing_is_lost_or_said_twice_where_speech_is_cut() {
    let Some(wheel) = wheel("moonshine_voice") else {
        return;
    };
    let home = tempdir().unwrap();
    let mut add = undertone(home.path());
    run(add.args(["models", "add", "moonshine", "--from"]).arg(&wheel)).expect(0);
    // SAFETY: the only test of this program, and no other thread has been started yet that reads a variable.
    unsafe { std::env::set_var("UNDERTONE_DATA", home.path().join("data/undertone")) };
    let engine = Engine::start(EngineConfig {
        recogniser: Recogniser::Moonshine,
        ..EngineConfig::default()
    });
    engine.wait_ready().unwrap();

    let (rate, sound) = sample("demo");
    speech_that_never_stops(&engine, rate, &without_pauses(rate, &sound));
}

/// Nothing is lost or said twice where an utterance is cut because it does not end.
fn speech_that_never_stops(engine: &Engine, rate: u32, once: &[f32]) {
    let times = 3;
    let updates = hear(engine, rate, &once.repeat(times));
    let cuts = updates
        .windows(2)
        .filter(|pair| (pair[1].start_s - pair[0].end_s).abs() < 1e-6)
        .count();
    assert!(cuts >= 3, "this is to be cut: {updates:?}");
    let wanted: Vec<&str> = std::iter::repeat_n(SAID, times)
        .flatten()
        .flat_map(str::split_whitespace)
        .collect();
    let heard = words(&updates);
    let wrong = edits(&wanted, &heard);
    assert!(
        wrong * 8 <= wanted.len(),
        "{wrong} of {} wrong in {heard:?}",
        wanted.len()
    );
    let times: Vec<f64> = updates
        .iter()
        .filter_map(|update| update.text.as_ref())
        .flat_map(|text| &text.words)
        .map(|word| f64::midpoint(word.start_s, word.end_s))
        .collect();
    assert!(
        times.is_sorted(),
        "words lie in the order they are said: {times:?}"
    );
}
