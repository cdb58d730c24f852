//! The text branch: words as a recogniser writes them → tokens → what they feel like, and whether they are
//! toxic.
//!
//! Knows nothing of who recognised the words, nor when; must never see sound.

use std::collections::HashMap;

use rten_text::models::{Model as _, WordPiece, WordPieceOptions};
use rten_text::normalizers::{Bert as Normal, BertOptions, Normalizer as _};
use rten_text::pre_tokenizers::{Bert as Split, PreTokenizer as _};
use undertone_models::{Manifest, Pack};

use crate::label::{Affect, Label, Scores};
use crate::runtime::{Graph, Input, RuntimeError};

/// What stands around every text.
const BEGIN: &str = "[CLS]";
const END: &str = "[SEP]";
/// What stands for a word of which no piece is known.
const UNKNOWN: &str = "[UNK]";

/// Why words could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TextError {
    /// The vocabulary is not one.
    #[error("{file} {what}")]
    Vocab { file: String, what: String },
    /// The words could not be cut into tokens.
    #[error("the words cannot be cut into tokens: {0}")]
    Tokens(String),
    /// The graph failed.
    #[error(transparent)]
    Run(#[from] RuntimeError),
    /// The graph gave something else than promised.
    #[error("{0}")]
    Shape(String),
}

/// What the branch makes of some words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read {
    /// Calibrated.
    pub scores: Scores,
    pub affect: Affect,
    /// Probability that they are toxic.
    pub toxicity: f32,
    /// For the graphs that hear and read together: the last layer and the frozen lower ones, tokens × width.
    pub tokens: Vec<f32>,
    pub lower: Vec<f32>,
    pub count: usize,
    /// Pieces that the words fell into, marks left out.
    pub pieces: usize,
}

/// What some words feel like, whoever said them.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// Scores from the words alone, calibrated.
    pub scores: Scores,
    /// Where the feeling lies.
    pub affect: Affect,
    /// Probability that they are toxic.
    pub toxicity: f32,
}

/// Tokenizer and graph of a pack.
pub(crate) struct Branch {
    graph: Box<dyn Graph>,
    tokenizer: Tokenizer,
    longest: usize,
    temperature: f32,
}

impl Branch {
    /// `graph` has the text role's inputs and outputs, in their order.
    pub(crate) fn new(graph: Box<dyn Graph>, pack: &Pack) -> Result<Self, TextError> {
        let manifest: &Manifest = pack.manifest();
        let wrong = |file: &str, what: &str| TextError::Vocab {
            file: file.to_owned(),
            what: what.to_owned(),
        };
        let Some(text) = &manifest.text else {
            return Err(wrong("pack.toml", "has no table [text]"));
        };
        let bytes = pack
            .file(&text.vocab)
            .ok_or_else(|| wrong(&text.vocab, "is missing"))?;
        let vocab = std::str::from_utf8(bytes).map_err(|_| wrong(&text.vocab, "is not text"))?;
        Ok(Self {
            graph,
            tokenizer: Tokenizer::new(vocab).map_err(|what| wrong(&text.vocab, &what))?,
            longest: text.longest,
            temperature: text.temperature,
        })
    }

    /// Reads words in one of the forms of `writing`; there must be at least one.
    pub(crate) fn read(&self, words: &str) -> Result<Read, TextError> {
        let (ids, pieces) = self.tokenizer.tokens(words, self.longest)?;
        let shape = [1, ids.len()];
        let outputs = self.graph.run(&[Input::ids(&ids, &shape)])?;
        let Ok([logits, affect, toxic, tokens, lower]) = <[_; 5]>::try_from(outputs) else {
            return Err(TextError::Shape("it gave a wrong number of outputs".into()));
        };
        let (Ok(logits), Ok(affect), [toxic]) = (
            <[f32; Label::COUNT]>::try_from(logits.data),
            <[f32; 3]>::try_from(affect.data),
            toxic.data.as_slice(),
        ) else {
            return Err(TextError::Shape(
                "logits must be 7 wide, affect 3 and toxic 1".into(),
            ));
        };
        for (name, output) in [("tokens", &tokens), ("lower", &lower)] {
            if output.shape.len() != 3 || output.shape[1] != ids.len() {
                return Err(TextError::Shape(format!(
                    "{name} is {:?}, wanted [1, {}, width]",
                    output.shape,
                    ids.len()
                )));
            }
        }
        Ok(Read {
            scores: Scores::from_logits(&logits, self.temperature),
            affect: Affect::new(affect),
            toxicity: if toxic.is_finite() {
                1.0 / (1.0 + (-toxic).exp())
            } else {
                0.0
            },
            tokens: tokens.data,
            lower: lower.data,
            count: ids.len(),
            pieces,
        })
    }
}

/// Words to the numbers of their pieces. (The crate's own joining of these three cannot be shared by threads.)
struct Tokenizer {
    pieces: WordPiece,
    normal: Normal,
    split: Split,
    begin: i64,
    end: i64,
    /// A piece of its own in every contraction, which says nothing about the language.
    mark: Option<i64>,
}

impl Tokenizer {
    fn new(vocab: &str) -> Result<Self, String> {
        let mut pieces = HashMap::new();
        for (piece, id) in vocab.lines().zip(0_u32..) {
            pieces.insert(piece.to_owned(), id);
        }
        let id = |piece: &str| pieces.get(piece).copied().map(i64::from);
        let (Some(begin), Some(end), Some(_)) = (id(BEGIN), id(END), id(UNKNOWN)) else {
            return Err(format!("lacks one of the lines {BEGIN}, {END} and {UNKNOWN}"));
        };
        Ok(Self {
            mark: id("'"),
            begin,
            end,
            pieces: WordPiece::from_vocab(pieces, WordPieceOptions::default()),
            normal: Normal::new(BertOptions {
                lowercase: true,
                strip_accents: true,
            }),
            split: Split::new(),
        })
    }

    /// Token numbers, those around the text included, and how many pieces the words fell into, marks left out. Of
    /// more than fit, the newest stay: what was said last is what is felt now.
    fn tokens(&self, words: &str, longest: usize) -> Result<(Vec<i64>, usize), TextError> {
        let wrong = |error: &dyn std::fmt::Display| TextError::Tokens(error.to_string());
        let (words, _) = self.normal.normalize(words).map_err(|e| wrong(&e))?;
        let mut ids = vec![self.begin];
        for word in self.split.pre_tokenize(&words).map_err(|e| wrong(&e))? {
            self.pieces
                .encode_with_offsets(word, &mut |_, id| ids.push(i64::from(id)))
                .map_err(|e| wrong(&e))?;
        }
        let marks = ids.iter().filter(|id| Some(**id) == self.mark).count();
        let pieces = ids.len() - 1 - marks;
        ids.push(self.end);
        if ids.len() > longest {
            ids.drain(1..=ids.len() - longest);
        }
        Ok((ids, pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOCAB: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\ni\n'\nm\nso\nhappy\nun\n##happy\n##s\nit\ncafe";

    fn ids(words: &str, longest: usize) -> (Vec<i64>, usize) {
        Tokenizer::new(VOCAB).unwrap().tokens(words, longest).unwrap()
    }

    #[test]
    fn words_fall_into_the_longest_pieces_there_are() {
        assert_eq!(ids("i'm so unhappy", 96), (vec![2, 4, 5, 6, 7, 9, 10, 3], 5));
        assert_eq!(ids("it zzz its", 96).0, [2, 12, 1, 12, 11, 3]);
        assert_eq!(ids("Café", 96).0, [2, 13, 3]);
    }

    #[test]
    fn of_too_many_tokens_the_newest_stay() {
        assert_eq!(ids("it it it so happy", 4), (vec![2, 7, 8, 3], 5));
    }

    #[test]
    fn a_vocabulary_without_its_marks_is_refused() {
        let told = Tokenizer::new("i\nso\n[CLS]\n[UNK]").err().unwrap();
        assert!(told.contains("[SEP]"), "{told}");
    }
}
