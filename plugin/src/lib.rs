//! Undertone inside a host (VST3 and CLAP), and the panel that the plugin and the app both show.
//!
//! The plugin hands a copy of its input to the engine and leaves the sound alone: output is input, bit for
//! bit, with no latency and no tail. It must never panic into the host, never touch a model or a file while
//! a host scans it, and never pass sound to the engine before somebody has agreed to it.
//!
//! Without default features it is parts for others: `panel` is the panel without a plugin framework, `osc` the
//! encoder of Open Sound Control, `web` the server of scores over WebSocket; the palette and `signed` are always there.

#[cfg(feature = "osc")]
pub mod osc;
pub mod palette;
#[cfg(feature = "panel")]
pub mod panel;
mod signed;

pub use signed::signed;

#[cfg(feature = "web")]
pub mod web;

#[cfg(feature = "plugin")]
mod carrier;
#[cfg(feature = "plugin")]
mod closing;
#[cfg(feature = "plugin")]
mod courier;
#[cfg(feature = "plugin")]
mod doors;
#[cfg(feature = "plugin")]
mod editor;
#[cfg(feature = "plugin")]
mod effect;
#[cfg(feature = "plugin")]
mod extras;
#[cfg(feature = "plugin")]
mod memory;
#[cfg(feature = "plugin")]
mod midi;
#[cfg(feature = "plugin")]
mod notes;
#[cfg(feature = "plugin")]
mod outlets;
#[cfg(feature = "plugin")]
mod post;
#[cfg(feature = "plugin")]
mod rewording;
#[cfg(feature = "plugin")]
mod voice;
#[cfg(feature = "plugin")]
mod voltage;

#[cfg(feature = "plugin")]
pub use effect::Undertone;

/// The CLAP entry point, for hosts that link this crate instead of loading the library.
#[cfg(feature = "plugin")]
pub use doors::clap::clap_entry;
