//! The form of a pack's file of words, version 2, as `models/training/undertone_training/lexicon.py` writes it.
//!
//! Everything is checked while it is read: whatever the bytes are, what comes out can be indexed without a look.
//! Must never guess: a file of another form is refused with the place and the reason.

/// Why a file of words is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {what}")]
pub struct LexiconError {
    /// How far it could be read.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

const MAGIC: &[u8] = b"undertone-lexicon 2\n";
/// No lexicon has more words, so that a broken number asks for no memory.
const MOST: usize = 1 << 21;

/// A word: where its letters and ways of being said end, and what it costs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    spelling: u32,
    ways: u32,
    pub cost: u8,
    /// Cost of what it leaves to words not listed after it.
    left: u8,
}

/// A file's contents, laid out to be looked up.
#[derive(Debug, Clone, Default)]
pub(super) struct Raw {
    pub words: Vec<Word>,
    spelling: String,
    /// Where each way of being said ends in `phones`.
    ways: Vec<u32>,
    phones: Vec<u8>,
    /// For each word and last the beginning of an utterance, where its list ends.
    lists: Vec<u32>,
    seconds: Vec<u32>,
    costs: Vec<u8>,
    start_left: u8,
}

/// The stretch of `ends` that belongs to an index: from where the one before ends.
fn stretch(ends: impl Fn(usize) -> u32, at: usize) -> std::ops::Range<usize> {
    let from = at.checked_sub(1).map_or(0, &ends);
    from as usize..ends(at) as usize
}

impl Raw {
    pub fn text(&self, word: usize) -> &str {
        if word >= self.words.len() {
            return "";
        }
        &self.spelling[stretch(|at| self.words[at].spelling, word)]
    }

    /// The ways of saying a word, most usual first.
    pub fn ways(&self, word: usize) -> impl Iterator<Item = &[u8]> {
        stretch(|at| self.words[at].ways, word).map(|way| &self.phones[stretch(|at| self.ways[at], way)])
    }

    /// The words listed after a word, or after the beginning.
    pub fn following(&self, first: usize) -> &[u32] {
        if first >= self.lists.len() {
            return &[];
        }
        &self.seconds[stretch(|at| self.lists[at], first)]
    }

    /// The cost of the so-manieth of them.
    pub fn pair_cost(&self, first: usize, at: usize) -> u8 {
        self.costs[stretch(|at| self.lists[at], first).start + at]
    }

    /// The cost of what a word, or the beginning, leaves to words not listed after it.
    pub fn leaves(&self, first: usize) -> u8 {
        self.words.get(first).map_or(self.start_left, |word| word.left)
    }
}

/// What is left to read of a file.
struct Rest<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn wrong<T>(&self, what: &'static str) -> Result<T, LexiconError> {
        Err(LexiconError { at: self.at, what })
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], LexiconError> {
        let Some(found) = self.file.get(self.at..self.at + count) else {
            return self.wrong("ends too early");
        };
        self.at += count;
        Ok(found)
    }

    fn byte(&mut self) -> Result<u8, LexiconError> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    fn count(&mut self) -> Result<usize, LexiconError> {
        let bytes = self.bytes(4)?;
        let count = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        if count > MOST {
            return self.wrong("names more words or pairs than any lexicon has");
        }
        Ok(count)
    }

    /// A number of as many bytes as it needs.
    fn number(&mut self) -> Result<usize, LexiconError> {
        let mut number = 0;
        for place in 0..4 {
            let byte = self.byte()?;
            number |= usize::from(byte & 127) << (7 * place);
            if byte < 128 {
                return Ok(number);
            }
        }
        self.wrong("has a number of more than four bytes")
    }
}

/// Reads a file; `phones` is how many the recogniser tells apart, the blank included.
pub(super) fn read(file: &[u8], phones: usize) -> Result<Raw, LexiconError> {
    let mut rest = Rest { file, at: 0 };
    if !file.starts_with(MAGIC) {
        return rest.wrong("is not 'undertone-lexicon 2'");
    }
    let Some(notice) = file.windows(2).position(|two| two == b"\n\n") else {
        return rest.wrong("has no empty line after its notice");
    };
    rest.at = notice + 2;
    let (words, pairs) = (rest.count()?, rest.count()?);
    let mut raw = Raw {
        start_left: rest.byte()?,
        ..Raw::default()
    };
    let mut letters: Vec<u8> = Vec::new();
    for _ in 0..words {
        word(&mut rest, &mut raw, &mut letters, phones)?;
    }
    for _ in 0..=words {
        let (mut listed, mut last) = (rest.number()?, None);
        while listed > 0 {
            let second = last.unwrap_or(0) + rest.number()?;
            if second >= words || last == Some(second) {
                return rest.wrong("has a pair out of order or with a word that is not there");
            }
            raw.seconds.push(second as u32);
            raw.costs.push(rest.byte()?);
            last = Some(second);
            listed -= 1;
        }
        raw.lists.push(raw.seconds.len() as u32);
    }
    if raw.seconds.len() != pairs || rest.at != file.len() {
        return rest.wrong("does not end with the pairs that it names");
    }
    Ok(raw)
}

fn word(
    rest: &mut Rest<'_>,
    raw: &mut Raw,
    letters: &mut Vec<u8>,
    phones: usize,
) -> Result<(), LexiconError> {
    let (shared, more) = (usize::from(rest.byte()?), usize::from(rest.byte()?));
    let further = rest.bytes(more)?;
    // In order, so that words are found by halving: none is empty, and each is more than the one before.
    let grows = letters.get(shared..).is_some_and(|rest| further > rest);
    if !grows || !further.is_ascii() {
        return rest.wrong("has a word that is out of order, empty, or not ASCII");
    }
    letters.truncate(shared);
    letters.extend_from_slice(further);
    raw.spelling
        .extend(letters.iter().map(|letter| char::from(*letter)));
    let (cost, left) = (rest.byte()?, rest.byte()?);
    for _ in 0..rest.byte()? {
        let length = usize::from(rest.byte()?);
        let way = rest.bytes(length)?;
        if way.is_empty()
            || way
                .iter()
                .any(|phone| *phone == 0 || usize::from(*phone) >= phones)
        {
            return rest.wrong("has a phone that the pack does not name");
        }
        raw.phones.extend_from_slice(way);
        raw.ways.push(raw.phones.len() as u32);
    }
    raw.words.push(Word {
        spelling: raw.spelling.len() as u32,
        ways: raw.ways.len() as u32,
        cost,
        left,
    });
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Words as text, cost, what they leave, ways; pairs by first word.
    type Words<'a> = [(&'a str, u8, u8, &'a [&'a [u8]])];

    /// A file of these words, written plainly: nothing shared, no number over 127.
    pub(in crate::words) fn written(words: &Words<'_>, start_left: u8, pairs: &[(u8, u8, u8)]) -> Vec<u8> {
        let mut out = [MAGIC, b"# a notice\n\n"].concat();
        out.extend((words.len() as u32).to_le_bytes());
        out.extend((pairs.len() as u32).to_le_bytes());
        out.push(start_left);
        for (text, cost, left, ways) in words {
            out.extend([0, text.len() as u8]);
            out.extend(text.bytes());
            out.extend([*cost, *left, ways.len() as u8]);
            for way in *ways {
                out.push(way.len() as u8);
                out.extend(*way);
            }
        }
        for first in 0..=words.len() as u8 {
            let listed: Vec<_> = pairs.iter().filter(|pair| pair.0 == first).collect();
            out.push(listed.len() as u8);
            let mut last = 0;
            for (_, second, cost) in listed {
                out.extend([second - last, *cost]);
                last = *second;
            }
        }
        out
    }

    pub(in crate::words) fn file() -> Vec<u8> {
        written(
            &[
                ("ab", 12, 6, &[&[1, 2]]),
                ("aba", 36, 0, &[&[1, 2, 1]]),
                ("ac", 60, 0, &[&[1], &[1, 2]]),
            ],
            3,
            &[(0, 2, 6), (3, 0, 3)],
        )
    }

    #[test]
    fn what_was_written_is_read() {
        let raw = read(&file(), 3).unwrap();
        assert_eq!(
            (0..3).map(|word| raw.text(word)).collect::<Vec<_>>(),
            ["ab", "aba", "ac"]
        );
        assert_eq!(raw.ways(2).collect::<Vec<_>>(), [&[1_u8] as &[u8], &[1, 2]]);
        assert_eq!((raw.following(0), raw.pair_cost(0, 0)), (&[2_u32][..], 6));
        assert!(raw.following(1).is_empty() && raw.following(9).is_empty());
        assert_eq!((raw.leaves(0), raw.leaves(3)), (6, 3));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_place_and_reason() {
        let refused = |file: &[u8]| read(file, 3).unwrap_err().what;
        assert!(refused(b"undertone-lexicon 1\n").contains("undertone-lexicon 2"));
        assert!(read(&file(), 2).unwrap_err().what.contains("phone"));
        assert!(refused(&[file(), vec![0]].concat()).contains("does not end"));
        let unsorted = written(&[("b", 1, 0, &[&[1]]), ("a", 1, 0, &[&[2]])], 0, &[]);
        assert!(refused(&unsorted).contains("out of order"));
        let lost = written(&[("a", 1, 0, &[&[1]])], 0, &[(0, 5, 1)]);
        assert!(refused(&lost).contains("not there"));
        let mut greedy = file();
        let at = MAGIC.len() + b"# a notice\n\n".len();
        greedy[at..at + 4].fill(255);
        assert!(refused(&greedy).contains("more words"));
    }

    proptest! {
        #[test]
        fn no_broken_file_does_harm(at in 0_usize..200, value: u8, cut in 0_usize..200) {
            let mut broken = file();
            let length = broken.len();
            broken[at % length] = value;
            broken.truncate(length - cut % length);
            if let Ok(raw) = read(&broken, 3) {
                for word in 0..raw.words.len() {
                    prop_assert!(raw.ways(word).count() < 256 && raw.text(word).is_ascii());
                    prop_assert_eq!(raw.following(word).len(), stretch(|at| raw.lists[at], word).len());
                }
            }
        }
    }
}
