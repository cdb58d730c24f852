//! The scripted minute that the pictures show: what is said, how it feels, and the updates of it.
//!
//! No claim about any recording; the same every time.

use undertone::{
    Affect, Degraded, Kind, Label, Latency, Scores, SpeechEvidence, TextEvidence, Update, Verdict, Word,
};

use super::Scene;

/// One utterance of the scripted minute: start, end, label, sureness, words.
const SCRIPT: &[(f64, f64, Label, f32, &str)] = &[
    (
        3.0,
        7.5,
        Label::Neutral,
        0.71,
        "so this is the second take of the scene",
    ),
    (
        10.0,
        15.0,
        Label::Happy,
        0.83,
        "oh that is wonderful news I cannot believe it",
    ),
    (18.5, 21.0, Label::Surprised, 0.64, "wait you did what"),
    (
        24.0,
        31.0,
        Label::Angry,
        0.78,
        "I told you twice not to open that door",
    ),
    (34.0, 38.0, Label::Fearful, 0.41, "somebody is out there"),
    (
        42.0,
        48.0,
        Label::Sad,
        0.74,
        "he left without saying anything at all",
    ),
    (
        52.0,
        58.2,
        Label::Happy,
        0.76,
        "but then he came back and we laughed about it",
    ),
];

fn scores(label: Label, sure: f32, second: Label) -> Scores {
    let rest = 1.0 - sure;
    // Uneven, as real scores are.
    let mut logits = [0.12, 0.06, 0.10, 0.04, 0.08, 0.05, 0.05].map(|share: f32| (share * rest).ln());
    logits[second as usize] = (rest * 0.5).ln();
    logits[label as usize] = sure.ln();
    Scores::from_logits(&logits, 1.0)
}

fn affect(label: Label, wobble: f32) -> Affect {
    let (valence, arousal, dominance) = match label {
        Label::Neutral => (0.05, -0.1, 0.1),
        Label::Happy => (0.68, 0.46, 0.4),
        Label::Sad => (-0.58, -0.5, -0.5),
        Label::Angry => (-0.55, 0.66, 0.6),
        Label::Fearful => (-0.5, 0.4, -0.6),
        Label::Disgusted => (-0.6, 0.1, 0.2),
        Label::Surprised => (0.2, 0.72, 0.0),
    };
    Affect::new([
        valence + 0.16 * wobble.sin(),
        arousal + 0.13 * (wobble * 1.7).cos(),
        dominance,
    ])
}

fn second(label: Label) -> Label {
    match label {
        Label::Neutral => Label::Sad,
        Label::Sad | Label::Surprised => Label::Fearful,
        Label::Angry => Label::Disgusted,
        Label::Happy | Label::Fearful => Label::Surprised,
        Label::Disgusted => Label::Angry,
    }
}

/// All updates of a scene.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a script of a minute"
)]
pub fn updates(scene: Scene) -> Vec<Update> {
    let mut all = Vec::new();
    if matches!(
        scene,
        Scene::Heard | Scene::Consent | Scene::Loading | Scene::Failed | Scene::Declined
    ) {
        return all;
    }
    for (utterance, &(start_s, end_s, label, sure, text)) in SCRIPT.iter().enumerate() {
        let last = utterance + 1 == SCRIPT.len();
        let sure = if last && scene == Scene::Unknown {
            0.31
        } else {
            sure
        };
        let words: Vec<&str> = text.split(' ').collect();
        let steps = ((end_s - start_s) / 0.25) as usize;
        for step in 1..=steps {
            let share = step as f64 / steps as f64;
            let ready = sure * (0.55 + 0.45 * share as f32);
            let heard = (words.len() as f64 * share) as usize;
            let is_final = step == steps && !last;
            let transcript = words[..heard]
                .iter()
                .enumerate()
                .map(|(index, word)| Word {
                    text: (*word).to_owned(),
                    start_s: start_s + index as f64 * 0.4,
                    end_s: start_s + index as f64 * 0.4 + 0.35,
                    confidence: 0.9,
                    stable: is_final || index + 3 < heard,
                })
                .collect();
            let voice = scores(label, (ready * 1.08).min(0.95), second(label));
            let said = scores(second(label), 0.34, label);
            let mut update = Update::blank("script");
            update.utterance = utterance as u64;
            update.kind = if is_final { Kind::Final } else { Kind::Provisional };
            update.start_s = start_s;
            update.end_s = start_s + (end_s - start_s) * share;
            update.label = if ready < 0.45 {
                Verdict::Unknown
            } else {
                Verdict::Known(label)
            };
            update.scores = scores(label, ready, second(label));
            update.affect = affect(label, step as f32 * 0.5 + utterance as f32);
            update.confidence = update.scores.best().1;
            update.clash = scene == Scene::Clash && last;
            update.speech = Some(SpeechEvidence {
                scores: voice,
                weight: 0.7,
                quality: 1.0,
                baseline_clips: 4.0,
            });
            update.text = Some(TextEvidence {
                scores: Some(said),
                weight: 0.3,
                recogniser: None,
                confidence: 0.9,
                quality: None,
                transcript: words[..heard].join(" "),
                words: transcript,
            });
            update.toxicity = Some(0.04);
            update.latency_ms = Latency {
                capture: 12.0,
                queue: 4.0,
                trunk: 86.0,
                text: 21.0,
                fuse: 1.0,
                total: 148.0,
            };
            if scene == Scene::Stalled {
                update.degraded.push(Degraded::HopsLengthened);
            }
            all.push(update);
        }
    }
    all
}
