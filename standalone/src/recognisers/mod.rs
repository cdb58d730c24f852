//! `undertone models add`: recognisers that are not part of a pack.
//!
//! Only the packages named here are brought in, and that is said first. Must never fetch what does not match
//! its hash.

mod flat;
mod moonshine;
mod ort;
mod plain;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use undertone::Recogniser;
use undertone::models::{self, About, InstalledRecogniser, RecogniserStoreError};

use crate::fault::{Ending, Fault};
use crate::models::print_json;
use crate::wheels::{Package, SourceError, Wheel};

/// Moonshine as it was last published with its models inside.
const MOONSHINE: Package = Package {
    wheel: Wheel {
        requirement: "moonshine-voice==0.0.69",
        hashes: &["4e0da7167f2c87a7a8bba145b672ccad2a44115ca01d10a1dd15ec4f4b1c3c73"],
    },
    version: "0.0.69",
    platforms: &["manylinux_2_34_x86_64"],
    megabytes: 58,
    licence: "MIT",
    runs_here: true,
};

/// Vosk's library.
const VOSK: Package = Package {
    wheel: Wheel {
        requirement: "vosk==0.3.45",
        hashes: &["25e025093c4399d7278f543568ed8cc5460ac3a4bf48c23673ace1e25d26619f"],
    },
    version: "0.3.45",
    platforms: &["manylinux_2_12_x86_64", "manylinux2010_x86_64"],
    megabytes: 7,
    licence: "Apache-2.0",
    runs_here: cfg!(all(target_os = "linux", target_arch = "x86_64")),
};

/// Why a recogniser could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The data folder.
    #[error(transparent)]
    Store(#[from] RecogniserStoreError),
    /// Where it was to come from.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Moonshine's networks.
    #[error(transparent)]
    Convert(#[from] moonshine::ConvertError),
    /// A file could not be copied.
    #[error("cannot copy {} ({source}); check its permissions and the free space in the data folder", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Vosk needs a speech model.
    #[error(
        "vosk needs a speech model, and they are not ours to give: get one in your language from its makers, unpack it, and name its folder with --model FOLDER"
    )]
    NoModel,
    /// That is no speech model.
    #[error("{} is no Vosk speech model: it has none of am/final.mdl and final.mdl; name the unpacked folder of one", .0.display())]
    NotAModel(PathBuf),
    /// The first pass is always there.
    #[error("the recogniser 'first' is part of every pack; there is nothing to add")]
    Builtin,
    /// The new recogniser does not run.
    #[error("it was installed but does not run, so it was removed again: {0}")]
    DoesNotRun(String),
}

impl From<AddError> for Fault {
    fn from(error: AddError) -> Self {
        Self::User(error.to_string())
    }
}

/// What `undertone models add` was given.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Which recogniser.
    pub which: Recogniser,
    /// A wheel, folder or library here, in place of the package index.
    pub from: Option<&'a Path>,
    /// Vosk's speech model.
    pub model: Option<&'a Path>,
}

/// Installs a recogniser and tries it.
pub fn add(out: &mut impl Write, wanted: &Wanted<'_>, json: bool) -> Result<Ending, Fault> {
    let installed = match wanted.which {
        Recogniser::First => return Err(AddError::Builtin.into()),
        Recogniser::Moonshine => add_moonshine(wanted.from)?,
        Recogniser::Vosk => add_vosk(wanted)?,
    };
    if let Err(error) = undertone::try_recogniser(wanted.which) {
        // What does not run is worse than nothing: it would fail at every start.
        let _ = models::remove(wanted.which.name());
        return Err(AddError::DoesNotRun(error.to_string()).into());
    }
    if json {
        return print_json(
            out,
            &serde_json::json!({ "installed": installed.dir, "version": installed.about.version }),
        );
    }
    let About { name, version, .. } = &installed.about;
    writeln!(
        out,
        "{name} {version} is installed in {}\nuse it with --recogniser {name}, or put recogniser = \"{name}\" into the settings file",
        installed.dir.display()
    )
    .map_err(Fault::output)?;
    Ok(Ending::Good)
}

fn add_moonshine(from: Option<&Path>) -> Result<InstalledRecogniser, AddError> {
    let source = MOONSHINE.open(from)?;
    let about = About {
        name: Recogniser::Moonshine.name().to_owned(),
        version: MOONSHINE.version.to_owned(),
        licence: MOONSHINE.licence.to_owned(),
        source: source.said(),
        files: Vec::new(),
    };
    models::install_recogniser(about, |dir| Ok(moonshine::convert(&source, dir)?))
}

fn add_vosk(wanted: &Wanted<'_>) -> Result<InstalledRecogniser, AddError> {
    let model = wanted.model.ok_or(AddError::NoModel)?;
    if !["am/final.mdl", "final.mdl"]
        .iter()
        .any(|file| model.join(file).is_file())
    {
        return Err(AddError::NotAModel(model.to_owned()));
    }
    let source = VOSK.open(wanted.from)?;
    let about = About {
        name: Recogniser::Vosk.name().to_owned(),
        version: VOSK.version.to_owned(),
        licence: format!("{}; the model's own", VOSK.licence),
        source: source.said(),
        files: Vec::new(),
    };
    models::install_recogniser(about, |dir| {
        source.libraries("vosk/", &dir.join("library"))?;
        copy_folder(model, &dir.join("model"))
    })
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), AddError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |source| AddError::Copy { path, source }
    };
    fs::create_dir_all(to).map_err(fault(to))?;
    for entry in fs::read_dir(from).map_err(fault(from))? {
        let path = entry.map_err(fault(from))?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(fault(&path))?;
        }
    }
    Ok(())
}
