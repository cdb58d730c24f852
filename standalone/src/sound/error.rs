//! Why a sound cannot be read. Every message names the file and says what to do.

use std::io;

/// What a person calls a sound: its path, or standard input.
pub type Name = String;

/// Why a sound cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// There is no such file.
    #[error("{0}: there is no such file; check the name and the folder")]
    Missing(Name),
    /// It is a folder.
    #[error("{0}: this is a folder; name the audio files in it, for example {0}/*.wav")]
    Folder(Name),
    /// The system refuses to open or read it.
    #[error("{name}: cannot be read ({source}); check its permissions and the disk")]
    Read {
        /// The sound.
        name: Name,
        /// What the system said.
        source: io::Error,
    },
    /// It has no bytes at all.
    #[error("{0}: the file is empty; record or copy it again")]
    Empty(Name),
    /// Standard input ended as it began.
    #[error("standard input: nothing came through it; check that the program before the pipe works")]
    NothingCame,
    /// It is a sound of no length.
    #[error("{0}: its header says that it holds no sound; record or export it again")]
    NoSound(Name),
    /// Nothing here that could be sound.
    #[error(
        "{name}: this is not audio that can be read here ({why}); \
         convert it first, for example with: ffmpeg -i {name} -ac 1 converted.wav"
    )]
    NotAudio {
        /// The sound.
        name: Name,
        /// What was found.
        why: String,
    },
    /// Standard input is neither a known format nor declared raw.
    #[error(
        "standard input: this is not audio that can be read here ({0}); \
         pipe a WAV, or say what the raw samples are with --rate, --channels and --sample-format"
    )]
    UnknownPipe(String),
    /// Called raw, and it is not.
    #[error(
        "{name}: this is no raw sound, it begins with a header ({kind}) that says what its samples are; leave --rate away"
    )]
    Header {
        /// The sound.
        name: Name,
        /// What begins like this.
        kind: &'static str,
    },
    /// The rate is outside what the engine takes.
    #[error(
        "{name}: its sample rate is {rate} Hz, outside 8000 to 384000 Hz; \
         resample it first, for example with: ffmpeg -i {name} -ar 16000 converted.wav"
    )]
    Rate {
        /// The sound.
        name: Name,
        /// Its rate.
        rate: u32,
    },
}

/// What was wrong with a sound that could be read all the same.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// Its header promises no sound, and there is some.
    Unfinished,
    /// It ends before the end that it promised.
    Truncated {
        /// Seconds that are there.
        heard_s: f64,
        /// Seconds that the header promised, if it did.
        told_s: Option<f64>,
    },
    /// Some packets could not be decoded; they were heard as silence.
    Damaged {
        /// How many.
        packets: u64,
    },
    /// The rate changes on the way; what follows was not heard.
    RateChanged {
        /// Where.
        at_s: f64,
    },
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated {
                heard_s,
                told_s: Some(told_s),
            } => write!(
                f,
                "the file is cut off: {heard_s:.1} s of {told_s:.1} s are there and were analysed; \
                 copy it again for the rest"
            ),
            Self::Truncated {
                heard_s,
                told_s: None,
            } => write!(
                f,
                "the file is cut off after {heard_s:.1} s, which were analysed; copy it again for the rest"
            ),
            Self::Unfinished => write!(
                f,
                "its header was never finished; all that follows it was analysed; save it anew for other programs"
            ),
            Self::Damaged { packets } => {
                write!(
                    f,
                    "{packets} damaged packets were heard as silence; copy the file again"
                )
            }
            Self::RateChanged { at_s } => write!(
                f,
                "the sample rate changes at {at_s:.1} s; what follows was not analysed: split the file there"
            ),
        }
    }
}
