//! The words branch, run on the trunk's frames: what was said in a request, and where known words lie.

use undertone_models::{Manifest, Pack, Role};

use super::{Mind, MindError, Passed};
use crate::runtime::Graph;
use crate::update::Kind;
use crate::utterance::Request;
use crate::words::{Draft, Known, Pass, ReadError, Reader, Units, Writer};

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
        let unheard = |error| unheard(&self.info.name, error);
        let scores = reader.score(&passed.mix, &passed.top).map_err(unheard)?;
        let time = |frame| self.frame_time(request.audio_from, frame);
        let Some(writer) = &self.writer else {
            // A closing look is read as the final will be: its frames may become the final's.
            let open = request.kind == Kind::Provisional && !request.closing;
            return Ok(reader.read(&scores, time, open));
        };
        let samples = request.for_pack().len();
        // Where no letter was heard, what would be written is made up.
        let row = if reader.is_silent(&scores) {
            Vec::new()
        } else {
            let row = writer.write(&passed.top, samples, &draft.of(request));
            row.map_err(unheard)?
        };
        let pass = Pass {
            time,
            span: (request.audio_from, request.audio_from + samples as u64),
        };
        let (units, written) = reader.read_written(&scores, &row, writer.tokens(), &pass);
        draft.keep(request, written);
        Ok(units)
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
        Ok(Some(
            reader.known(&scores, text, |frame| self.frame_time(0, frame)),
        ))
    }
}

#[cfg(test)]
#[path = "letters_tests.rs"]
mod tests;
