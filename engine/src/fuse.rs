//! The voice and the words laid together: a weighted sum of log probabilities, weights that know their
//! evidence, and a flag where the two contradict each other.
//!
//! Pure: the same evidence gives the same score. Must never hide a side: what each said goes on in the update.

use undertone_models::{Fusion, LABELS, Manifest};

use crate::label::{Affect, Label, Scores, Verdict};

/// Probability that a branch gives at least to a label it never learnt, so that the other may still name it.
const FLOOR: f32 = 0.02;
/// A side is sure from this probability on.
const SURE: f32 = 0.6;
/// A side whose evidence is poorer than this cannot contradict the other.
const FIT: f32 = 0.5;
/// In a clash, the least the words weigh beside a voice whose evidence is as good. More would let them be named over
/// a voice that is as sure, and beside wrong words cost more than is promised.
const HEARD_OUT: f32 = 0.3;
/// In a clash, how many times the other's share the stronger side needs to be named.
const CLEARLY: f32 = 1.5;

/// What a pack's system does with its evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recipe {
    pub weights: Fusion,
    /// One side alone is the score, as it is.
    pub alone: bool,
    /// Labels that the voice's branch learnt, in the order of [`Label::ALL`].
    pub trained: [bool; Label::COUNT],
}

impl Recipe {
    /// How this system of this pack fuses.
    pub(crate) fn of(manifest: &Manifest, system: &str) -> Self {
        let alone = |speech: f32, text: f32, unknown_below: f32| Fusion {
            own: 0.0,
            speech,
            text,
            gamma: 0.0,
            doubt: 1.0,
            lift: 0.0,
            temperature: 1.0,
            unknown_below,
        };
        let weights = match (manifest.fusion(system), &manifest.text) {
            (Some(fusion), _) => *fusion,
            (None, Some(text)) if system == "text_only" => alone(0.0, 1.0, text.unknown_below),
            (None, _) => alone(1.0, 0.0, manifest.speech.unknown_below),
        };
        let late = manifest.late_speech.as_ref().filter(|_| system == "late");
        let trained = late
            .and_then(|late| late.trained_labels.as_ref())
            .unwrap_or(&manifest.speech.trained_labels);
        Self {
            weights,
            alone: manifest.fusion(system).is_none(),
            trained: LABELS.map(|label| trained.iter().any(|known| known == label)),
        }
    }
}

/// What one side says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Side {
    /// Calibrated.
    pub scores: Scores,
    pub affect: Affect,
    /// How good its evidence is, 0 to 1.
    pub quality: f32,
}

/// All that is known about a stretch of speech.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Evidence {
    pub voice: Option<Side>,
    pub words: Option<Side>,
    /// What the system's own graph says of both together.
    pub own: Option<Scores>,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fused {
    pub scores: Scores,
    pub affect: Affect,
    pub label: Verdict,
    pub confidence: f32,
    /// Shares of the two sides, the graph for both counted half to each; they sum to one where there is evidence at all.
    pub speech_weight: f32,
    pub text_weight: f32,
    /// Voice and words are both sure and name different feelings.
    pub clash: bool,
}

/// Lays the evidence together.
pub(crate) fn fuse(recipe: &Recipe, evidence: &Evidence) -> Fused {
    let weights = &recipe.weights;
    let (voice, words) = (evidence.voice.as_ref(), evidence.words.as_ref());
    let quality = |side: Option<&Side>| side.map_or(0.0, |side| side.quality.clamp(0.0, 1.0));
    let (quality, known) = (quality(voice), quality(words));
    // Some branches are lost in noise sooner than others.
    let heard = quality.powf(weights.doubt);
    let (speech, text) = if recipe.alone {
        let there = |weight: f32, side: Option<&Side>| if side.is_some() { weight } else { 0.0 };
        (there(weights.speech, voice), there(weights.text, words))
    } else {
        // Plain words say little about the feeling: they must not drown the voice.
        let telling = words.map_or(0.0, |words| {
            (1.0 - words.scores.of(Label::Neutral))
                .clamp(0.0, 1.0)
                .powf(weights.gamma)
        });
        // Words stand in for what cannot be heard of the voice, but never grow surer than they are alone.
        let lifted = (weights.text + weights.lift * (1.0 - quality).powi(2))
            .min(weights.text.max(weights.temperature));
        (heard * weights.speech, known * lifted * telling)
    };
    let clash = !recipe.alone && contradict(voice, words);
    let text = if clash {
        text.max(speech * known * HEARD_OUT)
    } else {
        text
    };
    // Of two opinions that contradict each other a third would hide one. It speaks where a pack weighs neither.
    let asked = !recipe.alone && (!clash || speech + text <= 0.0);
    // Bad evidence must not come in by the door of the two together.
    let own = evidence
        .own
        .filter(|_| asked)
        .map(|scores| (scores, weights.own * heard.min(known)));
    let voice_scores = voice.map(|side| {
        if recipe.alone {
            side.scores
        } else {
            side.scores.with_floor(recipe.trained, FLOOR)
        }
    });
    let parts = [
        own,
        voice_scores.map(|scores| (scores, speech)),
        words.map(|side| (side.scores, text)),
    ];
    let scores = if clash {
        mixture(&parts)
    } else {
        product(&parts, weights.temperature)
    };
    let (best, confidence) = scores.best();
    let sure = confidence >= weights.unknown_below && (!clash || clearly(&scores, voice, words));
    // The graph for both hears the voice and reads the words: half of its weight is either's.
    let half = own.map_or(0.0, |(_, weight)| weight / 2.0);
    let share = |weight: f32, all: f32| if all > 0.0 { weight / all } else { 0.0 };
    let all = speech + text + 2.0 * half;
    Fused {
        scores,
        affect: affect(
            voice,
            words,
            share(speech, speech + text),
            share(text, speech + text),
        ),
        label: if sure {
            Verdict::Known(best)
        } else {
            Verdict::Unknown
        },
        confidence,
        speech_weight: share(speech + half, all),
        text_weight: share(text + half, all),
        clash,
    }
}

type Part = Option<(Scores, f32)>;

/// The weighted sum of log probabilities.
fn product(parts: &[Part], temperature: f32) -> Scores {
    let mut sums = [0.0; Label::COUNT];
    for (scores, weight) in parts.iter().flatten() {
        for (sum, log) in sums.iter_mut().zip(scores.logs()) {
            *sum += weight * log;
        }
    }
    Scores::from_logits(&sums, temperature)
}

/// The weighted mean of probabilities: two opinions that contradict each other stay two. Their product would
/// name a third that neither holds.
fn mixture(parts: &[Part]) -> Scores {
    let mut sums = [0.0; Label::COUNT];
    for (scores, weight) in parts.iter().flatten() {
        for (sum, share) in sums.iter_mut().zip(scores.values()) {
            *sum += weight * share;
        }
    }
    Scores::from_shares(&sums)
}

fn contradict(voice: Option<&Side>, words: Option<&Side>) -> bool {
    let (Some(voice), Some(words)) = (voice, words) else {
        return false;
    };
    let ((heard, how_sure), (said, as_sure)) = (voice.scores.best(), words.scores.best());
    let fit = voice.quality >= FIT && words.quality >= FIT;
    fit && heard != said && said != Label::Neutral && how_sure > SURE && as_sure > SURE
}

/// In a clash: whether one side is clearly stronger, and the best label is its.
fn clearly(scores: &Scores, voice: Option<&Side>, words: Option<&Side>) -> bool {
    let (Some(voice), Some(words)) = (voice, words) else {
        return true;
    };
    let (best, share) = scores.best();
    let (heard, said) = (voice.scores.best().0, words.scores.best().0);
    (best == heard && share >= CLEARLY * scores.of(said))
        || (best == said && share >= CLEARLY * scores.of(heard))
}

fn affect(voice: Option<&Side>, words: Option<&Side>, speech: f32, text: f32) -> Affect {
    match (voice, words) {
        (Some(voice), Some(words)) if speech + text > 0.0 => {
            let mean = |a: f32, b: f32| a * speech + b * text;
            Affect::new([
                mean(voice.affect.valence, words.affect.valence),
                mean(voice.affect.arousal, words.affect.arousal),
                mean(voice.affect.dominance, words.affect.dominance),
            ])
        }
        (Some(one), _) | (None, Some(one)) => one.affect,
        (None, None) => Affect::default(),
    }
}

#[cfg(test)]
#[path = "fuse_tests.rs"]
mod tests;
