//! What the journeys share: the samples, the real program, sounds of every kind, a guard over system calls.

#[cfg(target_os = "linux")]
pub mod guard;
pub mod no_speech;
pub mod program;
pub mod samples;
mod skip;
pub mod sounds;
pub mod tiny_vosk;
pub mod wheels;

pub use skip::skipped;
