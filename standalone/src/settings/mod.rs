//! What a person may set: by flag, by environment, by file, in this order; else the default.
//!
//! A key is a flag, a variable `UNDERTONE_*` and a key of the file, always under the same name.

mod layer;
mod words;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::Serialize;
use undertone::{Recogniser, RuntimeChoice};

pub use layer::{Color, Layer};
use words::InWords as _;

use crate::cli::Format;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{}: cannot be read ({source}); check the path given with --config and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not TOML or a value has the wrong form.
    #[error("{}: {why}; mend the file, or see `undertone config` for an example of every key", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A key that means nothing.
    #[error("{}: '{key}' is not a setting; the settings are {known}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// All keys there are.
        known: String,
    },
    /// A value that cannot work.
    #[error("{0}")]
    Value(String),
}

/// Where a setting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The command line.
    Flag,
    /// A variable `UNDERTONE_*`.
    Environment,
    /// The settings file.
    File,
    /// Nobody said anything.
    Default,
}

/// The settings in effect.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Model pack; the default one if none.
    pub pack: Option<String>,
    /// System; the pack's own choice if none.
    pub system: Option<String>,
    /// Who turns speech into words.
    pub recogniser: Recogniser,
    /// Threads for the networks.
    pub threads: usize,
    /// What is to run the networks.
    pub runtime: RuntimeChoice,
    /// ONNX Runtime's library; the installed one if none.
    pub onnxruntime: Option<PathBuf>,
    /// Milliseconds between provisional scores.
    pub hop_ms: Option<u32>,
    /// Only finals.
    pub finals_only: bool,
    /// Who speaks.
    pub speaker: Option<String>,
    /// Forms to write.
    pub format: Vec<Format>,
    /// Where to.
    pub out: Option<PathBuf>,
    /// Audio input.
    pub input: Option<String>,
    /// Colours.
    pub color: Color,
    /// Say less.
    pub quiet: bool,
    /// Each key, its value in words, and where it came from.
    pub origins: Vec<Setting>,
    /// The file that was read, or would be.
    pub file: Option<PathBuf>,
    /// Whether that file is there.
    pub file_found: bool,
}

/// One setting for people to see.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    /// Its key.
    pub key: &'static str,
    /// Its value, as it would stand in the file; empty if unset.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

/// Every key, in the order of help.
pub const KEYS: [&str; 14] = [
    "pack",
    "system",
    "recogniser",
    "threads",
    "runtime",
    "onnxruntime",
    "hop_ms",
    "finals_only",
    "speaker",
    "format",
    "out",
    "input",
    "color",
    "quiet",
];

/// The settings file in the platform's own place.
pub fn usual_file() -> Option<PathBuf> {
    let from = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let dir = if cfg!(windows) {
        from("APPDATA").map(|dir| dir.join("Undertone"))
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library/Application Support/Undertone"))
    } else {
        from("XDG_CONFIG_HOME")
            .or_else(|| from("HOME").map(|home| home.join(".config")))
            .map(|dir| dir.join("undertone"))
    };
    dir.map(|dir| dir.join("config.toml"))
}

/// Reads a settings file. One that is not there is an error only where it was asked for by name.
pub fn read(path: &Path, asked: bool) -> Result<Option<Layer>, SettingsError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !asked => return Ok(None),
        Err(source) => {
            return Err(SettingsError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let form = |why: &toml::de::Error| SettingsError::Form {
        path: path.to_owned(),
        why: why.to_string().trim().replace('\n', " "),
    };
    let table: toml::Table = text.parse().map_err(|error| form(&error))?;
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(SettingsError::Unknown {
            path: path.to_owned(),
            key: key.clone(),
            known: KEYS.join(", "),
        });
    }
    toml::from_str(&text).map(Some).map_err(|error| form(&error))
}

impl Settings {
    /// Lays the sources over one another. `matches` tells which of `given` are flags and which environment.
    pub fn resolve(given: Layer, matches: &ArgMatches, config: Option<&Path>) -> Result<Self, SettingsError> {
        let path = config.map(Path::to_owned).or_else(usual_file);
        let found = match &path {
            Some(path) => read(path, config.is_some())?,
            None => None,
        };
        Self::lay(given, |key| matches.value_source(key), found, path)
    }

    /// What holds where the file cannot be used: flags, variables and defaults.
    pub fn without_file(
        given: Layer,
        matches: &ArgMatches,
        config: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        let path = config.map(Path::to_owned).or_else(usual_file);
        let there = path.as_ref().is_some_and(|path| path.exists());
        let mut settings = Self::lay(given, |key| matches.value_source(key), None, path)?;
        settings.file_found = there;
        Ok(settings)
    }

    fn lay(
        given: Layer,
        source_of: impl Fn(&str) -> Option<ValueSource>,
        found: Option<Layer>,
        file: Option<PathBuf>,
    ) -> Result<Self, SettingsError> {
        let file_found = found.is_some();
        let found = found.unwrap_or_default();
        let mut origins = Vec::new();
        let mut note = |key: &'static str, given: bool, found: bool, value: String| {
            let source = match (given, found) {
                (true, _) if source_of(key) == Some(ValueSource::EnvVariable) => Source::Environment,
                (true, _) => Source::Flag,
                (false, true) => Source::File,
                (false, false) => Source::Default,
            };
            origins.push(Setting { key, value, source });
        };
        // One word for each key: the layers, the note, the value.
        macro_rules! pick {
            ($key:ident) => {{
                // An empty text is as good as none: that is how a variable is unset in some shells.
                let given = given.$key.filter(|value| !value.as_os_str_is_empty());
                let (is_given, is_found) = (given.is_some(), found.$key.is_some());
                let value = given.or(found.$key);
                note(
                    stringify!($key),
                    is_given,
                    is_found,
                    value.as_ref().map_or(String::new(), |v| v.in_words()),
                );
                value
            }};
            ($key:ident, $default:expr) => {{
                let (is_given, is_found) = (given.$key.is_some(), found.$key.is_some());
                let value = given.$key.or(found.$key).unwrap_or_else(|| $default);
                note(stringify!($key), is_given, is_found, value.in_words());
                value
            }};
        }
        let mut settings = Self {
            pack: pick!(pack),
            system: pick!(system),
            recogniser: pick!(recogniser, Recogniser::First),
            threads: pick!(threads, 1),
            runtime: pick!(runtime, RuntimeChoice::Auto),
            onnxruntime: pick!(onnxruntime),
            hop_ms: pick!(hop_ms),
            finals_only: pick!(finals_only, false),
            speaker: pick!(speaker),
            format: pick!(format, Vec::new()),
            out: pick!(out),
            input: pick!(input),
            color: pick!(color, Color::Auto),
            quiet: pick!(quiet, false),
            origins: Vec::new(),
            file,
            file_found,
        };
        settings.origins = origins;
        settings.check()?;
        Ok(settings)
    }

    /// Whether this call asks for it, by flag or by variable, and not only the file that is written for all commands.
    pub fn given(&self, key: &str) -> bool {
        let asked = |of: &Setting| of.key == key && matches!(of.source, Source::Flag | Source::Environment);
        self.origins.iter().any(asked)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if self.threads == 0 || self.threads > 256 {
            return Err(SettingsError::Value(format!(
                "threads is {}; give a number from 1 to the {cores} of this machine",
                self.threads
            )));
        }
        if let Some(hop) = self.hop_ms.filter(|hop| !(50..=5_000).contains(hop)) {
            return Err(SettingsError::Value(format!(
                "hop_ms is {hop}; give a number from 50 to 5000"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(given: Layer, source: ValueSource, file: &str) -> Result<Settings, SettingsError> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("config.toml");
        fs::write(&path, file).expect("written");
        let found = read(&path, true)?;
        Settings::lay(given, |_| Some(source), found, Some(path))
    }

    fn source(settings: &Settings, key: &str) -> Source {
        settings
            .origins
            .iter()
            .find(|setting| setting.key == key)
            .map(|s| s.source)
            .expect("a known key")
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let flag = Layer {
            hop_ms: Some(500),
            ..Layer::default()
        };
        let all = settings(
            flag.clone(),
            ValueSource::CommandLine,
            "hop_ms = 300\nquiet = true",
        )
        .expect("good");
        assert_eq!((all.hop_ms, source(&all, "hop_ms")), (Some(500), Source::Flag));
        assert_eq!((all.quiet, source(&all, "quiet")), (true, Source::File));
        assert_eq!((all.threads, source(&all, "threads")), (1, Source::Default));
        let env = settings(flag, ValueSource::EnvVariable, "hop_ms = 300").expect("good");
        assert_eq!(
            (env.hop_ms, source(&env, "hop_ms")),
            (Some(500), Source::Environment)
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_known_ones() {
        let error = settings(Layer::default(), ValueSource::CommandLine, "hopms = 300").expect_err("refused");
        let text = error.to_string();
        assert!(
            text.contains("'hopms'") && KEYS.iter().all(|key| text.contains(key)),
            "{text}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_form_names_the_file() {
        for wrong in [
            "hop_ms = \"fast\"",
            "format = [\"pdf\"]",
            "hop_ms = ",
            "threads = 0",
            "hop_ms = 1",
        ] {
            let error = settings(Layer::default(), ValueSource::CommandLine, wrong).expect_err(wrong);
            let named = error.to_string().contains("config.toml");
            assert!(named || matches!(error, SettingsError::Value(_)), "{error}");
        }
    }

    #[test]
    fn an_empty_text_is_as_good_as_none() {
        let empty = Layer {
            pack: Some(String::new()),
            ..Layer::default()
        };
        let all = settings(empty, ValueSource::EnvVariable, "pack = \"mine\"").expect("good");
        assert_eq!(
            (all.pack.as_deref(), source(&all, "pack")),
            (Some("mine"), Source::File)
        );
    }

    #[test]
    fn every_key_is_a_flag_a_variable_and_a_key_of_the_file() {
        use clap::CommandFactory as _;
        let command = crate::cli::Cli::command();
        for key in KEYS {
            let arg = command
                .get_arguments()
                .find(|arg| arg.get_id() == key)
                .expect(key);
            assert_eq!(arg.get_long().expect(key).replace('-', "_"), key);
            let variable = arg.get_env().expect(key).to_string_lossy().into_owned();
            assert_eq!(variable, format!("UNDERTONE_{}", key.to_uppercase()));
        }
    }
}
