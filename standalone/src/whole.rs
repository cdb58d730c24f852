//! A file that is there whole or not at all: written beside its place under another name, and renamed when it is done.
//!
//! Must never make a folder, nor put a file in the place of what is none: a pipe or a device is written to as it is.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

/// A file that is being written. Dropped before it is done, nothing is left of it.
#[derive(Debug)]
pub struct Whole {
    path: PathBuf,
    out: BufWriter<File>,
    /// Where it is until it is done; nowhere else for a pipe or a device.
    fresh: Option<TempPath>,
}

impl Whole {
    /// Begins a file in a folder that is there.
    pub fn create(path: &Path) -> io::Result<Self> {
        let (out, fresh) = if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
            (File::create(path)?, None)
        } else {
            let dir = path
                .parent()
                .filter(|dir| !dir.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            // In the system's own words, which a temporary file's error has not.
            fs::metadata(dir)?;
            let mut builder = tempfile::Builder::new();
            builder.prefix(".undertone-").suffix(".part");
            // Temporary files are private by default; this one will be an ordinary file, so let the umask decide.
            #[cfg(unix)]
            builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(
                0o666,
            ));
            // In the same folder, so that renaming is one step.
            let (file, fresh) = builder
                .tempfile_in(dir)
                .map_err(|error| bare(&error))?
                .into_parts();
            (file, Some(fresh))
        };
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::with_capacity(64 * 1024, out),
            fresh,
        })
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is left and puts the file where it belongs.
    pub fn commit(self) -> io::Result<()> {
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        let Some(fresh) = self.fresh else {
            return Ok(());
        };
        // Some file systems only notice here that they are full.
        file.sync_all()?;
        drop(file);
        fresh.persist(&self.path).map_err(|error| error.error)
    }
}

impl Write for Whole {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.out.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a file that is known from its beginning to its end.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Whole::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Whether a file could be written here: for whoever works long before there is something to write.
pub fn probe(path: &Path) -> io::Result<()> {
    // Opening a pipe would wait for its reader, and a device shows only when it is written to.
    if fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
        return Ok(());
    }
    Whole::create(path).map(drop)
}

/// What went wrong, without the temporary name, which nobody asked about.
fn bare(error: &io::Error) -> io::Error {
    error
        .raw_os_error()
        .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
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
        let path = dir.path().join("a.txt");
        let mut file = Whole::create(&path).expect("writable");
        file.write_all(b"half").expect("written");
        file.flush().expect("flushed");
        assert!(!path.exists());
        drop(file);
        assert!(names(dir.path()).is_empty(), "what was begun is swept away");

        write(&path, b"old").expect("written");
        write(&path, b"whole").expect("written over");
        assert_eq!(fs::read_to_string(&path).expect("there"), "whole");
        assert_eq!(names(dir.path()), ["a.txt"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_made() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("gone/a.txt");
        let error = Whole::create(&path).expect_err("no folder");
        let system = File::create(&path).expect_err("no folder");
        assert_eq!(error.to_string(), system.to_string());
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn what_cannot_be_written_is_known_before_and_looking_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        probe(&dir.path().join("a.txt")).expect("a file can be made");
        assert!(names(dir.path()).is_empty());
        assert!(probe(&dir.path().join("gone/a.txt")).is_err());
        assert!(probe(dir.path()).is_err(), "a folder is no file");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_stays_what_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(write(dir.path(), b"a folder is no file").is_err() && dir.path().is_dir());
        write(Path::new("/dev/null"), b"gone").expect("a device takes it");
        let kind = fs::metadata("/dev/null").expect("still there").file_type();
        assert!(std::os::unix::fs::FileTypeExt::is_char_device(&kind));
    }
}
