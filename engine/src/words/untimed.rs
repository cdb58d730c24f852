//! Words without times, and the time that they share between neighbours that have some.
//!
//! Must never move a word that has a time.

use super::Heard;

/// A word without times.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Untimed {
    pub text: String,
    pub confidence: f32,
}

/// The letters that are heard of a word: no case, no punctuation.
pub(crate) fn spoken(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
}

/// Gives words the times that are known of them; the others share what lies between, by their length. All of it is
/// on the stream's clock, in samples, within `span`.
pub(crate) fn share_out(
    words: Vec<Untimed>,
    mut times: Vec<Option<(f64, f64)>>,
    span: (u64, u64),
) -> Vec<Heard> {
    let (from, to) = (span.0 as f64, span.1.max(span.0 + 1) as f64);
    fill(&words, &mut times, from, to);
    words
        .into_iter()
        .zip(times)
        .map(|(word, time)| {
            let (start, end) = time.unwrap_or((from, to));
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between two places in samples"
            )]
            let (start, end) = (start as u64, end as u64);
            Heard {
                text: word.text,
                start,
                end,
                confidence: word.confidence,
            }
        })
        .collect()
}

/// Gives words without a time their share of the time between their neighbours, and keeps all in order.
fn fill(words: &[Untimed], spans: &mut [Option<(f64, f64)>], from: f64, to: f64) {
    let length = |word: &Untimed| spoken(&word.text).count().max(1) as f64;
    let mut at = 0;
    while at < spans.len() {
        if spans[at].is_some() {
            at += 1;
            continue;
        }
        let until = (at..spans.len())
            .find(|&k| spans[k].is_some())
            .unwrap_or(spans.len());
        let before = at
            .checked_sub(1)
            .and_then(|k| spans[k])
            .map_or(from, |(_, end)| end);
        let after = spans
            .get(until)
            .copied()
            .flatten()
            .map_or(to, |(start, _)| start)
            .max(before);
        let all: f64 = words[at..until].iter().map(length).sum();
        let mut start = before;
        for (word, span) in words[at..until].iter().zip(&mut spans[at..until]) {
            let end = start + (after - before) * length(word) / all;
            *span = Some((start, end));
            start = end;
        }
        at = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_a_time_share_what_lies_between_by_their_length() {
        let words = ["one", "a", "bbb", "two"].map(|text| Untimed {
            text: text.into(),
            confidence: 0.5,
        });
        let times = vec![Some((100.0, 200.0)), None, None, Some((280.0, 300.0))];
        let heard = share_out(words.to_vec(), times, (0, 1_000));
        let spans: Vec<_> = heard.iter().map(|word| (word.start, word.end)).collect();
        assert_eq!(spans, [(100, 200), (200, 220), (220, 280), (280, 300)]);
        let heard = share_out(words.to_vec(), vec![None; 4], (0, 1_000));
        assert_eq!((heard[0].start, heard[3].end), (0, 1_000));
    }
}
