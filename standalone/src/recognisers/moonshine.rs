//! Moonshine tiny-en: from its package's files, which only ONNX Runtime reads, to graphs that any runtime takes.
//!
//! Only files whose hashes are known are taken: they are what the conversion was tried on.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rten_onnx::onnx::ModelProto;
use sha2::{Digest as _, Sha256};

use super::ort::Parts;
use super::plain::{UnknownOperator, plain};
use crate::wheels::{Source, SourceError};

const FOLDER: &str = "moonshine_voice/assets/tiny-en";
const FILES: [(&str, &str); 3] = [
    (
        "encoder_model.ort",
        "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    ),
    (
        "decoder_model_merged.ort",
        "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    ),
    (
        "tokenizer.bin",
        "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
    ),
];
const LAYERS: usize = 6;

/// Why Moonshine's files could not be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// They could not be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file is another one than was pinned.
    #[error(
        "{file} is not the file of moonshine-voice 0.0.69: its SHA-256 is {found}; fetch that version again"
    )]
    Other {
        /// The file.
        file: &'static str,
        /// Its hash.
        found: String,
    },
    /// A file is not of its form.
    #[error("{0} cannot be converted; please report this")]
    Form(&'static str),
    /// An operator is not known.
    #[error("{0}; please report this")]
    Operator(#[from] UnknownOperator),
    /// Writing failed.
    #[error("cannot write {} ({source}); check the free space in the data folder", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Writes the graphs and the token table into a folder.
pub fn convert(source: &Source, to: &Path) -> Result<(), ConvertError> {
    let [encoder, decoder, tokens] = FILES;
    let own = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let names = |prefix: &str, parts: &[&str]| -> Vec<String> {
        (0..LAYERS)
            .flat_map(|layer| parts.iter().map(move |part| (layer, part)))
            .map(|(layer, part)| format!("{prefix}.{layer}.{part}"))
            .collect()
    };
    let words = ["decoder.key", "decoder.value"];
    let all = ["decoder.key", "decoder.value", "encoder.key", "encoder.value"];
    let sound = own(&["encoder_attention_mask", "encoder_hidden_states", "input_ids"]);

    let mut parts = parts(source, encoder)?;
    plain(&mut parts)?;
    let inputs = own(&["input_values", "attention_mask"]);
    write(
        to,
        "encoder.onnx",
        parts.model(&inputs, &own(&["last_hidden_state"])),
        encoder.0,
    )?;

    let merged = self::parts(source, decoder)?;
    let outputs = [own(&["logits"]), names("present", &all)].concat();
    let mut start = merged
        .branch("else_branch")
        .ok_or(ConvertError::Form(decoder.0))?;
    plain(&mut start)?;
    write(to, "decoder_start.onnx", start.model(&sound, &outputs), decoder.0)?;

    let inputs = [sound, names("past_key_values", &all)].concat();
    let outputs = [own(&["logits"]), names("present", &words)].concat();
    let mut step = merged
        .branch("then_branch")
        .ok_or(ConvertError::Form(decoder.0))?;
    plain(&mut step)?;
    write(to, "decoder_step.onnx", step.model(&inputs, &outputs), decoder.0)?;

    let table = pinned(source, tokens)?;
    put(&to.join(tokens.0), &table)
}

fn pinned(source: &Source, (file, sha256): (&'static str, &str)) -> Result<Vec<u8>, ConvertError> {
    let bytes = source.read(&format!("{FOLDER}/{file}"))?;
    let found = Sha256::digest(&bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
    if found == sha256 {
        Ok(bytes)
    } else {
        Err(ConvertError::Other { file, found })
    }
}

fn parts(source: &Source, file: (&'static str, &str)) -> Result<Parts, ConvertError> {
    Parts::read(&pinned(source, file)?).ok_or(ConvertError::Form(file.0))
}

fn write(to: &Path, name: &str, model: Option<ModelProto>, from: &'static str) -> Result<(), ConvertError> {
    let bytes = model.and_then(|model| model.write_buf().ok());
    put(&to.join(name), &bytes.ok_or(ConvertError::Form(from))?)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), ConvertError> {
    fs::write(path, bytes).map_err(|source| ConvertError::Write {
        path: path.to_owned(),
        source,
    })
}
