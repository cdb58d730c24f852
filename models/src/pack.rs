//! A pack in hand: a checked manifest and the bytes of its files.
//!
//! A pack read from a folder is verified against its hashes before anything sees its bytes. The embedded
//! pack is part of the program's own image and is read in place, so its pages load when they are touched.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::manifest::{Manifest, ManifestError, Role};

/// Bytes of a file of a pack: part of the program's image, or read from disk.
pub type Bytes = Cow<'static, [u8]>;

/// Why a pack is refused.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Nothing of this name.
    #[error("there is no pack and no folder '{}'; `undertone models list` shows the packs there are", .0.display())]
    Missing(PathBuf),
    /// A file could not be read.
    #[error("cannot read {}: {source}; reinstall the pack with `undertone models install`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The manifest is not acceptable.
    #[error("{} {source}; reinstall the pack or take one made for this version", path.display())]
    Manifest {
        /// The manifest's path.
        path: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// A file is not what the manifest says.
    #[error(
        "{} is not the file that pack.toml describes ({found}); the pack is damaged or was changed: reinstall it",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        found: String,
    },
    /// This build carries no pack.
    #[error("this build carries no pack; give one with --pack DIR or install one")]
    NoneEmbedded,
}

/// A verified pack. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pack(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    manifest: Manifest,
    origin: Option<PathBuf>,
    files: BTreeMap<String, Bytes>,
}

impl Pack {
    /// The pack that this build carries.
    pub fn embedded() -> Result<Self, PackError> {
        let path = || PathBuf::from("(embedded)/pack.toml");
        let manifest = Manifest::parse(embedded::MANIFEST)
            .map_err(|source| PackError::Manifest { path: path(), source })?;
        let files = embedded::FILES
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), Cow::Borrowed(*bytes)))
            .collect();
        Ok(Self(Arc::new(Inner {
            manifest,
            origin: None,
            files,
        })))
    }

    /// Reads the pack in a folder and verifies every file of it.
    pub fn open(dir: &Path) -> Result<Self, PackError> {
        // Most likely a slip in its name: reinstalling would not help.
        if matches!(dir.try_exists(), Ok(false)) {
            return Err(PackError::Missing(dir.to_owned()));
        }
        let at = dir.join("pack.toml");
        let text = std::fs::read_to_string(&at).map_err(|source| PackError::Read {
            path: at.clone(),
            source,
        })?;
        let manifest = Manifest::parse(&text).map_err(|source| PackError::Manifest { path: at, source })?;
        let mut files = BTreeMap::new();
        for entry in &manifest.files {
            let path = dir.join(&entry.path);
            let bytes = std::fs::read(&path).map_err(|source| PackError::Read {
                path: path.clone(),
                source,
            })?;
            verify(&path, &bytes, entry.bytes, &entry.sha256)?;
            files.insert(entry.path.clone(), Cow::Owned(bytes));
        }
        Ok(Self(Arc::new(Inner {
            manifest,
            origin: Some(dir.to_owned()),
            files,
        })))
    }

    /// Checks the bytes in hand against the manifest once more; what `models verify` runs.
    pub fn verify(&self) -> Result<(), PackError> {
        let root = self
            .0
            .origin
            .clone()
            .unwrap_or_else(|| PathBuf::from("(embedded)"));
        for entry in &self.0.manifest.files {
            let path = root.join(&entry.path);
            let bytes = self.0.files.get(&entry.path).ok_or_else(|| PackError::Changed {
                path: path.clone(),
                found: "it is missing".into(),
            })?;
            verify(&path, bytes, entry.bytes, &entry.sha256)?;
        }
        Ok(())
    }

    /// What the pack promises.
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// The folder it was read from; `None` for the embedded pack.
    pub fn origin(&self) -> Option<&Path> {
        self.0.origin.as_deref()
    }

    /// The bytes of the graph with this role.
    pub fn graph(&self, role: Role) -> Option<&Bytes> {
        self.0.files.get(&self.0.manifest.graph(role)?.file)
    }

    /// The bytes of a file that the manifest lists, such as a vocabulary.
    pub fn file(&self, path: &str) -> Option<&Bytes> {
        self.0.files.get(path)
    }

    /// Two packs with the same key are the same weights: what models are shared by.
    pub fn key(&self) -> String {
        let mut hash = Sha256::new();
        for entry in &self.0.manifest.files {
            hash.update(entry.sha256.as_bytes());
        }
        format!(
            "{}-{}-{}",
            self.0.manifest.name,
            self.0.manifest.version,
            &hex(&hash.finalize())[..16]
        )
    }
}

fn verify(path: &Path, bytes: &[u8], size: u64, sha256: &str) -> Result<(), PackError> {
    let changed = |found: String| {
        Err(PackError::Changed {
            path: path.to_owned(),
            found,
        })
    };
    if bytes.len() as u64 != size {
        return changed(format!("{} bytes instead of {size}", bytes.len()));
    }
    if hex(&Sha256::digest(bytes)) != sha256 {
        return changed("its SHA-256 differs".into());
    }
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The default pack, part of the image. Generated by `build.rs` from `packs/`.
mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_nothing_is_told_from_a_damaged_pack() {
        let dir = tempfile::tempdir().unwrap();
        let told = |path: &Path| Pack::open(path).unwrap_err().to_string();
        let missing = told(&dir.path().join("nope"));
        assert!(
            missing.contains("no pack and no folder") && missing.contains("models list"),
            "{missing}"
        );
        assert!(
            told(dir.path()).contains("pack.toml"),
            "a folder that is no pack is named with what it lacks"
        );
    }
}
