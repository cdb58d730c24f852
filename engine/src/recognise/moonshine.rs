//! Moonshine: hears a whole utterance again when it is over, with an encoder and a decoder of its own.
//!
//! Its networks are a person's install, never part of a pack: our trunk began as its encoder but has learnt since,
//! so its decoder would not understand it. Greedy, one token after another, each with what the earlier ones left
//! behind. Must never write about silence, nor more than can be said in the time.

use std::borrow::Cow;
use std::sync::Arc;

use undertone_models::InstalledRecogniser;

use super::tokens::{FIRST_TEXT, Tokens, without_loop};
use super::{Recogniser, RecogniserError, Recognizer, align};
use crate::resample::RATE;
use crate::runtime::{Graph, Input, Output, Rten, Runtime, RuntimeError};
use crate::utterance::Request;
use crate::words::Heard;

/// Its files.
const ENCODER: &str = "encoder.onnx";
const START: &str = "decoder_start.onnx";
const STEP: &str = "decoder_step.onnx";
const TOKENS: &str = "tokenizer.bin";

const LAYERS: usize = 6;
/// Each layer keeps keys and values of the words so far, and of the sound.
const KEPT: [&str; 4] = ["decoder.key", "decoder.value", "encoder.key", "encoder.value"];
const BEGIN: i64 = 1;
const END: usize = 2;
/// Tokens that can be said in ten seconds; more are made up.
const TOKENS_IN_TEN_SECONDS: usize = 65;
/// Its encoder wants at least so much sound.
const SHORTEST: usize = RATE as usize / 2;
/// Text of which it is less sure than this is made up from noise.
const SUREST_NOISE: f32 = 0.3;

/// The loaded networks. Shared by all streams.
pub(crate) struct Moonshine {
    encoder: Box<dyn Graph>,
    start: Box<dyn Graph>,
    step: Box<dyn Graph>,
    tokens: Tokens,
}

fn network(source: RuntimeError) -> RecogniserError {
    RecogniserError::Network {
        which: Recogniser::Moonshine,
        source,
    }
}

fn names(prefix: &str) -> Vec<String> {
    (0..LAYERS)
        .flat_map(|layer| KEPT.map(|part| format!("{prefix}.{layer}.{part}")))
        .collect()
}

fn is_of_words(name: &str) -> bool {
    name.contains(".decoder.")
}

impl Moonshine {
    /// Loads what `undertone models add moonshine` installed.
    pub(crate) fn load(threads: usize) -> Result<Self, RecogniserError> {
        let installed = InstalledRecogniser::find(Recogniser::Moonshine.name())?;
        let runtime = Rten::new(threads);
        let load = |file: &str, inputs: &[String], outputs: &[String]| {
            let bytes = Cow::Owned(installed.read(file)?);
            runtime.load(&bytes, inputs, outputs).map_err(network)
        };
        let own = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let sound = own(&["encoder_attention_mask", "encoder_hidden_states", "input_ids"]);
        let kept = [own(&["logits"]), names("present")].concat();
        let of_words = kept
            .iter()
            .filter(|name| !name.contains(".encoder."))
            .cloned()
            .collect::<Vec<_>>();
        let moonshine = Self {
            encoder: load(
                ENCODER,
                &own(&["input_values", "attention_mask"]),
                &own(&["last_hidden_state"]),
            )?,
            start: load(START, &sound, &kept)?,
            step: load(
                STEP,
                &[sound.clone(), names("past_key_values")].concat(),
                &of_words,
            )?,
            tokens: Tokens::read(&installed.read(TOKENS)?).ok_or_else(|| RecogniserError::Form {
                which: Recogniser::Moonshine,
                what: format!("{TOKENS} is no table of tokens"),
            })?,
        };
        // One run, so that what does not fit is found out here and not in the middle of a stream.
        moonshine.decode(&vec![0.0; SHORTEST])?;
        Ok(moonshine)
    }

    /// Tokens of a piece of sound, with the logarithm of each one's probability.
    fn decode(&self, audio: &[f32]) -> Result<Vec<(usize, f32)>, RecogniserError> {
        let mask = vec![1_i64; audio.len()];
        let shape = [1, audio.len()];
        let sound = [Input::floats(audio, &shape), Input::ids(&mask, &shape)];
        let [hidden] = outputs(self.encoder.run(&sound).map_err(network)?)?;
        let mut row = Vec::new();
        let most = (audio.len() * TOKENS_IN_TEN_SECONDS).div_ceil(RATE as usize * 10) + 1;

        let ids = [BEGIN];
        let inputs = [
            Input::ids(&mask, &shape),
            Input::floats(&hidden.data, &hidden.shape),
            Input::ids(&ids, &[1, 1]),
        ];
        let mut made = self.start.run(&inputs).map_err(network)?;
        if made.len() != 1 + LAYERS * KEPT.len() {
            return Err(misshapen("the decoder gave a wrong number of outputs"));
        }
        let mut kept = made.split_off(1);
        let kept_names = names("");
        let mut logits = made.remove(0);
        loop {
            let (token, log) = self.best(&logits)?;
            if token == END {
                break;
            }
            row.push((token, log));
            if let Some(keep) = without_loop(&row) {
                row.truncate(keep);
                break;
            }
            if row.len() >= most {
                break;
            }
            let ids = [i64::try_from(token).unwrap_or(0)];
            let mut inputs = vec![
                Input::ids(&mask, &shape),
                Input::floats(&hidden.data, &hidden.shape),
                Input::ids(&ids, &[1, 1]),
            ];
            inputs.extend(kept.iter().map(|one| Input::floats(&one.data, &one.shape)));
            let mut made = self.step.run(&inputs).map_err(network)?.into_iter();
            logits = made.next().ok_or_else(|| misshapen("the decoder gave nothing"))?;
            // What belongs to the sound stays as it was.
            for (slot, name) in kept.iter_mut().zip(&kept_names) {
                if is_of_words(name) {
                    *slot = made
                        .next()
                        .ok_or_else(|| misshapen("the decoder gave too little"))?;
                }
            }
        }
        Ok(row)
    }

    /// The likeliest token and the logarithm of its probability.
    fn best(&self, logits: &Output) -> Result<(usize, f32), RecogniserError> {
        let last = logits
            .data
            .len()
            .checked_sub(self.tokens.count())
            .map(|from| &logits.data[from..])
            .ok_or_else(|| misshapen("the decoder knows fewer tokens than the table"))?;
        let (best, most) = last
            .iter()
            .enumerate()
            .fold((END, f32::NEG_INFINITY), |best, (at, &logit)| {
                if logit > best.1 { (at, logit) } else { best }
            });
        let all: f32 = last.iter().map(|logit| (logit - most).exp()).sum();
        Ok((best, -all.ln()))
    }

    fn hear(&self, request: &Request, first: &[Heard]) -> Result<Vec<Heard>, RecogniserError> {
        // The pack heard no word: what would be written now is made up.
        if first.is_empty() {
            return Ok(Vec::new());
        }
        let mut audio = Cow::Borrowed(request.audio.as_slice());
        if audio.len() < SHORTEST {
            audio.to_mut().resize(SHORTEST, 0.0);
        }
        let row = self.decode(&audio)?;
        let words = self.tokens.words(&row);
        let logs: f32 = row
            .iter()
            .filter(|(token, _)| *token >= FIRST_TEXT)
            .map(|(_, log)| log)
            .sum();
        if words.is_empty() || (logs / row.len().max(1) as f32).exp() < SUREST_NOISE {
            return Ok(Vec::new());
        }
        // Past a cut there are words too; the times tell whose they are.
        let until = request.audio_from + request.audio.len() as u64;
        let from = request.cut_from.map_or(request.start, |_| request.audio_from);
        let to = request.cut_to.map_or(request.end, |_| until);
        Ok(align::times(words, first, (from, to)))
    }
}

fn misshapen(what: &str) -> RecogniserError {
    RecogniserError::Form {
        which: Recogniser::Moonshine,
        what: what.to_owned(),
    }
}

fn outputs<const N: usize>(outputs: Vec<Output>) -> Result<[Output; N], RecogniserError> {
    outputs
        .try_into()
        .map_err(|_| misshapen("the encoder gave a wrong number of outputs"))
}

/// One stream's share in Moonshine; it keeps nothing.
pub(super) struct OfStream(pub Arc<Moonshine>);

impl Recognizer for OfStream {
    fn which(&self) -> Recogniser {
        Recogniser::Moonshine
    }

    fn takes_time(&self) -> bool {
        true
    }

    fn hear(&mut self, request: &Request, first: &[Heard]) -> Result<Vec<Heard>, RecogniserError> {
        self.0.hear(request, first)
    }
}
