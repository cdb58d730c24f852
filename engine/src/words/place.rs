//! Where written words lie in letter probabilities: each word's letters, on the best path that spells them all.
//!
//! Letters that the alphabet does not have are passed over, and so is a word that has no other.

use super::align::align;
use super::phones;

/// Where a word lies, in frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// The frames of its first and its last letter.
    pub first: usize,
    pub last: usize,
    /// Where it begins and ends.
    pub edges: (f32, f32),
}

/// The place of each word; none has one if the frames are too few for all of them. `scores` are log probabilities,
/// frames × `width`, index 0 the blank; `places` is that of every ASCII letter in the alphabet.
pub(super) fn of(scores: &[f32], width: usize, places: &[u8; 128], texts: &[&str]) -> Vec<Option<Place>> {
    let place = |letter: u8| places.get(usize::from(letter)).map_or(0, |at| usize::from(*at));
    let space = place(b' ');
    let mut symbols = Vec::new();
    // Which symbols each word has.
    let mut spans = Vec::with_capacity(texts.len());
    for text in texts {
        if space > 0 && symbols.last().is_some_and(|last| *last != space) {
            symbols.push(space);
        }
        let from = symbols.len();
        symbols.extend(text.bytes().map(place).filter(|at| *at > 0));
        spans.push(from..symbols.len());
    }
    if symbols.last() == Some(&space) {
        symbols.pop();
    }
    let Some(won) = align(scores, width, &symbols) else {
        return vec![None; texts.len()];
    };
    let edges = phones::edges(&won);
    spans
        .into_iter()
        .map(|span| {
            let (first, last) = (span.start, span.end.checked_sub(1)?);
            (first <= last).then(|| Place {
                first: won[first].first,
                last: won[last].last,
                edges: (edges[first].0, edges[last].1),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::letters;
    use super::*;

    /// Blank, space, a, b.
    fn places() -> [u8; 128] {
        letters::places(&["", " ", "a", "b"].map(String::from))
    }

    fn scores(path: &[usize]) -> Vec<f32> {
        let mut scores = vec![-5.0; path.len() * 4];
        for (frame, best) in path.iter().enumerate() {
            scores[frame * 4 + best] = -0.05;
        }
        scores
    }

    fn frames(path: &[usize], texts: &[&str]) -> Vec<Option<(usize, usize)>> {
        of(&scores(path), 4, &places(), texts)
            .into_iter()
            .map(|place| place.map(|place| (place.first, place.last)))
            .collect()
    }

    #[test]
    fn words_lie_where_their_letters_were_heard() {
        let path = [0, 2, 0, 3, 1, 0, 0, 3, 2, 0];
        assert_eq!(frames(&path, &["ab", "ba"]), [Some((1, 3)), Some((7, 8))]);
    }

    #[test]
    fn what_the_alphabet_lacks_is_passed_over() {
        let path = [0, 2, 0, 3, 1, 0, 0, 3, 2, 0];
        assert_eq!(
            frames(&path, &["7", "a\u{e9}b", "88", "9", "ba", "-"]),
            [None, Some((1, 3)), None, None, Some((7, 8)), None]
        );
        assert_eq!(frames(&path, &["7"]), [None]);
        assert!(frames(&path, &[]).is_empty());
    }

    #[test]
    fn too_few_frames_place_nothing() {
        assert_eq!(frames(&[2, 1, 3], &["ab", "ba"]), [None, None]);
    }
}
