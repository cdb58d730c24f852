//! `undertone eval`: how right the engine is on a corpus, clip by clip, speaker by speaker.
//!
//! It runs the engine itself, not the recipe's code: what is measured is what users get. Clips of a speaker
//! are one stream in the order of the manifest, so that the baseline learns as it would live and never looks
//! ahead.

mod agreement;
mod asr;
mod clips;
mod manifest;
mod metrics;
mod show;
mod texts;
mod told;

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueEnum};
use serde::Serialize;
use undertone::Label;

use crate::fault::{Ending, Fault};
use crate::settings::Settings;
use crate::whole;

use agreement::Agreement;
use metrics::Figures;

/// `undertone eval`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub struct Eval {
    /// CSV with the columns path,label,speaker,text (others are ignored)
    #[arg(long, value_name = "CSV", group = "what")]
    pub manifest: Option<PathBuf>,
    /// Judge what is recognised instead: CSV with the columns path,text (others are ignored)
    #[arg(long, value_name = "CSV", group = "what", conflicts_with = "classes")]
    pub asr: Option<PathBuf>,
    /// Judge words without sound: CSV with the columns text,label or text,toxic (0 or 1)
    #[arg(long, value_name = "CSV", group = "what")]
    pub text_only: Option<PathBuf>,
    /// Folder that the paths of the manifest are relative to
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub root: PathBuf,
    /// Only these labels; rows with others are left out and scores shared among these
    #[arg(long, value_name = "LABELS", value_delimiter = ',', value_parser = known_label)]
    pub classes: Vec<Label>,
    /// Where the words come from: the manifest, the recogniser, or nowhere
    #[arg(
        long,
        value_name = "FROM",
        default_value = "recognised",
        conflicts_with = "text_only"
    )]
    pub text: WordsFrom,
    /// What one stream hears: all clips of a speaker in the manifest's order, or each clip alone
    #[arg(
        long,
        value_name = "ORDER",
        default_value = "speaker",
        conflicts_with = "text_only"
    )]
    pub order: Order,
    /// Score while utterances go on too, and tell how often those scores name what the final does
    #[arg(long, conflicts_with = "text_only")]
    pub provisional: bool,
    /// Write every score of every clip too, a line of JSON a clip
    #[arg(long, value_name = "OUT", conflicts_with_all = ["text_only", "asr"])]
    pub updates: Option<PathBuf>,
    /// Leave rows out whose file is missing or broken, and count them
    #[arg(long)]
    pub allow_missing: bool,
    /// Write the figures as JSON to this file; `-` is standard output
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
}

/// Where the words of an evaluation come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WordsFrom {
    /// The manifest's column; a clip without text is judged by the voice.
    Given,
    /// The recogniser, as in use.
    Recognised,
    /// Nowhere: the voice alone.
    None,
}

/// What one stream of an evaluation hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// All clips of a speaker, in the manifest's order.
    Speaker,
    /// One clip, by a stranger.
    Clip,
}

fn known_label(name: &str) -> Result<Label, String> {
    manifest::label(name).ok_or_else(|| {
        format!(
            "unknown label; known are {}",
            Label::ALL.map(Label::name).join(", ")
        )
    })
}

/// All that is reported.
#[derive(Debug, Serialize)]
pub struct Report {
    #[serde(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub figures: Figures,
    /// Clips in which the engine heard no speech; judged as knowing nothing.
    pub unheard: usize,
    /// Rows left out because their file was missing or broken.
    pub missing: usize,
    /// How often what was shown on the way is what the final says.
    #[serde(flatten)]
    pub agreement: Option<Agreement>,
    /// Seconds of work for each second of sound.
    pub rtf: f64,
    /// The system that ran.
    pub system: String,
    /// The pack that ran.
    pub pack: String,
    /// What ran the networks.
    pub runtime: String,
}

/// Runs the command.
pub fn run(args: &Eval, settings: &Settings) -> Result<Ending, Fault> {
    let classes = if args.classes.is_empty() {
        Label::ALL.to_vec()
    } else {
        args.classes.clone()
    };
    // An evaluation takes hours; where its figures cannot go is known now.
    if let Some(path) = args.json.as_deref().filter(|path| path.as_os_str() != "-") {
        whole::probe(path).map_err(|error| refused(path, &error))?;
    }
    match (&args.asr, &args.text_only, &args.manifest) {
        (Some(clips), _, _) => {
            let (missing, json) = (args.allow_missing, args.json.as_deref());
            asr::run(clips, &args.root, missing, json, settings)
        }
        (None, Some(texts), _) => texts::run(texts, &classes, args, settings),
        (None, None, Some(manifest)) => clips::run(manifest, classes, args, settings),
        (None, None, None) => Err(Fault::User(
            "nothing to judge; give --manifest, --text-only or --asr with a CSV".into(),
        )),
    }
}

/// A result that could not be written.
fn refused(path: &Path, error: &std::io::Error) -> Fault {
    Fault::User(format!(
        "cannot write {}: {error}; check the folder and its free space",
        path.display()
    ))
}

/// The confidence under which this system of this pack says *unknown*.
fn threshold(settings: &Settings, system: &str) -> Result<f64, Fault> {
    let pack = undertone::models::resolve(settings.pack.as_deref())
        .map_err(|error| Fault::User(error.to_string()))?;
    let manifest = pack.manifest();
    let own = manifest.fusion(system).map(|fusion| fusion.unknown_below);
    let text = manifest.text.as_ref().filter(|_| system == "text_only");
    Ok(f64::from(
        own.or(text.map(|text| text.unknown_below))
            .unwrap_or(manifest.speech.unknown_below),
    ))
}
