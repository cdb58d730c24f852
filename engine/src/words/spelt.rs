//! What the letters of a pass spell by themselves: a guess at what will be written.
//!
//! They are wrong too often to be shown. But a guess that is tried in the same run as a token that is sure costs next to
//! nothing, and where they spell nothing more there is hardly more to be written. Nothing is told from them.

use super::tokens::Tokens;

/// Tokens guessed at once.
const MOST: usize = 3;
/// So many letters are the begin of a word.
const BEGIN: usize = 3;

/// Words as their letters were heard, one space between them.
#[derive(Debug, Default)]
pub(crate) struct Spelt(Vec<u8>);

impl Spelt {
    pub(super) fn new<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut letters = Vec::new();
        for word in words {
            if !letters.is_empty() {
                letters.push(b' ');
            }
            letters.extend_from_slice(word.as_bytes());
        }
        Self(letters)
    }

    /// Whether that is hardly more than the begin of a word, which is still in the speaker's mouth.
    pub(crate) fn only_begins(&self) -> bool {
        self.0.len() <= BEGIN && !self.0.contains(&b' ')
    }

    /// Tokens for what is spelt after `written`, a text with a space before each word; none if nothing is.
    pub(super) fn after(&self, written: &[u8], tokens: &Tokens) -> Vec<usize> {
        let mut rest = &self.0[self.written(written)..];
        let mut begins = written.is_empty();
        let mut guess = Vec::new();
        while guess.len() < MOST {
            if let Some(word) = rest.strip_prefix(b" ") {
                (rest, begins) = (word, true);
            }
            let word = rest.split(|letter| *letter == b' ').next().unwrap_or_default();
            let Some((token, length)) = tokens.longest(word, begins) else {
                break;
            };
            guess.push(token);
            (rest, begins) = (&rest[length..], false);
        }
        guess
    }

    /// How many of the letters `written` stands for: as many as make the fewest changes.
    fn written(&self, written: &[u8]) -> usize {
        let written = written.strip_prefix(b" ").unwrap_or(written);
        let mut changes: Vec<usize> = (0..=self.0.len()).collect();
        for (at, letter) in written.iter().enumerate() {
            let mut before = std::mem::replace(&mut changes[0], at + 1);
            for (place, spelt) in self.0.iter().enumerate() {
                let other = before + usize::from(spelt != letter);
                before = changes[place + 1];
                changes[place + 1] = other.min(before + 1).min(changes[place] + 1);
            }
        }
        let fewest = changes.iter().enumerate().min_by_key(|(_, changes)| **changes);
        fewest.map_or(0, |(letters, _)| letters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        let words = [
            "<unk>",
            "<s>",
            "</s>",
            "\u{2581}the",
            "\u{2581}t",
            "\u{2581}iron",
            "y",
            "s",
            "\u{2581}say",
            "e",
        ];
        let mut table = Vec::new();
        for word in words {
            table.push(u8::try_from(word.len()).unwrap());
            table.extend(word.bytes());
        }
        Tokens::read(&table).unwrap()
    }

    fn after(spelt: &[&str], written: &str) -> Vec<usize> {
        Spelt::new(spelt.iter().copied()).after(written.as_bytes(), &tokens())
    }

    #[test]
    fn what_is_spelt_after_the_written_is_guessed_in_the_longest_tokens() {
        assert_eq!(after(&["the", "iron"], ""), [3, 5]);
        assert_eq!(after(&["the", "iron", "says"], " the"), [5, 8, 7]);
        assert_eq!(after(&["they", "say"], " the"), [6, 8], "in the middle of a word");
        assert_eq!(
            after(&["te", "say", "they", "say"], ""),
            [4, 9, 8],
            "three at once"
        );
    }

    #[test]
    fn letters_that_were_heard_wrong_are_passed_over() {
        assert_eq!(after(&["tha", "irn", "say"], " the iron"), [8]);
        assert!(
            after(&["the", "say"], " the iron say").is_empty(),
            "more is written than spelt"
        );
        assert!(after(&[], " the").is_empty());
    }

    #[test]
    fn what_no_token_spells_ends_the_guess() {
        assert_eq!(after(&["the", "\u{fc}ber", "say"], ""), [3]);
    }

    #[test]
    fn a_few_letters_of_one_word_only_begin() {
        let spelt = |words: &[&str]| Spelt::new(words.iter().copied()).only_begins();
        assert!(spelt(&[]) && spelt(&["the"]));
        assert!(!spelt(&["a", "i"]) && !spelt(&["they"]));
    }
}
