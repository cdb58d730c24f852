//! What a stream wrote of late, kept to be offered to its next pass: most of it will be written again.
//!
//! A draft is a guess and no memory of what was said: nothing is told from it, and one that is wrong costs time only.

use crate::utterance::Request;

/// A word as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Where it begins and ends, on the stream's clock.
    pub start: u64,
    pub end: u64,
    pub tokens: Vec<usize>,
}

/// The latest words of one stream's utterance.
#[derive(Debug, Default)]
pub(crate) struct Draft(Vec<Written>);

impl Draft {
    /// The tokens of what was written in the sound of this request.
    pub(crate) fn of(&self, request: &Request) -> Vec<usize> {
        let within = self.0.iter().filter(|word| word.start >= request.audio_from);
        within.flat_map(|word| word.tokens.iter().copied()).collect()
    }

    /// Keeps what a request's pass wrote, and of its utterance what lies before its sound: the final hears it all.
    pub(crate) fn keep(&mut self, request: &Request, words: Vec<Written>) {
        let edge = request.cut_until();
        let middle = |word: &Written| u64::midpoint(word.start, word.end);
        self.0
            .retain(|word| word.end > request.start && middle(word) < edge);
        self.0
            .extend(words.into_iter().filter(|word| middle(word) >= edge));
    }
}

/// A draft that is followed while a row is written: where the row has left it, it is joined again behind the next
/// place that has the row's last token.
#[derive(Debug)]
pub(super) struct Guess<'a> {
    draft: &'a [usize],
    /// So much of it has been written or passed over.
    known: usize,
    /// What follows here may be written next.
    from: usize,
}

impl<'a> Guess<'a> {
    pub(super) fn new(draft: &'a [usize]) -> Self {
        Self {
            draft,
            known: 0,
            from: 0,
        }
    }

    /// What may be written next, so many tokens at most.
    pub(super) fn next(&self, most: usize) -> &'a [usize] {
        let rest = &self.draft[self.from..];
        &rest[..rest.len().min(most)]
    }

    /// So many of those guessed were right, and then `last` was written.
    pub(super) fn came(&mut self, right: usize, last: usize) {
        if right > 0 {
            self.known = self.from + right;
        }
        let rest = &self.draft[self.known..];
        self.from = rest
            .iter()
            .position(|token| *token == last)
            .map_or(self.draft.len(), |at| self.known + at + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resample::RATE;
    use crate::update::Kind;

    const S: u64 = RATE as u64;

    fn request(start: u64, audio_from: u64) -> Request {
        Request {
            utterance: 0,
            kind: Kind::Provisional,
            first: false,
            closing: false,
            start,
            end: audio_from + 4 * S,
            audio_from,
            audio: Vec::new(),
            clock: 0,
            clipped: false,
            cut_from: None,
            cut_to: None,
        }
    }

    fn words(of: &[(u64, u64, usize)]) -> Vec<Written> {
        of.iter()
            .map(|&(start, end, token)| Written {
                start,
                end,
                tokens: vec![token],
            })
            .collect()
    }

    #[test]
    fn a_draft_is_what_was_written_in_the_same_sound() {
        let mut draft = Draft::default();
        draft.keep(
            &request(S, S - 800),
            words(&[(S, 2 * S, 7), (2 * S, 3 * S, 8), (3 * S, 4 * S, 9)]),
        );
        assert_eq!(draft.of(&request(S, S - 800)), [7, 8, 9]);
        assert_eq!(draft.of(&request(S, 2 * S)), [8, 9]);
        // The window has gone on: the cut word at its edge is better known from before.
        draft.keep(
            &request(S, 2 * S + S / 2),
            words(&[
                (2 * S + S / 2, 2 * S + S / 2 + 1_000, 1),
                (3 * S, 4 * S, 9),
                (4 * S, 5 * S, 10),
            ]),
        );
        assert_eq!(draft.of(&request(S, S - 800)), [7, 8, 9, 10]);
        // Another utterance.
        draft.keep(&request(9 * S, 9 * S - 800), words(&[(9 * S, 10 * S, 3)]));
        assert_eq!(draft.of(&request(0, 0)), [3]);
    }

    #[test]
    fn a_draft_is_joined_again_where_it_was_left() {
        let draft = [4, 5, 6, 7, 8, 6];
        let mut guess = Guess::new(&draft);
        assert_eq!(guess.next(2), [4, 5]);
        // 4 was right, then came 9: nothing of the draft follows it.
        guess.came(1, 9);
        assert!(guess.next(9).is_empty());
        guess.came(0, 6);
        assert_eq!(guess.next(9), [7, 8, 6]);
        // Joined at the wrong place: the draft is not used up by that.
        guess.came(0, 5);
        assert_eq!(guess.next(9), [6, 7, 8, 6]);
        guess.came(4, 3);
        assert!(guess.next(9).is_empty());
    }
}
