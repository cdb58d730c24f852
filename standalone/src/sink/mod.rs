//! Where results go: files and standard output, in the forms that people and programs read.
//!
//! A sink must never leave half a file: it writes beside its target and renames at the end.

mod cues;
mod html;
mod svg;
mod table;
mod target;
mod timeline;

use std::io;

use undertone::{Affect, Label, Scores, Update, Verdict};

pub use target::{Target, WriteError};
pub use timeline::Timeline;

use crate::cli::Format;

/// What is known of a sound before and after its analysis.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// What a person calls it.
    pub name: String,
    /// Its sample rate.
    pub rate: u32,
    /// Its length, known at the end.
    pub seconds: f64,
    /// Pack and version.
    pub pack: String,
    /// System of the pack.
    pub system: String,
    /// What ran the networks.
    pub runtime: String,
}

/// Takes the results of one sound.
pub trait Sink {
    /// Takes one score.
    fn take(&mut self, update: &Update) -> io::Result<()>;
    /// Writes what is left; from here on the result is there, whole.
    fn finish(self: Box<Self>, about: &About) -> Result<(), WriteError>;
}

/// Makes the sink for a form.
pub fn make(format: Format, target: Target, about: &About) -> Result<Box<dyn Sink>, WriteError> {
    Ok(match format {
        Format::Jsonl => Box::new(table::Jsonl::new(target)),
        Format::Csv => Box::new(table::Csv::new(target)?),
        Format::Vtt => Box::new(cues::Cues::vtt(target, about)?),
        Format::Srt => Box::new(cues::Cues::srt(target)),
        Format::Html => Box::new(html::Html::new(target)),
    })
}

/// Probability from which words are called toxic where there is no room for a figure.
const TOXIC: f32 = 0.5;

/// One score, as far as people look at it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub utterance: u64,
    pub is_final: bool,
    pub start_s: f64,
    pub end_s: f64,
    pub label: Verdict,
    pub confidence: f32,
    pub scores: Scores,
    pub affect: Affect,
    pub speaker: Option<String>,
    pub words: String,
    /// What each side said: its best label, how sure it was, and its weight.
    pub voice: Option<Part>,
    pub said: Option<Part>,
    pub clash: bool,
    pub toxicity: Option<f32>,
}

/// One side of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    pub label: Label,
    pub share: f32,
    pub weight: f32,
}

impl Part {
    fn of(scores: &Scores, weight: f32) -> Self {
        let (label, share) = scores.best();
        Self { label, share, weight }
    }

    /// `happy 81 % × 0.64`: what it said, how sure it was, how much it counted.
    pub(crate) fn in_words(&self) -> String {
        format!("{} {:.0} % × {:.2}", self.label, self.share * 100.0, self.weight)
    }
}

impl From<&Update> for Entry {
    fn from(update: &Update) -> Self {
        Self {
            utterance: update.utterance,
            is_final: update.is_final(),
            start_s: update.start_s,
            end_s: update.end_s,
            label: update.label,
            confidence: update.confidence,
            scores: update.scores,
            affect: update.affect,
            speaker: update.speaker.as_deref().map(ToOwned::to_owned),
            words: update
                .text
                .as_ref()
                .map(|text| text.transcript.clone())
                .unwrap_or_default(),
            voice: update
                .speech
                .as_ref()
                .map(|speech| Part::of(&speech.scores, speech.weight)),
            said: update
                .text
                .as_ref()
                .and_then(|text| text.scores.as_ref().map(|scores| Part::of(scores, text.weight))),
            clash: update.clash,
            toxicity: update.toxicity,
        }
    }
}

impl Entry {
    /// `voice happy 81 % × 0.64, words neutral 90 % × 0.36`, with remarks; empty where only one side counts.
    pub(crate) fn sides_in_words(&self) -> String {
        let (Some(voice), Some(said)) = (self.voice, self.said) else {
            return String::new();
        };
        let mut parts = vec![
            format!("voice {}", voice.in_words()),
            format!("words {}", said.in_words()),
        ];
        parts.extend(self.remarks().into_iter().map(ToOwned::to_owned));
        parts.join(", ")
    }

    /// Remarks on a score for a line of text: a clash, toxic words.
    pub(crate) fn remarks(&self) -> Vec<&'static str> {
        let mut remarks = Vec::new();
        if self.clash {
            remarks.push("voice and words disagree");
        }
        if self.toxicity.is_some_and(|toxicity| toxicity >= TOXIC) {
            remarks.push("toxic words");
        }
        remarks
    }

    pub(crate) fn length_s(&self) -> f64 {
        (self.end_s - self.start_s).max(0.0)
    }
}

/// How long each feeling lasted, longest first; feelings that never came are left away.
pub(crate) fn shares(finals: &[Entry]) -> Vec<(Verdict, f64)> {
    let all = Label::ALL
        .map(Verdict::Known)
        .into_iter()
        .chain([Verdict::Unknown]);
    let mut shares: Vec<_> = all
        .map(|label| {
            let lasted = finals
                .iter()
                .filter(|entry| entry.label == label)
                .map(Entry::length_s)
                .sum();
            (label, lasted)
        })
        .filter(|(_, lasted): &(Verdict, f64)| *lasted > 0.0)
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A score with the given words, for the tests of every sink.
    pub(crate) fn entry(start_s: f64, end_s: f64, label: Label, words: &str) -> Entry {
        let mut logits = [0.0; Label::COUNT];
        logits[label as usize] = 3.0;
        Entry {
            utterance: 0,
            is_final: true,
            start_s,
            end_s,
            label: Verdict::Known(label),
            confidence: 0.75,
            scores: Scores::from_logits(&logits, 1.0),
            affect: Affect::new([-0.5, 0.25, 0.0]),
            speaker: None,
            words: words.to_owned(),
            voice: None,
            said: None,
            clash: false,
            toxicity: None,
        }
    }

    #[test]
    fn shares_are_by_length_and_longest_first() {
        let finals = [
            entry(0.0, 1.0, Label::Sad, ""),
            entry(2.0, 5.0, Label::Angry, ""),
            entry(6.0, 7.5, Label::Sad, ""),
        ];
        let expected = [
            (Verdict::Known(Label::Angry), 3.0),
            (Verdict::Known(Label::Sad), 2.5),
        ];
        assert_eq!(shares(&finals), expected);
    }
}
