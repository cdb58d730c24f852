//! `undertone analyze`: one file after another, each streamed through the engine into its sinks.
//!
//! A file that fails must not keep the others from being analysed, nor leave half a result.

mod outlets;

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use undertone::{
    Engine, EngineConfig, EngineError, PackInfo, Profile, RuntimeChoice, Session, SessionError, StreamConfig,
    Update,
};

use crate::cli::{Analyze, Format};
use crate::fault::{Ending, Fault, say};
use crate::profile;
use crate::settings::Settings;
use crate::sink::{About, WriteError};
use crate::sound::{Origin, RawFormat, Sound, SoundError};
use crate::stop;
use outlets::Outlets;

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
    #[error(transparent)]
    Profile(#[from] profile::FileError),
    #[error("{0}: {1}")]
    Session(String, Box<SessionError>),
    #[error("{0}: reading it failed in a way that it must not; convert it, and please report this")]
    Panic(String),
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
    if named(settings) {
        ready(&engine, settings)?;
    }
    stop::listen();
    let mut ending = Ending::Good;
    let mut taken = HashSet::new();
    for file in &args.files {
        let origin = Origin::from_argument(file);
        let mut analyse = || one(&engine, &origin, args.raw(), &plan, settings, &mut taken);
        // A decoder that fails on a hostile file must not take the other files with it.
        let done =
            catch_unwind(AssertUnwindSafe(&mut analyse)).unwrap_or(Err(FileError::Panic(origin.name())));
        match done {
            Ok(()) => {}
            Err(FileError::Write(WriteError::Closed)) => return Err(Fault::Closed),
            Err(FileError::Stopped) => return Ok(Ending::Interrupted),
            Err(FileError::Sound(_)) if stop::asked() => return Ok(Ending::Interrupted),
            Err(FileError::Engine(error)) => return Err(unready(&error, settings)),
            Err(error @ (FileError::Session(..) | FileError::Panic(_))) => {
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
    Engine::start(config(settings))
}

/// The engine that the settings ask for.
pub fn config(settings: &Settings) -> EngineConfig {
    EngineConfig {
        pack: settings.pack.clone(),
        system: settings.system.clone(),
        recogniser: settings.recogniser,
        threads: settings.threads,
        runtime: settings.runtime,
        onnxruntime: settings.onnxruntime.clone(),
        batch: None,
    }
}

/// Whether a runtime or its library was asked for by name: then it is told why it is not what runs.
pub fn named(settings: &Settings) -> bool {
    settings.runtime != RuntimeChoice::Auto || settings.onnxruntime.is_some()
}

/// Waits for the engine's pack, and tells why a runtime that was asked for by name does not run it.
pub fn ready(engine: &Engine, settings: &Settings) -> Result<Arc<PackInfo>, Fault> {
    let pack = engine.wait_ready().map_err(|error| unready(&error, settings))?;
    if named(settings) && !settings.quiet {
        pack.remarks
            .iter()
            .for_each(|remark| say(format!("{remark}; {} runs instead", pack.runtime)));
    }
    Ok(pack)
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
    /// Where what is learnt about the speaker is kept.
    profile: Option<PathBuf>,
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
        if let Some(file) = &args.profile {
            profile::check(file).map_err(|error| Fault::User(error.to_string()))?;
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
                profile: args.profile.clone(),
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
            profile: args.profile.clone(),
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
    let mut session = engine.session(&config)?;
    if let Some(file) = &plan.profile
        && let Some(known) = profile::read(file)?
    {
        session
            .set_profile(&known)
            .map_err(|error| profile::unfit(file, error))?;
    }
    let info = engine.wait_ready()?;
    let mut about = About {
        name: origin.name(),
        rate: sound.rate(),
        seconds: 0.0,
        pack: format!("{} {}", info.name, info.version),
        system: info.system.clone(),
        runtime: info.runtime.clone(),
    };
    let live = origin == &Origin::Pipe;
    let progress = progress(&sound, settings.quiet || live);
    let mut outlets = Outlets::open(origin, plan, &about, taken, &progress)?;
    let heard = hear(&mut sound, session, &about.name, live, &progress, |update| {
        outlets.take(update)
    });
    progress.finish_and_clear();
    let learnt;
    (about.seconds, learnt) = heard?;
    let written = outlets.finish(&about)?;
    for trouble in sound.troubles() {
        say(format_args!("{}: warning: {trouble}", about.name));
    }
    if !settings.quiet {
        for path in written {
            say(format_args!("{}: written to {}", about.name, path.display()));
        }
    }
    // Last: a profile that cannot be kept must not cost the results.
    if let (Some(file), Some(learnt)) = (&plan.profile, learnt) {
        profile::write(file, &learnt)?;
    }
    Ok(())
}

/// Streams the sound through the session; gives its length in seconds, and what was learnt about the speaker.
fn hear(
    sound: &mut Sound,
    mut session: Session,
    name: &str,
    live: bool,
    progress: &ProgressBar,
    mut take: impl FnMut(&Update) -> Result<(), WriteError>,
) -> Result<(f64, Option<Profile>), FileError> {
    let fail = |error| FileError::Session(name.to_owned(), Box::new(error));
    let mut updates = Vec::new();
    let (rate, mut frames) = (sound.rate(), 0_u64);
    while let Some(block) = sound.next_block()? {
        // An interrupt ends a pipe by itself, and what has come of it is worth keeping; half a file is not.
        if stop::asked() && !live {
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
    session.end_clip(&mut updates).map_err(fail)?;
    for update in &updates {
        take(update)?;
    }
    if not_numbers > 0 {
        say(format_args!(
            "{name}: warning: {not_numbers} samples are not numbers and were heard as silence; export the file again"
        ));
    }
    Ok((frames as f64 / f64::from(rate), session.profile()))
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
