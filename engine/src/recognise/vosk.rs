//! Vosk: hears an utterance as it goes on, through its own library and a speech model that the user brings.
//!
//! Each request brings its sound; what of it was not heard yet is handed on. After a gap, or where it came in in
//! the middle of an utterance, a final is heard again whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use undertone_models::InstalledRecogniser;

use super::libvosk::{Listening, Model};
use super::{Recogniser, RecogniserError, Recognizer};
use crate::resample::RATE;
use crate::update::Kind;
use crate::utterance::Request;
use crate::words::Heard;

/// Sound in one call of the library, in samples: it looks for pauses once a call.
const CHUNK: usize = 3_200;

/// Loads what `undertone models add vosk` installed.
pub(super) fn load() -> Result<Model, RecogniserError> {
    let installed = InstalledRecogniser::find(Recogniser::Vosk.name())?;
    let library = library_in(&installed).ok_or_else(|| RecogniserError::Form {
        which: Recogniser::Vosk,
        what: "no libvosk among its files".into(),
    })?;
    Model::open(&library, &installed.dir.join("model"))
}

fn library_in(installed: &InstalledRecogniser) -> Option<PathBuf> {
    let is_library = |path: &&str| {
        let name = Path::new(path).file_name().and_then(|name| name.to_str());
        path.starts_with("library/") && name.is_some_and(|name| name.starts_with("libvosk."))
    };
    let mut paths = installed.about.files.iter().map(|file| file.path.as_str());
    paths.find(is_library).map(|path| installed.dir.join(path))
}

/// A word as the library writes it.
#[derive(Debug, Deserialize)]
struct Written {
    word: String,
    start: f64,
    end: f64,
    #[serde(default)]
    conf: Option<f32>,
}

#[derive(Debug, Default, Deserialize)]
struct Sentence {
    #[serde(default, alias = "partial_result")]
    result: Vec<Written>,
}

/// Words of the library's JSON; its times count from `origin`.
fn words(json: &str, origin: u64) -> Result<Vec<Heard>, RecogniserError> {
    let sentence: Sentence = serde_json::from_str(json).map_err(|error| RecogniserError::Run {
        which: Recogniser::Vosk,
        what: format!("its result is not of its form ({error})"),
    })?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of an utterance"
    )]
    let at = |seconds: f64| origin + (seconds.max(0.0) * f64::from(RATE)) as u64;
    let words = sentence.result.into_iter().map(|word| Heard {
        start: at(word.start),
        end: at(word.end),
        // A partial result may come without: then it is as sure as a coin.
        confidence: word.conf.unwrap_or(0.5).clamp(0.0, 1.0),
        text: word.word,
    });
    // What it heard but has no word for.
    Ok(words.filter(|word| !word.text.starts_with(['[', '<'])).collect())
}

/// An utterance that is being heard.
struct Hearing {
    utterance: u64,
    /// Where its sound begins, on the stream's clock.
    origin: u64,
    heard_to: u64,
    /// Words of sentences that have ended in it.
    ended: Vec<Heard>,
    listening: Listening,
}

impl Hearing {
    fn begin(model: &Arc<Model>, request: &Request) -> Result<Self, RecogniserError> {
        let listening =
            Listening::begin(model, RATE as f32).ok_or_else(|| failed("it cannot begin an utterance"))?;
        Ok(Self {
            utterance: request.utterance,
            origin: request.audio_from,
            heard_to: request.audio_from,
            ended: Vec::new(),
            listening,
        })
    }

    fn take_in(&mut self, request: &Request) -> Result<(), RecogniserError> {
        let known = usize::try_from(self.heard_to.saturating_sub(request.audio_from)).unwrap_or(usize::MAX);
        let fresh = request.audio.get(known..).unwrap_or_default();
        let mut samples = Vec::with_capacity(CHUNK);
        for chunk in fresh.chunks(CHUNK) {
            samples.clear();
            #[allow(
                clippy::cast_possible_truncation,
                reason = "clamped, and float casts saturate"
            )]
            samples.extend(
                chunk
                    .iter()
                    .map(|sample| (sample.clamp(-1.0, 1.0) * 32_767.0) as i16),
            );
            if self
                .listening
                .accept(&samples)
                .ok_or_else(|| failed("it refused sound"))?
            {
                let json = self.listening.result();
                self.ended.extend(words(&json, self.origin)?);
            }
        }
        self.heard_to += fresh.len() as u64;
        Ok(())
    }
}

fn failed(what: &str) -> RecogniserError {
    RecogniserError::Run {
        which: Recogniser::Vosk,
        what: what.to_owned(),
    }
}

/// One stream's Vosk.
pub(super) struct OfStream {
    model: Arc<Model>,
    hearing: Option<Hearing>,
}

impl OfStream {
    pub(super) fn new(model: Arc<Model>) -> Self {
        Self { model, hearing: None }
    }
}

impl Recognizer for OfStream {
    fn which(&self) -> Recogniser {
        Recogniser::Vosk
    }

    fn hear(&mut self, request: &Request, _first: &[Heard]) -> Result<Vec<Heard>, RecogniserError> {
        let is_final = request.kind == Kind::Final;
        let goes_on = self.hearing.take().filter(|hearing| {
            let whole = request.audio_from >= hearing.origin || !is_final;
            hearing.utterance == request.utterance && request.audio_from <= hearing.heard_to && whole
        });
        let mut hearing = match goes_on {
            Some(hearing) => hearing,
            None => Hearing::begin(&self.model, request)?,
        };
        hearing.take_in(request)?;
        let json = if is_final {
            hearing.listening.last()
        } else {
            hearing.listening.partial()
        };
        let newest = words(&json, hearing.origin)?;
        if is_final {
            let mut all = hearing.ended;
            all.extend(newest);
            return Ok(all);
        }
        let all = hearing.ended.iter().cloned().chain(newest).collect();
        self.hearing = Some(hearing);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_results_and_partial_results_are_one_type() {
        let whole = r#"{"result":[{"conf":0.9,"end":0.5,"start":0.25,"word":"yes"},
            {"conf":1.0,"end":0.7,"start":0.6,"word":"[unk]"}],"text":"yes [unk]"}"#;
        let partial = r#"{"partial":"yes","partial_result":[{"end":0.5,"start":0.25,"word":"yes"}]}"#;
        let (whole, partial) = (
            words(whole, 1_600).expect("good"),
            words(partial, 1_600).expect("good"),
        );
        assert_eq!(
            (whole[0].text.as_str(), whole[0].start, whole[0].end),
            ("yes", 5_600, 9_600)
        );
        assert_eq!(whole.len(), 1, "what has no word is no word");
        assert_eq!(partial[0].start, whole[0].start);
        assert!(words(r#"{"text":""}"#, 0).expect("good").is_empty());
        assert!(words("", 0).is_err());
    }
}
