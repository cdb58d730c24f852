//! The words branch, run on the trunk's frames: what was said in a request, and where known words lie.

use undertone_models::{Manifest, Pack, Role};

use super::{Mind, MindError, Passed};
use crate::runtime::Graph;
use crate::update::Kind;
use crate::utterance::Request;
use crate::words::{Draft, Known, Pass, ReadError, Reader, Scores, Spelt, Units, Writer, Written};

/// What is wrong with the words branch of this pack.
pub(super) fn unheard(pack: &str, error: ReadError) -> MindError {
    let pack = pack.to_owned();
    match error {
        ReadError::Run(role, source) => MindError::Graph { pack, role, source },
        ReadError::Shape(role, what) => MindError::Shape { pack, role, what },
    }
}

/// The pack's writer, if it has one, its graphs loaded with `load`.
pub(super) fn writer(
    manifest: &Manifest,
    pack: &Pack,
    load: impl Fn(Role) -> Result<Box<dyn Graph>, MindError>,
) -> Result<Option<Writer>, MindError> {
    if manifest.graph(Role::Writer).is_none() {
        return Ok(None);
    }
    let (sound, step) = (load(Role::WriterSound)?, load(Role::Writer)?);
    let writer = Writer::new(sound, step, manifest, pack);
    writer.map(Some).map_err(|error| unheard(&manifest.name, error))
}

impl Mind {
    /// What was said; `draft` holds what the stream's passes wrote before this one.
    pub(super) fn spell(
        &self,
        reader: &Reader,
        passed: &Passed,
        request: &Request,
        draft: &mut Draft,
    ) -> Result<Units, MindError> {
        let scores = reader.score(&passed.mix, &passed.top);
        let scores = scores.map_err(|error| unheard(&self.info.name, error))?;
        let until = request.audio_from + request.for_pack().len() as u64;
        let span = (request.audio_from, until);
        // A closing look is read as the final will be: its frames may become the final's.
        let open = request.kind == Kind::Provisional && !request.closing;
        let (units, written) = self.said(reader, &scores, passed, span, open, &draft.of(request))?;
        draft.keep(request, written);
        Ok(units)
    }

    /// What is heard in a pass over `span`, and what was written of it if the pack has a writer.
    fn said(
        &self,
        reader: &Reader,
        scores: &Scores,
        passed: &Passed,
        span: (u64, u64),
        open: bool,
        draft: &[usize],
    ) -> Result<(Units, Vec<Written>), MindError> {
        let time = |frame| self.frame_time(span.0, frame);
        let Some(writer) = &self.writer else {
            return Ok((reader.read(scores, time, open), Vec::new()));
        };
        // Where no letter was heard, what would be written is made up; and a first word that is still being spoken
        // is written when there is more of it.
        let waits = |spelt: &Spelt| open && draft.is_empty() && spelt.only_begins();
        let row = match reader.spelt(scores).filter(|spelt| !waits(spelt)) {
            Some(spelt) => {
                let samples = usize::try_from(span.1 - span.0).unwrap_or(0);
                let row = writer.write(&passed.top, samples, draft, &spelt, open);
                row.map_err(|error| unheard(&self.info.name, error))?
            }
            None => Vec::new(),
        };
        let pass = Pass { time, span };
        Ok(reader.read_written(scores, &row, writer.tokens(), &pass))
    }

    /// Runs the writer on frames of anything, whether or not words were heard in them.
    pub(super) fn try_writer(&self, passed: &Passed) -> Result<(), MindError> {
        let tried = self.writer.as_ref().map(|writer| writer.try_out(&passed.top));
        tried
            .unwrap_or(Ok(()))
            .map_err(|error| unheard(&self.info.name, error))
    }

    /// Lays known words onto a whole clip; `None` if the pack recognises none.
    pub(crate) fn study(&self, audio: &[f32], text: &str) -> Result<Option<Known>, MindError> {
        let Some(reader) = &self.words else {
            return Ok(None);
        };
        let Some(passed) = self.pass(&[audio])?.pop() else {
            return Ok(None);
        };
        let scores = reader.score(&passed.mix, &passed.top);
        let scores = scores.map_err(|error| unheard(&self.info.name, error))?;
        let span = (0, audio.len() as u64);
        let (units, _) = self.said(reader, &scores, &passed, span, false, &[])?;
        let time = |frame| self.frame_time(0, frame);
        Ok(Some(reader.known(&scores, units.phones, text, time)))
    }
}

#[cfg(test)]
#[path = "letters_tests.rs"]
mod tests;
