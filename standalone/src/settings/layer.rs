//! What one source of settings says: the flags and variables, or the file.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser as _};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use undertone::{Recogniser, RuntimeChoice};

use crate::cli::Format;

/// One layer of settings: what one source says, and nothing where it says nothing.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layer {
    /// Model pack: a folder, or the name of an installed one
    #[arg(long, global = true, value_name = "PACK", env = "UNDERTONE_PACK")]
    pub pack: Option<String>,
    /// System of the pack that scores
    #[arg(long, global = true, value_name = "NAME", env = "UNDERTONE_SYSTEM")]
    pub system: Option<String>,
    /// Who turns speech into words: first, moonshine or vosk [default: first]
    #[arg(long, global = true, value_name = "NAME", env = "UNDERTONE_RECOGNISER")]
    pub recogniser: Option<Recogniser>,
    /// Threads for the networks [default: 1]
    #[arg(long, global = true, value_name = "N", env = "UNDERTONE_THREADS")]
    pub threads: Option<usize>,
    /// What runs the networks; what cannot is told, and the CPU does [default: auto]
    #[arg(long, global = true, value_name = "NAME", env = "UNDERTONE_RUNTIME",
        value_parser = PossibleValuesParser::new(RuntimeChoice::ALL.map(RuntimeChoice::name))
            .try_map(|name| name.parse::<RuntimeChoice>()))]
    pub runtime: Option<RuntimeChoice>,
    /// ONNX Runtime's library, its file or folder, in place of the installed one
    #[arg(long, global = true, value_name = "PATH", env = "UNDERTONE_ONNXRUNTIME")]
    pub onnxruntime: Option<PathBuf>,
    /// Milliseconds of speech between provisional scores [default: 250 live, 1000 for files]
    #[arg(long, global = true, value_name = "MS", env = "UNDERTONE_HOP_MS")]
    pub hop_ms: Option<u32>,
    /// Only one score for each utterance, none while it goes on
    #[arg(long, global = true, value_name = "BOOL", env = "UNDERTONE_FINALS_ONLY",
        num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub finals_only: Option<bool>,
    /// Who speaks; written into every score
    #[arg(long, global = true, value_name = "NAME", env = "UNDERTONE_SPEAKER")]
    pub speaker: Option<String>,
    /// Forms to write, several with commas or repeated
    #[serde(deserialize_with = "one_or_several")]
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "UNDERTONE_FORMAT",
        value_delimiter = ','
    )]
    pub format: Option<Vec<Format>>,
    /// Folder to write to; without it, results are printed
    #[arg(long, global = true, value_name = "DIR", env = "UNDERTONE_OUT")]
    pub out: Option<PathBuf>,
    /// Audio input for `live`: a name, or part of one, from `undertone devices`
    #[arg(long, global = true, value_name = "NAME", env = "UNDERTONE_INPUT")]
    pub input: Option<String>,
    /// Colours [default: auto]
    #[arg(long, global = true, value_name = "WHEN", env = "UNDERTONE_COLOR")]
    pub color: Option<Color>,
    /// No timeline, no progress, no remarks; only results and errors
    #[arg(long, short, global = true, value_name = "BOOL", env = "UNDERTONE_QUIET",
        num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub quiet: Option<bool>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A list, or the one thing that would be in it. As TOML first: serde's own way of choosing tells no unknown name.
fn one_or_several<'de, D: Deserializer<'de>>(file: D) -> Result<Option<Vec<Format>>, D::Error> {
    let several = match toml::Value::deserialize(file)? {
        toml::Value::Array(several) => several,
        one => vec![one],
    };
    toml::Value::Array(several)
        .try_into()
        .map(Some)
        .map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_format_needs_no_list() {
        let format = |text: &str| toml::from_str::<Layer>(text).map(|layer| layer.format);
        let csv = Some(vec![Format::Csv]);
        assert_eq!(format("format = \"csv\"").expect("good"), csv);
        assert_eq!(format("format = [\"csv\"]").expect("good"), csv);
        assert_eq!(format("quiet = true").expect("good"), None);
        let error = format("format = \"pdf\"").expect_err("unknown").to_string();
        assert!(error.contains("pdf") && error.contains("html"), "{error}");
    }
}
