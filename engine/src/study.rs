//! A look at how words are recognised, for evaluation: what was heard beside what is known to have been said.
//!
//! Never used while scoring: no stream and no session comes here.

use crate::engine::{Engine, EngineError};
use crate::mind::MindError;
use crate::resample::{ResampleError, Resampler};
use crate::words::Placed;

/// Why sound could not be studied.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The pack is not there.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The sound cannot be converted.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The networks could not be run.
    #[error(transparent)]
    Mind(#[from] MindError),
    /// The pack recognises no words.
    #[error("this pack recognises no words; take one that does")]
    NoWords,
}

/// A word and where it is, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoken {
    /// The word.
    pub text: String,
    /// Where it begins.
    pub start_s: f64,
    /// Where it ends.
    pub end_s: f64,
}

/// What a clip holds, as the words graph hears it in one pass.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Study {
    /// Phones heard, best path; empty where the pack tells none.
    pub phones: Vec<String>,
    /// Phones of the known words; `None` where one of them is not in the lexicon.
    pub said: Option<Vec<String>>,
    /// The known words, placed by the best path that spells exactly them; empty where there is none.
    pub words: Vec<Spoken>,
}

impl Engine {
    /// Studies a whole clip of mono sound of which the words are known. Waits until the pack is loaded.
    pub fn study(&self, sound: &[f32], rate: u32, text: &str) -> Result<Study, StudyError> {
        let mind = self.mind()?;
        let mut resampler = Resampler::new(rate)?;
        let mut audio = Vec::new();
        resampler.push(sound, &mut audio)?;
        resampler.flush(&mut audio)?;
        let known = mind.study(&audio, text)?.ok_or(StudyError::NoWords)?;
        let seconds = crate::track::seconds_of;
        Ok(Study {
            phones: known.phones,
            said: known.said,
            words: known
                .words
                .into_iter()
                .map(|Placed { text, start, end }| Spoken {
                    text,
                    start_s: seconds(start),
                    end_s: seconds(end),
                })
                .collect(),
        })
    }
}
