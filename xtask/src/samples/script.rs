//! What is said in the recordings, by whom, and with what feeling.

/// A scripted feeling; disgust is left out, as espeak-ng has no manner for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeling {
    Neutral,
    Happy,
    Sad,
    Angry,
    Fearful,
    Surprised,
}

impl Feeling {
    /// Its name in the table, the same as the engine's label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Happy => "happy",
            Self::Sad => "sad",
            Self::Angry => "angry",
            Self::Fearful => "fearful",
            Self::Surprised => "surprised",
        }
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    Ada,
    Ben,
}

impl Speaker {
    /// The speaker's name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ada => "Ada",
            Self::Ben => "Ben",
        }
    }

    /// The speaker's espeak-ng voice.
    pub const fn voice(self) -> &'static str {
        match self {
            Self::Ada => "en-us+f4",
            Self::Ben => "en-us+m3",
        }
    }
}

/// One line of the script.
#[derive(Debug)]
pub struct Line {
    /// Seconds of silence before it.
    pub pause_s: f64,
    /// The channel that it is heard on.
    pub channel: usize,
    pub speaker: Speaker,
    pub feeling: Feeling,
    pub text: &'static str,
}

/// One recording.
#[derive(Debug)]
pub struct Recording {
    pub file: &'static str,
    pub channels: usize,
    pub lines: &'static [Line],
}

const fn line(pause_s: f64, channel: usize, speaker: Speaker, feeling: Feeling, text: &'static str) -> Line {
    Line {
        pause_s,
        channel,
        speaker,
        feeling,
        text,
    }
}

use Feeling::{Angry, Fearful, Happy, Neutral, Sad, Surprised};
use Speaker::{Ada, Ben};

/// All recordings.
pub const RECORDINGS: &[Recording] = &[
    Recording {
        file: "demo.wav",
        channels: 1,
        lines: &[
            line(
                0.0,
                0,
                Ada,
                Neutral,
                "The meeting starts at ten, on the second floor.",
            ),
            line(
                0.8,
                0,
                Ada,
                Happy,
                "Oh, that is wonderful news! I am so happy for you!",
            ),
            line(0.8, 0, Ada, Surprised, "What? No way! I can not believe this!"),
            line(
                0.8,
                0,
                Ada,
                Angry,
                "Stop lying to me! I hate this, and I am very angry!",
            ),
            line(
                0.8,
                0,
                Ada,
                Fearful,
                "Please be quiet. I am so scared. There is someone at the door.",
            ),
            line(
                0.8,
                0,
                Ada,
                Sad,
                "I miss her so much. It hurts, and I feel so alone.",
            ),
        ],
    },
    Recording {
        file: "dialogue.flac",
        channels: 2,
        lines: &[
            line(
                0.0,
                0,
                Ada,
                Neutral,
                "Good morning. Did you get the letter today?",
            ),
            line(
                0.8,
                1,
                Ben,
                Sad,
                "Yes. They turned me down again. I am so disappointed.",
            ),
            line(
                0.8,
                0,
                Ada,
                Angry,
                "That is not fair! They are so wrong! I am really angry!",
            ),
            line(
                0.8,
                1,
                Ben,
                Neutral,
                "Wait. There is another page behind the letter.",
            ),
            line(
                0.9,
                1,
                Ben,
                Surprised,
                "Oh wow! They want me after all! I can not believe it!",
            ),
            line(
                0.8,
                0,
                Ada,
                Happy,
                "That is so good! I am so proud of you! I love it!",
            ),
        ],
    },
    Recording {
        file: "neutral.wav",
        channels: 1,
        lines: &[line(0.0, 0, Ben, Neutral, "The train leaves from platform four.")],
    },
];
