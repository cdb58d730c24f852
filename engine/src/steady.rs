//! Labels that do not flicker: while an utterance goes on, the label shown stays until another is clearly ahead.
//!
//! Touches labels of provisional scores only, never a probability, and never a final: a final is what its own
//! speech says.

use crate::label::{Label, Scores, Verdict};

/// How far ahead of the label shown another must be to take its place.
const AHEAD: f32 = 0.15;
/// How far under the pack's threshold the label shown may fall before it becomes *unknown*.
const UNDER: f32 = 0.2;

/// Whether a label that is shown goes on being shown: no other is clearly ahead of it, and it has the least share.
pub(crate) fn stays(held: Label, scores: &Scores, least: f32) -> bool {
    let (_, best) = scores.best();
    scores.of(held) >= (best - AHEAD).max(least)
}

/// The label that a stream shows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Steady {
    shown: Verdict,
}

impl Steady {
    /// The label to show for a provisional score whose own label is `fresh`. Where voice and words contradict
    /// each other, what was shown says nothing.
    pub(crate) fn provisional(
        &mut self,
        fresh: Verdict,
        scores: &Scores,
        unknown_below: f32,
        clash: bool,
    ) -> Verdict {
        let stays = match self.shown {
            Verdict::Known(held) => !clash && stays(held, scores, unknown_below - UNDER),
            // Coming out of unknown takes no more than the pack's threshold.
            Verdict::Unknown => false,
        };
        if !stays {
            self.shown = fresh;
        }
        self.shown
    }

    /// A final is shown as it is, and what follows is compared with it.
    pub(crate) fn settled(&mut self, label: Verdict) -> Verdict {
        // A voice that was not clear enough at the end is no reason to forget what it was before.
        if label != Verdict::Unknown {
            self.shown = label;
        }
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::Label;

    fn scores(neutral: f32, sad: f32) -> Scores {
        let rest = (1.0 - neutral - sad) / 5.0;
        Scores::from_shares(&[neutral, rest, sad, rest, rest, rest, rest])
    }

    fn fresh(scores: &Scores) -> Verdict {
        let (label, share) = scores.best();
        if share >= 0.5 {
            Verdict::Known(label)
        } else {
            Verdict::Unknown
        }
    }

    #[test]
    fn a_voice_between_two_labels_keeps_the_first() {
        let mut steady = Steady::default();
        let mut changes = 0;
        let mut before = Verdict::Unknown;
        for step in 0..40 {
            let now = if step % 2 == 0 {
                scores(0.52, 0.42)
            } else {
                scores(0.42, 0.52)
            };
            let shown = steady.provisional(fresh(&now), &now, 0.5, false);
            changes += u32::from(shown != before);
            before = shown;
        }
        assert_eq!((before, changes), (Verdict::Known(Label::Neutral), 1));
    }

    #[test]
    fn a_label_stays_until_another_is_clearly_ahead_or_its_share_is_too_small() {
        let held = |neutral, sad, least| stays(Label::Neutral, &scores(neutral, sad), least);
        assert!(held(0.4, 0.5, 0.3));
        assert!(!held(0.3, 0.5, 0.2), "another is ahead by 0.2");
        assert!(!held(0.4, 0.5, 0.45), "its share is under the least");
    }

    #[test]
    fn a_clear_change_comes_at_once() {
        let mut steady = Steady::default();
        let (calm, sad) = (scores(0.7, 0.1), scores(0.2, 0.7));
        steady.provisional(fresh(&calm), &calm, 0.5, false);
        assert_eq!(
            steady.provisional(fresh(&sad), &sad, 0.5, false),
            Verdict::Known(Label::Sad)
        );
    }

    #[test]
    fn a_label_that_nothing_supports_any_more_goes() {
        let mut steady = Steady::default();
        let (calm, flat) = (scores(0.7, 0.1), scores(0.2, 0.2));
        steady.provisional(fresh(&calm), &calm, 0.5, false);
        assert_eq!(
            steady.provisional(fresh(&flat), &flat, 0.5, false),
            Verdict::Unknown
        );
    }

    #[test]
    fn a_clash_is_shown_for_what_it_is() {
        let mut steady = Steady::default();
        let (calm, torn) = (scores(0.7, 0.1), scores(0.45, 0.45));
        steady.provisional(fresh(&calm), &calm, 0.5, false);
        assert_eq!(
            steady.provisional(Verdict::Unknown, &torn, 0.5, true),
            Verdict::Unknown
        );
    }

    #[test]
    fn the_next_utterance_begins_with_what_the_last_settled_on() {
        let mut steady = Steady::default();
        steady.settled(Verdict::Known(Label::Neutral));
        let young = scores(0.4, 0.3);
        assert_eq!(
            steady.provisional(fresh(&young), &young, 0.5, false),
            Verdict::Known(Label::Neutral)
        );
        steady.settled(Verdict::Unknown);
        assert_eq!(
            steady.provisional(fresh(&young), &young, 0.5, false),
            Verdict::Known(Label::Neutral)
        );
    }
}
