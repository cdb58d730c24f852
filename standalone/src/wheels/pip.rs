//! One call of pip, that fetches wheels by their hashes and installs nothing into any Python.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{FetchError, Wheel, names};

/// What pip is asked for.
pub(super) struct Ask<'a> {
    pub wheels: &'a [Wheel],
    /// A wheel, or a folder of them, to take in place of the index.
    pub from: Option<&'a Path>,
    /// pip's names of the machine that the wheels are for.
    pub platforms: &'a [&'a str],
    /// A folder for what pip must be told in a file.
    pub room: &'a Path,
}

impl Ask<'_> {
    /// Unpacks the wheels side by side into a folder.
    pub(super) fn install(&self, into: &Path) -> Result<(), FetchError> {
        self.run("install", &["--no-compile", "--target"], into)
    }

    /// Puts the wheels themselves into a folder.
    pub(super) fn download(&self, into: &Path) -> Result<(), FetchError> {
        self.run("download", &["--dest"], into)
    }

    fn run(&self, verb: &str, place: &[&str], into: &Path) -> Result<(), FetchError> {
        let list = self.room.join("requirements.txt");
        let lines: Vec<String> = self.wheels.iter().map(line).collect();
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
            .env_remove("PIP_USER")
            .stdin(Stdio::null());
        command.args([
            "-m",
            "pip",
            verb,
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ]);
        // Always the same file, whichever Python fetches it: only what is inside is used.
        command.args(["--no-deps", "--only-binary=:all:", "--python-version", "3.12"]);
        command.args(["--implementation", "cp"]);
        command.args(["--abi", "cp312", "--abi", "abi3", "--abi", "none"]);
        for tag in self.platforms {
            command.args(["--platform", tag]);
        }
        command.args(place).arg(into);
        if let Some(from) = self.from {
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
            what: names(self.wheels),
            said: ending,
        })
    }
}

/// A line of pip's list: the pin and every hash that passes.
fn line(wheel: &Wheel) -> String {
    let hashes = wheel.hashes.iter().map(|hash| format!(" --hash=sha256:{hash}"));
    format!("{}{}", wheel.requirement, hashes.collect::<String>())
}

/// pip's names of this platform, the newest first.
pub(super) fn here() -> Result<&'static [&'static str], FetchError> {
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
