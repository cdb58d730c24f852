//! The manifest of an evaluation: which clip, what it is said to carry, who speaks.
//!
//! Corpora name feelings differently; the names are mapped here, once, and one that nobody knows is refused.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use undertone::Label;

/// One clip to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// The sound, under the root given.
    pub path: PathBuf,
    /// What it is said to carry.
    pub label: Label,
    /// Who speaks; clips of one speaker are one stream.
    pub speaker: String,
    /// What is said, where the corpus tells.
    pub text: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It could not be read.
    #[error("cannot read {}: {source}; give a CSV with the columns path,label,speaker,text", path.display())]
    Read {
        /// The manifest.
        path: PathBuf,
        /// What the reader said.
        source: csv::Error,
    },
    /// A label that no mapping knows.
    #[error("{} line {line}: {}", path.display(), unknown(label))]
    Label {
        /// The manifest.
        path: PathBuf,
        /// Its line.
        line: u64,
        /// The label.
        label: String,
    },
    /// Files are not there.
    #[error(
        "{missing} of {all} files of {} are missing, the first is {}; correct --root or pass --allow-missing",
        path.display(), first.display()
    )]
    Missing {
        /// The manifest.
        path: PathBuf,
        /// How many.
        missing: usize,
        /// Of how many.
        all: usize,
        /// One of them.
        first: PathBuf,
    },
    /// Nothing is left to judge.
    #[error("{} holds no clip with a label of --classes", .0.display())]
    Empty(PathBuf),
}

#[derive(Deserialize)]
struct Row {
    path: PathBuf,
    label: String,
    #[serde(default)]
    speaker: String,
    #[serde(default)]
    text: String,
}

/// Reads a manifest. Rows whose label is not among `classes` are left out; with `allow_missing`, so are rows
/// whose file is not there, and their number is given back.
pub fn read(
    path: &Path,
    root: &Path,
    classes: &[Label],
    allow_missing: bool,
) -> Result<(Vec<Clip>, usize), ManifestError> {
    let refused = |source| ManifestError::Read {
        path: path.to_owned(),
        source,
    };
    let mut reader = csv::Reader::from_path(path).map_err(refused)?;
    let mut clips = Vec::new();
    let mut missing = Vec::new();
    for (at, row) in reader.deserialize::<Row>().enumerate() {
        let row = row.map_err(refused)?;
        let Some(label) = label(&row.label) else {
            return Err(ManifestError::Label {
                path: path.to_owned(),
                line: at as u64 + 2,
                label: row.label,
            });
        };
        if !classes.contains(&label) {
            continue;
        }
        let file = root.join(&row.path);
        if file.is_file() {
            clips.push(Clip {
                path: file,
                label,
                speaker: row.speaker,
                text: row.text,
            });
        } else {
            missing.push(file);
        }
    }
    let (lost, all) = (missing.len(), missing.len() + clips.len());
    match missing.into_iter().next() {
        Some(first) if !allow_missing => Err(ManifestError::Missing {
            path: path.to_owned(),
            missing: lost,
            all,
            first,
        }),
        _ if clips.is_empty() => Err(ManifestError::Empty(path.to_owned())),
        _ => Ok((clips, lost)),
    }
}

/// Other names of the labels, as corpora write them.
const OTHER_NAMES: [(&str, Label); 46] = [
    ("neu", Label::Neutral),
    ("calm", Label::Neutral),
    ("hap", Label::Happy),
    ("happiness", Label::Happy),
    ("joy", Label::Happy),
    ("excited", Label::Happy),
    ("exc", Label::Happy),
    ("amused", Label::Happy),
    ("sadness", Label::Sad),
    ("sorrow", Label::Sad),
    ("ang", Label::Angry),
    ("anger", Label::Angry),
    ("fea", Label::Fearful),
    ("fear", Label::Fearful),
    ("anxious", Label::Fearful),
    ("anxiety", Label::Fearful),
    ("scared", Label::Fearful),
    ("dis", Label::Disgusted),
    ("disgust", Label::Disgusted),
    ("sur", Label::Surprised),
    ("surprise", Label::Surprised),
    ("ps", Label::Surprised),
    ("pleasant_surprise", Label::Surprised),
    ("joyful", Label::Happy),
    ("angriness", Label::Angry),
    // GoEmotions' finer names, grouped as its authors do.
    ("admiration", Label::Happy),
    ("amusement", Label::Happy),
    ("approval", Label::Happy),
    ("caring", Label::Happy),
    ("desire", Label::Happy),
    ("excitement", Label::Happy),
    ("gratitude", Label::Happy),
    ("love", Label::Happy),
    ("optimism", Label::Happy),
    ("pride", Label::Happy),
    ("relief", Label::Happy),
    ("disappointment", Label::Sad),
    ("embarrassment", Label::Sad),
    ("grief", Label::Sad),
    ("remorse", Label::Sad),
    ("annoyance", Label::Angry),
    ("disapproval", Label::Angry),
    ("nervousness", Label::Fearful),
    ("realization", Label::Surprised),
    ("confusion", Label::Surprised),
    ("curiosity", Label::Surprised),
];

/// The label that a corpus means by this name.
pub fn label(name: &str) -> Option<Label> {
    let name = name.trim().to_lowercase();
    Label::from_name(&name).or_else(|| {
        OTHER_NAMES
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, label)| *label)
    })
}

/// What is said about a label that no mapping knows.
pub fn unknown(label: &str) -> String {
    let own = Label::ALL.iter().map(|label| label.name());
    let all: Vec<_> = own.chain(OTHER_NAMES.iter().map(|(name, _)| *name)).collect();
    format!("unknown label '{label}'; known are: {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(rows: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.wav", "b.wav"] {
            fs::write(dir.path().join(name), b"").unwrap();
        }
        let manifest = dir.path().join("manifest.csv");
        fs::write(&manifest, format!("path,label,speaker,text\n{rows}")).unwrap();
        (dir, manifest)
    }

    #[test]
    fn names_of_other_corpora_are_mapped_and_columns_may_stand_in_any_order() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.wav"), b"").unwrap();
        let manifest = dir.path().join("m.csv");
        fs::write(&manifest, "speaker,extra,label,path\nann,1,Fear,a.wav\n").unwrap();
        let (clips, _) = read(&manifest, dir.path(), &Label::ALL, false).unwrap();
        assert_eq!(
            (clips[0].label, clips[0].speaker.as_str()),
            (Label::Fearful, "ann")
        );
    }

    #[test]
    fn an_unknown_label_is_refused_with_its_line_and_the_list() {
        let (dir, manifest) = folder("a.wav,happy,x,\nb.wav,bored,x,\n");
        let told = read(&manifest, dir.path(), &Label::ALL, false)
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("line 3") && told.contains("bored") && told.contains("calm"),
            "{told}"
        );
    }

    #[test]
    fn missing_files_are_counted_and_left_out_only_when_allowed() {
        let (dir, manifest) = folder("a.wav,happy,x,\nnot.wav,sad,x,\n");
        let told = read(&manifest, dir.path(), &Label::ALL, false)
            .unwrap_err()
            .to_string();
        assert!(told.contains("1 of 2") && told.contains("not.wav"), "{told}");
        let (clips, lost) = read(&manifest, dir.path(), &Label::ALL, true).unwrap();
        assert_eq!((clips.len(), lost), (1, 1));
    }

    #[test]
    fn labels_outside_the_classes_are_left_out() {
        let (dir, manifest) = folder("a.wav,happy,x,\nb.wav,disgust,x,\n");
        let (clips, _) = read(&manifest, dir.path(), &[Label::Happy], false).unwrap();
        assert_eq!(clips.len(), 1);
        assert!(read(&manifest, dir.path(), &[Label::Sad], false).is_err());
    }
}
