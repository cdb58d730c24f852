//! Which words of a request are its own, where an utterance was cut because it did not end.
//!
//! The sound around a cut is heard with both utterances, so that a word on the cut is heard whole by both; its
//! middle decides whose it is. So it is neither lost nor said twice.

use crate::utterance::Request;
use crate::words::Heard;

/// The words that belong to this request.
pub(crate) fn within(words: Vec<Heard>, request: &Request) -> Vec<Heard> {
    if request.cut_from.is_none() && request.cut_to.is_none() {
        return words;
    }
    words.into_iter().filter(|word| is_own(word, request)).collect()
}

/// Whether a word belongs to this request.
pub(crate) fn is_own(word: &Heard, request: &Request) -> bool {
    let (from, to) = (request.cut_from.unwrap_or(0), request.cut_to.unwrap_or(u64::MAX));
    (from..to).contains(&u64::midpoint(word.start, word.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::Kind;

    fn request(cut_from: Option<u64>, cut_to: Option<u64>) -> Request {
        Request {
            utterance: 0,
            kind: Kind::Final,
            first: false,
            closing: false,
            start: 1_000,
            end: 2_000,
            audio_from: 500,
            audio: vec![],
            clock: 2_500,
            clipped: false,
            cut_from,
            cut_to,
        }
    }

    #[test]
    fn a_word_on_a_cut_is_said_once() {
        let word = |start, end| Heard {
            text: format!("{start}"),
            start,
            end,
            confidence: 1.0,
        };
        let heard = vec![
            word(600, 900),
            word(900, 1_050),
            word(980, 1_100),
            word(1_900, 2_050),
            word(1_990, 2_200),
        ];
        let texts = |cut_from, cut_to| -> Vec<String> {
            let words = within(heard.clone(), &request(cut_from, cut_to));
            words.into_iter().map(|word| word.text).collect()
        };
        assert_eq!(texts(Some(1_000), Some(2_000)), ["980", "1900"]);
        assert_eq!(texts(None, Some(1_000)), ["600", "900"]);
        assert_eq!(
            texts(None, None).len(),
            5,
            "a natural start is only a guess at where words begin"
        );
    }
}
