//! Every score of an evaluation, one line of JSON a clip, for whoever wants to see which clips went wrong and why.
//!
//! Never judges: the figures are made elsewhere.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use undertone::{Label, Update};

use crate::fault::Fault;

use super::manifest::Clip;

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Told {
    path: PathBuf,
    out: BufWriter<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a Path,
    label: Label,
    heard_before_s: f64,
    updates: &'a [Update],
}

impl Told {
    pub(super) fn create(path: &Path) -> Result<Self, Fault> {
        let out = File::create(path).map_err(|error| refused(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::new(out),
        })
    }

    /// Adds a clip, and what its stream had heard before it.
    pub(super) fn take(&mut self, clip: &Clip, heard_before_s: f64, updates: &[Update]) -> Result<(), Fault> {
        let line = Line {
            path: &clip.path,
            label: clip.label,
            heard_before_s,
            updates,
        };
        let text = serde_json::to_string(&line).map_err(|error| Fault::Broken(error.into()))?;
        writeln!(self.out, "{text}").map_err(|error| refused(&self.path, &error))
    }

    /// Nothing may be left in the buffer unseen.
    pub(super) fn close(mut self) -> Result<(), Fault> {
        self.out.flush().map_err(|error| refused(&self.path, &error))
    }
}

fn refused(path: &Path, error: &std::io::Error) -> Fault {
    Fault::User(format!(
        "cannot write {}: {error}; check the folder and its free space",
        path.display()
    ))
}
