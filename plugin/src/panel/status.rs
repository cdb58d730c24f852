//! What state the stream is in, said in words: the only place that decides it.
//!
//! An old score must never look new. So everything that draws a score asks here first.

use std::time::Instant;

use undertone::{Activity, Degraded, Snapshot};

use super::feed::Stage;

/// How long the stream's clock may stand still before the panel says that no sound comes.
const QUIET_CLOCK_S: f32 = 1.0;

/// What the panel says about the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nobody has agreed to be heard.
    NotListening,
    /// Agreed, but the host sends no sound.
    NoSound,
    /// The models are being loaded.
    Loading,
    /// Sound comes, nobody speaks.
    Silent,
    /// Somebody speaks.
    Speaking,
    /// The worker has not written for a while.
    Stale,
    /// The inference thread does not answer.
    Stalled,
    /// Scores cannot be made; one sentence with the remedy.
    Failed(String),
}

impl Status {
    /// Decides. `clock_still_s` is how long the stream's clock has not moved.
    pub fn of(
        consent: bool,
        stage: &Stage,
        snapshot: Option<&Snapshot>,
        clock_still_s: f32,
        now: Instant,
    ) -> Self {
        if !consent {
            return Self::NotListening;
        }
        if let Stage::Failed(why) = stage {
            return Self::Failed(why.clone());
        }
        let Some(snapshot) = snapshot else {
            return if *stage == Stage::Loading {
                Self::Loading
            } else {
                Self::NoSound
            };
        };
        match snapshot.activity {
            Activity::Failed => Self::Failed(
                "The analysis of this voice failed. Stop and start listening in the settings.".into(),
            ),
            Activity::Stalled => Self::Stalled,
            _ if *stage == Stage::Loading => Self::Loading,
            _ if snapshot.is_stale(now) => Self::Stale,
            _ if clock_still_s > QUIET_CLOCK_S => Self::NoSound,
            Activity::Loading => Self::Loading,
            Activity::Silent => Self::Silent,
            Activity::Speaking => Self::Speaking,
        }
    }

    /// A word or two for the header.
    pub const fn short(&self) -> &'static str {
        match self {
            Self::NotListening => "Not listening",
            Self::NoSound => "No sound arriving",
            Self::Loading => "Loading models",
            Self::Silent => "Listening",
            Self::Speaking => "Hearing a voice",
            Self::Stale => "No answer",
            Self::Stalled => "Stalled",
            Self::Failed(_) => "Cannot score",
        }
    }

    /// One sentence for the reader who wants to know.
    pub fn long(&self) -> &str {
        match self {
            Self::NotListening => "Sound passes through untouched and is not analysed.",
            Self::NoSound => {
                "The host sends no sound, or the plugin is bypassed. Start playback or arm the track."
            }
            Self::Loading => "Sound passes through untouched meanwhile. This takes about a second.",
            Self::Silent => "Sound arrives. Nobody speaks.",
            Self::Speaking => "Somebody speaks.",
            Self::Stale => "The analysis has not answered for two seconds. What is shown is old.",
            Self::Stalled => "The analysis does not keep up with this computer's load. What is shown is old.",
            Self::Failed(why) => why,
        }
    }

    /// Whether a score on the screen may be taken for the present one.
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Silent | Self::Speaking)
    }

    /// Whether the user should look at it.
    pub const fn is_trouble(&self) -> bool {
        matches!(self, Self::Stale | Self::Stalled | Self::Failed(_))
    }
}

/// What a degradation means for the reader.
pub const fn degraded(what: Degraded) -> &'static str {
    match what {
        Degraded::HopsLengthened => "The computer is busy: scores come less often",
        Degraded::PartialWordsDropped => "The computer is busy: words come at the end only",
        Degraded::Overflow => "Some sound was lost",
        Degraded::NonFinite => "The input had invalid samples",
        Degraded::RecogniserFailed => "The recogniser failed: words are the first pass's",
        Degraded::UnfamiliarVoice => {
            "A voice unlike those the pack learnt from: judged by its words, or not at all"
        }
        Degraded::Clipped => "The input is clipped: turn it down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn snapshot(activity: Activity, age: Duration) -> Snapshot {
        Snapshot {
            activity,
            score: None,
            clock_s: 1.0,
            peak: 0.1,
            rms: 0.05,
            voice: 0.5,
            written: Instant::now().checked_sub(age).unwrap_or_else(Instant::now),
        }
    }

    fn of(stage: &Stage, snapshot: Option<&Snapshot>, still: f32) -> Status {
        Status::of(true, stage, snapshot, still, Instant::now())
    }

    #[test]
    fn every_trouble_is_named() {
        let ready = Stage::Ready(super::super::feed::Source::default());
        let fresh = snapshot(Activity::Speaking, Duration::ZERO);
        assert_eq!(of(&ready, Some(&fresh), 0.0), Status::Speaking);
        assert_eq!(of(&ready, Some(&fresh), 2.0), Status::NoSound);
        assert_eq!(
            of(
                &ready,
                Some(&snapshot(Activity::Speaking, Duration::from_secs(3))),
                3.0
            ),
            Status::Stale
        );
        assert_eq!(
            of(&ready, Some(&snapshot(Activity::Stalled, Duration::ZERO)), 0.0),
            Status::Stalled
        );
        assert_eq!(of(&Stage::Loading, Some(&fresh), 0.0), Status::Loading);
        assert_eq!(
            of(&Stage::Failed("x".into()), Some(&fresh), 0.0),
            Status::Failed("x".into())
        );
        assert_eq!(of(&ready, None, 0.0), Status::NoSound);
        let unasked = Status::of(false, &ready, Some(&fresh), 0.0, Instant::now());
        assert_eq!(unasked, Status::NotListening);
    }

    #[test]
    fn nothing_in_trouble_is_live() {
        for status in [
            Status::Stale,
            Status::Stalled,
            Status::Failed(String::new()),
            Status::NoSound,
            Status::Loading,
        ] {
            assert!(!status.is_live(), "{status:?}");
        }
    }
}
