//! Why a pack could not be made ready, or a request not be scored.

use undertone_models::{PackError, Role};

use crate::runtime::RuntimeError;
use crate::words::LexiconError;

/// Why a pack could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum MindError {
    /// The pack itself is refused.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// One of its graphs is refused.
    #[error("pack '{pack}', {role} graph: {source}")]
    Graph {
        /// The pack's name.
        pack: String,
        /// The graph's role.
        role: Role,
        /// What is wrong with it.
        source: RuntimeError,
    },
    /// Its file of words is refused.
    #[error(
        "pack '{pack}', its file of words: {source}; reinstall the pack or take one made for this version"
    )]
    Lexicon {
        /// The pack's name.
        pack: String,
        /// What is wrong with it.
        source: LexiconError,
    },
    /// A graph's output is not of the form the manifest promises.
    #[error("pack '{pack}', {role} graph: {what}; take a pack made for this version")]
    Shape {
        /// The pack's name.
        pack: String,
        /// The graph's role.
        role: Role,
        /// What was found.
        what: String,
    },
    /// The pack cannot run the system asked for.
    #[error("pack '{pack}' has no system '{asked}'; it has: {}", offered.join(", "))]
    System {
        /// The pack's name.
        pack: String,
        /// The system asked for.
        asked: String,
        /// The systems it offers.
        offered: Vec<String>,
    },
}
