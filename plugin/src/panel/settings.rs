//! What the user may set, and how it is saved.
//!
//! The settings belong to whoever shows the panel (the plugin's state, the app's file). A form from another
//! version must never be a reason not to open: what is not known is as in a new plugin.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use undertone::Recogniser;

use super::reading::Reading;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "String")]
pub enum Look {
    /// As the system says.
    #[default]
    System,
    /// Dark letters on a light ground.
    Light,
    /// Light letters on a dark ground.
    Dark,
}

impl Look {
    pub(super) const ALL: [(Self, &'static str); 3] = [
        (Self::System, "As the system"),
        (Self::Light, "Light"),
        (Self::Dark, "Dark"),
    ];
}

impl From<String> for Look {
    /// A look that this version does not know is the system's: a newer project must still open.
    fn from(name: String) -> Self {
        match name.as_str() {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// Scores as MIDI controllers, for hosts that take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MidiOut {
    /// Whether anything is sent.
    pub on: bool,
    /// The channel, 0 to 15.
    pub channel: u8,
    /// The controller of the first label; the other labels and the three axes follow it.
    pub first: u8,
    /// Two controllers a value (the second 32 above the first), for 16,384 steps.
    pub fine: bool,
    /// A held note for the label too.
    pub notes: bool,
}

impl MidiOut {
    /// How many values are sent: every label and the three axes.
    #[allow(clippy::cast_possible_truncation, reason = "seven")]
    pub const VALUES: u8 = undertone::Label::COUNT as u8 + 3;

    /// The highest first controller: all values, and their fine halves 32 above, stay below the reserved 120
    /// and, when fine, among the 32 that have fine halves.
    pub const fn last_first(fine: bool) -> u8 {
        if fine {
            32 - Self::VALUES
        } else {
            120 - Self::VALUES
        }
    }

    /// With everything in its range.
    #[must_use]
    pub fn vetted(self) -> Self {
        Self {
            channel: self.channel.min(15),
            first: self.first.clamp(1, Self::last_first(self.fine)),
            ..self
        }
    }
}

impl Default for MidiOut {
    fn default() -> Self {
        Self {
            on: false,
            channel: 0,
            first: 20,
            fine: false,
            notes: false,
        }
    }
}

/// Readings as control voltages, for hosts that modulate from audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoltageOut {
    /// Whether the channels carry anything but silence.
    pub on: bool,
    /// What the left channel carries.
    pub left: Reading,
    /// What the right channel carries.
    pub right: Reading,
}

impl Default for VoltageOut {
    fn default() -> Self {
        Self {
            on: false,
            left: Reading::Valence,
            right: Reading::Arousal,
        }
    }
}

/// Which input is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "String")]
pub enum Ear {
    /// The track that the plugin is on.
    #[default]
    Track,
    /// Another voice, sent to the side-chain.
    Sidechain,
}

impl Ear {
    pub(super) const ALL: [(Self, &'static str); 2] =
        [(Self::Track, "This track"), (Self::Sidechain, "The side-chain")];
}

impl From<String> for Ear {
    fn from(name: String) -> Self {
        if name == "sidechain" {
            Self::Sidechain
        } else {
            Self::Track
        }
    }
}

/// What only a host can take or give; there is none of it in an application's own window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Wiring {
    /// Which input is listened to.
    pub ear: Ear,
    /// Scores as control voltages.
    pub voltage: VoltageOut,
}

/// Scores over the network, for programs that speak Open Sound Control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OscOut {
    /// Whether anything is sent.
    pub on: bool,
    /// Where to: address and port.
    pub to: SocketAddr,
    /// The second part of every address, so that voices can be told apart.
    pub name: String,
    /// The words too.
    pub words: bool,
}

impl OscOut {
    /// The port of a new plugin.
    pub const PORT: u16 = 9_000;

    /// With everything in its range.
    #[must_use]
    pub fn vetted(mut self) -> Self {
        self.name = name(&self.name);
        self
    }
}

impl Default for OscOut {
    fn default() -> Self {
        Self {
            on: false,
            to: (Ipv4Addr::LOCALHOST, Self::PORT).into(),
            name: "voice".to_owned(),
            words: false,
        }
    }
}

/// Scores for programs on this computer, over WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebOut {
    /// Whether anything is served.
    pub on: bool,
    /// The port, on this computer only.
    pub port: u16,
    /// The stream's name in every update, so that voices can be told apart.
    pub name: String,
    /// The words too.
    pub words: bool,
}

impl WebOut {
    /// The port of a new plugin.
    pub const PORT: u16 = 9_001;

    /// The lowest port that a program may open without rights.
    pub const LOWEST: u16 = 1_024;

    /// With everything in its range.
    #[must_use]
    pub fn vetted(mut self) -> Self {
        self.port = self.port.max(Self::LOWEST);
        self.name = name(&self.name);
        self
    }
}

impl Default for WebOut {
    fn default() -> Self {
        Self {
            on: false,
            port: Self::PORT,
            name: "voice".to_owned(),
            words: false,
        }
    }
}

/// A name that somebody wrote, fit to be sent.
fn name(written: &str) -> String {
    written
        .chars()
        .filter(|letter| !letter.is_control())
        .take(64)
        .collect()
}

/// What the user may set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Somebody agreed, for everyone heard here.
    pub consent: bool,
    /// Light or dark.
    pub look: Look,
    /// No glow, no movement but the data's.
    pub reduced_motion: bool,
    /// The pack's system that scores; `None` for the pack's own choice.
    pub system: Option<String>,
    /// Who turns speech into words.
    pub recogniser: Recogniser,
    /// Scores as MIDI; `None` where there is no host to take them.
    pub midi: Option<MidiOut>,
    /// Inputs and control voltages; `None` where there is no host.
    pub wiring: Option<Wiring>,
    /// How far controllers and voltages swing, in percent; a parameter, so the host keeps it. `None` without a host.
    #[serde(skip)]
    pub depth: Option<u8>,
    /// Scores over the network; `None` where something else sends them.
    pub osc: Option<OscOut>,
    /// Scores for programs on this computer; `None` where something else serves them.
    pub web: Option<WebOut>,
}
