//! One place to write to: standard output, or a file that appears whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::whole::Whole;

/// Why a result could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file or its folder.
    #[error("{}: cannot be written ({source}); {}", path.display(), remedy(source))]
    File {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output.
    #[error("standard output: cannot be written ({source}); {}", remedy(source))]
    Output {
        /// What the system said.
        source: io::Error,
    },
    /// Whoever read standard output has had enough. Not an error to tell anybody.
    #[error("nobody reads standard output any more")]
    Closed,
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free some space or give another folder with --out"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "give a folder that you may write to with --out"
        }
        _ => "check the folder, or give another with --out",
    }
}

impl WriteError {
    /// An error of standard output.
    pub fn output(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Output { source }
        }
    }
}

/// One place to write to.
#[derive(Debug)]
pub enum Target {
    /// Standard output.
    Output(BufWriter<io::Stdout>),
    /// A file.
    File(Whole),
}

impl Target {
    /// Standard output.
    pub fn output() -> Self {
        Self::Output(BufWriter::new(io::stdout()))
    }

    /// A file, in a folder that is made if need be.
    pub fn file(path: &Path) -> Result<Self, WriteError> {
        let fail = |source| WriteError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(fail)?;
        }
        Whole::create(path).map(Self::File).map_err(fail)
    }

    /// An error of this place.
    pub fn fault(&self, source: io::Error) -> WriteError {
        match self {
            Self::Output(_) => WriteError::output(source),
            Self::File(file) => WriteError::File {
                path: file.path().to_owned(),
                source,
            },
        }
    }

    /// Writes what is left and, for a file, puts it where it belongs.
    pub fn commit(mut self) -> Result<(), WriteError> {
        self.flush().map_err(|source| self.fault(source))?;
        let Self::File(file) = self else {
            return Ok(());
        };
        let path = file.path().to_owned();
        file.commit().map_err(|source| WriteError::File { path, source })
    }
}

impl Write for Target {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Output(out) => out.write(buf),
            Self::File(file) => file.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Output(out) => out.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("a folder").filter_map(Result::ok);
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("new/a.txt");
        let mut target = Target::file(&path).expect("writable");
        target.write_all(b"half").expect("written");
        target.flush().expect("flushed");
        assert!(!path.exists());
        drop(target);
        assert!(
            names(&dir.path().join("new")).is_empty(),
            "what was begun is swept away"
        );

        let mut target = Target::file(&path).expect("writable");
        target.write_all(b"whole").expect("written");
        target.commit().expect("committed");
        assert_eq!(fs::read_to_string(&path).expect("there"), "whole");
        assert_eq!(names(&dir.path().join("new")), ["a.txt"]);
    }

    #[test]
    fn a_folder_that_cannot_be_names_itself_and_the_remedy() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("file");
        fs::write(&file, "").expect("written");
        let error = Target::file(&file.join("a.txt"))
            .expect_err("a file is no folder")
            .to_string();
        assert!(error.contains("a.txt") && error.contains("--out"), "{error}");
    }
}
