//! The command line: its words, nothing of its work.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::settings::Layer;
use crate::sound::{RawFormat, SampleFormat};

/// What every sentence of help ends with.
const AFTER: &str = "Exit codes: 0 all is well; 1 something does not work here (see `undertone doctor`); \
2 the call or one of its files is at fault.\n\nSettings may also come from the environment (UNDERTONE_...) \
and from a file; `undertone config` shows them and where each came from.";

/// Hears emotion in live speech and in recordings.
#[derive(Debug, Parser)]
#[command(name = "undertone", version, after_help = AFTER, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What may come from flags, environment and file alike.
    #[command(flatten, next_help_heading = "Settings")]
    pub settings: Layer,
    /// The settings file to read instead of the usual one.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "UNDERTONE_CONFIG",
        help_heading = "Settings"
    )]
    pub config: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Analyse audio files: a timeline of what is felt and said
    Analyze(Analyze),
    /// Listen to an audio input and show what is heard, as it is heard
    Live(Live),
    /// List the audio inputs
    Devices(Json),
    /// Check everything that is needed and say what to do about what is missing
    Doctor(Json),
    /// Measure what live voices cost on this machine
    Bench(crate::bench::Bench),
    /// Measure how right the engine is on a labelled corpus
    Eval(crate::eval::Eval),
    /// List, inspect, add and remove model packs, recognisers and runtimes
    Models {
        /// What to do with them.
        #[command(subcommand)]
        action: Models,
    },
    /// Show or delete a speaker's profile, as `--profile` keeps it
    Profile {
        /// What to do with it.
        #[command(subcommand)]
        action: crate::profile::Action,
    },
    /// Show the settings in effect and where each came from
    Config(Json),
    /// Print completions for a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or with --out write one for each command
    Man,
}

/// `--json`.
#[derive(Debug, Clone, Copy, Args)]
pub struct Json {
    /// Print JSON for programs instead of text for people
    #[arg(long)]
    pub json: bool,
}

/// `undertone analyze`.
#[derive(Debug, Args)]
pub struct Analyze {
    /// Audio files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print every score as a line of JSON; the same as --format jsonl on the terminal
    #[arg(long)]
    pub json: bool,
    /// Sample rate of raw samples without a header, in Hz
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8_000..=384_000))]
    pub rate: Option<u32>,
    /// Channels of raw samples
    #[arg(long, value_name = "N", requires = "rate", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub channels: u16,
    /// Keep what is learnt about the speaker in this file, and begin with it: all files are one speaker's
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// How a raw sample is written
    #[arg(long, value_name = "FORMAT", requires = "rate", default_value = "s16le")]
    pub sample_format: SampleFormat,
}

impl Analyze {
    /// What the samples are, where the call says so.
    pub fn raw(&self) -> Option<RawFormat> {
        self.rate.map(|rate| RawFormat {
            rate,
            channels: self.channels,
            sample: self.sample_format,
        })
    }
}

/// `undertone live`.
#[derive(Debug, Args)]
pub struct Live {
    /// Print every score as a line of JSON instead of the view
    #[arg(long)]
    pub json: bool,
    /// Keep what is learnt about the speaker in this file, and begin with it
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Stop after so many seconds
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub seconds: Option<f64>,
}

/// A time to run for: one that ends, and that a clock can count.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let fitting = |seconds: &f64| *seconds > 0.0 && *seconds <= 1e9;
    text.parse()
        .ok()
        .filter(fitting)
        .ok_or_else(|| "give a number of seconds above 0".into())
}

/// `undertone models`.
#[derive(Debug, Subcommand)]
pub enum Models {
    /// List the packs, recognisers and runtimes that are found
    List(Json),
    /// Show what a pack is, what it learnt from and how well it was measured to do
    Info {
        /// Name or folder; the pack in use if left out
        name: Option<String>,
        #[command(flatten)]
        #[allow(missing_docs, reason = "documented at its type")]
        json: Json,
    },
    /// Check every file of a pack against its hash
    Verify {
        /// Name or folder; the pack in use if left out
        name: Option<String>,
        #[command(flatten)]
        #[allow(missing_docs, reason = "documented at its type")]
        json: Json,
    },
    /// Bring in what others made and Undertone can use: a recogniser, or a runtime for the networks
    ///
    /// Its package is fetched with pip at a pinned version and hash, or taken from --from; nothing else leaves
    /// this machine. Moonshine hears each utterance again when it is over. Vosk needs a speech model in your
    /// language, which you bring.
    Add(crate::models::add::Add),
    /// Remove a recogniser or runtime that was added, or a pack that was installed
    Remove {
        /// As its folder is called: moonshine, vosk, onnxruntime, cuda, or a pack's name (default for the default one)
        name: String,
        #[command(flatten)]
        #[allow(missing_docs, reason = "documented at its type")]
        json: Json,
    },
    /// Verify a pack and copy it into the data folder
    Install {
        /// The pack's folder
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Use it from now on in place of the built-in one
        #[arg(long)]
        as_default: bool,
        #[command(flatten)]
        #[allow(missing_docs, reason = "documented at its type")]
        json: Json,
    },
}

/// A form that results are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Every score, one JSON object a line.
    Jsonl,
    /// Every score, one row of a table.
    Csv,
    /// Subtitles, WebVTT.
    Vtt,
    /// Subtitles, SubRip.
    Srt,
    /// A page to look at: plot, words and figures.
    Html,
}

impl Format {
    /// The ending of its files, which is also its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Vtt => "vtt",
            Self::Srt => "srt",
            Self::Html => "html",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
