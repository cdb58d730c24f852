//! `undertone analyze`: one file after another, each streamed through the engine into its sinks.
//!
//! A file that fails must not keep the others from being analysed, nor leave half a result.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use undertone::{Engine, EngineConfig, EngineError, Session, SessionError, StreamConfig, Update};

use crate::cli::{Analyze, Format};
use crate::fault::{Ending, Fault, say};
use crate::settings::Settings;
use crate::sink::{self, About, Entry, Sink, Target, Timeline, WriteError};
use crate::sound::{Origin, RawFormat, Sound, SoundError};
use crate::stop;

/// From one provisional score of a file to the next, in milliseconds: nobody waits for them, so they come less
/// often than live, and an hour of speech takes minutes.
const FILE_HOP_MS: u32 = 1_000;

/// Why one file could not be analysed.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error(transparent)]
    Sound(#[from] SoundError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("{0}: {1}")]
    Session(String, Box<SessionError>),
    /// Concerns every file: said once, and the run ends.
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("stopped")]
    Stopped,
}

/// Runs the command.
pub fn run(args: &Analyze, settings: &Settings) -> Result<Ending, Fault> {
    let plan = Plan::new(args, settings)?;
    let engine = start(settings);
    stop::listen();
    let mut ending = Ending::Good;
    let mut taken = HashSet::new();
    for file in &args.files {
        let origin = Origin::from_argument(file);
        match one(&engine, &origin, args.raw(), &plan, settings, &mut taken) {
            Ok(()) => {}
            Err(FileError::Write(WriteError::Closed)) => return Err(Fault::Closed),
            Err(FileError::Stopped) => return Ok(Ending::Interrupted),
            Err(FileError::Engine(error)) => return Err(unready(&error, settings)),
            Err(error @ FileError::Session(..)) => {
                say(error);
                ending = Ending::Broken;
            }
            Err(error) => {
                say(error);
                if ending == Ending::Good {
                    ending = Ending::User;
                }
            }
        }
    }
    Ok(ending)
}

/// Starts the engine that the settings ask for.
pub fn start(settings: &Settings) -> Engine {
    Engine::start(EngineConfig {
        pack: settings.pack.clone(),
        system: settings.system.clone(),
        threads: settings.threads,
    })
}

/// Whose fault it is that the engine is not ready: a pack that was named or installed is the user's.
pub fn unready(error: &EngineError, settings: &Settings) -> Fault {
    let chosen = settings.pack.is_some() || settings.system.is_some();
    if chosen || undertone::models::resolve(None).is_err() {
        Fault::User(error.to_string())
    } else {
        Fault::Broken(anyhow::anyhow!("{error}; see `undertone doctor`"))
    }
}

/// The stream that the settings ask for.
pub fn stream_config(name: &str, rate: u32, settings: &Settings) -> StreamConfig {
    let mut config = StreamConfig::new(name, rate);
    config.speaker.clone_from(&settings.speaker);
    config.hop_ms = settings.hop_ms.unwrap_or(config.hop_ms);
    config.provisional = !settings.finals_only;
    config
}

/// What is written where, decided before any work is done.
struct Plan {
    /// Files to write for each sound.
    files: Vec<Format>,
    /// What goes to standard output in place of the timeline.
    printed: Option<Format>,
    /// Whether there is a timeline.
    timeline: bool,
    out: Option<PathBuf>,
}

impl Plan {
    fn new(args: &Analyze, settings: &Settings) -> Result<Self, Fault> {
        let mut formats = settings.format.clone();
        let mut seen = HashSet::new();
        formats.retain(|format| seen.insert(*format));
        let pipes = args.files.iter().filter(|file| file.as_os_str() == "-").count();
        if pipes > 1 {
            return Err(Fault::User(
                "standard input can be read only once; give `-` only once".into(),
            ));
        }
        let json = args.json.then_some(Format::Jsonl);
        if let Some(out) = &settings.out {
            let files = if formats.is_empty() {
                vec![Format::Jsonl]
            } else {
                formats
            };
            let timeline = json.is_none() && !settings.quiet;
            return Ok(Self {
                files,
                printed: json,
                timeline,
                out: Some(out.clone()),
            });
        }
        let printed = match (json, formats.as_slice()) {
            (None, []) => None,
            (Some(Format::Jsonl), [] | [Format::Jsonl]) | (None, [Format::Jsonl]) => Some(Format::Jsonl),
            (None, [one]) if args.files.len() == 1 => Some(*one),
            _ => {
                return Err(Fault::User(
                    "only one result fits on standard output; give a folder for the files with --out DIR"
                        .into(),
                ));
            }
        };
        Ok(Self {
            files: Vec::new(),
            timeline: printed.is_none(),
            printed,
            out: None,
        })
    }
}

/// Analyses one sound.
fn one(
    engine: &Engine,
    origin: &Origin,
    raw: Option<RawFormat>,
    plan: &Plan,
    settings: &Settings,
    taken: &mut HashSet<PathBuf>,
) -> Result<(), FileError> {
    let mut sound = Sound::open(origin, raw)?;
    let mut config = stream_config(&origin.name(), sound.rate(), settings);
    config.hop_ms = settings.hop_ms.unwrap_or(FILE_HOP_MS);
    let session = engine.session(&config)?;
    let info = engine.wait_ready()?;
    let mut about = About {
        name: origin.name(),
        rate: sound.rate(),
        seconds: 0.0,
        pack: format!("{} {}", info.name, info.version),
        system: info.system.clone(),
        runtime: info.runtime.clone(),
    };
    let progress = progress(&sound, settings.quiet || origin == &Origin::Pipe);
    let mut outlets = Outlets::open(origin, plan, &about, taken, &progress)?;
    let heard = hear(&mut sound, session, &about.name, &progress, |update| {
        outlets.take(update)
    });
    progress.finish_and_clear();
    about.seconds = heard?;
    let written = outlets.finish(&about)?;
    for trouble in sound.troubles() {
        say(format_args!("{}: warning: {trouble}", about.name));
    }
    if !settings.quiet {
        for path in written {
            say(format_args!("{}: written to {}", about.name, path.display()));
        }
    }
    Ok(())
}

/// Streams the sound through the session; gives its length in seconds.
fn hear(
    sound: &mut Sound,
    mut session: Session,
    name: &str,
    progress: &ProgressBar,
    mut take: impl FnMut(&Update) -> Result<(), WriteError>,
) -> Result<f64, FileError> {
    let fail = |error| FileError::Session(name.to_owned(), Box::new(error));
    let mut updates = Vec::new();
    let (rate, mut frames) = (sound.rate(), 0_u64);
    while let Some(block) = sound.next_block()? {
        if stop::asked() {
            return Err(FileError::Stopped);
        }
        let channels: Vec<&[f32]> = block.iter().map(Vec::as_slice).collect();
        frames += channels.first().map_or(0, |channel| channel.len()) as u64;
        session.push(&channels, &mut updates).map_err(fail)?;
        for update in updates.drain(..) {
            take(&update)?;
        }
        // In milliseconds; a sound is shorter than the age of the universe.
        progress.set_position(frames.saturating_mul(1000) / u64::from(rate).max(1));
    }
    let not_numbers = session.losses().non_finite;
    session.finish(&mut updates).map_err(fail)?;
    for update in &updates {
        take(update)?;
    }
    if not_numbers > 0 {
        say(format_args!(
            "{name}: warning: {not_numbers} samples are not numbers and were heard as silence; export the file again"
        ));
    }
    Ok(frames as f64 / f64::from(rate))
}

/// A bar on a terminal, nothing elsewhere.
fn progress(sound: &Sound, silent: bool) -> ProgressBar {
    if silent || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // Milliseconds, positive and far below any limit.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let length = sound.promised_s().map(|seconds| (seconds * 1000.0) as u64);
    let (bar, template) = match length {
        Some(length) => (ProgressBar::new(length), "{bar:32} {percent:>3} %  {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {elapsed}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

/// Everything that takes the results of one sound.
struct Outlets<'a> {
    files: Vec<(PathBuf, Box<dyn Sink>)>,
    printed: Option<Box<dyn Sink>>,
    timeline: Option<Timeline>,
    progress: &'a ProgressBar,
}

impl<'a> Outlets<'a> {
    fn open(
        origin: &Origin,
        plan: &Plan,
        about: &About,
        taken: &mut HashSet<PathBuf>,
        progress: &'a ProgressBar,
    ) -> Result<Self, WriteError> {
        let mut files = Vec::new();
        if let Some(out) = &plan.out {
            let stem = free_stem(origin, out, &plan.files, taken);
            for format in &plan.files {
                let path = named(out, &stem, *format);
                let sink = sink::make(*format, Target::file(&path)?, about)?;
                files.push((path, sink));
            }
        }
        let printed = match plan.printed {
            Some(format) => Some(sink::make(format, Target::output(), about)?),
            None => None,
        };
        let timeline = plan.timeline.then(Timeline::default);
        let mut outlets = Self {
            files,
            printed,
            timeline,
            progress,
        };
        outlets.print(|timeline, out| timeline.begin(out, about))?;
        Ok(outlets)
    }

    fn take(&mut self, update: &Update) -> Result<(), WriteError> {
        for (path, sink) in &mut self.files {
            sink.take(update).map_err(|source| WriteError::File {
                path: path.clone(),
                source,
            })?;
        }
        if let Some(sink) = &mut self.printed {
            sink.take(update).map_err(WriteError::output)?;
        }
        if update.is_final() {
            self.print(|timeline, out| timeline.take(out, Entry::from(update)))?;
        }
        Ok(())
    }

    /// Prints on the timeline, between two drawings of the progress bar.
    fn print(
        &mut self,
        line: impl FnOnce(&mut Timeline, &mut io::StdoutLock<'static>) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let Some(timeline) = &mut self.timeline else {
            return Ok(());
        };
        let printed = self.progress.suspend(|| {
            let mut out = io::stdout().lock();
            line(timeline, &mut out).and_then(|()| out.flush())
        });
        match printed.map_err(WriteError::output) {
            // Nobody watches, but files were asked for too: go on for them.
            Err(WriteError::Closed) if !self.files.is_empty() => {
                self.timeline = None;
                Ok(())
            }
            other => other,
        }
    }

    /// Finishes all of them; gives the files.
    fn finish(mut self, about: &About) -> Result<Vec<PathBuf>, WriteError> {
        self.print(|timeline, out| timeline.end(out, about))?;
        if let Some(sink) = self.printed {
            sink.finish(about)?;
        }
        let mut written = Vec::new();
        for (path, sink) in self.files {
            sink.finish(about)?;
            written.push(path);
        }
        Ok(written)
    }
}

fn named(out: &Path, stem: &str, format: Format) -> PathBuf {
    out.join(format!("{stem}.{}", format.name()))
}

/// A stem that no other sound of this call has taken, and that would not write over the sound itself.
fn free_stem(origin: &Origin, out: &Path, formats: &[Format], taken: &mut HashSet<PathBuf>) -> String {
    let stem = origin.stem();
    let own = match origin {
        Origin::File(path) => path.canonicalize().ok(),
        Origin::Pipe => None,
    };
    let mut name = stem.clone();
    let mut count = 1;
    while taken.contains(&out.join(&name))
        || formats
            .iter()
            .any(|format| own.is_some() && named(out, &name, *format).canonicalize().ok() == own)
    {
        count += 1;
        name = format!("{stem}-{count}");
    }
    taken.insert(out.join(&name));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sounds_of_one_name_get_two_results() {
        let mut taken = HashSet::new();
        let mut stem = |path: &str| {
            free_stem(
                &Origin::File(path.into()),
                Path::new("out"),
                &[Format::Jsonl],
                &mut taken,
            )
        };
        assert_eq!(stem("a/x.wav"), "x");
        assert_eq!(stem("b/x.wav"), "x-2");
        assert_eq!(stem("b/x.flac"), "x-3");
        assert_eq!(stem("y.wav"), "y");
    }

    #[test]
    fn a_result_never_writes_over_its_sound() {
        let dir = tempfile::tempdir().expect("a folder");
        let sound = dir.path().join("odd.csv");
        std::fs::write(&sound, "RIFF").expect("written");
        let stem = free_stem(
            &Origin::File(sound),
            dir.path(),
            &[Format::Csv],
            &mut HashSet::new(),
        );
        assert_eq!(stem, "odd-2");
    }
}
