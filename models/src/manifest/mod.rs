//! `pack.toml`: what a pack promises. Parsing it must refuse whatever the engine could trip over later.

mod check;
mod role;
mod tables;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use role::{Role, SYSTEMS};
pub use tables::{Familiar, Fusion, LateSpeech, Speech, Text, Trunk, Words, Writer};

/// The label set of every pack, in the order of the graphs' outputs.
pub const LABELS: [&str; 7] = [
    "neutral",
    "happy",
    "sad",
    "angry",
    "fearful",
    "disgusted",
    "surprised",
];

/// The manifest version this build reads.
pub const SCHEMA: u32 = 1;

/// `pack.toml`, checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the manifest's own form.
    pub schema: u32,
    /// The pack's name, as shown in every update.
    pub name: String,
    /// The pack's version.
    pub version: String,
    /// Licence of the weights.
    pub licence: String,
    /// One sentence for a person who chooses between packs.
    #[serde(default)]
    pub description: String,
    /// Sample rate the trunk hears, in Hz.
    pub sample_rate: u32,
    /// Labels, always [`LABELS`].
    pub labels: Vec<String>,
    /// Systems the pack can run.
    pub systems: Vec<String>,
    /// The system that runs unless another is asked for.
    pub default_system: String,
    /// The speech encoder.
    pub trunk: Trunk,
    /// The speech emotion branch.
    pub speech: Speech,
    /// The words branch, where the pack has one.
    #[serde(default)]
    pub words: Option<Words>,
    /// The writer, where the pack has one.
    #[serde(default)]
    pub writer: Option<Writer>,
    /// The text branch, where the pack has one.
    #[serde(default)]
    pub text: Option<Text>,
    /// The speech branch of system `late`.
    #[serde(default)]
    pub late_speech: Option<LateSpeech>,
    /// What the familiar graph's output means.
    #[serde(default)]
    pub familiar: Option<Familiar>,
    /// How system `late` fuses.
    #[serde(default)]
    pub late: Option<Fusion>,
    /// How system `multilevel` fuses.
    #[serde(default)]
    pub multilevel: Option<Fusion>,
    /// How system `joint` fuses.
    #[serde(default)]
    pub joint: Option<Fusion>,
    /// Graphs by role.
    pub graphs: Vec<GraphEntry>,
    /// Every file with its hash and size.
    pub files: Vec<FileEntry>,
    /// What the weights were trained on.
    #[serde(default)]
    pub training: Vec<TrainingSet>,
    /// Figures measured by the recipe's evaluation.
    #[serde(default)]
    pub figures: BTreeMap<String, toml::Value>,
}

/// One graph of the pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphEntry {
    /// What it is for.
    pub role: Role,
    /// Its file, relative to the pack.
    pub file: String,
    /// Names of its inputs.
    pub inputs: Vec<String>,
    /// Names of its outputs.
    pub outputs: Vec<String>,
}

/// One file of the pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path relative to the pack.
    pub path: String,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// A corpus the weights learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSet {
    /// Its name.
    pub name: String,
    /// Its licence.
    pub licence: String,
    /// What it taught.
    #[serde(default, rename = "use")]
    pub purpose: String,
}

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not TOML, or not of the manifest's form.
    #[error("is not a valid manifest: {0}")]
    Form(#[from] toml::de::Error),
    /// Well-formed, but inconsistent.
    #[error("does not fit: {0}")]
    Misfit(String),
}

impl Manifest {
    /// Reads and checks a manifest.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The graph with this role, if the pack has one.
    pub fn graph(&self, role: Role) -> Option<&GraphEntry> {
        self.graphs.iter().find(|graph| graph.role == role)
    }

    /// How a system fuses; `None` for those that run one branch alone.
    pub fn fusion(&self, system: &str) -> Option<&Fusion> {
        match system {
            "late" => self.late.as_ref(),
            "multilevel" => self.multilevel.as_ref(),
            "joint" => self.joint.as_ref(),
            _ => None,
        }
    }
}
