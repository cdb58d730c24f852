//! Why a recogniser cannot be used, and what to do.

use std::path::PathBuf;

use undertone_models::RecogniserStoreError;

use super::Recogniser;
use crate::runtime::RuntimeError;

/// Why a recogniser cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecogniserError {
    /// It is not installed, or not whole.
    #[error(transparent)]
    Store(#[from] RecogniserStoreError),
    /// One of its networks failed.
    #[error("recogniser '{which}': {source}")]
    Network {
        /// The recogniser.
        which: Recogniser,
        /// What failed.
        source: RuntimeError,
    },
    /// One of its files is not of its form.
    #[error("recogniser '{which}': {what}; install it again with `undertone models add {which}`")]
    Form {
        /// The recogniser.
        which: Recogniser,
        /// What was found.
        what: String,
    },
    /// Its library cannot be opened.
    #[error(
        "the library {} cannot be opened ({why}); install one for this machine with `undertone models add vosk --from WHEEL_OR_LIBRARY --model FOLDER`",
        path.display()
    )]
    Library {
        /// The library.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Its library refuses the speech model.
    #[error(
        "Vosk refuses the speech model in {}; it is damaged, incomplete or for another version: add another with `undertone models add vosk --model FOLDER`",
        path.display()
    )]
    Model {
        /// The model's folder.
        path: PathBuf,
    },
    /// Its library failed on sound.
    #[error("recogniser '{which}' failed: {what}; switch with --recogniser first and please report this")]
    Run {
        /// The recogniser.
        which: Recogniser,
        /// What failed.
        what: String,
    },
}
