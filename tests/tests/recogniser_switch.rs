//! Changing who turns speech into words while somebody speaks. One test, as it sets the process's data folder.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tempfile::tempdir;
use undertone::{Engine, EngineConfig, Kind, Recogniser, StreamConfig, Update};
use undertone_tests::program::{run, undertone};
use undertone_tests::samples::sample;
use undertone_tests::wheels::wheel;

#[test]
fn switching_live_loses_no_sound() {
    let Some(wheel) = wheel("moonshine_voice") else {
        return;
    };
    let home = tempdir().unwrap();
    let mut add = undertone(home.path());
    run(add.args(["models", "add", "moonshine", "--from"]).arg(&wheel)).expect(0);
    // SAFETY: the only test of this program, and no other thread has been started yet that reads a variable.
    unsafe { std::env::set_var("UNDERTONE_DATA", home.path().join("data/undertone")) };

    let (rate, mut sound) = sample("demo");
    sound.truncate(rate as usize * 17);
    sound.extend(vec![0.0; rate as usize]);
    let engine = Engine::start(EngineConfig::default());
    engine.wait_ready().unwrap();
    let mut from_file = Vec::new();
    let mut session = engine.session(&StreamConfig::new("file", rate)).unwrap();
    session.push(&[&sound], &mut from_file).unwrap();
    session.finish(&mut from_file).unwrap();

    let refused = engine.set_recogniser(Recogniser::Vosk).unwrap_err().to_string();
    assert!(refused.contains("models add vosk"), "{refused}");
    assert_eq!(
        engine.recogniser(),
        Recogniser::First,
        "what cannot be had changes nothing"
    );

    let (mut tap, stream) = engine.open(&StreamConfig::new("live", rate)).unwrap();
    let updates = stream.updates(1_024);
    let player = std::thread::spawn(move || {
        let began = Instant::now();
        for (at, block) in sound.chunks(480).enumerate() {
            let due = Duration::from_secs_f64((at * 480) as f64 / f64::from(rate));
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            tap.push(&[block]);
        }
        // The tap goes here: what is being said is ended.
    });
    let mut got: Vec<Update> = Vec::new();
    while let Some(update) = updates.next_timeout(Duration::from_secs(12)) {
        if update.kind == Kind::Final {
            // There and back again, after every final; loading takes its time while the sound goes on.
            let next = match engine.recogniser() {
                Recogniser::First => Recogniser::Moonshine,
                _ => Recogniser::First,
            };
            engine.set_recogniser(next).unwrap();
        }
        got.push((*update).clone());
    }
    player.join().unwrap();

    assert_eq!(stream.losses().dropped, 0);
    let spans = |updates: &[Update]| -> Vec<(u64, i64, i64)> {
        let ms = |seconds: f64| (seconds * 1e3).round() as i64;
        let finals = updates.iter().filter(|update| update.is_final());
        let mut spans: Vec<_> = finals
            .map(|u| (u.utterance, ms(u.start_s), ms(u.end_s)))
            .collect();
        spans.sort_unstable();
        spans
    };
    assert_eq!(
        spans(&got),
        spans(&from_file),
        "every utterance, whole, exactly once"
    );
    let mut by: BTreeMap<Recogniser, usize> = BTreeMap::new();
    for update in got.iter().filter(|update| update.is_final()) {
        assert!(
            update
                .degraded
                .iter()
                .all(|word| *word != undertone::Degraded::RecogniserFailed)
        );
        *by.entry(update.text.as_ref().unwrap().recogniser.unwrap())
            .or_default() += 1;
    }
    assert!(
        by.contains_key(&Recogniser::First) && by.contains_key(&Recogniser::Moonshine),
        "{by:?}"
    );
    for last in got.iter().filter(|update| update.is_final()) {
        let of_same: Vec<_> = got.iter().filter(|u| u.utterance == last.utterance).collect();
        assert!(
            of_same.windows(2).all(|w| w[0].revision < w[1].revision),
            "revisions only grow"
        );
        assert!(of_same.last().unwrap().is_final(), "a final is the last word");
    }
}
