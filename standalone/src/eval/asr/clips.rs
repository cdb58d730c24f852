//! The manifest of a recognition test: which file, and what is said in it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clip {
    pub path: PathBuf,
    /// Plain words, lower case.
    pub text: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClipsError {
    #[error("cannot read {}: {source}; give a CSV with the columns path,text", path.display())]
    Read { path: PathBuf, source: csv::Error },
    #[error(
        "{missing} of {all} files of {} are missing, the first is {}; correct --root or pass --allow-missing",
        path.display(), first.display()
    )]
    Missing {
        path: PathBuf,
        missing: usize,
        all: usize,
        first: PathBuf,
    },
    #[error("{} holds no clip with a text", .0.display())]
    Empty(PathBuf),
}

#[derive(Deserialize)]
struct Row {
    path: PathBuf,
    text: String,
}

/// Letters and apostrophes of a transcript, one space between words.
pub(super) fn plain(text: &str) -> String {
    let kept: String = text
        .to_lowercase()
        .replace('’', "'")
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() || letter == '\'' {
                letter
            } else {
                ' '
            }
        })
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads a manifest; with `allow_missing`, rows whose file is not there are left out and counted.
pub(super) fn read(path: &Path, root: &Path, allow_missing: bool) -> Result<(Vec<Clip>, usize), ClipsError> {
    let refused = |source| ClipsError::Read {
        path: path.to_owned(),
        source,
    };
    let (mut clips, mut missing) = (Vec::new(), Vec::new());
    for row in csv::Reader::from_path(path)
        .map_err(refused)?
        .deserialize::<Row>()
    {
        let row = row.map_err(refused)?;
        let (file, text) = (root.join(&row.path), plain(&row.text));
        if text.is_empty() {
            continue;
        }
        if file.is_file() {
            clips.push(Clip { path: file, text });
        } else {
            missing.push(file);
        }
    }
    let (lost, all) = (missing.len(), missing.len() + clips.len());
    match missing.into_iter().next() {
        Some(first) if !allow_missing => Err(ClipsError::Missing {
            path: path.to_owned(),
            missing: lost,
            all,
            first,
        }),
        _ if clips.is_empty() => Err(ClipsError::Empty(path.to_owned())),
        _ => Ok((clips, lost)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_transcript_becomes_plain_words() {
        assert_eq!(super::plain(" I'M HERE—now, \"Mr.\" Fox "), "i'm here now mr fox");
    }
}
