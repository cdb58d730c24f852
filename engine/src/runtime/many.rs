//! A runtime that batches, for tests on machines without an accelerator: the embedded one, with graphs written anew
//! as a card would get them.

use undertone_models::Bytes;

use super::rewrite::{Numbers, rewrite};
use super::{Graph, LENGTHS, Rten, Runtime, RuntimeError};

/// It takes so many clips at once.
pub(crate) struct Many(pub usize, pub Rten);

impl Runtime for Many {
    fn name(&self) -> &'static str {
        "many"
    }

    fn batch(&self) -> usize {
        self.0
    }

    fn load(
        &self,
        bytes: &Bytes,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<Box<dyn Graph>, RuntimeError> {
        if inputs.iter().all(|name| name != LENGTHS) {
            return self.1.load(bytes, inputs, outputs);
        }
        let written = rewrite(bytes, Numbers::Floats, Some(LENGTHS));
        let written = written.map_err(|error| RuntimeError::Load(error.to_string()))?;
        self.1.load(&Bytes::Owned(written), inputs, outputs)
    }
}
