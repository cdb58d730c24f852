//! Times for words that come without any: from another recogniser's words of the same sound.
//!
//! The two texts are laid side by side, letter by letter at the least cost, and a word takes the time in which
//! its letters were heard. Where the other heard nothing, a word gets its share of the time between its
//! neighbours. So the times are as good as the other's where the texts agree, and a guess between.

use crate::words::{Heard, Untimed, share_out, spoken};

/// A letter of a timed word, with the time in which it was said.
struct Letter {
    said: char,
    start: f64,
    end: f64,
}

/// Gives words the times of `timed`, within `span` (start and end on the stream's clock, in samples).
pub(crate) fn times(words: Vec<Untimed>, timed: &[Heard], span: (u64, u64)) -> Vec<Heard> {
    let heard = letters(timed);
    let wanted: Vec<(usize, char)> = words
        .iter()
        .enumerate()
        .flat_map(|(at, word)| spoken(&word.text).map(move |letter| (at, letter)))
        .collect();
    let pairs = lay_side_by_side(&wanted, &heard);
    let mut spans: Vec<Option<(f64, f64)>> = vec![None; words.len()];
    for (at, letter) in pairs {
        let Letter { start, end, .. } = heard[letter];
        let span = &mut spans[wanted[at].0];
        *span = Some(span.map_or((start, end), |(first, last): (f64, f64)| {
            (first.min(start), last.max(end))
        }));
    }
    share_out(words, spans, span)
}

fn letters(timed: &[Heard]) -> Vec<Letter> {
    let mut letters = Vec::new();
    for word in timed {
        let count = spoken(&word.text).count();
        let each = (word.end.saturating_sub(word.start)) as f64 / count.max(1) as f64;
        letters.extend(spoken(&word.text).enumerate().map(|(at, said)| Letter {
            said,
            start: word.start as f64 + each * at as f64,
            end: word.start as f64 + each * (at + 1) as f64,
        }));
    }
    letters
}

/// Pairs of letters, in order, at the least cost: nothing for the same letter, one for another, one for none.
fn lay_side_by_side(wanted: &[(usize, char)], heard: &[Letter]) -> Vec<(usize, usize)> {
    let (rows, columns) = (wanted.len(), heard.len());
    let width = columns + 1;
    let mut cost: Vec<u32> = vec![0; (rows + 1) * width];
    for row in 0..=rows {
        for column in 0..=columns {
            let here = row * width + column;
            let other = |cost: u32| cost.saturating_add(1);
            cost[here] = match (row, column) {
                (0, 0) => 0,
                (0, _) => other(cost[here - 1]),
                (_, 0) => other(cost[here - width]),
                _ => {
                    let differs = u32::from(wanted[row - 1].1 != heard[column - 1].said);
                    (cost[here - width - 1] + differs)
                        .min(other(cost[here - width]))
                        .min(other(cost[here - 1]))
                }
            };
        }
    }
    let (mut row, mut column) = (rows, columns);
    let mut pairs = Vec::new();
    while row > 0 && column > 0 {
        let here = row * width + column;
        let differs = u32::from(wanted[row - 1].1 != heard[column - 1].said);
        if cost[here] == cost[here - width - 1] + differs {
            pairs.push((row - 1, column - 1));
            (row, column) = (row - 1, column - 1);
        } else if cost[here] == cost[here - width] + 1 {
            row -= 1;
        } else {
            column -= 1;
        }
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(words: &[(&str, u64, u64)]) -> Vec<Heard> {
        words
            .iter()
            .map(|&(text, start, end)| Heard {
                text: text.into(),
                start,
                end,
                confidence: 0.5,
            })
            .collect()
    }

    fn given(words: &[&str], timed: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
        let words = words
            .iter()
            .map(|text| Untimed {
                text: (*text).into(),
                confidence: 1.0,
            })
            .collect();
        times(words, &heard(timed), (0, 1_000))
            .into_iter()
            .map(|word| (word.text, word.start, word.end))
            .collect()
    }

    #[test]
    fn the_same_words_get_the_same_times() {
        let got = given(&["Hello,", "World!"], &[("hello", 100, 300), ("world", 350, 600)]);
        assert_eq!(got, [("Hello,".into(), 100, 300), ("World!".into(), 350, 600)]);
    }

    #[test]
    fn a_word_heard_as_two_spans_both() {
        let got = given(
            &["themselves", "go"],
            &[("them", 100, 200), ("selfs", 220, 400), ("go", 450, 500)],
        );
        assert_eq!(got[0], ("themselves".into(), 100, 400));
        assert_eq!(got[1], ("go".into(), 450, 500));
    }

    #[test]
    fn a_word_that_the_other_missed_lies_between_its_neighbours() {
        let got = given(&["one", "xxxxxx", "two"], &[("one", 100, 200), ("two", 500, 600)]);
        assert_eq!(got[1], ("xxxxxx".into(), 200, 500));
    }

    #[test]
    fn without_another_recogniser_the_time_is_shared_out() {
        let got = given(&["aa", "bbbbbb"], &[]);
        assert_eq!(got, [("aa".into(), 0, 250), ("bbbbbb".into(), 250, 1_000)]);
        assert!(given(&[], &[("one", 100, 200)]).is_empty());
    }

    #[test]
    fn times_never_run_backwards() {
        let got = given(&["a", "b", "c", "d"], &[("d", 100, 200), ("a", 300, 400)]);
        for pair in got.windows(2) {
            assert!(pair[0].1 <= pair[1].1, "{got:?}");
        }
    }
}
