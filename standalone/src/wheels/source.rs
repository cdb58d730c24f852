//! Where single files of a package come from: its wheel, which pip fetches, or a wheel, folder or library that is
//! here. Must say what it fetches before it does.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zip::ZipArchive;

use super::pip::Ask;
use super::{FetchError, Wheel};

/// A published package, pinned.
#[derive(Debug)]
pub struct Package {
    /// Its pin.
    pub wheel: Wheel,
    /// Its version.
    pub version: &'static str,
    /// pip's names of the machine that the pinned wheel is for.
    pub platforms: &'static [&'static str],
    /// What is fetched.
    pub megabytes: u32,
    /// Its terms.
    pub licence: &'static str,
    /// Whether what is wanted of it runs on this machine.
    pub runs_here: bool,
}

/// Why files could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// pip could not bring it.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The pinned wheel holds a library for other machines.
    #[error(
        "the wheel of {package} that is pinned here is for Linux on x86-64; fetch the one for this machine and name it with --from WHEEL"
    )]
    Elsewhere {
        /// Name and version.
        package: String,
    },
    /// Reading failed.
    #[error("cannot read {} ({source}); check the path given with --from", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no wheel.
    #[error("{} is no whole wheel ({why}); fetch it again", path.display())]
    NoWheel {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// A file is missing.
    #[error("{file} is not in {}; --from takes the wheel of {package} or a folder with its files", path.display())]
    Missing {
        /// The file.
        file: String,
        /// Where it was looked for.
        path: PathBuf,
        /// Name and version.
        package: String,
    },
}

/// Where files are read from.
#[derive(Debug)]
pub struct Source {
    package: String,
    place: Place,
    fetched: bool,
    /// The folder that pip fetched into; removed when this goes.
    _folder: Option<TempDir>,
}

#[derive(Debug)]
enum Place {
    Wheel(PathBuf),
    Folder(PathBuf),
    File(PathBuf),
}

impl Package {
    fn full_name(&self) -> String {
        self.wheel.requirement.replace("==", " ")
    }

    /// What is here at `from`, or the package fetched with pip.
    pub fn open(&self, from: Option<&Path>) -> Result<Source, SourceError> {
        let Some(from) = from else {
            return self.fetch();
        };
        let read = |source| SourceError::Read {
            path: from.to_owned(),
            source,
        };
        let kind = fs::metadata(from).map_err(read)?;
        let is_wheel = from
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("whl") || end.eq_ignore_ascii_case("zip"));
        let place = match (kind.is_dir(), is_wheel) {
            (true, _) => Place::Folder(from.to_owned()),
            (false, true) => Place::Wheel(from.to_owned()),
            (false, false) => Place::File(from.to_owned()),
        };
        Ok(Source {
            package: self.full_name(),
            place,
            fetched: false,
            _folder: None,
        })
    }

    fn fetch(&self) -> Result<Source, SourceError> {
        let package = self.full_name();
        if !self.runs_here {
            return Err(SourceError::Elsewhere { package });
        }
        // On the error output: it is a remark, not a result.
        let _ = writeln!(
            io::stderr(),
            "fetching {package} ({} MB, {}) with pip from PyPI, or the package index that pip is set to; nothing else leaves this machine",
            self.megabytes,
            self.licence
        );
        let unusable = |why: &str| FetchError::Unusable {
            what: package.clone(),
            why: why.to_owned(),
        };
        let folder = TempDir::new().map_err(|source| FetchError::Write {
            path: std::env::temp_dir(),
            source,
        })?;
        let ask = Ask {
            wheels: &[self.wheel],
            from: None,
            platforms: self.platforms,
            room: folder.path(),
        };
        ask.download(folder.path())?;
        let wheel = fs::read_dir(folder.path())
            .map_err(|error| unusable(&error.to_string()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension() == Some(OsStr::new("whl")))
            .ok_or_else(|| unusable("it is no wheel"))?;
        Ok(Source {
            package,
            place: Place::Wheel(wheel),
            fetched: true,
            _folder: Some(folder),
        })
    }
}

impl Source {
    /// For the record of what was installed.
    pub fn said(&self) -> String {
        if self.fetched {
            return format!("{}, fetched with pip", self.package);
        }
        let (Place::Wheel(path) | Place::Folder(path) | Place::File(path)) = &self.place;
        let name = path.file_name().unwrap_or(path.as_os_str());
        format!("{}, a local copy", name.to_string_lossy())
    }

    /// A file by the end of its path in the wheel; in a folder it may lie at the top too.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match &self.place {
            Place::Wheel(wheel) => {
                let found = in_wheel(wheel, |inside| inside.ends_with(path))?;
                found.into_iter().next().map(|(_, bytes)| bytes)
            }
            Place::Folder(folder) => [folder.join(path), folder.join(name)]
                .into_iter()
                .find(|candidate| candidate.is_file())
                .map(|candidate| {
                    fs::read(&candidate).map_err(|source| SourceError::Read {
                        path: candidate,
                        source,
                    })
                })
                .transpose()?,
            Place::File(_) => None,
        }
        .ok_or_else(|| self.missing(path))
    }

    /// Copies the shared libraries under `folder` of the wheel, or the one that was named, into `to`.
    pub fn libraries(&self, folder: &str, to: &Path) -> Result<(), SourceError> {
        let read = |path: &Path| {
            let path = path.to_owned();
            move |source| SourceError::Read { path, source }
        };
        fs::create_dir_all(to).map_err(read(to))?;
        let found: Vec<(String, Vec<u8>)> = match &self.place {
            Place::Wheel(wheel) => {
                in_wheel(wheel, |inside| inside.starts_with(folder) && is_library(inside))?
            }
            Place::File(path) => {
                vec![(
                    path.to_string_lossy().into_owned(),
                    fs::read(path).map_err(read(path))?,
                )]
            }
            Place::Folder(dir) => {
                let mut found = Vec::new();
                for entry in fs::read_dir(dir).map_err(read(dir))? {
                    let path = entry.map_err(read(dir))?.path();
                    let name = path.to_string_lossy().into_owned();
                    if is_library(&name) {
                        found.push((name, fs::read(&path).map_err(read(&path))?));
                    }
                }
                found
            }
        };
        if found.is_empty() {
            return Err(self.missing("libvosk"));
        }
        for (name, bytes) in found {
            let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
            // However the one that was named is called, it is found again under its own name.
            let name = match &self.place {
                Place::File(_) => format!("libvosk.{}", name.rsplit('.').next().unwrap_or("so")),
                _ => name.to_owned(),
            };
            let path = to.join(name);
            fs::write(&path, bytes).map_err(read(&path))?;
        }
        Ok(())
    }

    fn missing(&self, file: &str) -> SourceError {
        let (Place::Wheel(path) | Place::Folder(path) | Place::File(path)) = &self.place;
        SourceError::Missing {
            file: file.to_owned(),
            path: path.clone(),
            package: self.package.clone(),
        }
    }
}

fn is_library(name: &str) -> bool {
    let end = name.rsplit('.').next().unwrap_or_default();
    ["so", "dll", "dylib", "dyld"]
        .iter()
        .any(|known| end.eq_ignore_ascii_case(known))
}

/// Files of a wheel whose names are wanted.
fn in_wheel(wheel: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
    let no_wheel = |why: String| SourceError::NoWheel {
        path: wheel.to_owned(),
        why,
    };
    let file = File::open(wheel).map_err(|source| SourceError::Read {
        path: wheel.to_owned(),
        source,
    })?;
    let mut archive = ZipArchive::new(file).map_err(|error| no_wheel(error.to_string()))?;
    let names: Vec<String> = archive
        .file_names()
        .filter_map(Result::ok)
        .filter(|name| wanted(name))
        .map(std::borrow::Cow::into_owned)
        .collect();
    names
        .into_iter()
        .map(|name| {
            let mut bytes = Vec::new();
            archive
                .by_name(&name)
                .map_err(|error| no_wheel(error.to_string()))?
                .read_to_end(&mut bytes)
                .map_err(|error| no_wheel(error.to_string()))?;
            Ok((name, bytes))
        })
        .collect()
}
