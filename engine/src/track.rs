//! What a stream learns as it goes: the speaker's baseline, which words have settled, how sure to be.
//!
//! Turns what the networks said about one request into an [`Update`]. Must never look ahead: the baseline
//! holds finals of the past only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::baseline::Baseline;
use crate::cleanup;
use crate::fuse::{Evidence, Fused, Side, fuse};
use crate::label::{Affect, Scores, Verdict};
use crate::mind::{Feeling, Frames, Mind, MindError, PackInfo, UNFAMILIAR};
use crate::mood::Moods;
use crate::profile::{Profile, ProfileError};
use crate::quality;
use crate::recognise::{LATER_AT_MOST, confidence};
use crate::resample::RATE;
use crate::said::{Readings, Said};
use crate::steady::Steady;
use crate::stream::ms;
use crate::text::Read;
use crate::transcript::Transcript;
use crate::update::{Degraded, Kind, Latency, SCHEMA, SpeechEvidence, TextEvidence, Update, Word};
use crate::utterance::Request;
use crate::words::Heard;
use crate::writing;

/// Speech under which an utterance says too little about the speaker to learn from, in seconds.
const LEARN_FROM_S: f64 = 0.8;

/// Utterances whose finals may still be on their way; as many as wait to be heard again at most.
const MOST_ASIDE: usize = 2 * LATER_AT_MOST;

/// A sentence's worth of facts that do not come from the networks.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub stream: Arc<str>,
    pub speaker: Option<Arc<str>>,
}

/// One stream's memory.
#[derive(Debug)]
pub(crate) struct Track {
    origin: Origin,
    baseline: Baseline,
    utterance: u64,
    revision: u32,
    transcript: Transcript,
    /// Utterances that are over but not settled: their finals are being heard again.
    aside: Vec<Telling>,
    names: Option<Names>,
    steady: Steady,
    moods: Moods,
    said: Said,
    /// The words last read, in the form they were read in, and what they said.
    read: Option<(String, Arc<Read>)>,
    pub(crate) readings: Readings,
}

/// What a request came to, before it is an update.
struct Judged {
    voice: Option<Side>,
    words: Option<Side>,
    text: Option<TextEvidence>,
    toxicity: Option<f32>,
    fused: Fused,
    /// The voice is none that the head knows anything about.
    unfamiliar: bool,
    /// Past utterances that the voice was compared with.
    clips: f32,
    read_time: Duration,
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
            baseline: Baseline::default(),
            utterance: u64::MAX,
            revision: 0,
            transcript: Transcript::default(),
            aside: Vec::new(),
            names: None,
            steady: Steady::default(),
            moods: Moods::default(),
            said: Said::default(),
            read: None,
            readings: Readings::default(),
        }
    }

    /// Where the words of the next requests come from.
    pub(crate) fn say(&mut self, said: Said) {
        self.said = said;
    }

    /// Whether what the recogniser hears is of use: as words, or as places of units.
    pub(crate) fn wants_words(&self, mind: &Mind) -> bool {
        self.said == Said::Recognised || mind.pools()
    }

    /// What was learnt about the speaker; `None` where nothing can be.
    pub(crate) fn profile(&self, mind: &Mind) -> Option<Profile> {
        let branch = mind.branch()?;
        Some(Profile::new(&mind.info.key, branch, &self.baseline))
    }

    /// Begins with what was learnt before.
    pub(crate) fn set_profile(&mut self, mind: &Mind, profile: &Profile) -> Result<(), ProfileError> {
        let branch = mind.branch().ok_or(ProfileError::NoVoice)?;
        self.baseline = profile.baseline(&mind.info.key, branch, mind.stats_width())?;
        Ok(())
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
        let began = Instant::now();
        let Judged {
            voice,
            words,
            text,
            toxicity,
            fused,
            unfamiliar,
            clips,
            read_time,
        } = self.judge(mind, request, frames)?;
        let mood = self.moods.feel(&fused.scores, seconds_of(request.end));
        let label = match request.kind {
            Kind::Final => self.steady.settled(fused.label),
            Kind::Provisional => {
                let unknown_below = mind.recipe.weights.unknown_below;
                self.steady
                    .provisional(fused.label, &fused.scores, unknown_below, fused.clash)
            }
        };
        let confidence = match label {
            Verdict::Known(label) => fused.scores.of(label),
            Verdict::Unknown => fused.confidence,
        };
        if request.clipped {
            degraded.push(Degraded::Clipped);
        }
        if unfamiliar {
            degraded.push(Degraded::UnfamiliarVoice);
        }
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
            scores: fused.scores,
            affect: fused.affect,
            mood,
            confidence,
            clash: fused.clash,
            speech: voice.map(|voice| SpeechEvidence {
                scores: voice.scores,
                weight: fused.speech_weight,
                quality: voice.quality,
                baseline_clips: clips,
            }),
            text: text.map(|text| TextEvidence {
                scores: words.map(|words| words.scores),
                weight: fused.text_weight,
                quality: words.map(|words| words.quality),
                ..text
            }),
            toxicity,
            latency_ms: Latency {
                text: latency.text + ms(read_time),
                fuse: ms(began.elapsed().saturating_sub(read_time)),
                ..latency
            },
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

    /// Asks both sides, lays them together, and learns what a final says about the speaker.
    fn judge(&mut self, mind: &Mind, request: &Request, frames: &Frames) -> Result<Judged, MindError> {
        let (past, clips) = self.baseline.for_width(mind.stats_width());
        let feeling = mind.feel(request, frames, &past, clips)?;
        let seconds = (request.end - request.start) as f64 / f64::from(RATE);
        let voice = feeling.as_ref().map(|feeling| Side {
            // Sure of a voice that it knows nothing about: the less familiar, the flatter.
            scores: Scores::from_logits(&feeling.logits, mind.temperature(seconds) / feeling.familiar),
            affect: Affect::new(feeling.affect.map(|axis| axis * feeling.familiar)),
            quality: quality::of_voice(request) * feeling.familiar,
        });
        let unfamiliar = feeling
            .as_ref()
            .is_some_and(|feeling| feeling.familiar < UNFAMILIAR);
        if let Some(Feeling { stats, .. }) = &feeling
            && request.kind == Kind::Final
            && seconds >= LEARN_FROM_S
            && !request.clipped
            && !unfamiliar
        {
            self.baseline.learn(stats);
        }
        let text = self.words(frames, request);
        let reading = Instant::now();
        let read = match &text {
            Some(text) => self.read(mind, &text.transcript)?,
            None => None,
        };
        let read_time = reading.elapsed();
        let words = read.as_ref().zip(text.as_ref()).map(|(read, text)| Side {
            scores: read.scores,
            affect: read.affect,
            quality: self.quality_of(text, read),
        });
        let own = match &read {
            Some(read) => mind.both(frames, read, &past, clips)?,
            None => None,
        };
        let fused = fuse(
            &mind.recipe,
            &Evidence {
                voice,
                words,
                own: own.map(|logits| Scores::from_logits(&logits, 1.0)),
            },
        );
        Ok(Judged {
            voice,
            words,
            text,
            toxicity: read.map(|read| read.toxicity),
            fused,
            unfamiliar,
            clips,
            read_time,
        })
    }

    /// The words that count, as they are shown; `None` where there are none to count.
    fn words(&mut self, frames: &Frames, request: &Request) -> Option<TextEvidence> {
        match &self.said {
            Said::Recognised => frames
                .units
                .as_ref()
                .map(|units| self.text(&units.words, request, frames)),
            Said::Given(transcript) => Some(TextEvidence {
                scores: None,
                weight: 0.0,
                recogniser: None,
                confidence: 1.0,
                quality: None,
                transcript: transcript.clone(),
                words: Vec::new(),
            }),
            Said::Nothing => None,
        }
    }

    /// What the words say. Words that have not changed are not read again: that is most of what text costs.
    fn read(&mut self, mind: &Mind, transcript: &str) -> Result<Option<Arc<Read>>, MindError> {
        let words = match self.said {
            Said::Given(_) => writing::written(transcript),
            _ => writing::spoken(&cleanup::for_text(transcript)),
        };
        if !mind.reads() || words.is_empty() {
            return Ok(None);
        }
        if let Some((known, read)) = &self.read
            && *known == words
        {
            self.readings.saved += 1;
            return Ok(Some(Arc::clone(read)));
        }
        let read = mind.read(&words)?.map(Arc::new);
        self.readings.run += 1;
        self.read = read.as_ref().map(|read| (words, Arc::clone(read)));
        Ok(read)
    }

    /// Given words are beyond doubt, however few.
    fn quality_of(&self, text: &TextEvidence, read: &Read) -> f32 {
        match self.said {
            Said::Given(_) => 1.0,
            _ => quality::of_words(text.words.iter().map(|word| word.confidence), read.pieces),
        }
    }

    fn text(&mut self, heard: &[Heard], request: &Request, frames: &Frames) -> TextEvidence {
        let (words, settled) = self.transcript.hear(heard, request, frames.tentative);
        TextEvidence {
            scores: None,
            weight: 0.0,
            recogniser: Some(frames.recogniser),
            confidence: confidence(&words),
            quality: None,
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
