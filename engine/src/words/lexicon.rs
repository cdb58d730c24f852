//! The words a pack knows: how they sound, as a tree of phones, how often they come and which follow which.
//!
//! Read once from the pack's text file. Must never be asked to spell: what it does not know is the business
//! of the letters.

use std::cmp::Ordering;

/// Why a file of words is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LexiconError {
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// No node, no sibling.
pub(crate) const NONE: u32 = u32::MAX;
/// The letter of phone 1 in the file.
const FIRST_LETTER: u8 = b'0';

/// A place in the tree: the phones from the root to here.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// The next node with the same parent.
    sibling: u32,
    /// The words that end here, in `endings`.
    first: u32,
    count: u16,
    phone: u8,
    leaf: bool,
    /// Log probability of the likeliest word at or under this node.
    best: f32,
}

/// A word's share and what is left for pairs that were never counted.
#[derive(Debug, Clone, Copy)]
struct Entry {
    text: (u32, u32),
    /// Its phones, in `spoken`.
    sounds: (u32, u32),
    alone: f32,
    backoff: f32,
}

/// Words, their sounds and their frequencies.
#[derive(Debug, Clone)]
pub(crate) struct Lexicon {
    nodes: Vec<Node>,
    endings: Vec<u32>,
    entries: Vec<Entry>,
    spelling: String,
    spoken: Vec<u8>,
    /// Sorted by first word, then second.
    pairs: Vec<(u32, u32, f32)>,
    start_backoff: f32,
}

/// A cost of the file as a log probability.
fn log(cost: &str) -> Option<f32> {
    Some(-f32::from(cost.parse::<u16>().ok()?) / 100.0)
}

impl Lexicon {
    /// Reads the file; `phones` is how many the recogniser tells apart, the blank included.
    pub(crate) fn parse(text: &str, phones: usize) -> Result<Self, LexiconError> {
        let wrong = |line: usize, what| LexiconError { line: line + 1, what };
        let mut lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.starts_with('#'));
        match lines.next() {
            Some((_, "undertone-lexicon 1")) => {}
            _ => return Err(wrong(0, "is not 'undertone-lexicon 1'")),
        }
        let (mut entries, mut spelling, mut sounds) = (Vec::new(), String::new(), Vec::new());
        let (mut canonical, mut heard) = (Vec::new(), Vec::new());
        let count = lines
            .next()
            .and_then(|(_, line)| line.strip_prefix("words ")?.parse::<usize>().ok())
            .ok_or(wrong(1, "is not 'words N'"))?;
        for _ in 0..count {
            let (at, line) = lines.next().ok_or(wrong(0, "ends too early"))?;
            let mut parts = line.split(' ');
            let (Some(alone), Some(backoff), Some(spoken), Some(word)) = (
                parts.next().and_then(log),
                parts.next().and_then(log),
                parts.next(),
                parts.next(),
            ) else {
                return Err(wrong(at, "is not COST BACKOFF PHONES WORD"));
            };
            let known = |letter: u8| (letter as usize) < FIRST_LETTER as usize + phones - 1;
            if !spoken
                .bytes()
                .all(|letter| letter >= FIRST_LETTER && known(letter))
            {
                return Err(wrong(at, "has a phone that the pack does not name"));
            }
            let number = entries.len() as u32;
            let before = entries.last().map(|entry: &Entry| entry.text);
            let again = before.is_some_and(|(from, to)| &spelling[from as usize..to as usize] == word);
            canonical.push(if again {
                canonical[number as usize - 1]
            } else {
                number
            });
            let from = spelling.len() as u32;
            spelling.push_str(word);
            let text = (from, spelling.len() as u32);
            let from = heard.len() as u32;
            heard.extend(spoken.bytes().map(|letter| letter - FIRST_LETTER + 1));
            let place = (from, heard.len() as u32);
            entries.push(Entry {
                text,
                sounds: place,
                alone,
                backoff,
            });
            sounds.push((spoken, number));
        }
        let (at, line) = lines.next().ok_or(wrong(count, "ends too early"))?;
        let mut numbers = line.split(' ').skip(1);
        let (Some(count), Some(start_backoff)) = (
            numbers.next().and_then(|n| n.parse::<usize>().ok()),
            numbers.next().and_then(log),
        ) else {
            return Err(wrong(at, "is not 'pairs N BACKOFF'"));
        };
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            let (at, line) = lines.next().ok_or(wrong(at, "ends too early"))?;
            let mut parts = line.split(' ');
            let mut number = || parts.next().and_then(|n| n.parse::<u32>().ok());
            let (first, second) = (number(), number());
            let (Some(first), Some(second), Some(p)) = (first, second, parts.next().and_then(log)) else {
                return Err(wrong(at, "is not FIRST SECOND COST"));
            };
            pairs.push((first, second, p));
        }
        pairs.sort_unstable_by_key(|pair| (pair.0, pair.1));
        sounds.sort_unstable();
        let (nodes, endings) = grow(&sounds, &entries, &canonical);
        Ok(Self {
            nodes,
            endings,
            entries,
            spelling,
            spoken: heard,
            pairs,
            start_backoff,
        })
    }

    /// The number that stands for the beginning of an utterance.
    pub(crate) fn start(&self) -> u32 {
        self.entries.len() as u32
    }

    /// How a word is written.
    pub(crate) fn text(&self, word: u32) -> &str {
        self.entries.get(word as usize).map_or("", |entry| {
            &self.spelling[entry.text.0 as usize..entry.text.1 as usize]
        })
    }

    /// A word's phones, as it is said most often; words are in the order of their letters.
    pub(crate) fn sounds(&self, word: &str) -> Option<impl Iterator<Item = u8>> {
        let text = |entry: &Entry| &self.spelling[entry.text.0 as usize..entry.text.1 as usize];
        let first = self.entries.partition_point(|entry| text(entry) < word);
        let entry = self.entries.get(first).filter(|entry| text(entry) == word)?;
        let (from, to) = entry.sounds;
        Some(self.spoken[from as usize..to as usize].iter().copied())
    }

    /// Log probability of a word after another.
    pub(crate) fn after(&self, first: u32, second: u32) -> f32 {
        let place = self.pairs.binary_search_by(|pair| match pair.0.cmp(&first) {
            Ordering::Equal => pair.1.cmp(&second),
            other => other,
        });
        if let Ok(at) = place {
            return self.pairs[at].2;
        }
        let backoff = self
            .entries
            .get(first as usize)
            .map_or(self.start_backoff, |entry| entry.backoff);
        let alone = self
            .entries
            .get(second as usize)
            .map_or(-20.0, |entry| entry.alone);
        backoff + alone
    }

    /// The nodes one phone under `node`, each with its phone; node 0 is the root.
    pub(crate) fn under(&self, node: u32) -> impl Iterator<Item = (u32, u8)> {
        let first = self
            .nodes
            .get(node as usize)
            .filter(|node| !node.leaf)
            .map(|_| node + 1);
        std::iter::successors(first, |at| {
            Some(self.nodes[*at as usize].sibling).filter(|sibling| *sibling != NONE)
        })
        .map(|at| (at, self.nodes[at as usize].phone))
    }

    /// Log probability of the likeliest word at or under a node.
    pub(crate) fn best(&self, node: u32) -> f32 {
        self.nodes[node as usize].best
    }

    /// The words that end at a node.
    pub(crate) fn endings(&self, node: u32) -> &[u32] {
        let node = &self.nodes[node as usize];
        &self.endings[node.first as usize..node.first as usize + node.count as usize]
    }
}

/// The tree of sorted sounds, each node right before its first child.
fn grow(sounds: &[(&str, u32)], entries: &[Entry], canonical: &[u32]) -> (Vec<Node>, Vec<u32>) {
    let node = |phone: u8| Node {
        sibling: NONE,
        first: 0,
        count: 0,
        phone,
        leaf: true,
        best: f32::NEG_INFINITY,
    };
    let mut nodes = vec![node(0)];
    let mut endings = Vec::with_capacity(sounds.len());
    // From the root to the last word's end; and its letters.
    let mut path: Vec<u32> = vec![0];
    let mut letters: Vec<u8> = Vec::new();
    for (spoken, number) in sounds {
        let spoken = spoken.as_bytes();
        let common = letters.iter().zip(spoken).take_while(|(a, b)| a == b).count();
        // Where this word leaves the last one's path, the node there gets a sibling.
        let mut elder = path.get(common + 1).copied();
        path.truncate(common + 1);
        letters.truncate(common);
        for letter in &spoken[common..] {
            let at = nodes.len() as u32;
            nodes.push(node(letter - FIRST_LETTER + 1));
            if let Some(elder) = elder.take() {
                nodes[elder as usize].sibling = at;
            } else if let Some(parent) = path.last() {
                nodes[*parent as usize].leaf = false;
            }
            path.push(at);
            letters.push(*letter);
        }
        let end = path[path.len() - 1] as usize;
        if nodes[end].count == 0 {
            nodes[end].first = endings.len() as u32;
        }
        nodes[end].count += 1;
        endings.push(canonical[*number as usize]);
        let alone = entries[*number as usize].alone;
        for at in &path {
            let best = &mut nodes[*at as usize].best;
            *best = best.max(alone);
        }
    }
    (nodes, endings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "undertone-lexicon 1\n# a notice\nwords 4\n100 50 01 ab\n300 0 010 aba\n500 0 0 ac\n500 0 01 ac\npairs 2 20\n0 2 10\n4 0 30\n";

    #[test]
    fn sounds_become_a_tree_with_words_at_their_ends() {
        let lexicon = Lexicon::parse(FILE, 3).unwrap();
        let under: Vec<_> = lexicon.under(0).collect();
        assert_eq!(under, [(1, 1)]);
        assert_eq!(lexicon.endings(1), [2]);
        let (second, phone) = lexicon.under(1).next().unwrap();
        assert_eq!(phone, 2);
        let texts: Vec<_> = lexicon
            .endings(second)
            .iter()
            .map(|word| lexicon.text(*word))
            .collect();
        assert_eq!(texts, ["ab", "ac"]);
        assert!((lexicon.best(0) + 1.0).abs() < 1e-6);
        let (third, _) = lexicon.under(second).next().unwrap();
        assert!((lexicon.best(third) + 3.0).abs() < 1e-6);
        assert_eq!(lexicon.under(third).count(), 0);
    }

    #[test]
    fn pairs_are_counted_and_others_back_off() {
        let lexicon = Lexicon::parse(FILE, 3).unwrap();
        assert!((lexicon.after(0, 2) + 0.1).abs() < 1e-6);
        assert!((lexicon.after(0, 1) + 3.5).abs() < 1e-6);
        assert!((lexicon.after(lexicon.start(), 0) + 0.3).abs() < 1e-6);
        assert!((lexicon.after(lexicon.start(), 1) + 3.2).abs() < 1e-6);
    }

    #[test]
    fn a_broken_file_is_refused_by_line() {
        assert_eq!(Lexicon::parse("", 3).unwrap_err().line, 1);
        assert_eq!(Lexicon::parse(FILE, 2).unwrap_err().line, 4);
        assert_eq!(
            Lexicon::parse(&FILE.replace("300 0 ", "x "), 3).unwrap_err().line,
            5
        );
        assert!(Lexicon::parse(&FILE.replace("4 0 30\n", ""), 3).is_err());
    }
}
