//! Brings something in from Python wheels, for Undertone alone: pinned by hash, through pip, whole or not at all.
//!
//! It must never touch the user's Python, take a file whose hash is not known here, or leave half an install.
//! pip does the fetching, as it knows the user's proxy, index and certificates.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

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
        "Python 3 with pip is needed to fetch it and was not found ({0}); install it, or name one in UNDERTONE_PYTHON"
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
    let what = wheels
        .iter()
        .map(|wheel| wheel.requirement)
        .collect::<Vec<_>>()
        .join(", ");
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
    pip(wheels, from, fresh.path(), &inside, &what)?;
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

fn pip(
    wheels: &[Wheel],
    from: Option<&Path>,
    room: &Path,
    into: &Path,
    what: &str,
) -> Result<(), FetchError> {
    let list = room.join("requirements.txt");
    let lines: Vec<String> = wheels.iter().map(line).collect();
    fs::write(&list, lines.join("\n")).map_err(|source| FetchError::Write {
        path: list.clone(),
        source,
    })?;
    let python = std::env::var_os("UNDERTONE_PYTHON")
        .unwrap_or_else(|| if cfg!(windows) { "python" } else { "python3" }.into());
    let mut command = Command::new(&python);
    // A user's own settings for pip hold where to fetch from; what else they may ask for must not change this.
    command
        .env_remove("PIP_TARGET")
        .env_remove("PIP_PREFIX")
        .env_remove("PIP_USER");
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]);
    // Always the same file, whichever Python fetches it: only the library inside is used.
    command.args([
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
        "--python-version",
        "3.12",
    ]);
    command.args([
        "--implementation",
        "cp",
        "--abi",
        "cp312",
        "--abi",
        "abi3",
        "--abi",
        "none",
    ]);
    for tag in platform()? {
        command.args(["--platform", tag]);
    }
    command.arg("--target").arg(into);
    if let Some(from) = from {
        let folder = if from.is_dir() {
            from
        } else {
            from.parent().unwrap_or(from)
        };
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        command.arg("--no-index").arg("--find-links").arg(folder);
    }
    command.args(["--require-hashes", "--requirement"]).arg(&list);
    let output = command
        .output()
        .map_err(|error| FetchError::Python(format!("{}: {error}", Path::new(&python).display())))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("No module named pip") {
        return Err(FetchError::Python("it has no pip".into()));
    }
    let told: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let ending = told[told.len().saturating_sub(3)..].join(" ");
    Err(FetchError::Pip {
        what: what.to_owned(),
        said: ending,
    })
}

/// A line of pip's list: the pin and every hash that passes.
fn line(wheel: &Wheel) -> String {
    let hashes = wheel.hashes.iter().map(|hash| format!(" --hash=sha256:{hash}"));
    format!("{}{}", wheel.requirement, hashes.collect::<String>())
}

/// pip's names of this platform, the newest first.
fn platform() -> Result<&'static [&'static str], FetchError> {
    Ok(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => &[
            "manylinux_2_28_x86_64",
            "manylinux_2_27_x86_64",
            "manylinux_2_17_x86_64",
            "manylinux2014_x86_64",
            "manylinux_2_12_x86_64",
            "manylinux2010_x86_64",
        ],
        ("linux", "aarch64") => &[
            "manylinux_2_28_aarch64",
            "manylinux_2_17_aarch64",
            "manylinux2014_aarch64",
        ],
        ("windows", "x86_64") => &["win_amd64"],
        ("macos", "aarch64") => &["macosx_14_0_arm64", "macosx_13_0_arm64", "macosx_11_0_arm64"],
        (system, processor) => return Err(FetchError::Platform(format!("{system} on {processor}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_pins_the_version_and_every_hash() {
        let wheel = Wheel {
            requirement: "thing==1.2",
            hashes: &["aa", "bb"],
        };
        assert_eq!(line(&wheel), "thing==1.2 --hash=sha256:aa --hash=sha256:bb");
    }
}
