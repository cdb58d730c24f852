//! Placeholder.

#[cfg(target_os = "linux")]
pub mod guard;
pub mod samples;
