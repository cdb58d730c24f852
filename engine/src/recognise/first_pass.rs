//! The pack's own recogniser: its words head has already heard the request on the trunk's frames.

use super::{Recogniser, RecogniserError, Recognizer};
use crate::utterance::Request;
use crate::words::Heard;

/// Hands on what the words head heard.
#[derive(Debug)]
pub(crate) struct FirstPass;

impl Recognizer for FirstPass {
    fn which(&self) -> Recogniser {
        Recogniser::First
    }

    fn hear(&mut self, _request: &Request, first: &[Heard]) -> Result<Vec<Heard>, RecogniserError> {
        Ok(first.to_vec())
    }
}
