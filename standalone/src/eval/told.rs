//! Every score of an evaluation, one line of JSON a clip, for whoever wants to see which clips went wrong and why.
//!
//! Never judges: the figures are made elsewhere.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use undertone::{Label, Update};

use crate::fault::Fault;
use crate::whole::Whole;

use super::manifest::Clip;
use super::refused;

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Told(Whole);

#[derive(Serialize)]
struct Line<'a> {
    path: &'a Path,
    label: Label,
    heard_before_s: f64,
    updates: &'a [Update],
}

impl Told {
    pub(super) fn create(path: &Path) -> Result<Self, Fault> {
        Whole::create(path)
            .map(Self)
            .map_err(|error| refused(path, &error))
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
        writeln!(self.0, "{text}").map_err(|error| refused(self.0.path(), &error))
    }

    /// Puts the file where it belongs: a run that fails leaves none.
    pub(super) fn close(self) -> Result<(), Fault> {
        let path = self.0.path().to_owned();
        self.0.commit().map_err(|error| refused(&path, &error))
    }
}
