//! How a feeling sounds: pitch, its range, speed, loudness and the colour of the voice.
//!
//! The directions are the ones that studies of acted speech agree on: anger and joy are fast, loud and bright,
//! grief is slow, low, soft and dull, fear is high, fast and trembling, surprise is high with a wide range.

use super::script::{Feeling, Speaker};

/// What espeak-ng and sox are told.
#[derive(Debug)]
pub struct Manner {
    /// espeak-ng's pitch, 0 to 99.
    pub pitch: u32,
    /// Width of the melody, in per cent of the usual.
    pub range_percent: u32,
    pub words_per_minute: u32,
    /// Loudest sample, in dB below full scale.
    pub peak_db: i32,
    /// Effects of sox that colour the voice.
    pub effects: &'static str,
}

/// How this speaker says something with this feeling.
pub const fn manner(feeling: Feeling, speaker: Speaker) -> Manner {
    let (pitch, range_percent, words_per_minute, peak_db, effects) = match feeling {
        Feeling::Neutral => (45, 90, 165, -9, ""),
        Feeling::Happy => (68, 170, 175, -5, "treble +3"),
        Feeling::Sad => (28, 45, 125, -16, "treble -8 tremolo 4 15"),
        Feeling::Angry => (
            50,
            130,
            175,
            -2,
            "overdrive 5 20 treble +5 compand 0.01,0.1 -40,-25,0,-6",
        ),
        Feeling::Fearful => (80, 70, 190, -11, "tremolo 9 55"),
        Feeling::Surprised => (82, 200, 160, -5, "treble +2"),
    };
    let pitch = match speaker {
        Speaker::Ada => pitch,
        Speaker::Ben => pitch - 8,
    };
    Manner {
        pitch,
        range_percent,
        words_per_minute,
        peak_db,
        effects,
    }
}
