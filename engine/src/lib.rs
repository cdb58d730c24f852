//! Undertone hears how something is said and what is said, live, and scores the emotion it carries.
//!
//! The data's way, each stage a module: [`Tap`] (capture, ring) → `resample` → `detect` → `utterance` →
//! `queue` → `mind` (trunk, words, feeling) → `track` → `outlet` and [`Latest`]. [`Engine`] loads a pack
//! behind your back; a [`Stream`] is one live voice; a [`Session`] is the same chain for files.
//!
//! ```no_run
//! use undertone::{Engine, EngineConfig, StreamConfig};
//!
//! let engine = Engine::start(EngineConfig::default());
//! let (mut tap, stream) = engine.open(&StreamConfig::new("microphone", 48_000))?;
//! let updates = stream.updates(64);
//! // In the audio callback; wait-free:
//! tap.push(&[&[0.0; 64], &[0.0; 64]]);
//! // Anywhere else:
//! while let Some(update) = updates.try_next() {
//!     println!("{:.1} s {} {:.0} %", update.end_s, update.label, update.confidence * 100.0);
//! }
//! # Ok::<(), undertone::OpenError>(())
//! ```
//!
//! This crate knows no sink, no GUI and no file format, stores no sound and sends nothing anywhere.

mod ahead;
mod baseline;
mod cleanup;
mod detect;
mod ears;
mod engine;
mod fuse;
mod gather;
mod label;
mod latest;
mod leave;
mod load;
mod loaders;
mod losses;
mod mind;
mod mood;
mod numbers;
mod outlet;
mod pooling;
mod profile;
mod quality;
mod queue;
mod recognise;
mod resample;
mod runtime;
mod said;
mod session;
mod steady;
mod stream;
mod study;
mod tap;
mod text;
mod thinkers;
mod track;
mod transcript;
mod update;
mod utterance;
mod words;
mod worker;
mod writing;

pub use engine::{Engine, EngineConfig, EngineError, EngineState, OpenError};
pub use label::{Affect, Label, Scores, Verdict};
pub use latest::{Activity, Latest, Scored, Snapshot};
pub use mind::{MindError, PackInfo, Runs};
pub use mood::Mood;
pub use outlet::Updates;
pub use profile::{Profile, ProfileError};
pub use recognise::{Recogniser, RecogniserError, UnknownRecogniser, try_recogniser};
pub use resample::ResampleError;
pub use runtime::{RuntimeChoice, RuntimeError, UnknownRuntime};
pub use said::{Readings, Said};
pub use session::{Session, SessionError};
pub use stream::{Stream, StreamConfig};
pub use study::{Spoken, Study, StudyError};
pub use tap::{Losses, RATES, Tap};
pub use text::Reading;
pub use update::{Degraded, Kind, Latency, SCHEMA, SpeechEvidence, TextEvidence, Update, Word};
pub use words::LexiconError;

/// Model packs: manifest, verification, where they are found.
pub use undertone_models as models;
