//! Runs a pack's words graph over the trunk's frames and reads words, phones and syllables out of it; or, where the
//! words are known, when they were said.

use undertone_models::{Manifest, Pack, Role};

use super::beam::{self, Found, Search};
use super::letters::{self, Letters};
use super::lexicon::{Lexicon, LexiconError};
use super::place::{self, Place};
use super::spelt::Spelt;
use super::tokens::Tokens;
use super::{Heard, Span, Units, Written, by_book, greedy, phones, share_out, syllables, trust};
use crate::runtime::{Graph, Input, Output, RuntimeError};

/// Why a pass could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// A graph failed.
    Run(Role, RuntimeError),
    /// It gives something else than the manifest promises.
    Shape(Role, String),
}

/// Where a pass lies on the stream's clock.
pub(crate) struct Pass<T> {
    /// The middle of a trunk frame.
    pub time: T,
    /// Where it can have words.
    pub span: (u64, u64),
}

/// The words graph of a pack and what its outputs mean.
pub(crate) struct Reader {
    graph: Box<dyn Graph>,
    inputs: Vec<String>,
    alphabet: Vec<String>,
    places: [u8; 128],
    phones: Vec<String>,
    /// Trunk frames that one output frame covers.
    frames_per: usize,
    lexicon: Option<Lexicon>,
}

/// What the graph says of a pass: log probabilities of letters, and of phones where it tells them.
pub(crate) struct Scores {
    outputs: Vec<Output>,
}

impl Scores {
    pub(crate) fn letters(&self) -> &[f32] {
        self.outputs.first().map_or(&[], |output| &output.data)
    }

    fn phones(&self) -> &[f32] {
        self.outputs.get(1).map_or(&[], |output| &output.data)
    }
}

impl Reader {
    /// A reader for `graph`, which takes these of the trunk's outputs.
    pub(crate) fn new(
        graph: Box<dyn Graph>,
        inputs: Vec<String>,
        manifest: &Manifest,
        pack: &Pack,
    ) -> Result<Self, LexiconError> {
        let words = manifest.words.as_ref();
        let alphabet = words.map_or_else(Vec::new, |words| words.alphabet.clone());
        let phones = words.map_or_else(Vec::new, |words| words.phones.clone());
        let file = words.and_then(|words| pack.file(words.lexicon.as_ref()?));
        let lexicon = match file {
            Some(bytes) if !phones.is_empty() => Some(Lexicon::parse(bytes, phones.len())?),
            _ => None,
        };
        Ok(Self {
            graph,
            inputs,
            places: letters::places(&alphabet),
            alphabet,
            phones,
            frames_per: words.map_or(1, |words| words.frames_per),
            lexicon,
        })
    }

    /// Runs the graph.
    pub(crate) fn score(&self, mix: &Output, top: &Output) -> Result<Scores, ReadError> {
        let inputs: Vec<Input<'_>> = self
            .inputs
            .iter()
            .map(|name| if name == "mix" { mix } else { top })
            .map(|output| Input::floats(&output.data, &output.shape))
            .collect();
        let outputs = self
            .graph
            .run(&inputs)
            .map_err(|source| ReadError::Run(Role::Words, source))?;
        check("log_probs", outputs.first(), self.alphabet.len())?;
        if !self.phones.is_empty() {
            check("phone_log_probs", outputs.get(1), self.phones.len())?;
        }
        Ok(Scores { outputs })
    }

    /// Reads one pass. `time` gives the middle of a trunk frame on the stream's clock; where the sound is `open`
    /// at its end, a word that has only begun is left out.
    pub(crate) fn read(&self, scores: &Scores, time: impl Fn(f32) -> u64, open: bool) -> Units {
        let time = |frame: f32| time(frame * self.frames_per as f32);
        if self.phones.is_empty() {
            return Units {
                words: greedy::words(scores.letters(), &self.alphabet, |frame| time(frame as f32)),
                ..Units::default()
            };
        }
        let won = phones::path(scores.phones(), self.phones.len());
        let spans = phones::spans(&won, &self.phones, time);
        let words = match &self.lexicon {
            Some(lexicon) => {
                let letters = self.letters(scores);
                let search = Search::default();
                let found = beam::words(
                    lexicon,
                    scores.phones(),
                    self.phones.len(),
                    &letters,
                    &search,
                    open,
                );
                found
                    .iter()
                    .map(|found| self.heard(lexicon, &letters, found, scores.phones(), &won, &spans, time))
                    .filter(|word| word.confidence >= trust::LEAST)
                    .collect()
            }
            None => greedy::words(scores.letters(), &self.alphabet, |frame| time(frame as f32)),
        };
        units(spans, words)
    }

    fn letters<'a>(&'a self, scores: &'a Scores) -> Letters<'a> {
        Letters::new(scores.letters(), self.alphabet.len(), &self.places)
    }

    /// What the letters spell, if any was heard.
    pub(crate) fn spelt(&self, scores: &Scores) -> Option<Spelt> {
        let words = greedy::words(scores.letters(), &self.alphabet, |_| 0);
        (!words.is_empty()).then(|| Spelt::new(words.iter().map(|word| word.text.as_str())))
    }

    /// Reads a pass whose words were written: the letters tell when, and how far to believe each. Gives what was
    /// written, too, with what is not believed.
    pub(crate) fn read_written(
        &self,
        scores: &Scores,
        row: &[(usize, f32)],
        tokens: &Tokens,
        pass: &Pass<impl Fn(f32) -> u64>,
    ) -> (Units, Vec<Written>) {
        let time = |frame: f32| (pass.time)(frame * self.frames_per as f32);
        let (mut words, of_words) = tokens.words(row);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let places = place::of(scores.letters(), self.alphabet.len(), &self.places, &texts);
        let letters = self.letters(scores);
        for (word, place) in words.iter_mut().zip(&places) {
            let fit = place.map(|place| {
                letters.fit(&word.text, place.first, place.last) / word.text.len().max(1) as f32
            });
            word.confidence = trust::written(word.confidence, fit);
        }
        let times = places.iter().map(|place| {
            let (from, to) = place.as_ref()?.edges;
            Some((time(from) as f64, time(to) as f64))
        });
        let mut heard = share_out(words, times.collect(), pass.span);
        let written = heard.iter().zip(of_words).map(|(word, tokens)| Written {
            start: word.start,
            end: word.end,
            tokens,
        });
        let written = written.collect();
        let believed = |word: &Heard| word.confidence >= trust::LEAST;
        let lain: Vec<(&str, Place)> = heard
            .iter()
            .zip(&places)
            .filter(|(word, _)| believed(word))
            .filter_map(|(word, place)| Some((word.text.as_str(), (*place)?)))
            .collect();
        let won = match &self.lexicon {
            Some(lexicon) if !lain.is_empty() => {
                by_book::of(scores.phones(), self.phones.len(), lexicon, &lain)
            }
            _ => phones::path(scores.phones(), self.phones.len()),
        };
        heard.retain(believed);
        (units(phones::spans(&won, &self.phones, time), heard), written)
    }

    #[allow(clippy::too_many_arguments, reason = "one pass's own facts")]
    fn heard(
        &self,
        lexicon: &Lexicon,
        letters: &Letters<'_>,
        found: &Found,
        scores: &[f32],
        won: &[phones::Won],
        spans: &[Span],
        time: impl Fn(f32) -> u64,
    ) -> Heard {
        let text = lexicon.text(found.word);
        // The word lasts as long as the phones heard in its place.
        let from = won.partition_point(|won| won.last < found.first);
        let to = won.partition_point(|won| won.first <= found.last);
        let (start, end) = match spans.get(from..to) {
            Some([first, .., last]) => (first.start, last.end),
            Some([only]) => (only.start, only.end),
            _ => (time(found.first as f32), time(found.last as f32 + 1.0)),
        };
        let fit = letters.fit(text, found.first, found.last);
        let sure = phones::sure(scores, self.phones.len(), found.first, found.last);
        let confidence = trust::word(found, fit, sure, text);
        let spelt = (confidence < trust::SPELL)
            .then(|| letters.spell(&self.alphabet, found.first, found.last))
            .filter(|spelt| spelt.len() > 3);
        Heard {
            text: spelt.unwrap_or_else(|| text.to_owned()),
            start,
            end,
            confidence,
        }
    }
}

/// What is told of a pass with its words.
fn units(phones: Vec<Span>, words: Vec<Heard>) -> Units {
    let breaks: Vec<u64> = words.iter().map(|word| word.start).collect();
    Units {
        syllables: syllables::of(&phones, &breaks),
        phones,
        words,
    }
}

/// A known word, on the stream's clock, in samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub text: String,
    pub start: u64,
    pub end: u64,
}

/// A pass over sound of which the words are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// Phones heard.
    pub phones: Vec<String>,
    /// Phones of the known words, if the lexicon has them all.
    pub said: Option<Vec<String>>,
    pub words: Vec<Placed>,
}

impl Reader {
    /// Lays known words onto a pass in which these phones were heard.
    pub(crate) fn known(
        &self,
        scores: &Scores,
        heard: Vec<Span>,
        text: &str,
        time: impl Fn(f32) -> u64,
    ) -> Known {
        let name = |phone: usize| self.phones.get(phone).cloned().unwrap_or_default();
        let said = self.lexicon.as_ref().and_then(|lexicon| {
            let mut said = Vec::new();
            for word in text.split_whitespace() {
                said.extend(lexicon.sounds(word)?.map(|phone| name(usize::from(phone))));
            }
            Some(said)
        });
        Known {
            phones: heard.into_iter().map(|phone| phone.name).collect(),
            said,
            words: self.placed(scores, text, time).unwrap_or_default(),
        }
    }

    fn placed(&self, scores: &Scores, text: &str, time: impl Fn(f32) -> u64) -> Option<Vec<Placed>> {
        let is_letter = |letter: u8| self.places.get(usize::from(letter)).is_some_and(|at| *at > 0);
        let texts: Vec<&str> = text.split_whitespace().collect();
        if !texts.iter().all(|text| text.bytes().all(is_letter)) {
            return None;
        }
        let time = |frame: f32| time(frame * self.frames_per as f32);
        place::of(scores.letters(), self.alphabet.len(), &self.places, &texts)
            .into_iter()
            .zip(texts)
            .map(|(place, text)| {
                let (from, to) = place?.edges;
                Some(Placed {
                    text: text.to_owned(),
                    start: time(from),
                    end: time(to),
                })
            })
            .collect()
    }
}

/// Whether an output is frames of so many scores.
fn check(name: &str, output: Option<&Output>, width: usize) -> Result<(), ReadError> {
    match output {
        Some(output) if output.shape.len() == 3 && output.shape[2] == width => Ok(()),
        Some(output) => Err(ReadError::Shape(
            Role::Words,
            format!("{name} is {:?}, wanted [1, frames, {width}]", output.shape),
        )),
        None => Err(ReadError::Shape(Role::Words, format!("{name} is missing"))),
    }
}
