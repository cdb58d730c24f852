//! What an utterance's words have settled to, pass by pass.
//!
//! Every pass hears the newest seconds anew and may change its mind. What two passes in a row agree on, from
//! the first word not settled yet, is settled; a settled word is never touched again, whatever is heard later.

use crate::resample::RATE;
use crate::update::Kind;
use crate::utterance::Request;
use crate::words::Heard;

/// A word of which a pass is less sure than this waits to be shown until the next pass hears the same. Without it every
/// fifth word that is shown is taken back later, with it every fifteenth; words come a little later.
const SHOWN: f32 = 0.45;
/// How far apart two passes may hear the middle of the same word, in samples.
const DRIFT: u64 = 400 * RATE as u64 / 1_000;

/// The words of one utterance.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    settled: Vec<Heard>,
    /// Words of the last pass after the settled ones.
    open: Vec<Heard>,
}

impl Transcript {
    /// Takes in what a pass heard; gives the words to be shown, and how many of them are settled. While passes are
    /// `tentative`, because a better one will come, nothing settles before the final.
    pub(crate) fn hear(
        &mut self,
        heard: &[Heard],
        request: &Request,
        tentative: bool,
    ) -> (Vec<Heard>, usize) {
        let edge = request.cut_until();
        let mut open: Vec<Heard> = self
            .open
            .iter()
            .take_while(|word| word.end <= edge)
            .cloned()
            .collect();
        let known = open.last().or(self.settled.last());
        open.extend(heard[fresh(heard, known, edge)..].iter().cloned());
        let agreed = open
            .iter()
            .zip(&self.open)
            .take_while(|(now, before)| now.text == before.text)
            .count();
        let settle = match request.kind {
            Kind::Final => open.len(),
            Kind::Provisional if tentative => 0,
            // The newest word may still be in the speaker's mouth, and one where a cut may fall is perhaps another
            // utterance's.
            Kind::Provisional => {
                let own = open.partition_point(|word| word.end <= request.may_be_cut_from());
                agreed.min(open.len().saturating_sub(1)).min(own)
            }
        };
        self.settled.extend(open.drain(..settle));
        self.open = open;
        let heard_twice = agreed.saturating_sub(settle);
        let shown = self
            .open
            .iter()
            .enumerate()
            .take_while(|(at, word)| tentative || *at < heard_twice || word.confidence >= SHOWN);
        let words = self.settled.iter().chain(shown.map(|(_, word)| word));
        (words.cloned().collect(), self.settled.len())
    }
}

fn middle(word: &Heard) -> u64 {
    u64::midpoint(word.start, word.end)
}

/// Where in a pass the words begin that come after `known`, the last one kept of earlier passes.
fn fresh(heard: &[Heard], known: Option<&Heard>, edge: u64) -> usize {
    let from = known.map_or(0, |word| word.end).max(edge);
    let by_time = heard
        .iter()
        .position(|word| middle(word) > from || (known.is_none() && edge == 0))
        .unwrap_or(heard.len());
    let Some(known) = known else { return by_time };
    // Times drift by a frame or two from pass to pass: where the same word stands near, go on after it.
    let same = |at: usize| {
        at > 0
            && heard
                .get(at - 1)
                .is_some_and(|word| word.text == known.text && middle(word).abs_diff(middle(known)) < DRIFT)
    };
    [by_time, by_time + 1, by_time.saturating_sub(1)]
        .into_iter()
        .find(|at| same(*at))
        .unwrap_or(by_time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: u64 = RATE as u64;

    fn heard(words: &[(&str, u64, u64)]) -> Vec<Heard> {
        words
            .iter()
            .map(|(text, start, end)| Heard {
                text: (*text).into(),
                start: *start,
                end: *end,
                confidence: 0.9,
            })
            .collect()
    }

    fn request(kind: Kind, audio_from: u64, end: u64) -> Request {
        Request {
            utterance: 0,
            kind,
            first: false,
            closing: false,
            start: 0,
            end,
            audio_from,
            audio: Vec::new(),
            clock: end,
            clipped: false,
            cut_from: None,
            cut_to: None,
        }
    }

    fn texts(words: &[Heard]) -> Vec<&str> {
        words.iter().map(|word| word.text.as_str()).collect()
    }

    #[test]
    fn a_word_where_a_cut_may_fall_waits_for_the_final() {
        let mut transcript = Transcript::default();
        let late = request(Kind::Provisional, 8 * S, 11 * S);
        let cut = late.may_be_cut_from();
        let pass = heard(&[
            ("good", 9 * S, cut),
            ("news", cut, cut + S / 2),
            ("and", 11 * S, 11 * S + 9),
        ]);
        transcript.hear(&pass, &late, false);
        let (words, settled) = transcript.hear(&pass, &late, false);
        assert_eq!((texts(&words), settled), (vec!["good", "news", "and"], 1));
        // The cut fell before it: it is the next utterance's, and must not be said by both.
        let last = Request {
            cut_to: Some(cut),
            ..request(Kind::Final, 0, 11 * S)
        };
        let (words, settled) = transcript.hear(&pass[..1], &last, false);
        assert_eq!((texts(&words), settled), (vec!["good"], 1));
    }

    #[test]
    fn what_two_passes_agree_on_settles_but_not_the_newest_word() {
        let mut transcript = Transcript::default();
        let pass = heard(&[("i", 0, 100), ("am", 200, 300), ("so", 400, 500)]);
        let (_, settled) = transcript.hear(&pass, &request(Kind::Provisional, 0, S), false);
        assert_eq!(settled, 0);
        let pass = heard(&[("i", 0, 100), ("am", 200, 300), ("sorry", 400, 700)]);
        let (words, settled) = transcript.hear(&pass, &request(Kind::Provisional, 0, S), false);
        assert_eq!((texts(&words), settled), (vec!["i", "am", "sorry"], 2));
        // A later pass cannot take back what has settled.
        let pass = heard(&[("i'm", 0, 300), ("sorry", 400, 700)]);
        let (words, settled) = transcript.hear(&pass, &request(Kind::Final, 0, S), false);
        assert_eq!((texts(&words), settled), (vec!["i", "am", "sorry"], 3));
    }

    #[test]
    fn an_unsure_word_waits_until_it_is_heard_again_and_so_does_what_follows_it() {
        let pass = |confidence: f32| {
            let mut pass = heard(&[
                ("i", 0, 100),
                ("am", 200, 300),
                ("so", 400, 500),
                ("glad", 600, 700),
            ]);
            pass[2].confidence = confidence;
            pass
        };
        let provisional = request(Kind::Provisional, 0, S);
        let mut transcript = Transcript::default();
        let (words, _) = transcript.hear(&pass(SHOWN - 0.1), &provisional, false);
        assert_eq!(texts(&words), ["i", "am"]);
        let (words, settled) = transcript.hear(&pass(SHOWN - 0.1), &provisional, false);
        assert_eq!((texts(&words), settled), (vec!["i", "am", "so", "glad"], 3));
        let mut transcript = Transcript::default();
        let (words, _) = transcript.hear(&pass(SHOWN), &provisional, false);
        assert_eq!(words.len(), 4, "one that is sure enough does not wait");
        let mut transcript = Transcript::default();
        let (words, _) = transcript.hear(&pass(0.1), &provisional, true);
        assert_eq!(words.len(), 4, "nor does any where a better pass will come");
        let (words, _) = transcript.hear(&pass(0.1), &request(Kind::Final, 0, S), false);
        assert_eq!(words.len(), 4, "nor at the end");
    }

    #[test]
    fn a_word_that_drifts_is_neither_doubled_nor_lost() {
        let mut transcript = Transcript::default();
        let pass = heard(&[("a", 1_000, 1_000), ("cat", 1_400, 5_000), ("sat", 6_000, 9_000)]);
        for _ in 0..2 {
            transcript.hear(&pass, &request(Kind::Provisional, 0, S), false);
        }
        let later = heard(&[
            ("a", 1_384, 1_384),
            ("cat", 1_800, 5_900),
            ("cat", 5_950, 6_100),
            ("sat", 6_400, 9_400),
        ]);
        let (words, _) = transcript.hear(&later, &request(Kind::Final, 0, S), false);
        assert_eq!(texts(&words), ["a", "cat", "cat", "sat"]);
        let mut transcript = Transcript::default();
        let pass = heard(&[("a", 1_000, 1_000), ("dog", 1_400, 5_000)]);
        for _ in 0..2 {
            transcript.hear(&pass, &request(Kind::Provisional, 0, S), false);
        }
        let (words, _) = transcript.hear(
            &heard(&[("a", 1_384, 1_384), ("dog", 1_800, 5_900)]),
            &request(Kind::Final, 0, S),
            false,
        );
        assert_eq!(texts(&words), ["a", "dog"]);
    }

    #[test]
    fn words_before_the_window_stay_and_its_cut_edge_is_not_believed() {
        let mut transcript = Transcript::default();
        let pass = heard(&[
            ("one", S, 2 * S),
            ("two", 2 * S + 800, 3 * S),
            ("three", 3 * S + 800, 4 * S),
        ]);
        transcript.hear(&pass, &request(Kind::Provisional, 0, 4 * S), false);
        // The window now begins in the middle of "one".
        let from = S + S / 2 + S / 4;
        let pass = heard(&[
            ("un", from, 2 * S),
            ("two", 2 * S + 800, 3 * S),
            ("three", 3 * S + 800, 4 * S),
            ("four", 4 * S + 800, 5 * S),
        ]);
        let (words, settled) = transcript.hear(&pass, &request(Kind::Provisional, from, 5 * S), false);
        assert_eq!(texts(&words), ["one", "two", "three", "four"]);
        assert_eq!(settled, 3);
    }

    #[test]
    fn nothing_settles_before_the_final_of_an_utterance_that_is_heard_again() {
        let mut transcript = Transcript::default();
        let pass = heard(&[("won", 0, 100), ("two", 200, 300), ("tree", 400, 500)]);
        for _ in 0..2 {
            let (_, settled) = transcript.hear(&pass, &request(Kind::Provisional, 0, S), true);
            assert_eq!(settled, 0);
        }
        let better = heard(&[("one", 0, 100), ("two", 200, 300), ("three", 400, 500)]);
        let (words, settled) = transcript.hear(&better, &request(Kind::Final, 0, S), true);
        assert_eq!((texts(&words), settled), (vec!["one", "two", "three"], 3));
    }

    proptest! {
        #[test]
        fn settled_words_never_change(
            passes in prop::collection::vec(
                (prop::collection::vec((0_usize..4, 1_u64..40), 0..8), 0_u64..3, prop::bool::weighted(0.1)), 1..12)
        ) {
            let mut transcript = Transcript::default();
            let mut known: Vec<Heard> = Vec::new();
            for (words, from, last) in passes {
                let mut at = from * S;
                let pass: Vec<Heard> = words
                    .iter()
                    .map(|(word, length)| {
                        let start = at;
                        at += length * 400;
                        Heard { text: ["a", "b", "c", "d"][*word].into(), start, end: at, confidence: 0.5 }
                    })
                    .collect();
                let kind = if last { Kind::Final } else { Kind::Provisional };
                let (all, settled) = transcript.hear(&pass, &request(kind, from * S, at), false);
                prop_assert!(settled >= known.len());
                prop_assert_eq!(&all[..known.len()], &known[..]);
                known = all[..settled].to_vec();
            }
        }
    }
}
