//! `pack.toml`: what a pack promises. Parsing it must refuse whatever the engine could trip over later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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

/// How the trunk cuts time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trunk {
    /// Samples from one frame to the next.
    pub frame_stride: usize,
    /// The shortest input the graph takes, in samples.
    pub min_samples: usize,
    /// Samples that the first frame sees.
    pub receptive_field: usize,
}

/// The speech emotion head and its calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speech {
    /// Labels the head was really trained on.
    pub trained_labels: Vec<String>,
    /// Divides the logits of a final.
    pub temperature: f32,
    /// `[seconds of speech, temperature]` for scores of shorter speech, linear in between.
    #[serde(default)]
    pub temperature_short: Vec<[f32; 2]>,
    /// Confidence under which the label is *unknown*.
    pub unknown_below: f32,
    /// Accuracy above that threshold, measured on dev speakers.
    #[serde(default)]
    pub selective_accuracy: Option<f32>,
    /// Share of utterances above that threshold, measured on dev speakers.
    #[serde(default)]
    pub selective_coverage: Option<f32>,
    /// Width of the trunk's `mix` output.
    pub mix_width: usize,
    /// Width of the head's `stats` output.
    pub stats_width: usize,
    /// How many utterances' weight the population mean has in the speaker's baseline.
    #[serde(default = "default_prior")]
    pub prior_clips: f32,
}

fn default_prior() -> f32 {
    5.0
}

/// The alphabet of the words head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// Symbols by index; index 0 is the CTC blank.
    pub alphabet: Vec<String>,
}

/// What a graph is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Audio to frames.
    Trunk,
    /// Frames to speech emotion.
    Speech,
    /// Frames to characters.
    Words,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Trunk => "trunk",
            Self::Speech => "speech",
            Self::Words => "words",
        })
    }
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

    fn check(&self) -> Result<(), ManifestError> {
        let misfit = |what: String| Err(ManifestError::Misfit(what));
        if self.schema != SCHEMA {
            return misfit(format!("schema is {}, this build reads {SCHEMA}", self.schema));
        }
        if self.sample_rate != 16_000 {
            return misfit(format!(
                "sample_rate is {}, the engine hears 16000",
                self.sample_rate
            ));
        }
        if self.labels != LABELS {
            return misfit(format!("labels must be {LABELS:?}"));
        }
        if !self.systems.contains(&self.default_system) {
            return misfit(format!(
                "default_system '{}' is not among systems",
                self.default_system
            ));
        }
        if self.trunk.frame_stride == 0 || self.trunk.min_samples == 0 {
            return misfit("trunk.frame_stride and trunk.min_samples must be positive".into());
        }
        let positive = |x: f32| x.is_finite() && x > 0.0;
        if !positive(self.speech.temperature)
            || !self
                .speech
                .temperature_short
                .iter()
                .all(|[at, t]| at.is_finite() && positive(*t))
        {
            return misfit("temperatures must be positive".into());
        }
        if !self
            .speech
            .temperature_short
            .windows(2)
            .all(|w| w[0][0] < w[1][0])
        {
            return misfit("speech.temperature_short must be in rising order of seconds".into());
        }
        if !(0.0..=1.0).contains(&self.speech.unknown_below) {
            return misfit("speech.unknown_below must be within 0 and 1".into());
        }
        for role in [Role::Trunk, Role::Speech] {
            if self.graph(role).is_none() {
                return misfit(format!("the {role} graph is missing"));
            }
        }
        if self.graph(Role::Words).is_some() {
            let alphabet = self.words.as_ref().map_or(0, |words| words.alphabet.len());
            if alphabet < 2 {
                return misfit("the words graph needs words.alphabet".into());
            }
        }
        for graph in &self.graphs {
            if !self.files.iter().any(|file| file.path == graph.file) {
                return misfit(format!("'{}' has no entry in files", graph.file));
            }
        }
        for file in &self.files {
            let path = std::path::Path::new(&file.path);
            let plain = path
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_)));
            if !plain || file.path.is_empty() {
                return misfit(format!("'{}' leads out of the pack", file.path));
            }
        }
        Ok(())
    }
}
