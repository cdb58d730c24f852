//! The newest state of a stream, for threads that must not wait: the audio thread and the GUI.
//!
//! Each reader has its own triple buffer, so reading is one atomic swap. Nothing in a [`Snapshot`] owns
//! memory; what needs memory (words) goes through the update channel instead.

use std::time::{Duration, Instant};

use crate::label::{Affect, Scores, Verdict};
use crate::update::{Kind, Update};

/// What the stream is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activity {
    /// The models are still being loaded; audio is already taken in.
    #[default]
    Loading,
    /// Nobody speaks.
    Silent,
    /// Somebody speaks.
    Speaking,
    /// The inference thread does not answer; old scores must not be shown as new.
    Stalled,
    /// The stream cannot be scored; see [`crate::Engine::state`] or [`crate::Stream::failure`].
    Failed,
}

/// The newest score, as far as it fits without memory of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Number of the utterance.
    pub utterance: u64,
    /// Number of the update in it.
    pub revision: u32,
    /// Whether it may still change.
    pub kind: Kind,
    /// Where the scored speech begins, on the stream's clock.
    pub start_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// The label, or *unknown*.
    pub label: Verdict,
    /// Fused scores.
    pub scores: Scores,
    /// Fused affect.
    pub affect: Affect,
    /// Calibrated probability.
    pub confidence: f32,
}

impl From<&Update> for Scored {
    fn from(update: &Update) -> Self {
        Self {
            utterance: update.utterance,
            revision: update.revision,
            kind: update.kind,
            start_s: update.start_s,
            end_s: update.end_s,
            label: update.label,
            scores: update.scores,
            affect: update.affect,
            confidence: update.confidence,
        }
    }
}

/// The newest state of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// What the stream is doing.
    pub activity: Activity,
    /// The newest score, if there has been one.
    pub score: Option<Scored>,
    /// Where the stream's clock stands.
    pub clock_s: f64,
    /// Peak of the newest audio, linear.
    pub peak: f32,
    /// Root mean square of the newest audio, linear.
    pub rms: f32,
    /// Probability that the newest audio is voice.
    pub voice: f32,
    /// When this was written; the worker writes many times a second, so an old one means trouble.
    pub written: Instant,
}

impl Snapshot {
    /// How long the worker may be silent before its last word counts as old.
    pub const FRESH: Duration = Duration::from_secs(2);

    pub(crate) fn start() -> Self {
        Self {
            activity: Activity::Loading,
            score: None,
            clock_s: 0.0,
            peak: 0.0,
            rms: 0.0,
            voice: 0.0,
            written: Instant::now(),
        }
    }

    /// Whether the worker has been silent for too long at this time.
    pub fn is_stale(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.written) > Self::FRESH
    }

    /// Seconds since the end of the newest scored speech, on the stream's clock.
    pub fn score_age_s(&self) -> Option<f64> {
        self.score.map(|score| self.clock_s - score.end_s)
    }
}

/// A reader of the newest state. Wait-free; one for each thread that reads.
#[derive(Debug)]
pub struct Latest(triple_buffer::Output<Snapshot>);

impl Latest {
    /// The newest state.
    pub fn read(&mut self) -> &Snapshot {
        self.0.read()
    }
}

/// The writing side of all readers of a stream.
#[derive(Debug, Default)]
pub(crate) struct Readers(Vec<triple_buffer::Input<Snapshot>>);

impl Readers {
    pub(crate) fn add(&mut self, now: &Snapshot) -> Latest {
        let (input, output) = triple_buffer::triple_buffer(now);
        self.0.push(input);
        Latest(output)
    }

    pub(crate) fn write(&mut self, snapshot: Snapshot) {
        for input in &mut self.0 {
            input.write(snapshot);
        }
    }
}
