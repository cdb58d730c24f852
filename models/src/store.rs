//! Where packs are found: a folder that was named, the user's data folder, or the one inside the program.
//!
//! Installing copies into a temporary folder beside the target and renames it, so that a pack is there whole
//! or not at all, and one that is in use is never changed under its reader.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::pack::{Pack, PackError};

/// Why a pack could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The pack itself is not acceptable.
    #[error(transparent)]
    Pack(#[from] PackError),
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

/// A pack found in the data folder.
#[derive(Debug)]
pub struct Installed {
    /// Its folder.
    pub path: PathBuf,
    /// The pack, or what is wrong with it.
    pub pack: Result<Pack, PackError>,
}

/// The folder of the user's packs: `UNDERTONE_DATA`, or the platform's own place.
pub fn data_dir() -> Option<PathBuf> {
    let from = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(dir) = from("UNDERTONE_DATA") {
        return Some(dir);
    }
    if cfg!(windows) {
        return from("LOCALAPPDATA").map(|dir| dir.join("Undertone"));
    }
    if cfg!(target_os = "macos") {
        return from("HOME").map(|home| home.join("Library/Application Support/Undertone"));
    }
    from("XDG_DATA_HOME")
        .or_else(|| from("HOME").map(|home| home.join(".local/share")))
        .map(|dir| dir.join("undertone"))
}

/// The folder of the inference libraries that were installed for Undertone alone.
pub fn runtimes_dir() -> Option<PathBuf> {
    data_dir().map(|dir| dir.join("runtimes"))
}

/// Whether this is the name of one folder, and no way to another.
pub(crate) fn is_folder_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&name.len()) && name.chars().all(fits) && !name.starts_with('.') && !name.ends_with('.')
}

/// The folders of the inference libraries that were installed, in order of name.
pub fn installed_runtimes() -> Vec<PathBuf> {
    let entries = runtimes_dir().and_then(|root| fs::read_dir(root).ok());
    let hidden = |path: &Path| {
        path.file_name()
            .is_none_or(|name| name.to_string_lossy().starts_with('.'))
    };
    let mut paths: Vec<_> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir() && !hidden(path))
        .collect();
    paths.sort();
    paths
}

/// Every pack in the data folder, good or not, in order of name.
pub fn installed() -> Vec<Installed> {
    let Some(root) = data_dir().map(|dir| dir.join("packs")) else {
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir(root) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.join("pack.toml").is_file())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| Installed {
            pack: Pack::open(&path),
            path,
        })
        .collect()
}

/// The pack to use: the folder named, else the installed pack of the name given, else the embedded one.
///
/// `choice` is what a person wrote: a folder, the name of an installed pack, or nothing. An installed pack
/// named `default` takes precedence over the embedded one.
pub fn resolve(choice: Option<&str>) -> Result<Pack, PackError> {
    let named = choice.unwrap_or("default");
    if choice.is_some() && (named.contains(['/', '\\']) || Path::new(named).join("pack.toml").is_file()) {
        return Pack::open(Path::new(named));
    }
    if let Some(dir) = data_dir().map(|dir| dir.join("packs").join(named))
        && dir.join("pack.toml").is_file()
    {
        return Pack::open(&dir);
    }
    let embedded = Pack::embedded()?;
    if choice.is_none() || named == "default" || named == embedded.manifest().name {
        return Ok(embedded);
    }
    Pack::open(Path::new(named))
}

/// Verifies the pack in `from` and installs it under its own name, or as the default.
pub fn install(from: &Path, as_default: bool) -> Result<PathBuf, StoreError> {
    let pack = Pack::open(from)?;
    let root = data_dir().ok_or(StoreError::NoDataDir)?.join("packs");
    let name = if as_default {
        "default"
    } else {
        pack.manifest().name.as_str()
    };
    let (target, fresh) = (
        root.join(name),
        root.join(format!(".{name}.{}", std::process::id())),
    );
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Write { path, source }
    };
    fs::create_dir_all(&fresh).map_err(write(&fresh))?;
    let copied = copy_pack(from, &fresh, &pack);
    if let Err(error) = copied {
        // The half-made folder is of no use; the error that made it half is the one to tell.
        let _ = fs::remove_dir_all(&fresh);
        return Err(error);
    }
    // Out of the way first, and only then deleted: whoever reads meanwhile has one pack whole, the other whole, or
    // a refusal, and what is loaded is not touched.
    let old = root.join(format!(".{name}.old.{}", std::process::id()));
    let had_one = target.exists();
    if had_one {
        fs::rename(&target, &old).map_err(write(&target))?;
    }
    if let Err(source) = fs::rename(&fresh, &target) {
        if had_one {
            // What was there is better than nothing.
            let _ = fs::rename(&old, &target);
        }
        let _ = fs::remove_dir_all(&fresh);
        return Err(write(&target)(source));
    }
    if had_one {
        // Left behind it only takes room.
        let _ = fs::remove_dir_all(&old);
    }
    Ok(target)
}

fn copy_pack(from: &Path, to: &Path, pack: &Pack) -> Result<(), StoreError> {
    let files = pack.manifest().files.iter().map(|file| file.path.as_str());
    for name in files.chain(["pack.toml"]) {
        let target = to.join(name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|source| StoreError::Write {
                path: parent.to_owned(),
                source,
            })?;
        }
        fs::copy(from.join(name), &target).map_err(|source| StoreError::Write { path: target, source })?;
    }
    Ok(())
}
