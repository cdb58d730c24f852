//! Sounds to analyse: files, pipes with a header, raw samples. Block by block, whatever their length.

mod error;
mod file;
mod header;
mod opus;
mod pipe;
mod raw;
mod unfinished;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use error::{SoundError, Trouble};
pub use raw::{RawFormat, SampleFormat};

use file::FileReader;
use pipe::Pipe;
use raw::RawReader;

/// Where a sound comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Pipe,
}

impl Origin {
    /// As a person writes it: `-` is standard input.
    pub fn from_argument(path: &Path) -> Self {
        if path.as_os_str() == "-" {
            Self::Pipe
        } else {
            Self::File(path.to_owned())
        }
    }

    /// What to call it in messages.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Pipe => "standard input".to_owned(),
        }
    }

    /// What to call files made from it.
    pub fn stem(&self) -> String {
        match self {
            Self::File(path) => path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            Self::Pipe => "stdin".to_owned(),
        }
    }
}

/// A sound being read.
pub struct Sound {
    name: String,
    kind: Kind,
    block: Vec<Vec<f32>>,
}

impl std::fmt::Debug for Sound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sound")
            .field("name", &self.name)
            .field("rate", &self.rate())
            .finish_non_exhaustive()
    }
}

enum Kind {
    File(Box<FileReader>),
    Raw(RawReader),
}

impl Sound {
    /// Opens a sound; `raw` says what its samples are where it has no header.
    pub fn open(origin: &Origin, raw: Option<RawFormat>) -> Result<Self, SoundError> {
        let name = origin.name();
        let kind = match (origin, raw) {
            (Origin::File(path), None) => Kind::File(Box::new(FileReader::open(path)?)),
            (Origin::Pipe, None) => Kind::File(Box::new(FileReader::pipe(name.clone())?)),
            (Origin::File(path), Some(format)) => {
                let file = File::open(path).map_err(|source| match source.kind() {
                    io::ErrorKind::NotFound => SoundError::Missing(name.clone()),
                    _ => SoundError::Read {
                        name: name.clone(),
                        source,
                    },
                })?;
                Kind::Raw(raw_reader(origin, file, format)?)
            }
            (Origin::Pipe, Some(format)) => {
                let pipe = Pipe::open().map_err(|source| SoundError::Read {
                    name: name.clone(),
                    source,
                })?;
                Kind::Raw(raw_reader(origin, pipe, format)?)
            }
        };
        let sound = Self {
            name,
            kind,
            block: Vec::new(),
        };
        let rate = sound.rate();
        if !undertone::RATES.contains(&rate) {
            return Err(SoundError::Rate {
                name: sound.name,
                rate,
            });
        }
        Ok(sound)
    }

    /// Frames a second.
    pub fn rate(&self) -> u32 {
        match &self.kind {
            Kind::File(file) => file.rate(),
            Kind::Raw(raw) => raw.format().rate,
        }
    }

    /// Its length, where the header tells.
    pub fn promised_s(&self) -> Option<f64> {
        match &self.kind {
            Kind::File(file) => file.promised_s(),
            Kind::Raw(_) => None,
        }
    }

    /// The next frames, one slice a channel; `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<&[Vec<f32>]>, SoundError> {
        let more = match &mut self.kind {
            Kind::File(file) => file.next(&mut self.block)?,
            Kind::Raw(raw) => raw.next(&mut self.block).map_err(|source| SoundError::Read {
                name: self.name.clone(),
                source,
            })?,
        };
        Ok(more.then_some(self.block.as_slice()))
    }

    /// What was wrong with it, once it is read to its end.
    pub fn troubles(&self) -> &[Trouble] {
        match &self.kind {
            Kind::File(file) => file.troubles(),
            Kind::Raw(_) => &[],
        }
    }
}

/// Reads what is called raw, unless it is not: a header and coded samples heard as samples are noise, and no error.
fn raw_reader(
    origin: &Origin,
    mut source: impl Read + Send + 'static,
    format: RawFormat,
) -> Result<RawReader, SoundError> {
    let name = origin.name();
    let first = match header::peek(&mut source) {
        Ok(first) => first,
        Err(source) => return Err(SoundError::Read { name, source }),
    };
    match (header::kind(&first), origin) {
        (Some(kind), _) => Err(SoundError::Header { name, kind }),
        // A recorder that failed at once must not pass for one that recorded silence.
        (None, Origin::Pipe) if first.is_empty() => Err(SoundError::NothingCame),
        (None, Origin::File(_)) if first.is_empty() => Err(SoundError::Empty(name)),
        (None, _) => Ok(RawReader::new(
            Box::new(io::Cursor::new(first).chain(source)),
            format,
        )),
    }
}
