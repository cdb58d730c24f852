//! Moonshine: hears a whole utterance again when it is over, with an encoder and a decoder of its own.
//!
//! Its networks are a person's install, never part of a pack: our trunk began as its encoder but has learnt since,
//! so its decoder would not understand it. An utterance is heard after what was said just before it. Must never
//! write about silence, nor more than can be said in the time.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use undertone_models::InstalledRecogniser;

use super::decoder::{Networks, SHORTEST, misshapen};
use super::ours::is_own;
use super::past::{Joined, Past};
use super::{Recogniser, RecogniserError, Recognizer, align};
use crate::stream::lock;
use crate::utterance::Request;
use crate::words::tokens::{FIRST_TEXT, Row, Tokens};
use crate::words::{Heard, Written};

const TOKENS: &str = "tokenizer.bin";
/// Text of which it is less sure than this is made up from noise.
const SUREST_NOISE: f32 = 0.3;

/// How loud it is given an utterance (root of the mean square). How loud somebody speaks is no part of what they say, but
/// it was understood worse as it came: 16.0 % of the words of spoilt test-clean clips were wrong, and so 15.2 %.
const LOUDNESS: f32 = 0.08;
/// What would have to be made louder still is silence.
const MOST_GAIN: f32 = 100.0;

/// What is loaded. Shared by all streams.
pub(crate) struct Moonshine {
    networks: Networks,
    tokens: Tokens,
}

impl Moonshine {
    /// Loads what `undertone models add moonshine` installed.
    pub(crate) fn load(threads: usize) -> Result<Self, RecogniserError> {
        let installed = InstalledRecogniser::find(Recogniser::Moonshine.name())?;
        let moonshine = Self {
            networks: Networks::load(&installed, threads)?,
            tokens: Tokens::read(&installed.read(TOKENS)?)
                .ok_or_else(|| misshapen(&format!("{TOKENS} is no table of tokens")))?,
        };
        // One run, so that what does not fit is found out here and not in the middle of a stream.
        moonshine.decode(&vec![0.0; SHORTEST], &[], SHORTEST)?;
        Ok(moonshine)
    }

    fn decode(&self, audio: &[f32], said: &[usize], samples: usize) -> Result<Row, RecogniserError> {
        let even = even(audio);
        self.networks.decode(&even, said, samples, self.tokens.count())
    }

    fn hear(
        &self,
        request: &Request,
        first: &[Heard],
        past: &mut Past,
    ) -> Result<Vec<Heard>, RecogniserError> {
        // The pack heard no word: what would be written now is made up.
        if first.is_empty() {
            return Ok(Vec::new());
        }
        let (row, joined) = self.rows(request, past)?;
        let (words, tokens) = self.tokens.words(&row);
        let logs: f32 = row
            .iter()
            .filter(|(token, _)| *token >= FIRST_TEXT)
            .map(|(_, log)| log)
            .sum();
        if words.is_empty() || (logs / row.len().max(1) as f32).exp() < SUREST_NOISE {
            past.forget();
            return Ok(Vec::new());
        }
        // Past a cut there are words too; the times tell whose they are. What was said before is known: the first
        // pass's words of it would draw ours to them.
        let until = request.audio_from + request.audio.len() as u64;
        let to = request.cut_to.map_or(request.end, |_| until);
        let heard = match (request.cut_from, &joined) {
            (Some(cut), Some(_)) => {
                let after = |word: &&Heard| u64::midpoint(word.start, word.end) >= cut;
                let first: Vec<Heard> = first.iter().filter(after).cloned().collect();
                align::times(words, &first, (cut, to))
            }
            (Some(_), None) => align::times(words, first, (request.audio_from, to)),
            (None, _) => align::times(words, first, (request.start, to)),
        };
        let written = heard
            .iter()
            .zip(tokens)
            .filter(|(word, _)| is_own(word, request))
            .map(|(word, tokens)| Written {
                start: word.start,
                end: word.end,
                tokens,
            })
            .collect();
        past.put(joined, request, written);
        Ok(heard)
    }

    /// The tokens of the request, heard after what was said before if that helps.
    fn rows(&self, request: &Request, past: &Past) -> Result<(Row, Option<Joined>), RecogniserError> {
        if let Some(joined) = past.join(request) {
            // A full stop would end the sentence where only its sound did.
            let said = self.tokens.without_mark(&joined.said);
            let row = self.decode(&joined.audio, said, request.audio.len())?;
            if row.iter().any(|(token, _)| self.tokens.is_spoken(*token)) {
                return Ok((row, Some(joined)));
            }
        }
        let mut audio = Cow::Borrowed(request.audio.as_slice());
        if audio.len() < SHORTEST {
            audio.to_mut().resize(SHORTEST, 0.0);
        }
        Ok((self.decode(&audio, &[], audio.len())?, None))
    }
}

/// The sound as loud as [`LOUDNESS`], or as loud as it can be without a sample over full scale.
fn even(audio: &[f32]) -> Cow<'_, [f32]> {
    let energy: f32 = audio.iter().map(|sample| sample * sample).sum();
    let loudness = (energy / audio.len().max(1) as f32).sqrt();
    let peak = audio.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let gain = (LOUDNESS / loudness).min(1.0 / peak);
    if gain < MOST_GAIN {
        Cow::Owned(audio.iter().map(|sample| sample * gain).collect())
    } else {
        Cow::Borrowed(audio)
    }
}

/// One stream's share in Moonshine.
pub(super) struct OfStream {
    pub shared: Arc<Moonshine>,
    pub past: Arc<Mutex<Past>>,
}

impl Recognizer for OfStream {
    fn which(&self) -> Recogniser {
        Recogniser::Moonshine
    }

    fn takes_time(&self) -> bool {
        true
    }

    fn hear(&mut self, request: &Request, first: &[Heard]) -> Result<Vec<Heard>, RecogniserError> {
        // Nobody else waits for it: finals of a stream are heard again one after another.
        self.shared.hear(request, first, &mut lock(&self.past))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_loud_it_came_it_is_as_loud_and_silence_stays_silence() {
        let voice: Vec<f32> = (0..1_600_u16).map(|at| (f32::from(at) * 0.3).sin()).collect();
        for gain in [0.01, 0.2, 1.0, 7.0] {
            let came: Vec<f32> = voice.iter().map(|sample| sample * gain).collect();
            let even = even(&came);
            let energy: f32 = even.iter().map(|sample| sample * sample).sum();
            assert!(((energy / 1_600.0).sqrt() - LOUDNESS).abs() < 1e-4, "{gain}");
        }
        // Full scale is the most.
        let mut click = vec![0.01_f32; 1_600];
        click[800] = 0.5;
        assert!(even(&click).iter().all(|sample| sample.abs() <= 1.0));
        assert!((even(&click)[0] - 0.02).abs() < 1e-6);
        for silence in [vec![0.0; 100], vec![1e-5; 100], vec![]] {
            assert_eq!(even(&silence), silence);
        }
    }
}
