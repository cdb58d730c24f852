//! What was said, and when: words, phones and syllables of one pass over the sound.
//!
//! `reader` runs the words graph; `beam` and its neighbours turn its probabilities into spans. Where the pack has a
//! `writer`, the words are its own, and the letters tell when they were said. Nothing here remembers an earlier pass:
//! what settles is the business of `transcript`, and a `draft` is a stream's.

#![allow(
    clippy::cast_possible_truncation,
    reason = "frames, words and letters of one utterance or one lexicon are far fewer than 2^32"
)]

mod align;
mod beam;
mod by_book;
mod draft;
mod front;
mod greedy;
mod letters;
mod lexicon;
mod lexicon_file;
mod phones;
mod place;
mod reader;
mod spelt;
mod syllables;
#[cfg(test)]
pub(crate) mod tiny_writer;
pub(crate) mod tokens;
mod trust;
mod untimed;
mod writer;

pub(crate) use draft::{Draft, Written};
pub use lexicon::LexiconError;
pub(crate) use reader::{Known, Pass, Placed, ReadError, Reader, Scores};
pub(crate) use spelt::Spelt;
pub(crate) use untimed::{Untimed, share_out, spoken};
pub(crate) use writer::Writer;

/// A word as it was heard in one pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heard {
    pub text: String,
    /// On the stream's clock, in samples.
    pub start: u64,
    pub end: u64,
    /// The recogniser's probability for it.
    pub confidence: f32,
}

/// A stretch of sound with a name, on the stream's clock, in samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// A phone, or the phones of a syllable with a space between.
    pub name: String,
    pub start: u64,
    pub end: u64,
}

/// Everything that one pass heard, each in the order of time. Without a recogniser of phones, `phones` and
/// `syllables` are empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Units {
    pub phones: Vec<Span>,
    pub syllables: Vec<Span>,
    pub words: Vec<Heard>,
}
