//! Recognisers that a person installed: one folder each in the data folder, with `recogniser.toml` beside what
//! it runs.
//!
//! Like packs they are there whole or not at all. This module keeps and checks them; where their files come from is
//! not its business, and it must never run one of them.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::manifest::FileEntry;
use crate::pack::hex;
use crate::store::data_dir;

pub(crate) const MANIFEST: &str = "recogniser.toml";

/// What a person is told about an installed recogniser, and what its folder holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// `moonshine` or `vosk`.
    pub name: String,
    /// Version of what was installed.
    pub version: String,
    /// Licence of its weights.
    pub licence: String,
    /// Where it came from.
    pub source: String,
    /// Every file with its hash and size.
    #[serde(default)]
    pub files: Vec<FileEntry>,
}

/// Why a recogniser cannot be used or installed.
#[derive(Debug, thiserror::Error)]
pub enum RecogniserStoreError {
    /// It is not there.
    #[error("recogniser '{0}' is not installed; install it with `undertone models add {0}`")]
    Missing(String),
    /// Its folder is not what was installed.
    #[error("recogniser '{name}' is damaged: {} {what}; install it again with `undertone models add {name}`", path.display())]
    Damaged {
        /// Its name.
        name: String,
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// This system tells no data folder.
    #[error("no data folder is known here; set UNDERTONE_DATA to a folder that you may write to")]
    NoDataDir,
    /// Writing failed.
    #[error("cannot write {}: {source}; check the permissions and the free space there", path.display())]
    Write {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// An installed recogniser.
#[derive(Debug, Clone, PartialEq)]
pub struct InstalledRecogniser {
    /// Its folder.
    pub dir: PathBuf,
    /// What it is.
    pub about: About,
}

impl InstalledRecogniser {
    /// The recogniser of this name. Sizes are checked, hashes are not: see [`Self::verify`].
    pub fn find(name: &str) -> Result<Self, RecogniserStoreError> {
        let root = root().ok_or(RecogniserStoreError::NoDataDir)?;
        Self::open(&root.join(name), name)
    }

    fn open(dir: &Path, name: &str) -> Result<Self, RecogniserStoreError> {
        let at = dir.join(MANIFEST);
        let damaged = |path: &Path, what: String| RecogniserStoreError::Damaged {
            name: name.to_owned(),
            path: path.to_owned(),
            what,
        };
        let text = match fs::read_to_string(&at) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(RecogniserStoreError::Missing(name.to_owned()));
            }
            Err(error) => return Err(damaged(&at, format!("cannot be read ({error})"))),
        };
        let about: About = toml::from_str(&text)
            .map_err(|error| damaged(&at, format!("is not of its form ({})", error.message())))?;
        for file in &about.files {
            let path = dir.join(&file.path);
            match fs::metadata(&path) {
                Ok(found) if found.len() == file.bytes => {}
                Ok(found) => {
                    return Err(damaged(
                        &path,
                        format!("has {} bytes, not {}", found.len(), file.bytes),
                    ));
                }
                Err(error) => return Err(damaged(&path, format!("cannot be read ({error})"))),
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            about,
        })
    }

    /// The bytes of one of its files, checked against their hash.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, RecogniserStoreError> {
        let path = self.dir.join(file);
        let damaged = |what: String| RecogniserStoreError::Damaged {
            name: self.about.name.clone(),
            path: path.clone(),
            what,
        };
        let entry = self.about.files.iter().find(|entry| entry.path == file);
        let entry = entry.ok_or_else(|| damaged("is not in its list of files".into()))?;
        let bytes = fs::read(&path).map_err(|error| damaged(format!("cannot be read ({error})")))?;
        if hex(&Sha256::digest(&bytes)) != entry.sha256 {
            return Err(damaged("has another SHA-256 than was installed".into()));
        }
        Ok(bytes)
    }

    /// Checks every file against its hash.
    pub fn verify(&self) -> Result<(), RecogniserStoreError> {
        self.about
            .files
            .iter()
            .try_for_each(|file| self.read(&file.path).map(drop))
    }
}

/// The folder of the installed recognisers.
fn root() -> Option<PathBuf> {
    data_dir().map(|dir| dir.join("recognisers"))
}

/// Every recogniser there is, good or not, by name.
pub fn installed_recognisers() -> Vec<(String, Result<InstalledRecogniser, RecogniserStoreError>)> {
    let Some(entries) = root().and_then(|root| fs::read_dir(root).ok()) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let found = InstalledRecogniser::find(&name);
            (name, found)
        })
        .filter(|(_, found)| !matches!(found, Err(RecogniserStoreError::Missing(_))))
        .collect()
}

/// Installs a recogniser: `fill` writes its files into a fresh folder, which takes the place of an older one only
/// when all of them are there. Their hashes are noted as they were written.
pub fn install_recogniser<E>(
    mut about: About,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<InstalledRecogniser, E>
where
    E: From<RecogniserStoreError>,
{
    let root = root().ok_or(RecogniserStoreError::NoDataDir)?;
    let fresh = root.join(format!(".{}.{}", about.name, std::process::id()));
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| RecogniserStoreError::Write { path, source }
    };
    fs::create_dir_all(&fresh).map_err(write(&fresh))?;
    let made = fill(&fresh).and_then(|()| {
        about.files = Vec::new();
        list(&fresh, &fresh, &mut about.files).map_err(write(&fresh))?;
        let text = toml::to_string(&about).map_err(|error| write(&fresh)(io::Error::other(error)))?;
        fs::write(fresh.join(MANIFEST), text).map_err(write(&fresh))?;
        let target = root.join(&about.name);
        if target.exists() {
            fs::remove_dir_all(&target).map_err(write(&target))?;
        }
        fs::rename(&fresh, &target).map_err(write(&target))?;
        Ok(InstalledRecogniser { dir: target, about })
    });
    if made.is_err() {
        // The half-made folder is of no use; the error that made it half is the one to tell.
        let _ = fs::remove_dir_all(&fresh);
    }
    made
}

fn list(root: &Path, dir: &Path, files: &mut Vec<FileEntry>) -> io::Result<()> {
    let mut entries = fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            list(root, &path, files)?;
            continue;
        }
        let bytes = fs::read(&path)?;
        let name = path.strip_prefix(root).map_err(io::Error::other)?;
        files.push(FileEntry {
            path: name.to_string_lossy().replace('\\', "/"),
            sha256: hex(&Sha256::digest(&bytes)),
            bytes: bytes.len() as u64,
        });
    }
    Ok(())
}
