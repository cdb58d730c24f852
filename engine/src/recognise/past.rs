//! What a stream said just before, with its sound: a short utterance is understood better after it.
//!
//! Somebody who pauses in the middle of a sentence makes two utterances of it. The second is heard together with
//! the first, whose words are given; so a pause or a cut costs no context, and no word is said twice. Must never
//! keep more than a few seconds, and nothing but in memory.

use std::collections::VecDeque;

use crate::resample::RATE;
use crate::utterance::Request;
use crate::words::Written;

/// Sound that is kept.
const KEPT: usize = 8 * RATE as usize;
/// After so long a silence something else is said.
const PAUSE: u64 = RATE as u64;
/// Sound kept from before the first word that is.
const BEFORE_A_WORD: u64 = RATE as u64 / 20;

/// The latest sound of a stream whose words are known.
#[derive(Debug, Default)]
pub(crate) struct Past {
    audio: Vec<f32>,
    from: u64,
    words: VecDeque<Written>,
}

/// An utterance's sound after what was said before it.
#[derive(Debug, PartialEq)]
pub(super) struct Joined {
    pub audio: Vec<f32>,
    /// The tokens of what was said before.
    pub said: Vec<usize>,
    /// Where the sound begins.
    from: u64,
}

impl Past {
    fn until(&self) -> u64 {
        self.from + self.audio.len() as u64
    }

    /// The request's sound after that of before, if they belong together.
    pub(super) fn join(&self, request: &Request) -> Option<Joined> {
        let until = self.until();
        let pause = request.audio_from.saturating_sub(until);
        if self.words.is_empty() || pause > PAUSE || request.audio_from <= self.from || until > request.end {
            return None;
        }
        let known = usize::try_from(request.audio_from - self.from).ok()?;
        let mut audio = self.audio[..known.min(self.audio.len())].to_vec();
        // Silence in place of silence.
        audio.resize(known, 0.0);
        audio.extend_from_slice(&request.audio);
        Some(Joined {
            audio,
            said: self
                .words
                .iter()
                .flat_map(|word| word.tokens.iter().copied())
                .collect(),
            from: self.from,
        })
    }

    /// What is known now: the request's sound and words, after what they were joined to.
    pub(super) fn put(&mut self, joined: Option<Joined>, request: &Request, words: Vec<Written>) {
        if let Some(joined) = joined {
            (self.audio, self.from) = (joined.audio, joined.from);
        } else {
            self.words.clear();
            (self.audio, self.from) = (request.audio.clone(), request.audio_from);
        }
        if let Some(cut) = request.cut_to {
            let known = usize::try_from(cut.saturating_sub(self.from)).unwrap_or(0);
            self.audio.truncate(known);
        }
        self.words.extend(words);
        // Whole words go, with their sound.
        let keep_from = self.until().saturating_sub(KEPT as u64);
        let mut dropped = false;
        while self.words.front().is_some_and(|word| word.start < keep_from) {
            self.words.pop_front();
            dropped = true;
        }
        let from = self
            .words
            .front()
            .map_or(self.until(), |word| word.start.saturating_sub(BEFORE_A_WORD));
        if dropped && from > self.from {
            let old = usize::try_from(from - self.from).unwrap_or(0);
            self.audio.drain(..old.min(self.audio.len()));
            self.from = from;
        }
    }

    /// What comes next has nothing to do with it.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::Kind;

    const S: u64 = RATE as u64;

    fn request(from: u64, seconds: u64, cut_from: Option<u64>, cut_to: Option<u64>) -> Request {
        Request {
            utterance: 0,
            kind: Kind::Final,
            first: false,
            start: from,
            end: from + seconds * S,
            audio_from: from,
            audio: vec![0.5; usize::try_from(seconds * S).unwrap()],
            clock: from + seconds * S,
            clipped: false,
            cut_from,
            cut_to,
            closing: false,
        }
    }

    fn word(start: u64, token: usize) -> Written {
        Written {
            start,
            end: start + 1,
            tokens: vec![token],
        }
    }

    #[test]
    fn an_utterance_is_heard_after_the_one_before() {
        let mut past = Past::default();
        let first = request(S, 2, None, None);
        assert_eq!(past.join(&first), None, "nothing was said");
        past.put(None, &first, vec![word(S, 7), word(2 * S, 8)]);
        let next = request(3 * S + 160, 1, None, None);
        let joined = past.join(&next).unwrap();
        assert_eq!(joined.said, [7, 8]);
        assert_eq!(joined.audio.len(), 3 * RATE as usize + 160);
        assert_eq!(
            joined.audio[2 * RATE as usize + 80].to_bits(),
            0,
            "the pause is silent"
        );
        assert_eq!(past.join(&request(5 * S, 1, None, None)), None, "too long ago");
    }

    #[test]
    fn at_a_cut_the_sound_runs_on() {
        let mut past = Past::default();
        past.put(None, &request(0, 4, None, Some(3 * S)), vec![word(S, 7)]);
        let next = request(3 * S - 800, 2, Some(3 * S), None);
        let joined = past.join(&next).unwrap();
        assert_eq!(joined.audio.len(), 5 * RATE as usize - 800);
        assert!(joined.audio.iter().all(|sample| *sample > 0.0));
    }

    #[test]
    fn only_a_few_seconds_are_kept_and_they_begin_with_a_word() {
        let mut past = Past::default();
        past.put(None, &request(0, 6, None, None), vec![word(S, 1), word(4 * S, 2)]);
        let next = request(6 * S, 5, None, None);
        let joined = past.join(&next);
        past.put(joined, &next, vec![word(7 * S, 3)]);
        assert_eq!(past.words.front(), Some(&word(4 * S, 2)));
        assert_eq!(past.from, 4 * S - BEFORE_A_WORD);
        assert_eq!(past.until(), 11 * S);
        past.forget();
        assert_eq!(past.join(&request(11 * S, 1, None, None)), None);
    }
}
