//! Tokens that a decoder writes: from numbers to words, how many can be said, and when a row of them turns in circles.
//!
//! Shared by whoever writes words token by token. Must never know which network wrote a row.

use super::untimed::Untimed;
use crate::resample::RATE;

/// Begins a word in the token table.
const SPACE: &str = "\u{2581}";
/// Tokens under this one mean "unknown", "begin" and "end", and are never text.
pub(crate) const FIRST_TEXT: usize = 3;
/// The token before the first of a row.
pub(crate) const BEGIN: usize = 1;
/// The token that ends a row.
pub(crate) const END: usize = 2;
/// Tokens that can be said in ten seconds; more are made up.
const IN_TEN_SECONDS: usize = 65;
/// The longest token that is looked for, in letters.
const LONGEST: usize = 16;
/// The longest row of tokens that is looked at for repeats.
const LONGEST_LOOP: usize = 12;
/// So many tokens said over again are a loop; fewer may be meant ("no, no, no").
const LOOP_TOKENS: usize = 8;

/// A row of tokens, each with the logarithm of its probability.
pub(crate) type Row = Vec<(usize, f32)>;

/// The token table.
#[derive(Debug)]
pub(crate) struct Tokens {
    texts: Vec<Vec<u8>>,
    /// Tokens in the order of their texts.
    sorted: Vec<usize>,
}

impl Tokens {
    /// Reads the table: for each token its length (one byte, or two from 128 on) and its bytes.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (mut tokens, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let mut length = usize::from(bytes[at]);
            at += 1;
            if length >= 128 {
                length = usize::from(*bytes.get(at)?) * 128 + length - 128;
                at += 1;
            }
            tokens.push(bytes.get(at..at.checked_add(length)?)?.to_vec());
            at += length;
        }
        let mut sorted: Vec<usize> = (FIRST_TEXT..tokens.len()).collect();
        sorted.sort_by(|a, b| tokens[*a].cmp(&tokens[*b]));
        (tokens.len() > FIRST_TEXT).then_some(Self {
            texts: tokens,
            sorted,
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.texts.len()
    }

    /// Whether anything of a token is said, not only written.
    pub(crate) fn is_spoken(&self, token: usize) -> bool {
        self.text(token)
            .is_some_and(|bytes| String::from_utf8_lossy(bytes).contains(char::is_alphanumeric))
    }

    /// A row of tokens without the marks at its end.
    pub(crate) fn without_mark<'a>(&self, mut row: &'a [usize]) -> &'a [usize] {
        while let Some((last, rest)) = row.split_last() {
            if self.is_spoken(*last) {
                break;
            }
            row = rest;
        }
        row
    }

    /// The token that writes the most of a word's beginning, or of its middle, and how many of its letters.
    pub(crate) fn longest(&self, word: &[u8], begins: bool) -> Option<(usize, usize)> {
        (1..=word.len().min(LONGEST)).rev().find_map(|length| {
            let mut text = if begins {
                SPACE.as_bytes().to_vec()
            } else {
                Vec::new()
            };
            text.extend_from_slice(&word[..length]);
            let found = self
                .sorted
                .binary_search_by(|token| self.texts[*token].cmp(&text));
            found.ok().map(|at| (self.sorted[at], length))
        })
    }

    /// Adds what a token writes to a text in which each word follows a space.
    pub(crate) fn write(&self, token: usize, to: &mut Vec<u8>) {
        let Some(bytes) = self.text(token) else { return };
        match bytes.strip_prefix(SPACE.as_bytes()) {
            Some(text) => {
                to.push(b' ');
                to.extend_from_slice(text);
            }
            None => to.extend_from_slice(bytes),
        }
    }

    /// What a token writes, if it is text.
    fn text(&self, token: usize) -> Option<&[u8]> {
        let bytes = self.texts.get(token).filter(|_| token >= FIRST_TEXT)?;
        // Marks for programs, not words.
        (!bytes.starts_with(b"<<") && !bytes.starts_with(b"<|")).then_some(bytes)
    }

    /// Words of a row of tokens with the logarithm of each one's probability, and the tokens of each.
    pub(crate) fn words(&self, row: &[(usize, f32)]) -> (Vec<Untimed>, Vec<Vec<usize>>) {
        let mut words: Vec<(Vec<u8>, f32, Vec<usize>)> = Vec::new();
        for &(token, log) in row {
            let Some(bytes) = self.text(token) else { continue };
            let (begins, text) = match bytes.strip_prefix(SPACE.as_bytes()) {
                Some(text) => (true, text),
                None => (false, bytes),
            };
            match words.last_mut() {
                Some((word, logs, tokens)) if !begins => {
                    word.extend_from_slice(text);
                    *logs += log;
                    tokens.push(token);
                }
                _ => words.push((text.to_vec(), log, vec![token])),
            }
        }
        words
            .into_iter()
            .map(|(word, logs, tokens)| {
                let word = Untimed {
                    text: String::from_utf8_lossy(&word)
                        .replace(SPACE, " ")
                        .trim()
                        .to_owned(),
                    confidence: (logs / tokens.len() as f32).exp().clamp(0.0, 1.0),
                };
                (word, tokens)
            })
            .filter(|(word, _)| word.text.contains(char::is_alphanumeric))
            .unzip()
    }
}

/// How many tokens can be said in so many samples.
pub(crate) fn sayable(samples: usize) -> usize {
    (samples * IN_TEN_SECONDS).div_ceil(RATE as usize * 10)
}

/// How many tokens of the row to keep, if its end goes round in circles: one round of it stays.
pub(crate) fn without_loop(row: &[(usize, f32)]) -> Option<usize> {
    let same = |a: usize, b: usize| row[a].0 == row[b].0;
    for length in 1..=LONGEST_LOOP.min(row.len() / 2) {
        let mut times = 1;
        while (times + 1) * length <= row.len()
            && (0..length).all(|k| {
                let last = row.len() - 1 - k;
                same(last, last - times * length)
            })
        {
            times += 1;
        }
        if times >= 3 && times * length >= LOOP_TOKENS {
            return Some(row.len() - (times - 1) * length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(words: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in words {
            let length = u8::try_from(word.len()).expect("short");
            bytes.push(length);
            bytes.extend(word.bytes());
        }
        bytes
    }

    #[test]
    fn tokens_become_words() {
        let tokens = Tokens::read(&table(&[
            "<unk>", "<s>", "</s>", "▁Hel", "lo", ",", "▁you", "<<ST_1>>",
        ]));
        let tokens = tokens.expect("a table");
        let row: Vec<(usize, f32)> = [1, 3, 4, 5, 7, 6, 2].map(|token| (token, -0.5)).to_vec();
        let (words, of_words) = tokens.words(&row);
        let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["Hello,", "you"]);
        assert!((words[0].confidence - (-0.5_f32).exp()).abs() < 1e-6);
        assert_eq!(of_words, [vec![3, 4, 5], vec![6]]);
        assert_eq!(tokens.without_mark(&[6, 3, 4, 5, 7]), [6, 3, 4]);
        assert!(tokens.without_mark(&[5]).is_empty());
    }

    #[test]
    fn a_damaged_table_is_refused() {
        let whole = table(&["a", "b", "c", "dd"]);
        assert!(Tokens::read(&whole).is_some());
        assert!(Tokens::read(&whole[..whole.len() - 1]).is_none());
        assert!(Tokens::read(&[200]).is_none());
        assert!(Tokens::read(&[]).is_none());
    }

    #[test]
    fn more_than_can_be_said_is_made_up() {
        assert_eq!([0, 1, 16_000, 160_000].map(sayable), [0, 1, 7, 65]);
    }

    #[test]
    fn a_row_in_circles_is_ended_and_an_emphasis_is_not() {
        let row =
            |tokens: &[usize]| -> Vec<(usize, f32)> { tokens.iter().map(|&token| (token, 0.0)).collect() };
        assert_eq!(without_loop(&row(&[9, 5, 6, 7, 5, 6, 7, 5, 6, 7])), Some(4));
        assert_eq!(without_loop(&row(&[4; 8])), Some(1));
        assert_eq!(without_loop(&row(&[8, 4, 4, 4])), None, "no, no, no");
        assert_eq!(without_loop(&row(&[5, 6, 7, 5, 6, 7])), None);
        assert_eq!(without_loop(&[]), None);
    }
}
