//! One score with everything that makes it honest: span, age, finality, confidence, evidence, provider.
//!
//! This is what leaves the process, one JSON object a line. Fields are only ever added; `SCHEMA` grows when
//! one changes its meaning. The committed schema is `engine/schema/update.schema.json`.

use std::sync::Arc;

use serde::Serialize;

use crate::label::{Affect, Scores, Verdict};
use crate::mood::Mood;
use crate::recognise::Recogniser;

/// Version of the update's form.
pub const SCHEMA: u32 = 1;

/// Whether a score may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The utterance is still going on, or its final is still being made.
    Provisional,
    /// The utterance is over; comes exactly once for each.
    Final,
}

/// One score of one utterance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Update {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The stream's name.
    pub stream: Arc<str>,
    /// Who speaks, where the caller knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<Arc<str>>,
    /// Number of the utterance in its stream, from 0.
    pub utterance: u64,
    /// Number of this update in its utterance, from 0; only grows.
    pub revision: u32,
    /// Whether it may still change.
    pub kind: Kind,
    /// Where the utterance begins, in seconds of the stream's own clock.
    pub start_s: f64,
    /// Where the scored speech ends; of a final, the utterance.
    pub end_s: f64,
    /// Where the stream's clock stood when this was emitted.
    pub emitted_s: f64,
    /// The label, or *unknown*.
    pub label: Verdict,
    /// Fused scores.
    pub scores: Scores,
    /// Fused affect.
    pub affect: Affect,
    /// What the stream has felt like over its last utterances.
    pub mood: Mood,
    /// Calibrated probability that `label` (or, for *unknown*, the best label) is right.
    pub confidence: f32,
    /// Voice and words are both sure and name different feelings, as in sarcasm.
    pub clash: bool,
    /// What the voice said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech: Option<SpeechEvidence>,
    /// What the words said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextEvidence>,
    /// Probability that the words are toxic, where the pack can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toxicity: Option<f32>,
    /// Where the time between sound and score went.
    pub latency_ms: Latency,
    /// What ran the networks, such as `rten/cpu`.
    pub runtime: Arc<str>,
    /// The pack's name and version.
    pub pack: Arc<str>,
    /// The system that fused.
    pub system: Arc<str>,
    /// What is worse than it should be at the moment; empty when all is well.
    pub degraded: Vec<Degraded>,
}

impl Update {
    /// An update of this stream that says nothing yet, for who feeds a display without an engine: tests, pictures.
    pub fn blank(stream: &str) -> Self {
        let none: Arc<str> = "".into();
        Self {
            schema: SCHEMA,
            stream: stream.into(),
            speaker: None,
            utterance: 0,
            revision: 0,
            kind: Kind::Provisional,
            start_s: 0.0,
            end_s: 0.0,
            emitted_s: 0.0,
            label: Verdict::Unknown,
            scores: Scores::default(),
            affect: Affect::default(),
            mood: Mood::default(),
            confidence: 0.0,
            clash: false,
            speech: None,
            text: None,
            toxicity: None,
            latency_ms: Latency::default(),
            runtime: Arc::clone(&none),
            pack: Arc::clone(&none),
            system: none,
            degraded: Vec::new(),
        }
    }

    /// Seconds from the end of the scored speech to the emission.
    pub fn age_s(&self) -> f64 {
        self.emitted_s - self.end_s
    }

    /// Whether the utterance is settled.
    pub fn is_final(&self) -> bool {
        self.kind == Kind::Final
    }
}

/// The voice's part in a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpeechEvidence {
    /// Scores from the voice alone.
    pub scores: Scores,
    /// Its weight in the fused score, 0 to 1.
    pub weight: f32,
    /// How good its evidence is, 0 to 1: noise, clipping, short speech and a narrow band lower it.
    pub quality: f32,
    /// How much of the speaker's own past the voice was compared with, in utterances.
    pub baseline_clips: f32,
}

/// The words' part in a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TextEvidence {
    /// Scores from the words alone, where the pack has a text branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    /// Its weight in the fused score, 0 to 1.
    pub weight: f32,
    /// Who heard the words; nobody, where the caller gave them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recogniser: Option<Recogniser>,
    /// How sure the recogniser is of the whole, 0 to 1; low where it hears a language that it does not know.
    pub confidence: f32,
    /// How good its evidence is, 0 to 1, where the words are read: doubtful, few or foreign words lower it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<f32>,
    /// The words as one line.
    pub transcript: String,
    /// The words with their times.
    pub words: Vec<Word>,
}

/// One recognised word.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Word {
    /// As it is written.
    pub text: String,
    /// Where it begins, on the stream's clock.
    pub start_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// The recogniser's probability for it.
    pub confidence: f32,
    /// It will not change any more.
    pub stable: bool,
}

/// Where the time between sound and score went, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Latency {
    /// From the sound to the worker: blocks, ring, resampler.
    pub capture: f32,
    /// Waiting for the inference thread.
    pub queue: f32,
    /// The speech encoder and its heads.
    pub trunk: f32,
    /// Words and text.
    pub text: f32,
    /// Fusion and tracking.
    pub fuse: f32,
    /// From the end of the scored speech to the emission.
    pub total: f32,
}

/// What is worse than it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Degraded {
    /// The machine is behind: provisional scores come less often.
    HopsLengthened,
    /// The machine is further behind: provisional scores come without words.
    PartialWordsDropped,
    /// Sound was lost because the worker did not keep up.
    Overflow,
    /// Sound that was not a number was replaced by silence.
    NonFinite,
    /// The recogniser asked for failed on this utterance: its words are the first pass's.
    RecogniserFailed,
    /// The input is at full scale so often that the voice is distorted.
    Clipped,
    /// The voice is unlike those of the people whom the pack learnt from: it counts for less, or for nothing.
    UnfamiliarVoice,
}
