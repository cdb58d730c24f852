//! What a graph is for, what goes into it and what comes out, and which of them a system needs.

use serde::{Deserialize, Serialize};

/// What a graph is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Audio to frames.
    Trunk,
    /// Frames to speech emotion.
    Speech,
    /// Frames to characters, and to phones where the pack has them.
    Words,
    /// Token numbers to text emotion.
    Text,
    /// Audio to speech emotion, for system `late`.
    LateSpeech,
    /// Frames, units and tokens to emotion, for system `multilevel`.
    Multilevel,
    /// Frames and tokens to emotion, for system `joint`.
    Joint,
    /// The voice's statistics to how unlike the voices it learnt from it is, where the pack can tell.
    Familiar,
    /// Frames to what the writer remembers of the sound, where the pack has a writer.
    WriterSound,
    /// Tokens so far, and what is remembered of them and of the sound, to the next token.
    Writer,
}

/// Every system there is, with the graphs it needs beside the trunk and the speech head.
pub const SYSTEMS: [(&str, &[Role]); 5] = [
    ("late", &[Role::LateSpeech, Role::Text]),
    ("multilevel", &[Role::Multilevel, Role::Text]),
    ("joint", &[Role::Joint, Role::Text]),
    ("speech_only", &[]),
    ("text_only", &[Role::Text]),
];

impl Role {
    /// Its name in a manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trunk => "trunk",
            Self::Speech => "speech",
            Self::Words => "words",
            Self::Text => "text",
            Self::LateSpeech => "late_speech",
            Self::Multilevel => "multilevel",
            Self::Joint => "joint",
            Self::Familiar => "familiar",
            Self::WriterSound => "writer_sound",
            Self::Writer => "writer",
        }
    }

    /// Names of its inputs, in the order the engine gives them. The words head takes any of these.
    pub const fn inputs(self) -> &'static [&'static str] {
        match self {
            Self::Trunk => &["audio"],
            Self::Speech => &["mix", "past_mean", "past_clips"],
            Self::Words => &["mix", "top"],
            Self::Text => &["ids"],
            Self::LateSpeech => &["audio", "past_mean", "past_clips"],
            Self::Multilevel => &[
                "mix",
                "past_mean",
                "past_clips",
                "phones",
                "syllables",
                "words",
                "tokens",
            ],
            Self::Joint => &["mix", "past_mean", "past_clips", "lower"],
            Self::Familiar => &["stats"],
            Self::WriterSound => &["top"],
            Self::Writer => &[
                "ids",
                "places",
                "mask",
                "past_keys",
                "past_values",
                "sound_keys",
                "sound_values",
            ],
        }
    }

    /// Names of its outputs, in the order the engine takes them. The words head may lack the second.
    pub const fn outputs(self) -> &'static [&'static str] {
        match self {
            Self::Trunk => &["mix", "top"],
            Self::Speech | Self::LateSpeech => &["logits", "affect", "stats"],
            Self::Words => &["log_probs", "phone_log_probs"],
            Self::Text => &["logits", "affect", "toxic", "tokens", "lower"],
            Self::Multilevel | Self::Joint => &["logits"],
            Self::Familiar => &["strangeness"],
            Self::WriterSound => &["sound_keys", "sound_values"],
            Self::Writer => &["logits", "keys", "values"],
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
