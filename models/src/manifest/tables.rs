//! The manifest's tables about the graphs: widths, calibration, alphabets, weights.

use serde::{Deserialize, Serialize};

/// How the trunk cuts time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trunk {
    /// Samples from one frame to the next.
    pub frame_stride: usize,
    /// The shortest input the graph takes, in samples.
    pub min_samples: usize,
    /// Samples that the first frame sees.
    pub receptive_field: usize,
}

/// The speech emotion head and its calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speech {
    /// Labels the head was really trained on.
    pub trained_labels: Vec<String>,
    /// Divides the logits of a final.
    pub temperature: f32,
    /// `[seconds of speech, temperature]` for scores of shorter speech, linear in between.
    #[serde(default)]
    pub temperature_short: Vec<[f32; 2]>,
    /// Confidence under which the label is *unknown*.
    pub unknown_below: f32,
    /// Accuracy above that threshold, measured on dev speakers.
    #[serde(default)]
    pub selective_accuracy: Option<f32>,
    /// Share of utterances above that threshold, measured on dev speakers.
    #[serde(default)]
    pub selective_coverage: Option<f32>,
    /// Width of the trunk's `mix` output.
    pub mix_width: usize,
    /// Width of the head's `stats` output.
    pub stats_width: usize,
    /// How many utterances' weight the population mean has in the speaker's baseline.
    #[serde(default = "default_prior")]
    pub prior_clips: f32,
}

fn default_prior() -> f32 {
    5.0
}

/// The alphabet of the words head, and of its phones where it tells them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// Characters or pieces by index; index 0 is the CTC blank.
    pub alphabet: Vec<String>,
    /// Phones by index of the second output; index 0 is the CTC blank. Empty where there is no such output.
    #[serde(default)]
    pub phones: Vec<String>,
    /// Trunk frames that one output frame covers.
    #[serde(default = "one")]
    pub frames_per: usize,
    /// A file of the pack that helps to spell.
    #[serde(default)]
    pub lexicon: Option<String>,
}

fn one() -> usize {
    1
}

/// The writer, which spells what was said token by token, and what its graphs' numbers mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The file with the tokens: for each its length (one byte, or two from 128 on) and its bytes. 0 is unknown, 1
    /// begins a row, 2 ends it, the others are text; one that begins a word begins with U+2581.
    pub tokens: String,
    /// The most tokens of a row, the one that begins it included.
    pub longest: usize,
    /// Numbers that are remembered of each token as keys, and as many as values: layers × heads × each head's.
    pub width: usize,
}

/// The text branch and its calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// The file with the pieces of words, one a line, numbered from 0.
    pub vocab: String,
    /// The most tokens a run may take, those around the text included.
    pub longest: usize,
    /// Divides the logits.
    pub temperature: f32,
    /// Confidence under which the label is *unknown*, where the text is judged alone.
    pub unknown_below: f32,
    /// Labels the branch was really trained on.
    pub trained_labels: Vec<String>,
}

/// The speech branch of system `late`, which hears the sound itself and not the trunk's frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LateSpeech {
    /// Labels the branch was really trained on; those of the speech head where nothing is said.
    #[serde(default)]
    pub trained_labels: Option<Vec<String>>,
    /// The shortest sound the graph takes, in samples.
    pub min_samples: usize,
    /// Width of its `stats` output.
    pub stats_width: usize,
    /// How many utterances' weight the population mean has in the speaker's baseline.
    #[serde(default = "default_prior")]
    pub prior_clips: f32,
    /// Divides the logits of a final.
    pub temperature: f32,
    /// `[seconds of speech, temperature]` for scores of shorter speech, linear in between.
    #[serde(default)]
    pub temperature_short: Vec<[f32; 2]>,
    /// Confidence under which the label is *unknown*.
    pub unknown_below: f32,
}

/// How strange a voice may be before the speech head is not believed any more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Familiar {
    /// Up to here a voice is like those of people.
    pub usual: f32,
    /// From here on what is heard is none of theirs.
    pub strange: f32,
}

/// How a system lays its evidence together: a weighted sum of log probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fusion {
    /// Weight of the system's own graph; `late` has none.
    #[serde(default)]
    pub own: f32,
    /// Weight of the voice.
    pub speech: f32,
    /// Weight of the words.
    pub text: f32,
    /// How fast the words lose weight as they are plain: (1 − p(neutral)) to this power.
    pub gamma: f32,
    /// How fast the voice loses weight as its evidence gets poorer: its quality to this power.
    #[serde(default = "evenly")]
    pub doubt: f32,
    /// What the words' weight gains where the voice is poorly heard: this times the square of what its quality
    /// lacks, up to the weight at which words alone would be as sure as they are.
    #[serde(default)]
    pub lift: f32,
    /// Divides the sum.
    pub temperature: f32,
    /// Confidence under which the label is *unknown*.
    pub unknown_below: f32,
}

fn evenly() -> f32 {
    1.0
}
