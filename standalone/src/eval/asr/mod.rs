//! `undertone eval --asr`: how right the words are, when they come, and whether they stay.
//!
//! Every clip goes through the engine as live sound would, hop by hop, on the sound's own clock; what a machine
//! takes to think is added to the delays as it was measured.

mod clips;
mod measure;
mod normal;
mod report;

use std::path::Path;
use std::time::{Duration, Instant};

use undertone::{Engine, SessionError, StreamConfig, Study, StudyError, Update};

use crate::analyze::{ready, start};
use crate::fault::{Ending, Fault};
use crate::settings::Settings;
use crate::sound::{Origin, Sound, SoundError};

use super::show;
use clips::Clip;
use measure::Tally;

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
    Study(#[from] StudyError),
}

/// Runs the command.
pub(super) fn run(
    manifest: &Path,
    root: &Path,
    allow_missing: bool,
    json: Option<&Path>,
    settings: &Settings,
) -> Result<Ending, Fault> {
    let user = |error: &dyn std::fmt::Display| Fault::User(error.to_string());
    let (clips, missing) = clips::read(manifest, root, allow_missing).map_err(|error| user(&error))?;
    let engine = start(settings);
    let pack = ready(&engine, settings)?;
    if !pack.hears_words {
        return Err(Fault::User(
            "this pack recognises no words; give one that does with --pack".into(),
        ));
    }
    let bar = show::progress(clips.len(), settings.quiet);
    let mut tally = Tally::default();
    for clip in &clips {
        judge(&engine, clip, &mut tally).map_err(|error| user(&error))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    report::show(&tally.report(&pack, missing), json)?;
    Ok(Ending::Good)
}

/// A longer clip is not looked at whole, for its phones and the places of its words: the encoder's memory grows with
/// the square of what it hears at once.
const STUDIED_S: f64 = 60.0;

fn judge(engine: &Engine, clip: &Clip, tally: &mut Tally) -> Result<(), ClipError> {
    let mut sound = Sound::open(&Origin::File(clip.path.clone()), None)?;
    let rate = sound.rate();
    let name = clip.path.display().to_string();
    let failed = |error| ClipError::Session(name.clone(), Box::new(error));
    let mut session = engine.session(&StreamConfig::new(name.clone(), rate))?;
    let (mut updates, mut mono): (Vec<Update>, Vec<f32>) = (Vec::new(), Vec::new());
    let mut work = Duration::ZERO;
    while let Some(block) = sound.next_block()? {
        let first: &[f32] = block.first().map_or(&[], Vec::as_slice);
        mono.extend_from_slice(first);
        let began = Instant::now();
        session.push(&[first], &mut updates).map_err(failed)?;
        work += began.elapsed();
    }
    let began = Instant::now();
    session.finish(&mut updates).map_err(failed)?;
    work += began.elapsed();
    let seconds = mono.len() as f64 / f64::from(rate);
    let study = if seconds > STUDIED_S {
        Study::default()
    } else {
        engine.study(&mono, rate, &clip.text)?
    };
    tally.add(&clip.text, &updates, &study, seconds, work);
    Ok(())
}
