//! Words while they are spoken: they come before the sound is over, may change, settle, and then stay. What is
//! no speech says nothing.

use undertone::{Engine, EngineConfig, StreamConfig, Update, Word};
use undertone_tests::no_speech::{RATE, noise, tones};
use undertone_tests::samples::sample;

fn hear(name: &str, rate: u32, sound: &[f32], provisional: bool) -> Vec<Update> {
    let engine = Engine::start(EngineConfig::default());
    engine.wait_ready().unwrap();
    let mut out = Vec::new();
    let config = StreamConfig {
        provisional,
        ..StreamConfig::new(name, rate)
    };
    let mut session = engine.session(&config).unwrap();
    for block in sound.chunks(rate as usize / 100) {
        session.push(&[block], &mut out).unwrap();
    }
    session.finish(&mut out).unwrap();
    out
}

fn words(update: &Update) -> &[Word] {
    update.text.as_ref().map_or(&[], |text| &text.words)
}

fn texts(words: &[Word]) -> Vec<&str> {
    words.iter().map(|word| word.text.as_str()).collect()
}

#[test]
fn words_come_while_they_are_spoken_change_and_settle() {
    let (rate, sound) = sample("demo");
    let updates = hear("demo", rate, &sound, true);
    let length = sound.len() as f64 / f64::from(rate);
    let (mut early, mut revised, mut settled_early) = (0, 0, 0);
    let mut before: Vec<Word> = Vec::new();
    let mut utterance = u64::MAX;
    for update in &updates {
        let now = words(update);
        if update.utterance != utterance {
            (utterance, before) = (update.utterance, Vec::new());
        }
        let settled = before.iter().take_while(|word| word.stable).count();
        // What has settled stays as it is, times and all.
        assert!(now.len() >= settled, "{:?} {:?}", texts(&before), texts(now));
        assert_eq!(now[..settled], before[..settled]);
        let kept = before
            .iter()
            .zip(now)
            .take_while(|(a, b)| a.text == b.text)
            .count();
        revised += usize::from(kept < before.len());
        if update.is_final() {
            assert!(now.iter().all(|word| word.stable), "{:?}", texts(now));
        } else {
            early += usize::from(!now.is_empty() && update.emitted_s < length);
            settled_early += usize::from(now.iter().any(|word| word.stable));
        }
        for pair in now.windows(2) {
            assert!(pair[0].start_s <= pair[1].start_s + 0.05, "{:?}", texts(now));
        }
        for word in now {
            assert!(
                word.start_s <= word.end_s && (0.0..=1.0).contains(&word.confidence),
                "{word:?}"
            );
            assert!(
                word.start_s >= update.start_s - 0.3 && word.end_s <= update.emitted_s + 0.1,
                "{word:?}"
            );
        }
        before = now.to_vec();
    }
    assert!(
        early >= 3,
        "only {early} updates had words before the sound was over"
    );
    assert!(settled_early >= 1, "no word settled before its final");
    assert!(
        revised >= 1,
        "nothing was revised: this sample no longer shows what it should"
    );
}

/// Every word in a sound, provisional ones too where they are asked for.
fn said(name: &str, sound: &[f32], provisional: bool) -> Vec<String> {
    hear(name, RATE, sound, provisional)
        .iter()
        .flat_map(words)
        .map(|word| word.text.clone())
        .collect()
}

/// How long each sound is that nobody speaks in.
const SECONDS: usize = 600;

#[test]
fn ten_minutes_of_noise_hold_no_words() {
    let said = said("noise", &noise(SECONDS), true);
    assert!(said.len() <= 2, "{said:?}");
}

#[test]
fn ten_minutes_of_tones_hold_no_words() {
    // Tones are taken for a voice at times, so every hop would be scored: ten minutes go by finals alone.
    let finals = said("tones", &tones(SECONDS), false);
    assert!(finals.len() <= 2, "{finals:?}");
    let live = said("tones, live", &tones(20), true);
    assert!(live.len() <= 2, "{live:?}");
}

#[test]
fn ten_minutes_of_silence_hold_no_words() {
    let said = said("silence", &vec![0.0; SECONDS * RATE as usize], true);
    assert!(said.is_empty(), "{said:?}");
}
