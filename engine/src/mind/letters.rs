//! The words branch, run on the trunk's frames: what was said in a request, and where known words lie.

use undertone_models::Role;

use super::{Mind, MindError};
use crate::runtime::Output;
use crate::update::Kind;
use crate::utterance::Request;
use crate::words::{Known, ReadError, Reader, Units};

impl Mind {
    pub(super) fn spell(
        &self,
        reader: &Reader,
        mix: &Output,
        top: &Output,
        request: &Request,
    ) -> Result<Units, MindError> {
        // A closing look is read as the final will be: its frames may become the final's.
        let open = request.kind == Kind::Provisional && !request.closing;
        let scores = reader.score(mix, top).map_err(|error| self.unheard(error))?;
        Ok(reader.read(&scores, |frame| self.frame_time(request.audio_from, frame), open))
    }

    fn unheard(&self, error: ReadError) -> MindError {
        match error {
            ReadError::Run(source) => MindError::Graph {
                pack: self.info.name.clone(),
                role: Role::Words,
                source,
            },
            ReadError::Shape(what) => self.misshapen(Role::Words, &what),
        }
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
        let scores = scores.map_err(|error| self.unheard(error))?;
        Ok(Some(
            reader.known(&scores, text, |frame| self.frame_time(0, frame)),
        ))
    }
}
