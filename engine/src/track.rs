//! What a stream learns as it goes: the speaker's baseline, which words have settled, how sure to be.
//!
//! Turns what the networks said about one request into an [`Update`]. Must never look ahead: the baseline
//! holds finals of the past only.

use std::sync::Arc;

use undertone_models::Speech;

use crate::label::{Affect, Scores, Verdict};
use crate::mind::{Feeling, Frames, Mind, MindError, PackInfo};
use crate::recognise::{LATER_AT_MOST, confidence};
use crate::resample::RATE;
use crate::transcript::Transcript;
use crate::update::{Degraded, Kind, Latency, SCHEMA, SpeechEvidence, TextEvidence, Update, Word};
use crate::utterance::Request;
use crate::words::Heard;

/// Speech under which an utterance says too little about the speaker to learn from, in seconds.
const LEARN_FROM_S: f64 = 0.8;
/// Utterances after which the baseline follows the speaker instead of averaging everything.
const LONGEST_MEMORY: f32 = 60.0;

/// Utterances whose finals may still be on their way; as many as wait to be heard again at most.
const MOST_ASIDE: usize = 2 * LATER_AT_MOST;

/// A sentence's worth of facts that do not come from the networks.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub stream: Arc<str>,
    pub speaker: Option<Arc<str>>,
}

/// The running mean of what this speaker sounds like.
#[derive(Debug, Clone, PartialEq)]
struct Baseline {
    mean: Vec<f32>,
    clips: f32,
}

/// One stream's memory.
#[derive(Debug)]
pub(crate) struct Track {
    origin: Origin,
    baseline: Option<Baseline>,
    utterance: u64,
    revision: u32,
    transcript: Transcript,
    /// Utterances that are over but not settled: their finals are being heard again.
    aside: Vec<Telling>,
    names: Option<Names>,
}

/// How far an utterance has been told.
#[derive(Debug)]
struct Telling {
    utterance: u64,
    revision: u32,
    transcript: Transcript,
}

/// Strings of every update, made once.
#[derive(Debug, Clone)]
struct Names {
    info: Arc<PackInfo>,
    runtime: Arc<str>,
    pack: Arc<str>,
    system: Arc<str>,
}

impl Track {
    pub(crate) fn new(origin: Origin) -> Self {
        Self {
            origin,
            baseline: None,
            utterance: u64::MAX,
            revision: 0,
            transcript: Transcript::default(),
            aside: Vec::new(),
            names: None,
        }
    }

    /// Scores a request and learns from it if it is a final.
    pub(crate) fn settle(
        &mut self,
        mind: &Mind,
        request: &Request,
        frames: &Frames,
        latency: Latency,
        emitted_s: f64,
        mut degraded: Vec<Degraded>,
    ) -> Result<Update, MindError> {
        self.turn_to(request.utterance);
        let width = mind.manifest.speech.stats_width;
        let (past, clips) = match &self.baseline {
            Some(baseline) if baseline.mean.len() == width => (baseline.mean.clone(), baseline.clips),
            _ => (vec![0.0; width], 0.0),
        };
        let feeling = mind.feel(frames, &past, clips)?;
        let seconds = (request.end - request.start) as f64 / f64::from(RATE);
        if request.kind == Kind::Final && seconds >= LEARN_FROM_S && !request.clipped {
            self.learn(&feeling, past, clips);
        }
        let speech = &mind.manifest.speech;
        let scores = Scores::from_logits(&feeling.logits, temperature(speech, seconds));
        let (best, confidence) = scores.best();
        let label = if confidence >= speech.unknown_below {
            Verdict::Known(best)
        } else {
            Verdict::Unknown
        };
        if request.clipped {
            degraded.push(Degraded::Clipped);
        }
        let text = frames
            .units
            .as_ref()
            .map(|units| self.text(&units.words, request, frames));
        let names = self.names(&mind.info);
        let update = Update {
            schema: SCHEMA,
            stream: Arc::clone(&self.origin.stream),
            speaker: self.origin.speaker.clone(),
            utterance: request.utterance,
            revision: self.revision,
            kind: request.kind,
            start_s: seconds_of(request.start),
            end_s: seconds_of(request.end),
            emitted_s,
            label,
            scores,
            affect: Affect::new(feeling.affect),
            confidence,
            speech: Some(SpeechEvidence {
                scores,
                weight: 1.0,
                baseline_clips: clips,
            }),
            text,
            toxicity: None,
            latency_ms: latency,
            runtime: names.runtime,
            pack: names.pack,
            system: names.system,
            degraded,
        };
        self.revision += 1;
        Ok(update)
    }

    /// A final that is heard again comes when the next utterance may have begun: each goes on where it was.
    fn turn_to(&mut self, utterance: u64) {
        if self.utterance == utterance {
            return;
        }
        let left = Telling {
            utterance: self.utterance,
            revision: self.revision,
            transcript: std::mem::take(&mut self.transcript),
        };
        if self.aside.len() >= MOST_ASIDE {
            self.aside.remove(0);
        }
        self.aside.push(left);
        let known = self
            .aside
            .iter()
            .position(|telling| telling.utterance == utterance);
        (self.utterance, self.revision) = (utterance, 0);
        if let Some(at) = known {
            let telling = self.aside.remove(at);
            (self.revision, self.transcript) = (telling.revision, telling.transcript);
        }
    }

    fn learn(&mut self, feeling: &Feeling, mut mean: Vec<f32>, clips: f32) {
        if feeling.stats.iter().any(|value| !value.is_finite()) {
            return;
        }
        let clips = (clips + 1.0).min(LONGEST_MEMORY);
        for (mean, new) in mean.iter_mut().zip(&feeling.stats) {
            *mean += (new - *mean) / clips;
        }
        self.baseline = Some(Baseline { mean, clips });
    }

    fn text(&mut self, heard: &[Heard], request: &Request, frames: &Frames) -> TextEvidence {
        let (words, settled) = self.transcript.hear(heard, request, frames.tentative);
        TextEvidence {
            scores: None,
            weight: 0.0,
            recogniser: frames.recogniser,
            confidence: confidence(&words),
            transcript: words
                .iter()
                .map(|word| word.text.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            words: words
                .into_iter()
                .enumerate()
                .map(|(at, word)| Word {
                    text: word.text,
                    start_s: seconds_of(word.start),
                    end_s: seconds_of(word.end),
                    confidence: word.confidence,
                    stable: at < settled,
                })
                .collect(),
        }
    }

    fn names(&mut self, info: &Arc<PackInfo>) -> Names {
        match &self.names {
            Some(names) if Arc::ptr_eq(&names.info, info) => names.clone(),
            _ => {
                let names = Names {
                    info: Arc::clone(info),
                    runtime: info.runtime.as_str().into(),
                    pack: format!("{} {}", info.name, info.version).into(),
                    system: info.system.as_str().into(),
                };
                self.names = Some(names.clone());
                names
            }
        }
    }
}

/// A place on the stream's clock, in seconds.
pub(crate) fn seconds_of(samples: u64) -> f64 {
    samples as f64 / f64::from(RATE)
}

/// How much to cool the logits of so much speech: short speech is less certain than it seems.
fn temperature(speech: &Speech, seconds: f64) -> f32 {
    #[allow(clippy::cast_possible_truncation, reason = "seconds of an utterance")]
    let seconds = seconds as f32;
    let points = &speech.temperature_short;
    let Some(after) = points.iter().position(|[at, _]| *at > seconds) else {
        return speech.temperature;
    };
    let [right_s, right_t] = points[after];
    let [left_s, left_t] = if after == 0 { points[0] } else { points[after - 1] };
    if right_s <= left_s {
        return right_t;
    }
    left_t + (right_t - left_t) * (seconds - left_s) / (right_s - left_s)
}
