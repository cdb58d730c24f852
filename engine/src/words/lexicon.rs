//! The words a pack knows: how they sound, as a tree of phones, how often they come and which follow which.
//!
//! Read once from the pack's file by `lexicon_file`; the tree is grown when it is first searched, as a pack with a
//! writer only asks how words sound. Must never be asked to spell: what it does not know is the business of the
//! letters.

use std::sync::OnceLock;

use super::lexicon_file::{Raw, read};

pub use super::lexicon_file::LexiconError;

/// No node, no sibling.
pub(crate) const NONE: u32 = u32::MAX;
/// A cost of the file for one nat.
const PER_NAT: f32 = 12.0;

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

/// The sounds of all words, from the root; the words that end at its nodes.
#[derive(Debug, Clone)]
struct Tree {
    nodes: Vec<Node>,
    endings: Vec<u32>,
}

/// Words, their sounds and their frequencies.
#[derive(Debug, Clone)]
pub(crate) struct Lexicon {
    raw: Raw,
    tree: OnceLock<Tree>,
}

/// A cost of the file as a log probability.
fn log(cost: u8) -> f32 {
    -f32::from(cost) / PER_NAT
}

impl Lexicon {
    /// Reads the file; `phones` is how many the recogniser tells apart, the blank included.
    pub(crate) fn parse(file: &[u8], phones: usize) -> Result<Self, LexiconError> {
        let raw = read(file, phones)?;
        let tree = OnceLock::new();
        Ok(Self { raw, tree })
    }

    fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| {
            let raw = &self.raw;
            let mut sounds: Vec<(&[u8], u32)> = (0..raw.words.len())
                .flat_map(|word| raw.ways(word).map(move |way| (way, word as u32)))
                .collect();
            sounds.sort_unstable();
            grow(&sounds, |word| log(raw.words[word as usize].cost))
        })
    }

    /// The number that stands for the beginning of an utterance.
    pub(crate) fn start(&self) -> u32 {
        self.raw.words.len() as u32
    }

    /// How a word is written.
    pub(crate) fn text(&self, word: u32) -> &str {
        self.raw.text(word as usize)
    }

    /// A word's phones, as it is said most often; words are in the order of their letters.
    pub(crate) fn sounds(&self, word: &str) -> Option<impl Iterator<Item = u8>> {
        let (mut from, mut to) = (0, self.raw.words.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            if self.raw.text(middle) < word {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        let known = from < self.raw.words.len() && self.raw.text(from) == word;
        let way = known.then(|| self.raw.ways(from).next()).flatten()?;
        Some(way.iter().copied())
    }

    /// Log probability of a word, whatever came before.
    fn alone(&self, word: u32) -> f32 {
        self.raw
            .words
            .get(word as usize)
            .map_or(-20.0, |word| log(word.cost))
    }

    /// Log probability of a word after another.
    pub(crate) fn after(&self, first: u32, second: u32) -> f32 {
        let listed = self.raw.following(first as usize);
        if let Ok(at) = listed.binary_search(&second) {
            return log(self.raw.pair_cost(first as usize, at));
        }
        log(self.raw.leaves(first as usize)) + self.alone(second)
    }

    /// The nodes one phone under `node`, each with its phone; node 0 is the root.
    pub(crate) fn under(&self, node: u32) -> impl Iterator<Item = (u32, u8)> {
        let nodes = &self.tree().nodes;
        let first = nodes
            .get(node as usize)
            .filter(|node| !node.leaf)
            .map(|_| node + 1);
        std::iter::successors(first, |at| {
            Some(nodes[*at as usize].sibling).filter(|sibling| *sibling != NONE)
        })
        .map(|at| (at, nodes[at as usize].phone))
    }

    /// Whether no word goes on after this node.
    pub(crate) fn is_leaf(&self, node: u32) -> bool {
        self.tree().nodes[node as usize].leaf
    }

    /// Log probability of the likeliest word at or under a node.
    pub(crate) fn best(&self, node: u32) -> f32 {
        self.tree().nodes[node as usize].best
    }

    /// The words that end at a node.
    pub(crate) fn endings(&self, node: u32) -> &[u32] {
        let tree = self.tree();
        let node = &tree.nodes[node as usize];
        &tree.endings[node.first as usize..node.first as usize + node.count as usize]
    }
}

/// The tree of sorted sounds, each node right before its first child.
fn grow(sounds: &[(&[u8], u32)], alone: impl Fn(u32) -> f32) -> Tree {
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
    // From the root to the last word's end; and its phones.
    let mut path: Vec<u32> = vec![0];
    let mut before: &[u8] = &[];
    for (spoken, word) in sounds {
        let common = before.iter().zip(*spoken).take_while(|(a, b)| a == b).count();
        // Where this word leaves the last one's path, the node there gets a sibling.
        let mut elder = path.get(common + 1).copied();
        path.truncate(common + 1);
        for phone in &spoken[common..] {
            let at = nodes.len() as u32;
            nodes.push(node(*phone));
            if let Some(elder) = elder.take() {
                nodes[elder as usize].sibling = at;
            } else if let Some(parent) = path.last() {
                nodes[*parent as usize].leaf = false;
            }
            path.push(at);
        }
        before = spoken;
        let end = path[path.len() - 1] as usize;
        if nodes[end].count == 0 {
            nodes[end].first = endings.len() as u32;
        }
        nodes[end].count += 1;
        endings.push(*word);
        for at in &path {
            let best = &mut nodes[*at as usize].best;
            *best = best.max(alone(*word));
        }
    }
    Tree { nodes, endings }
}

#[cfg(test)]
mod tests {
    use super::super::lexicon_file::tests::file;
    use super::*;

    #[test]
    fn sounds_become_a_tree_with_words_at_their_ends() {
        let lexicon = Lexicon::parse(&file(), 3).unwrap();
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
    fn a_word_is_said_as_it_is_said_most_often() {
        let lexicon = Lexicon::parse(&file(), 3).unwrap();
        assert_eq!(lexicon.sounds("ac").map(Iterator::collect), Some(vec![1]));
        assert!(lexicon.sounds("abc").is_none() && lexicon.sounds("zz").is_none());
    }

    #[test]
    fn pairs_are_counted_and_others_back_off() {
        let lexicon = Lexicon::parse(&file(), 3).unwrap();
        let near = |found: f32, wanted: f32| (found - wanted).abs() < 1e-6;
        assert!(near(lexicon.after(0, 2), -0.5));
        assert!(near(lexicon.after(0, 1), -3.5));
        assert!(near(lexicon.after(lexicon.start(), 0), -0.25));
        assert!(near(lexicon.after(lexicon.start(), 1), -3.25));
    }
}
