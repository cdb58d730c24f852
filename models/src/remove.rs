//! Takes away what a person brought in: a recogniser, a runtime or a pack, each in a folder of the data folder.
//!
//! It must never touch anything else: a name is the name of a folder there, and the folder must be what it is taken for.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::recognisers::MANIFEST;
use crate::store::{data_dir, is_folder_name};

/// What can be brought in, and taken away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who turns speech into words.
    Recogniser,
    /// A library that runs the networks.
    Runtime,
    /// A model pack.
    Pack,
}

impl Kind {
    /// In the order in which a name is looked for, which is that of the commands that take one.
    const ALL: [Self; 3] = [Self::Recogniser, Self::Runtime, Self::Pack];

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recogniser => "recogniser",
            Self::Runtime => "runtime",
            Self::Pack => "pack",
        }
    }

    fn folder(self, data: &Path) -> PathBuf {
        data.join(match self {
            Self::Recogniser => "recognisers",
            Self::Runtime => "runtimes",
            Self::Pack => "packs",
        })
    }

    /// Whether such a thing is in this folder, whole or not.
    fn is_in(self, dir: &Path) -> bool {
        match self {
            Self::Recogniser => dir.join(MANIFEST).is_file(),
            Self::Runtime => dir.is_dir(),
            Self::Pack => dir.join("pack.toml").is_file(),
        }
    }
}

/// What was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// What it was.
    pub kind: Kind,
    /// The folder that it was in.
    pub dir: PathBuf,
}

/// Why nothing was removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// There is no such thing.
    #[error("'{0}' is not installed; `undertone models list` shows what is, and where")]
    Missing(String),
    /// This system tells no data folder.
    #[error("no data folder is known here; set UNDERTONE_DATA to the folder that it was installed in")]
    NoDataDir,
    /// Deleting failed.
    #[error("cannot remove {}: {source}; check the permissions there, and that nothing is using it", path.display())]
    Delete {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Removes the recogniser, runtime or pack in the folder of this name; of several, the first in this order.
pub fn remove(name: &str) -> Result<Removed, RemoveError> {
    remove_from(&data_dir().ok_or(RemoveError::NoDataDir)?, name)
}

fn remove_from(data: &Path, name: &str) -> Result<Removed, RemoveError> {
    let missing = || RemoveError::Missing(name.to_owned());
    if !is_folder_name(name) {
        return Err(missing());
    }
    let places = Kind::ALL.map(|kind| (kind, kind.folder(data).join(name)));
    let found = places.into_iter().find(|(kind, dir)| kind.is_in(dir));
    let (kind, dir) = found.ok_or_else(missing)?;
    let failed = |source| RemoveError::Delete {
        path: dir.clone(),
        source,
    };
    // Out of the way first: whoever looks meanwhile finds it whole or not at all.
    let leaving = kind
        .folder(data)
        .join(format!(".{name}.gone.{}", std::process::id()));
    fs::rename(&dir, &leaving).map_err(failed)?;
    fs::remove_dir_all(&leaving).map_err(failed)?;
    Ok(Removed { kind, dir })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_of_its_kind_is_removed_and_only_from_its_folder() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        for (file, text) in [
            ("recognisers/vosk/recogniser.toml", ""),
            ("recognisers/notes/diary.txt", "not ours"),
            ("runtimes/cuda/lib.so", ""),
            ("packs/mine/pack.toml", ""),
            ("packs/photos/cat.png", "not ours"),
            ("other/pack.toml", "not ours"),
        ] {
            let path = data.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for name in ["", ".", "..", "../other", "photos", "notes", "nothing"] {
            let refused = remove_from(data, name).unwrap_err();
            assert!(matches!(refused, RemoveError::Missing(_)), "{name}: {refused}");
        }
        for (name, kind) in [
            ("vosk", Kind::Recogniser),
            ("cuda", Kind::Runtime),
            ("mine", Kind::Pack),
        ] {
            let removed = remove_from(data, name).unwrap();
            assert_eq!(removed.kind, kind);
            assert!(!removed.dir.exists());
        }
        let left = |dir: &str| fs::read_dir(data.join(dir)).unwrap().count();
        assert_eq!(
            ["recognisers", "runtimes", "packs", "other"].map(left),
            [1, 0, 1, 1]
        );
    }
}
