//! The mood of a stream: what a light, an avatar or an overlay should show, over utterances instead of within one.
//!
//! A mean of what was felt of late, in which the newest seconds count most, and a label that leaves it only when another is
//! clearly ahead. Must never touch a score: each stays what its own speech says.

use serde::Serialize;

use crate::label::{Label, Scores, Verdict};
use crate::steady;

/// Seconds after which what was felt counts a third of what it did: on read speech four bring six changes of label a
/// minute, six bring four.
const MEMORY_S: f64 = 5.0;
/// The least share of a label that is shown anew, and its lead over the next. Less than a single score needs: a mean of
/// different scores is flatter than each.
const LEAST: f32 = 0.3;
const LEAD: f32 = 0.1;
/// How far under that the label shown may fall before it becomes *unknown*.
const UNDER: f32 = 0.1;
/// The least time that passes between two scores: the second pass's may come right after the first's.
const LEAST_S: f64 = 0.05;

/// What a stream has felt like of late.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Mood {
    /// The label, or *unknown*.
    pub label: Verdict,
    /// The label's share of what was felt of late; of *unknown*, the best label's. Not calibrated: no single
    /// stretch of speech is right or wrong about it.
    pub share: f32,
    /// Since when it has been shown, in seconds of the stream's own clock.
    pub since_s: f64,
}

/// A stream's mood as it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Moods {
    /// The mean, and when it was brought up to date.
    felt: Option<([f32; Label::COUNT], f64)>,
    mood: Mood,
}

impl Moods {
    /// Takes a score of speech that ends at `now_s` and tells the mood.
    pub(crate) fn feel(&mut self, scores: &Scores, now_s: f64) -> Mood {
        let felt = match self.felt {
            None => *scores.values(),
            Some((mut felt, before_s)) => {
                #[allow(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
                let new = -(-(now_s - before_s).max(LEAST_S) / MEMORY_S).exp_m1() as f32;
                for (felt, score) in felt.iter_mut().zip(scores.values()) {
                    *felt += new * (score - *felt);
                }
                felt
            }
        };
        self.felt = Some((felt, now_s));
        let felt = Scores::from_shares(&felt);
        let (best, share) = felt.best();
        let next = Label::ALL.into_iter().filter(|label| *label != best);
        let next = next.map(|label| felt.of(label)).fold(0.0, f32::max);
        let clear = share >= LEAST && share - next >= LEAD;
        let stays = match self.mood.label {
            Verdict::Known(held) => steady::stays(held, &felt, LEAST - UNDER),
            Verdict::Unknown => !clear,
        };
        if !stays {
            self.mood.label = if clear {
                Verdict::Known(best)
            } else {
                Verdict::Unknown
            };
            self.mood.since_s = now_s;
        }
        self.mood.share = match self.mood.label {
            Verdict::Known(label) => felt.of(label),
            Verdict::Unknown => share,
        };
        self.mood
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(neutral: f32, sad: f32) -> Scores {
        let rest = (1.0 - neutral - sad) / 5.0;
        Scores::from_shares(&[neutral, rest, sad, rest, rest, rest, rest])
    }

    #[test]
    fn a_single_score_does_not_turn_the_mood_and_a_few_seconds_do() {
        let mut moods = Moods::default();
        let (calm, sad) = (scores(0.8, 0.05), scores(0.05, 0.8));
        let mut at = 0.0;
        let mut feel = |scores: &Scores| {
            at += 0.45;
            moods.feel(scores, at)
        };
        for _ in 0..20 {
            feel(&calm);
        }
        let neutral = Verdict::Known(Label::Neutral);
        assert_eq!(feel(&sad).label, neutral);
        let back = feel(&calm);
        assert_eq!((back.label, back.since_s), (neutral, 0.45));
        let turned = (0..12).map(|_| feel(&sad)).last().unwrap();
        assert_eq!(turned.label, Verdict::Known(Label::Sad));
        assert!(turned.since_s > 10.0, "{turned:?}");
    }

    #[test]
    fn a_voice_that_wavers_has_one_mood() {
        let mut moods = Moods::default();
        let labels: Vec<Verdict> = (0_u8..60)
            .map(|step| {
                let one = if step % 2 == 0 {
                    scores(0.7, 0.2)
                } else {
                    scores(0.35, 0.55)
                };
                moods.feel(&one, f64::from(step) * 0.45).label
            })
            .collect();
        assert!(
            labels
                .iter()
                .all(|label| *label == Verdict::Known(Label::Neutral)),
            "{labels:?}"
        );
    }

    #[test]
    fn nothing_felt_clearly_is_unknown_and_a_long_pause_forgets() {
        let mut moods = Moods::default();
        assert_eq!(moods.feel(&scores(0.2, 0.2), 1.0).label, Verdict::Unknown);
        assert_eq!(
            moods.feel(&scores(0.1, 0.8), 31.0).label,
            Verdict::Known(Label::Sad)
        );
    }

    #[test]
    fn the_mood_is_within_the_bounds_of_what_was_felt() {
        let mut moods = Moods::default();
        for step in 0..100_u8 {
            let mood = moods.feel(&scores(f32::from(step % 3) / 3.0, 0.2), f64::from(step));
            assert!((0.0..=1.0).contains(&mood.share) && mood.since_s <= f64::from(step));
        }
    }
}
