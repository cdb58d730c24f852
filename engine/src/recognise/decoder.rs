//! Moonshine's networks: sound to frames, and frames to rows of tokens.
//!
//! The decoder writes one token after another, each with what the earlier ones left behind; several rows, and
//! several hearings for each, share one run. Must never keep anything of one piece of sound for the next.

use std::borrow::Cow;

use undertone_models::InstalledRecogniser;

use super::beam::{self, Limits};
use super::hearings::{HEARINGS, last_rows, shifted, together};
use super::{Recogniser, RecogniserError};
use crate::resample::RATE;
use crate::runtime::{Graph, Input, Output, Rten, Runtime, RuntimeError};
use crate::words::tokens::{BEGIN, END, Row, sayable};

/// Its files.
const ENCODER: &str = "encoder.onnx";
const START: &str = "decoder_start.onnx";
const STEP: &str = "decoder_step.onnx";

const LAYERS: usize = 6;
/// Each layer keeps keys and values of the words so far, and of the sound.
const KEPT: [&str; 4] = ["decoder.key", "decoder.value", "encoder.key", "encoder.value"];
/// Rows that are followed side by side. On test-clean speakers four had a seventh fewer words wrong than one; six have
/// 15.1 % wrong of the words of spoilt clips where four have 15.2, eight no fewer.
const WIDTH: usize = 6;
/// Its encoder wants at least so much sound.
pub(super) const SHORTEST: usize = RATE as usize / 2;

/// The loaded networks.
pub(super) struct Networks {
    encoder: Box<dyn Graph>,
    start: Box<dyn Graph>,
    step: Box<dyn Graph>,
}

fn network(source: RuntimeError) -> RecogniserError {
    RecogniserError::Network {
        which: Recogniser::Moonshine,
        source,
    }
}

/// What is wrong with an installed file.
pub(super) fn misshapen(what: &str) -> RecogniserError {
    RecogniserError::Form {
        which: Recogniser::Moonshine,
        what: what.to_owned(),
    }
}

fn names(prefix: &str) -> Vec<String> {
    (0..LAYERS)
        .flat_map(|layer| KEPT.map(|part| format!("{prefix}.{layer}.{part}")))
        .collect()
}

impl Networks {
    /// Loads them from where they are installed.
    pub(super) fn load(installed: &InstalledRecogniser, threads: usize) -> Result<Self, RecogniserError> {
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
        Ok(Self {
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
        })
    }

    /// The best row of tokens, out of `vocabulary`, for a piece of sound whose beginning is known to say `said`;
    /// `samples` of it are new.
    pub(super) fn decode(
        &self,
        audio: &[f32],
        said: &[usize],
        samples: usize,
        vocabulary: usize,
    ) -> Result<Row, RecogniserError> {
        let (audio, length) = shifted(audio);
        let mask = vec![1_i64; audio.len()];
        let shape = [HEARINGS, length];
        let sound = [Input::floats(&audio, &shape), Input::ids(&mask, &shape)];
        let [hidden] = self
            .encoder
            .run(&sound)
            .map_err(network)?
            .try_into()
            .map_err(|_| misshapen("the encoder gave a wrong number of outputs"))?;
        let ids: Vec<i64> = std::iter::once(&BEGIN)
            .chain(said)
            .map(|token| i64::try_from(*token).unwrap_or(0))
            .collect();
        let ids_shape = [HEARINGS, ids.len()];
        let ids = ids.repeat(HEARINGS);
        let inputs = [
            Input::ids(&mask, &shape),
            Input::floats(&hidden.data, &hidden.shape),
            Input::ids(&ids, &ids_shape),
        ];
        let mut made = self.start.run(&inputs).map_err(network)?;
        if made.len() != 1 + LAYERS * KEPT.len() {
            return Err(misshapen("the decoder gave a wrong number of outputs"));
        }
        let kept = made.split_off(1);
        let logits = made.remove(0).data;
        let first = last_rows(&logits, vocabulary)
            .ok_or_else(|| misshapen("the decoder knows fewer tokens than the table"))?;
        let mut rows = Rows {
            step: self.step.as_ref(),
            mask,
            hidden,
            kept,
            count: 1,
            vocabulary,
        };
        let limits = Limits {
            width: WIDTH,
            most: sayable(samples) + 1,
            end: END,
        };
        beam::search(&mut rows, &together(&first, vocabulary), limits)
    }
}

/// Rows of tokens of one piece of sound, each as often as it is heard.
struct Rows<'a> {
    step: &'a dyn Graph,
    mask: Vec<i64>,
    hidden: Output,
    kept: Vec<Output>,
    /// For so many rows the sound's own part is there.
    count: usize,
    vocabulary: usize,
}

/// The rows that are chosen, in this order.
fn gather(of: &mut Output, rows: impl Iterator<Item = usize> + Clone) {
    let size = of.data.len() / of.shape[0].max(1);
    of.shape[0] = rows.clone().count();
    of.data = rows
        .flat_map(|row| &of.data[row * size..(row + 1) * size])
        .copied()
        .collect();
}

impl beam::Decoder for Rows<'_> {
    fn go_on(&mut self, rows: &[(usize, usize)]) -> Result<Vec<f32>, RecogniserError> {
        let hearings = |row: usize| (0..HEARINGS).map(move |hearing| row * HEARINGS + hearing);
        let from = rows.iter().flat_map(|(from, _)| hearings(*from));
        let sound = rows.iter().flat_map(|_| hearings(0));
        let spread = self.count != rows.len();
        for (at, kept) in self.kept.iter_mut().enumerate() {
            let of_words = KEPT[at % KEPT.len()].starts_with("decoder");
            if of_words {
                gather(kept, from.clone());
            } else if spread {
                // The sound is the same for every row.
                gather(kept, sound.clone());
            }
        }
        if spread {
            gather(&mut self.hidden, sound);
            let samples = self.mask.len() / self.count;
            self.mask = vec![1; samples * rows.len()];
            self.count = rows.len();
        }
        let ids: Vec<i64> = rows
            .iter()
            .flat_map(|(_, token)| [i64::try_from(*token).unwrap_or(0); HEARINGS])
            .collect();
        let shape = [ids.len(), self.mask.len() / ids.len()];
        let ids_shape = [ids.len(), 1];
        let mut inputs = vec![
            Input::ids(&self.mask, &shape),
            Input::floats(&self.hidden.data, &self.hidden.shape),
            Input::ids(&ids, &ids_shape),
        ];
        inputs.extend(self.kept.iter().map(|one| Input::floats(&one.data, &one.shape)));
        let mut made = self.step.run(&inputs).map_err(network)?.into_iter();
        let logits = made.next().ok_or_else(|| misshapen("the decoder gave nothing"))?;
        for (at, slot) in self.kept.iter_mut().enumerate() {
            if KEPT[at % KEPT.len()].starts_with("decoder") {
                *slot = made
                    .next()
                    .ok_or_else(|| misshapen("the decoder gave too little"))?;
            }
        }
        Ok(together(&logits.data, self.vocabulary))
    }
}
