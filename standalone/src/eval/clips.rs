//! Clips through the engine: each speaker's as one stream.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use undertone::{Engine, Label, PackInfo, Said, Session, SessionError, StreamConfig, Update};

use crate::analyze::{ready, start};
use crate::fault::{Ending, Fault};
use crate::settings::Settings;
use crate::sound::{Origin, Sound, SoundError};

use super::agreement::Agreement;
use super::manifest::{self, Clip};
use super::metrics::{self, Judged};
use super::told::Told;
use super::{Eval, Order, Report, WordsFrom, show, threshold};

/// Why a clip could not be judged.
#[derive(Debug, thiserror::Error)]
enum ClipError {
    #[error(transparent)]
    Sound(#[from] SoundError),
    #[error("{0}: {1}")]
    Session(String, Box<SessionError>),
    #[error("{0}")]
    Engine(#[from] undertone::EngineError),
    #[error("{0}")]
    Told(Fault),
}

/// Runs the command on sound.
pub(super) fn run(
    file: &Path,
    classes: Vec<Label>,
    args: &Eval,
    settings: &Settings,
) -> Result<Ending, Fault> {
    let user = |error: &dyn std::fmt::Display| Fault::User(error.to_string());
    let (clips, missing) =
        manifest::read(file, &args.root, &classes, args.allow_missing).map_err(|e| user(&e))?;
    let engine = start(settings);
    let pack = ready(&engine, settings)?;
    let threshold = threshold(settings, &pack.system)?;
    let mut run = Run {
        told: args.updates.as_deref().map(Told::create).transpose()?,
        engine,
        classes,
        text: args.text,
        agreement: args.provisional.then(Agreement::default),
        bar: show::progress(clips.len(), settings.quiet),
        judged: Vec::new(),
        unheard: 0,
        missing,
        sound_s: 0.0,
        work: Duration::ZERO,
    };
    for clips in streams(&clips, args.order) {
        run.speaker(&clips, args.allow_missing).map_err(|e| user(&e))?;
    }
    run.bar.finish_and_clear();
    run.told.take().map_or(Ok(()), Told::close)?;
    let report = run.report(&pack, threshold);
    show::show(&report, args.json.as_deref())?;
    Ok(Ending::Good)
}

/// The clips of each speaker, in the manifest's order; speakers in order of appearance. A clip without a
/// speaker is a stranger every time.
fn streams(clips: &[Clip], order: Order) -> Vec<Vec<&Clip>> {
    let mut groups: Vec<Vec<&Clip>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for clip in clips {
        if clip.speaker.is_empty() || order == Order::Clip {
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

struct Run {
    told: Option<Told>,
    engine: Engine,
    classes: Vec<Label>,
    text: WordsFrom,
    agreement: Option<Agreement>,
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
            if let Some(agreement) = &mut self.agreement {
                agreement.take(&updates);
            }
            if let Some(told) = &mut self.told {
                told.take(clip, before_s, &updates).map_err(ClipError::Told)?;
            }
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
                provisional: self.agreement.is_some(),
                ..StreamConfig::new(clip.speaker.clone(), rate)
            };
            session.insert(self.engine.session(&config)?)
        };
        session.say(match self.text {
            WordsFrom::Recognised => Said::Recognised,
            WordsFrom::Given if !clip.text.trim().is_empty() => Said::Given(clip.text.clone()),
            WordsFrom::Given | WordsFrom::None => Said::Nothing,
        });
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
            agreement: self.agreement,
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
