//! The phones of words that are known, as the lexicon says them, laid onto the frames in which each word was said.
//!
//! A decoder that knows the language hears a word better than its single sounds were heard; so its sounds are those
//! of the word. Of a word that the lexicon lacks, or that has too few frames, the phones stay as they were heard.

use super::align::align;
use super::lexicon::Lexicon;
use super::phones::{self, Won};
use super::place::Place;

/// The phones of these words, in the order of time. `scores` are log probabilities of phones, frames × `width`; each
/// word has the frames up to the middle between it and the next.
pub(super) fn of(scores: &[f32], width: usize, lexicon: &Lexicon, words: &[(&str, Place)]) -> Vec<Won> {
    let width = width.max(1);
    let frames = scores.len() / width;
    let mut won = Vec::new();
    let mut from = 0;
    for (at, (text, place)) in words.iter().enumerate() {
        let next = words.get(at + 1).map(|(_, next)| next.first);
        let to = next.map_or(frames, |next| usize::midpoint(place.last + 1, next));
        let to = to.clamp(from, frames);
        let own = &scores[from * width..to * width];
        let said = lexicon.sounds(text);
        let said = said.map(|said| said.map(usize::from).collect::<Vec<_>>());
        let heard = said
            .and_then(|said| align(own, width, &said))
            .unwrap_or_else(|| phones::path(own, width));
        won.extend(heard.into_iter().map(|phone| Won {
            first: phone.first + from,
            last: phone.last + from,
            ..phone
        }));
        from = to;
    }
    won
}

#[cfg(test)]
mod tests {
    use super::super::lexicon_file::tests::file;
    use super::*;

    const WIDTH: usize = 3;

    fn scores(path: &[usize]) -> Vec<f32> {
        let mut scores = vec![-5.0; path.len() * WIDTH];
        for (frame, best) in path.iter().enumerate() {
            scores[frame * WIDTH + best] = -0.1;
        }
        scores
    }

    fn place(first: usize, last: usize) -> Place {
        Place {
            first,
            last,
            edges: (first as f32, last as f32),
        }
    }

    fn phones(path: &[usize], words: &[(&str, Place)]) -> Vec<(usize, usize)> {
        let lexicon = Lexicon::parse(&file(), WIDTH).unwrap();
        of(&scores(path), WIDTH, &lexicon, words)
            .into_iter()
            .map(|won| (won.phone, won.first))
            .collect()
    }

    #[test]
    fn a_known_word_sounds_as_the_book_says() {
        let lexicon = Lexicon::parse(&file(), WIDTH).unwrap();
        let book: Vec<usize> = lexicon.sounds("ab").unwrap().map(usize::from).collect();
        // Heard as one phone only, twice.
        let got = phones(
            &[0, 1, 1, 0, 0, 1, 0, 0],
            &[("ab", place(1, 2)), ("ab", place(5, 6))],
        );
        let names: Vec<usize> = got.iter().map(|(phone, _)| *phone).collect();
        assert_eq!(names, [book.clone(), book].concat());
        assert!(got[..2].iter().all(|(_, first)| *first < 4), "{got:?}");
        assert!(got[2..].iter().all(|(_, first)| *first >= 4), "{got:?}");
    }

    #[test]
    fn an_unlisted_word_sounds_as_it_was_heard_and_so_does_one_without_room() {
        assert_eq!(phones(&[0, 1, 0, 2, 0], &[("qq", place(1, 3))]), [(1, 1), (2, 3)]);
        assert_eq!(phones(&[2], &[("ab", place(0, 0))]), [(2, 0)]);
        assert!(phones(&[1, 2], &[]).is_empty());
    }
}
