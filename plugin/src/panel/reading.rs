//! What can be read out of a score as one number: for parameters, control voltages and whatever comes next.
//!
//! One table for all of them, so that a light, a host and a panel mean the same by "arousal". Everything here
//! runs on the audio thread too: it must never allocate.

use serde::{Deserialize, Serialize};
use undertone::{Label, Scored, Verdict};

use crate::signed;

/// One number of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Reading {
    /// Unpleasant to pleasant.
    Valence,
    /// Calm to excited.
    Arousal,
    /// Overpowered to in control.
    Dominance,
    /// How sure the label is.
    Confidence,
    /// One label's score.
    Score(Label),
    /// How likely somebody speaks.
    Voice,
    /// Which label it is: 0 is *unknown*, 1 the first.
    Label,
}

impl Reading {
    /// How many there are.
    pub const COUNT: usize = 6 + Label::COUNT;

    /// All of them. Their place is their number in a host: new ones are only ever added at the end.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Valence,
        Self::Arousal,
        Self::Dominance,
        Self::Confidence,
        Self::Score(Label::Neutral),
        Self::Score(Label::Happy),
        Self::Score(Label::Sad),
        Self::Score(Label::Angry),
        Self::Score(Label::Fearful),
        Self::Score(Label::Disgusted),
        Self::Score(Label::Surprised),
        Self::Voice,
        Self::Label,
    ];

    /// Its place in [`Self::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Valence => 0,
            Self::Arousal => 1,
            Self::Dominance => 2,
            Self::Confidence => 3,
            Self::Score(label) => 4 + label as usize,
            Self::Voice => 4 + Label::COUNT,
            Self::Label => 5 + Label::COUNT,
        }
    }

    /// Its name, in small letters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valence => "valence",
            Self::Arousal => "arousal",
            Self::Dominance => "dominance",
            Self::Confidence => "confidence",
            Self::Score(label) => label.name(),
            Self::Voice => "voice",
            Self::Label => "label",
        }
    }

    /// The least and the greatest value.
    pub const fn span(self) -> (f32, f32) {
        match self {
            Self::Valence | Self::Arousal | Self::Dominance => (-1.0, 1.0),
            Self::Label => (0.0, Label::COUNT as f32),
            _ => (0.0, 1.0),
        }
    }

    /// The value where nothing is known.
    pub const REST: f32 = 0.0;

    /// The value as a share of its span, 0 to 1.
    pub fn share(self, value: f32) -> f32 {
        let (low, high) = self.span();
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// The value that is this share of the span.
    pub fn at_share(self, share: f32) -> f32 {
        let (low, high) = self.span();
        let value = low + share.clamp(0.0, 1.0) * (high - low);
        if self == Self::Label { value.round() } else { value }
    }

    /// The value as a person reads it.
    pub fn text(self, value: f32) -> String {
        match self {
            Self::Valence | Self::Arousal | Self::Dominance => signed(value),
            Self::Label => label_at(value).name().to_owned(),
            _ => format!("{:.0} %", value * 100.0),
        }
    }

    /// The value that a person wrote.
    pub fn parse(self, text: &str) -> Option<f32> {
        let text = text.trim();
        let (low, high) = self.span();
        let number = |text: &str| text.trim().parse::<f32>().ok().filter(|value| value.is_finite());
        let value = match self {
            Self::Label => match Label::from_name(text) {
                Some(label) => f32::from(label as u8) + 1.0,
                None if text == Verdict::Unknown.name() => 0.0,
                None => number(text)?,
            },
            Self::Valence | Self::Arousal | Self::Dominance => number(text)?,
            _ => match text.strip_suffix('%') {
                Some(percent) => number(percent)? / 100.0,
                None => number(text)?,
            },
        };
        Some(value.clamp(low, high))
    }

    /// All values of a moment, by their place in [`Self::ALL`].
    pub fn values(score: Option<&Scored>, voice: f32) -> [f32; Self::COUNT] {
        let mut values = [Self::REST; Self::COUNT];
        values[Self::Voice.index()] = voice;
        if let Some(score) = score {
            values[Self::Valence.index()] = score.affect.valence;
            values[Self::Arousal.index()] = score.affect.arousal;
            values[Self::Dominance.index()] = score.affect.dominance;
            values[Self::Confidence.index()] = score.confidence;
            let first = Self::Score(Label::Neutral).index();
            values[first..first + Label::COUNT].copy_from_slice(score.scores.values());
            values[Self::Label.index()] = match score.label {
                Verdict::Unknown => 0.0,
                Verdict::Known(label) => f32::from(label as u8) + 1.0,
            };
        }
        for (value, reading) in values.iter_mut().zip(Self::ALL) {
            let (low, high) = reading.span();
            *value = if value.is_finite() {
                value.clamp(low, high)
            } else {
                Self::REST
            };
        }
        values
    }
}

fn label_at(value: f32) -> Verdict {
    // Between 0 and the number of labels; the cast holds the rest.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let place = value.round() as usize;
    match place.checked_sub(1).and_then(|place| Label::ALL.get(place)) {
        Some(label) => Verdict::Known(*label),
        None => Verdict::Unknown,
    }
}

impl From<Reading> for String {
    fn from(reading: Reading) -> Self {
        reading.name().to_owned()
    }
}

impl From<String> for Reading {
    /// A reading that this version does not know is valence: a newer project must still open.
    fn from(name: String) -> Self {
        Self::ALL
            .into_iter()
            .find(|reading| reading.name() == name)
            .unwrap_or(Self::Valence)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is known to be exact")]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_are_one_of_a_kind() {
        for (place, reading) in Reading::ALL.into_iter().enumerate() {
            assert_eq!(reading.index(), place);
            assert_eq!(Reading::from(reading.name().to_owned()), reading);
        }
    }

    #[test]
    fn text_and_share_lead_back() {
        for reading in Reading::ALL {
            let (low, high) = reading.span();
            for share in [0.0, 0.5, 1.0] {
                let value = reading.at_share(share);
                assert!((low..=high).contains(&value));
                let step = if reading == Reading::Label { 0.08 } else { 1e-6 };
                assert!(
                    (reading.share(value) - share).abs() <= step,
                    "{reading:?} {share}"
                );
                assert_eq!(
                    reading.parse(&reading.text(value)),
                    Some(value),
                    "{reading:?} {share}"
                );
            }
            assert_eq!(reading.parse("a lot"), None);
            assert_eq!(reading.parse("1e39"), None);
        }
    }

    #[test]
    fn nothing_has_no_sign_of_its_own() {
        for value in [-0.004, -0.0, 0.0, 0.004] {
            assert_eq!(Reading::Valence.text(value), "+0.00", "{value}");
        }
        assert_eq!(Reading::Valence.text(-0.006), "-0.01");
        assert_eq!(Reading::Dominance.text(-1.0), "-1.00");
        assert_eq!(signed(0.125), "+0.13");
    }

    #[test]
    fn nothing_known_is_rest() {
        assert_eq!(Reading::values(None, f32::NAN), [Reading::REST; Reading::COUNT]);
    }
}
