//! Voice and words laid together, through the real pack: what noise, plain words, garbled words and a plain
//! contradiction do to a score. The voice is synthetic and the words are given (synthetic pairing): these tests
//! are about weights and flags, not about how well anybody's feelings are recognised.

use undertone::{Engine, EngineConfig, Label, PackInfo, Said, Session, StreamConfig, Update, Verdict};
use undertone_tests::samples::sample;
use undertone_tests::skipped;

/// Lines of `samples/demo.wav`: where they lie, what is felt, what is said.
const LINES: [(f64, f64, Label, &str); 6] = [
    (
        0.0,
        3.9,
        Label::Neutral,
        "The meeting starts at ten, on the second floor.",
    ),
    (
        3.9,
        7.8,
        Label::Happy,
        "Oh, that is wonderful news! I am so happy for you!",
    ),
    (
        7.8,
        11.8,
        Label::Surprised,
        "What? No way! I can not believe this!",
    ),
    (
        11.8,
        16.1,
        Label::Angry,
        "Stop lying to me! I hate this, and I am very angry!",
    ),
    (
        16.1,
        20.5,
        Label::Fearful,
        "Please be quiet. I am so scared. There is someone at the door.",
    ),
    (
        20.5,
        26.3,
        Label::Sad,
        "I miss her so much. It hurts, and I feel so alone.",
    ),
];

/// The engine with this system of the pack under test: the default one, or that of `UNDERTONE_TEST_PACK`.
fn engine(system: Option<&str>) -> Option<(Engine, PackInfo)> {
    let engine = Engine::start(EngineConfig {
        pack: std::env::var("UNDERTONE_TEST_PACK").ok(),
        system: system.map(ToOwned::to_owned),
        ..EngineConfig::default()
    });
    let info = (*engine.wait_ready().ok()?).clone();
    Some((engine, info))
}

/// The system that fuses by default, where the pack has one.
fn fused() -> Option<Engine> {
    let found = engine(None).filter(|(_, info)| info.reads_words && info.system != "text_only");
    if found.is_none() {
        skipped(
            "the default pack fuses no words; install one with a text branch, or name it in UNDERTONE_TEST_PACK",
        );
    }
    found.map(|(engine, _)| engine)
}

fn open(engine: &Engine, provisional: bool) -> Session {
    let config = StreamConfig {
        provisional,
        ..StreamConfig::new("fusion", 16_000)
    };
    engine.session(&config).unwrap()
}

fn voice_of(line: usize) -> Vec<f32> {
    let (rate, sound) = sample("demo");
    let (from, to, ..) = LINES[line];
    let at = |seconds: f64| (seconds * f64::from(rate)) as usize;
    sound[at(from)..at(to).min(sound.len())].to_vec()
}

/// The longest final of a line's sound with these words.
fn score(engine: &Engine, sound: &[f32], words: &str) -> Update {
    let mut session = open(engine, false);
    session.say(Said::Given(words.into()));
    let mut updates = Vec::new();
    session.push(&[sound], &mut updates).unwrap();
    session.finish(&mut updates).unwrap();
    let length = |update: &Update| update.end_s - update.start_s;
    updates.sort_by(|a, b| length(a).total_cmp(&length(b)));
    updates.pop().unwrap()
}

/// The sound with noise of the same power as its voice, times so much.
fn with_noise(sound: &[f32], times: f32) -> Vec<f32> {
    let loud: Vec<f32> = sound.iter().copied().filter(|x| x.abs() > 0.005).collect();
    let power = loud.iter().map(|x| x * x).sum::<f32>() / loud.len() as f32 * times;
    let mut state = 1_u32;
    sound
        .iter()
        .map(|x| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            x + ((state >> 8) as f32 / 8_388_608.0 - 1.0) * (3.0 * power).sqrt()
        })
        .collect()
}

#[test]
fn words_alone_name_what_they_say() {
    let Some((engine, info)) = engine(Some("text_only")) else {
        return skipped("the default pack has no text branch");
    };
    assert_eq!(info.system, "text_only");
    let right = (0..LINES.len())
        .filter(|line| {
            let update = score(&engine, &voice_of(*line), LINES[*line].3);
            assert!(update.speech.is_none());
            let text = update.text.expect("words");
            assert_eq!((text.weight, text.transcript.as_str()), (1.0, LINES[*line].3));
            update.scores.best().0 == LINES[*line].2
        })
        .count();
    assert!(right >= 4, "{right} of {}", LINES.len());
    let toxic = engine.read("you stupid fucking idiot").unwrap().unwrap().toxicity;
    let kind = engine
        .read("thank you, that was lovely")
        .unwrap()
        .unwrap()
        .toxicity;
    assert!(toxic > 0.5 && kind < 0.5, "{toxic} {kind}");
    assert!(engine.read(" … ").unwrap().is_none_or(|read| read.toxicity < 0.5));
}

#[test]
fn noise_takes_weight_from_the_voice() {
    let Some(engine) = fused() else { return };
    for (line, (.., words)) in LINES.iter().enumerate().skip(1) {
        let sound = voice_of(line);
        let (clean, noisy) = (
            score(&engine, &sound, words),
            score(&engine, &with_noise(&sound, 1.0), words),
        );
        let (before, after) = (clean.speech.as_ref().unwrap(), noisy.speech.as_ref().unwrap());
        assert!(
            after.quality < 0.7 * before.quality,
            "{line}: {} {}",
            before.quality,
            after.quality
        );
        let (before, after) = (
            clean.text.as_ref().unwrap().weight,
            noisy.text.as_ref().unwrap().weight,
        );
        assert!(after > before, "{line}: {before} {after}");
    }
}

#[test]
fn plain_words_do_not_drown_the_voice() {
    let Some(engine) = fused() else { return };
    for line in 0..LINES.len() {
        let update = score(&engine, &voice_of(line), "the train leaves from platform four");
        let (speech, text) = (update.speech.as_ref().unwrap(), update.text.as_ref().unwrap());
        assert!((speech.weight + text.weight - 1.0).abs() < 1e-4);
        assert!(text.weight < 0.35, "{line}: {text:?}");
        assert!(!update.clash);
    }
}

#[test]
fn garbled_words_count_less_than_words_that_are_some() {
    let Some(engine) = fused() else { return };
    // Recognised words carry doubt; given ones do not. So the recogniser is asked, about a voice and about a
    // voice under so much noise that what it hears is not there.
    let heard = |sound: &[f32]| {
        let mut session = open(&engine, false);
        let mut updates = Vec::new();
        session.push(&[sound], &mut updates).unwrap();
        session.finish(&mut updates).unwrap();
        let weights: Vec<f32> = updates
            .iter()
            .filter_map(|update| update.text.as_ref().and_then(|text| text.quality))
            .collect();
        weights.iter().sum::<f32>() / weights.len().max(1) as f32
    };
    let sound = voice_of(1);
    let (clear, garbled) = (heard(&sound), heard(&with_noise(&sound, 4.0)));
    assert!(garbled <= clear + 0.05, "{clear} {garbled}");
}

#[test]
fn a_planted_contradiction_is_flagged() {
    let Some(engine) = fused() else { return };
    let mut planted = 0;
    for line in 0..LINES.len() {
        let sound = voice_of(line);
        for (said, words) in [
            (Label::Happy, "I love this so much, thank you, I am so happy!"),
            (Label::Angry, "I hate you! You make me so angry! Shut up!"),
        ] {
            let update = score(&engine, &sound, words);
            let (speech, text) = (update.speech.as_ref().unwrap(), update.text.as_ref().unwrap());
            let (voice, sure) = speech.scores.best();
            let (meant, as_sure) = text.scores.unwrap().best();
            let contradict = sure > 0.6 && as_sure > 0.6 && speech.quality >= 0.5 && voice != meant;
            assert_eq!(update.clash, contradict, "{line}: {update:?}");
            if contradict {
                planted += 1;
                assert_eq!(meant, said);
                // The voice's opinion and the words' stand; nothing that neither said is named.
                assert!(text.weight > 0.2, "{line}: {update:?}");
                assert!(update.scores.of(meant) > 0.1, "{line}: {update:?}");
                let named = [Verdict::Known(voice), Verdict::Known(meant), Verdict::Unknown];
                assert!(named.contains(&update.label), "{line}: {update:?}");
            }
        }
    }
    if planted == 0 {
        skipped("the pack is sure of none of the sample's voices, so nothing can contradict them");
    }
}

#[test]
fn words_that_do_not_change_are_read_once() {
    let Some(engine) = fused() else { return };
    let mut session = open(&engine, true);
    session.say(Said::Given(LINES[1].3.into()));
    let mut updates = Vec::new();
    session.push(&[&voice_of(1)], &mut updates).unwrap();
    session.end_clip(&mut updates).unwrap();
    let readings = session.readings();
    assert!(updates.len() > 2);
    assert_eq!((readings.run, readings.saved), (1, updates.len() as u64 - 1));
}
