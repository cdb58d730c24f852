//! Undertone inside a host (VST3 and CLAP), and the panel that the plugin and the app both show.
//!
//! The plugin hands a copy of its input to the engine and leaves the sound alone: output is input, bit for
//! bit, with no latency and no tail. It must never panic into the host, never touch a model or a file while
//! a host scans it, and never pass sound to the engine before somebody has agreed to it.
//!
//! With `default-features = false` this crate is the panel only and knows no plugin framework.

pub mod panel;

#[cfg(feature = "plugin")]
mod courier;
#[cfg(feature = "plugin")]
mod editor;
#[cfg(feature = "plugin")]
mod effect;
#[cfg(feature = "plugin")]
mod memory;
#[cfg(feature = "plugin")]
mod midi;
#[cfg(feature = "plugin")]
mod notes;
#[cfg(feature = "plugin")]
mod voice;

#[cfg(feature = "plugin")]
pub use effect::Undertone;

/// The CLAP entry point, for hosts that link this crate instead of loading the library.
#[cfg(feature = "plugin")]
pub use export::clap_entry;

#[cfg(feature = "plugin")]
mod export {
    //! The entry points that hosts look for. The macros bring their own unsafe code and undocumented items.
    #![allow(
        missing_docs,
        clippy::undocumented_unsafe_blocks,
        clippy::pedantic,
        reason = "framework macros"
    )]

    use super::Undertone;

    nice_plug::nice_export_clap!(Undertone);
    nice_plug::nice_export_vst3!(Undertone);
}
