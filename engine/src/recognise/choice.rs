//! Which recogniser a person asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Who turns speech into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recogniser {
    /// The pack's own, while the words are spoken. Nothing to install.
    #[default]
    First,
    /// The first pass while the words are spoken; Moonshine hears each utterance again when it is over.
    Moonshine,
    /// Vosk, from the first word on, through its own library.
    Vosk,
}

/// A name that no recogniser has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no recogniser; there are first, moonshine and vosk")]
pub struct UnknownRecogniser(String);

impl Recogniser {
    /// All there are, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::First, Self::Moonshine, Self::Vosk];

    /// Its name in settings and in every update.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Moonshine => "moonshine",
            Self::Vosk => "vosk",
        }
    }
}

impl fmt::Display for Recogniser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Recogniser {
    type Err = UnknownRecogniser;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|which| which.name() == name)
            .ok_or_else(|| UnknownRecogniser(name.to_owned()))
    }
}
