//! The file of a speaker's profile: read before a run, written after it, shown and deleted on request.
//!
//! Nothing is kept unless a file is named. It must never be half written, nor be used for another pack.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Subcommand;
use undertone::{Profile, ProfileError};

use crate::fault::{Ending, Fault, say};
use crate::whole;

/// `undertone profile`.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show what a profile holds
    Show {
        /// The profile
        file: PathBuf,
    },
    /// Delete a profile, if the file is one
    Delete {
        /// The profile
        file: PathBuf,
    },
}

/// Why a profile's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read the profile {}: {source}; check the path", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written or deleted.
    #[error("cannot change the profile {}: {source}; check the folder and its permissions", path.display())]
    Change {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not one for this run.
    #[error("profile {}: {source}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ProfileError,
    },
}

/// The profile in a file; `None` where there is no file yet.
pub fn read(path: &Path) -> Result<Option<Profile>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => Profile::from_json(&text)
            .map(Some)
            .map_err(|source| unfit(path, source)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a profile, whole or not at all.
pub fn write(path: &Path, profile: &Profile) -> Result<(), FileError> {
    let text = profile.to_json().map_err(|source| unfit(path, source))?;
    whole::write(path, text.as_bytes()).map_err(|source| FileError::Change {
        path: path.to_owned(),
        source,
    })
}

/// Whether a profile could be written there, to be asked before the work that it would be learnt from.
pub fn check(path: &Path) -> Result<(), FileError> {
    whole::probe(path).map_err(|source| FileError::Change {
        path: path.to_owned(),
        source,
    })
}

/// A profile that this run cannot use.
pub fn unfit(path: &Path, source: ProfileError) -> FileError {
    FileError::Unfit {
        path: path.to_owned(),
        source,
    }
}

/// Runs `undertone profile`.
pub fn run(action: &Action) -> Result<Ending, Fault> {
    let user = |error: FileError| Fault::User(error.to_string());
    let there = |path: &Path| {
        read(path)
            .map_err(user)?
            .ok_or_else(|| Fault::User(format!("there is no profile {}", path.display())))
    };
    match action {
        Action::Show { file } => {
            let profile = there(file)?;
            writeln!(
                io::stdout().lock(),
                "{}\nlearnt with  {}\nstands for   {:.0} utterances",
                file.display(),
                profile.made_with(),
                profile.clips()
            )
            .map_err(Fault::output)?;
        }
        Action::Delete { file } => {
            // Only what is a profile: a slip of the keyboard must not cost another file.
            there(file)?;
            fs::remove_file(file).map_err(|source| {
                user(FileError::Change {
                    path: file.clone(),
                    source,
                })
            })?;
            say(format_args!("{} deleted", file.display()));
        }
    }
    Ok(Ending::Good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_profile_is_not_deleted() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("letter.txt");
        fs::write(&file, "dear Ann").expect("written");
        let refused = run(&Action::Delete { file: file.clone() });
        assert!(refused.is_err() && file.exists());
        assert!(
            read(&dir.path().join("none"))
                .expect("no file is no error")
                .is_none()
        );
    }
}
