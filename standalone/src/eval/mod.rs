//! `undertone eval`: how right the engine is on a corpus, clip by clip, speaker by speaker.
//!
//! It runs the engine itself, not the recipe's code: what is measured is what users get. Clips of a speaker
//! are one stream in the order of the manifest, so that the baseline learns as it would live and never looks
//! ahead.

mod asr;
mod manifest;
mod metrics;
mod show;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use undertone::{Engine, Label, PackInfo, Session, SessionError, StreamConfig, Update};

use crate::analyze::{start, unready};
use crate::fault::{Ending, Fault};
use crate::settings::Settings;
use crate::sound::{Origin, Sound, SoundError};

use manifest::Clip;
use metrics::{Figures, Judged};

/// `undertone eval`.
#[derive(Debug, Args)]
pub struct Eval {
    /// CSV with the columns path,label,speaker,text (others are ignored)
    #[arg(
        long,
        value_name = "CSV",
        required_unless_present = "asr",
        conflicts_with = "asr"
    )]
    pub manifest: Option<PathBuf>,
    /// Judge the words instead: CSV with the columns path,text (others are ignored)
    #[arg(long, value_name = "CSV", conflicts_with = "classes")]
    pub asr: Option<PathBuf>,
    /// Folder that the paths of the manifest are relative to
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub root: PathBuf,
    /// Only these labels; rows with others are left out and scores shared among these
    #[arg(long, value_name = "LABELS", value_delimiter = ',', value_parser = known_label)]
    pub classes: Vec<Label>,
    /// Leave rows out whose file is missing or broken, and count them
    #[arg(long)]
    pub allow_missing: bool,
    /// Write the figures as JSON to this file; `-` is standard output
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
}

fn known_label(name: &str) -> Result<Label, String> {
    manifest::label(name).ok_or_else(|| {
        format!(
            "unknown label; known are {}",
            Label::ALL.map(Label::name).join(", ")
        )
    })
}

/// All that is reported.
#[derive(Debug, Serialize)]
pub struct Report {
    #[serde(flatten)]
    #[allow(missing_docs, reason = "documented at its type")]
    pub figures: Figures,
    /// Clips in which the engine heard no speech; judged as knowing nothing.
    pub unheard: usize,
    /// Rows left out because their file was missing or broken.
    pub missing: usize,
    /// Seconds of work for each second of sound.
    pub rtf: f64,
    /// The system that ran.
    pub system: String,
    /// The pack that ran.
    pub pack: String,
    /// What ran the networks.
    pub runtime: String,
}

/// Why a clip could not be judged.
#[derive(Debug, thiserror::Error)]
enum ClipError {
    #[error(transparent)]
    Sound(#[from] SoundError),
    #[error("{0}: {1}")]
    Session(String, Box<SessionError>),
    #[error("{0}")]
    Engine(#[from] undertone::EngineError),
}

/// Runs the command.
pub fn run(args: &Eval, settings: &Settings) -> Result<Ending, Fault> {
    let (missing, json) = (args.allow_missing, args.json.as_deref());
    let manifest = match (&args.asr, &args.manifest) {
        (Some(clips), _) => return asr::run(clips, &args.root, missing, json, settings),
        (None, Some(manifest)) => manifest,
        (None, None) => return Err(Fault::User("give --manifest CSV or --asr CSV".into())),
    };
    let classes = if args.classes.is_empty() {
        Label::ALL.to_vec()
    } else {
        args.classes.clone()
    };
    let user = |error: &dyn std::fmt::Display| Fault::User(error.to_string());
    let (clips, missing) =
        manifest::read(manifest, &args.root, &classes, args.allow_missing).map_err(|e| user(&e))?;
    let engine = start(settings);
    let pack = engine.wait_ready().map_err(|error| unready(&error, settings))?;
    let threshold = threshold(settings)?;
    let mut run = Run {
        engine,
        classes,
        bar: show::progress(clips.len(), settings.quiet),
        judged: Vec::new(),
        unheard: 0,
        missing,
        sound_s: 0.0,
        work: Duration::ZERO,
    };
    for clips in by_speaker(&clips) {
        run.speaker(&clips, args.allow_missing).map_err(|e| user(&e))?;
    }
    run.bar.finish_and_clear();
    let report = run.report(&pack, threshold);
    show::show(&report, json)?;
    Ok(Ending::Good)
}

/// The clips of each speaker, in the manifest's order; speakers in order of appearance. A clip without a
/// speaker is a stranger every time.
fn by_speaker(clips: &[Clip]) -> Vec<Vec<&Clip>> {
    let mut groups: Vec<Vec<&Clip>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for clip in clips {
        if clip.speaker.is_empty() {
            groups.push(vec![clip]);
            continue;
        }
        let at = *known.entry(&clip.speaker).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[at].push(clip);
    }
    groups
}

fn threshold(settings: &Settings) -> Result<f64, Fault> {
    undertone::models::resolve(settings.pack.as_deref())
        .map(|pack| f64::from(pack.manifest().speech.unknown_below))
        .map_err(|error| Fault::User(error.to_string()))
}

struct Run {
    engine: Engine,
    classes: Vec<Label>,
    bar: indicatif::ProgressBar,
    judged: Vec<Judged>,
    unheard: usize,
    missing: usize,
    sound_s: f64,
    work: Duration,
}

impl Run {
    fn speaker(&mut self, clips: &[&Clip], allow_broken: bool) -> Result<(), ClipError> {
        let mut session: Option<Session> = None;
        let (mut before_s, mut first) = (0.0, true);
        for clip in clips {
            self.bar.inc(1);
            let (updates, seconds) = match self.clip(&mut session, clip) {
                Err(ClipError::Sound(_)) if allow_broken => {
                    self.missing += 1;
                    continue;
                }
                other => other?,
            };
            let scores = self.blend(&updates);
            self.judged.push(Judged {
                truth: clip.label,
                scores,
                heard_before_s: before_s,
                first,
            });
            before_s += seconds;
            first = false;
        }
        Ok(())
    }

    /// Feeds one clip to the speaker's stream; gives its finals and its length.
    fn clip(&mut self, session: &mut Option<Session>, clip: &Clip) -> Result<(Vec<Update>, f64), ClipError> {
        let mut sound = Sound::open(&Origin::File(clip.path.clone()), None)?;
        let began = Instant::now();
        let (rate, name) = (sound.rate(), clip.path.display().to_string());
        let failed = |error| ClipError::Session(name.clone(), Box::new(error));
        let session = if let Some(session) = session {
            session.set_rate(rate).map_err(failed)?;
            session
        } else {
            let config = StreamConfig {
                provisional: false,
                ..StreamConfig::new(clip.speaker.clone(), rate)
            };
            session.insert(self.engine.session(&config)?)
        };
        let mut updates = Vec::new();
        let mut frames = 0;
        while let Some(block) = sound.next_block()? {
            let channels: Vec<&[f32]> = block.iter().map(Vec::as_slice).collect();
            frames += channels.first().map_or(0, |channel| channel.len());
            session.push(&channels, &mut updates).map_err(failed)?;
        }
        session.end_clip(&mut updates).map_err(failed)?;
        self.work += began.elapsed();
        let seconds = frames as f64 / f64::from(rate);
        self.sound_s += seconds;
        Ok((updates, seconds))
    }

    /// One score set for a clip: its utterances' finals, each with the weight of its length, shared among the
    /// classes that are asked about.
    fn blend(&mut self, updates: &[Update]) -> Vec<f32> {
        let mut sums = vec![0.0_f64; self.classes.len()];
        for update in updates.iter().filter(|update| update.is_final()) {
            for (sum, class) in sums.iter_mut().zip(&self.classes) {
                *sum += f64::from(update.scores.of(*class)) * (update.end_s - update.start_s);
            }
        }
        let all: f64 = sums.iter().sum();
        if all <= 0.0 {
            self.unheard += 1;
            return vec![1.0 / self.classes.len() as f32; self.classes.len()];
        }
        #[allow(clippy::cast_possible_truncation, reason = "probabilities")]
        sums.iter().map(|sum| (sum / all) as f32).collect()
    }

    fn report(&self, pack: &PackInfo, threshold: f64) -> Report {
        Report {
            figures: metrics::figures(&self.judged, &self.classes, threshold),
            unheard: self.unheard,
            missing: self.missing,
            rtf: if self.sound_s > 0.0 {
                self.work.as_secs_f64() / self.sound_s
            } else {
                0.0
            },
            system: pack.system.clone(),
            pack: format!("{} {}", pack.name, pack.version),
            runtime: pack.runtime.clone(),
        }
    }
}
