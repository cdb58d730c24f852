//! How a run ends: well, with the user's error, with something broken, or because nobody listens any more.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use crate::settings::SettingsError;
use crate::sink::WriteError;

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All is well.
    Good,
    /// Something does not work here.
    Broken,
    /// The call, or one of its files, is at fault.
    User,
    /// The user stopped it.
    Interrupted,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Good => 0,
            Ending::Broken => 1,
            Ending::User => 2,
            // What shells expect of a program that SIGINT ended.
            Ending::Interrupted => 130,
        })
    }
}

/// An error that ends the run, and whose it is.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The call or a file is wrong.
    #[error("{0}")]
    User(String),
    /// Something does not work here.
    #[error("{0:#}")]
    Broken(anyhow::Error),
    /// Nobody reads the output any more. That is how `| head` ends a program: no error.
    #[error("nobody reads the output any more")]
    Closed,
}

impl From<SettingsError> for Fault {
    fn from(error: SettingsError) -> Self {
        Self::User(error.to_string())
    }
}

impl From<WriteError> for Fault {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Closed => Self::Closed,
            other => Self::User(other.to_string()),
        }
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl Fault {
    /// An error while writing to standard output.
    pub fn output(error: std::io::Error) -> Self {
        WriteError::output(error).into()
    }

    /// How the run ends.
    pub const fn ending(&self) -> Ending {
        match self {
            Self::User(_) => Ending::User,
            Self::Broken(_) => Ending::Broken,
            Self::Closed => Ending::Good,
        }
    }
}

/// Tells a person about an error or a warning. Nobody may be there to read it, which is no second error.
pub fn say(what: impl Display) {
    let _ = writeln!(std::io::stderr(), "undertone: {what}");
}
