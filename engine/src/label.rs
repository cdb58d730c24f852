//! What can be felt: labels, the scores of a label set, and the affect axes.
//!
//! A [`Scores`] always sums to one; there is no way to make one that does not.

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

/// An emotion the engine can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Label {
    Neutral,
    Happy,
    Sad,
    Angry,
    Fearful,
    Disgusted,
    Surprised,
}

impl Label {
    /// How many there are.
    pub const COUNT: usize = 7;

    /// All of them, in the order of every score set.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Neutral,
        Self::Happy,
        Self::Sad,
        Self::Angry,
        Self::Fearful,
        Self::Disgusted,
        Self::Surprised,
    ];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Happy => "happy",
            Self::Sad => "sad",
            Self::Angry => "angry",
            Self::Fearful => "fearful",
            Self::Disgusted => "disgusted",
            Self::Surprised => "surprised",
        }
    }

    /// The label with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What the engine says: a label, or honestly that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Verdict {
    /// Confidence is under the pack's threshold.
    #[default]
    Unknown,
    /// The best label, with enough confidence to say it.
    Known(Label),
}

impl Verdict {
    /// Its name on the wire; *unknown* is a name like the others there.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Known(label) => label.name(),
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A probability for every label; they sum to one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores([f32; Label::COUNT]);

impl Scores {
    /// From a network's logits, cooled by a temperature. Logits that are not finite count as impossible.
    pub fn from_logits(logits: &[f32; Label::COUNT], temperature: f32) -> Self {
        let finite = |x: f32| if x.is_finite() { x } else { f32::MIN };
        let best = logits.iter().copied().map(finite).fold(f32::MIN, f32::max);
        let mut values = logits.map(|x| ((finite(x) - best) / temperature).exp());
        let sum: f32 = values.iter().sum();
        for value in &mut values {
            *value /= sum;
        }
        Self(values)
    }

    /// From shares that need not sum to one yet. What is negative or not a number counts as nothing; without
    /// any share, every label alike.
    pub(crate) fn from_shares(shares: &[f32; Label::COUNT]) -> Self {
        let shares = shares.map(|x| if x.is_finite() { x.max(0.0) } else { 0.0 });
        let sum: f32 = shares.iter().sum();
        if sum > 0.0 && sum.is_finite() {
            Self(shares.map(|share| share / sum))
        } else {
            Self::default()
        }
    }

    /// Log probabilities, all of them finite.
    pub(crate) fn logs(&self) -> [f32; Label::COUNT] {
        self.0.map(|share| share.max(1e-12).ln())
    }

    /// At least so much for every label that was never learnt; the rest gives way.
    pub(crate) fn with_floor(&self, trained: [bool; Label::COUNT], floor: f32) -> Self {
        let mut shares = self.0;
        for (share, trained) in shares.iter_mut().zip(trained) {
            if !trained {
                *share = share.max(floor);
            }
        }
        Self::from_shares(&shares)
    }

    /// The probability of one label.
    pub const fn of(&self, label: Label) -> f32 {
        self.0[label as usize]
    }

    /// The most probable label and its probability.
    pub fn best(&self) -> (Label, f32) {
        Label::ALL.into_iter().map(|label| (label, self.of(label))).fold(
            (Label::Neutral, f32::MIN),
            |best, next| {
                if next.1 > best.1 { next } else { best }
            },
        )
    }

    /// All probabilities, in the order of [`Label::ALL`].
    pub const fn values(&self) -> &[f32; Label::COUNT] {
        &self.0
    }
}

impl Default for Scores {
    /// No evidence: every label alike.
    fn default() -> Self {
        Self::from_logits(&[0.0; Label::COUNT], 1.0)
    }
}

impl Serialize for Scores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Label::COUNT))?;
        for label in Label::ALL {
            map.serialize_entry(label.name(), &self.of(label))?;
        }
        map.end()
    }
}

/// Where a feeling lies on the three axes, each within −1 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Affect {
    /// Unpleasant to pleasant.
    pub valence: f32,
    /// Calm to excited.
    pub arousal: f32,
    /// Overpowered to in control.
    pub dominance: f32,
}

impl Affect {
    /// From a network's output, held within the axes; what is not finite counts as the middle.
    pub fn new([valence, arousal, dominance]: [f32; 3]) -> Self {
        let hold = |x: f32| if x.is_finite() { x.clamp(-1.0, 1.0) } else { 0.0 };
        Self {
            valence: hold(valence),
            arousal: hold(arousal),
            dominance: hold(dominance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn scores_always_sum_to_one(logits in prop::array::uniform7(prop::num::f32::ANY), t in 0.05f32..20.0) {
            let scores = Scores::from_logits(&logits, t);
            let sum: f32 = scores.values().iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-4, "{scores:?}");
            prop_assert!(scores.values().iter().all(|p| (0.0..=1.0).contains(p)));
        }
    }

    #[test]
    fn names_come_back() {
        for label in Label::ALL {
            assert_eq!(Label::from_name(label.name()), Some(label));
        }
        assert_eq!(Label::from_name("unknown"), None);
    }

    #[test]
    fn the_order_is_the_packs_order() {
        assert_eq!(Label::ALL.map(Label::name), undertone_models::LABELS);
    }
}
