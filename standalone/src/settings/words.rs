//! Settings as they would stand in the file.

use std::path::PathBuf;

use undertone::Recogniser;

use super::Color;
use crate::cli::Format;

/// A value as it would stand in the file.
pub(super) trait InWords {
    fn in_words(&self) -> String;
    fn as_os_str_is_empty(&self) -> bool {
        false
    }
}

impl InWords for String {
    fn in_words(&self) -> String {
        toml::Value::from(self.as_str()).to_string()
    }
    fn as_os_str_is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl InWords for PathBuf {
    fn in_words(&self) -> String {
        toml::Value::from(self.to_string_lossy().as_ref()).to_string()
    }
    fn as_os_str_is_empty(&self) -> bool {
        self.as_os_str().is_empty()
    }
}

impl InWords for usize {
    fn in_words(&self) -> String {
        self.to_string()
    }
}

impl InWords for u32 {
    fn in_words(&self) -> String {
        self.to_string()
    }
}

impl InWords for bool {
    fn in_words(&self) -> String {
        self.to_string()
    }
}

impl InWords for undertone::RuntimeChoice {
    fn in_words(&self) -> String {
        format!("\"{self}\"")
    }
}

impl InWords for Vec<Format> {
    fn in_words(&self) -> String {
        toml::Value::from(self.iter().map(|format| format.name()).collect::<Vec<_>>()).to_string()
    }
}

impl InWords for Recogniser {
    fn in_words(&self) -> String {
        format!("\"{self}\"")
    }
}

impl InWords for Color {
    fn in_words(&self) -> String {
        match self {
            Self::Auto => "\"auto\"",
            Self::Always => "\"always\"",
            Self::Never => "\"never\"",
        }
        .to_owned()
    }
}
