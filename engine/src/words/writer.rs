//! Writes what was said token by token, out of the trunk's frames and of what it has written so far.
//!
//! Takes the likeliest token each time. What an earlier pass wrote is offered as a draft, and after it what the letters
//! spell, of which many tokens are tried in one run; they only save runs. Must never write more than can be said in
//! the time, nor in circles; whether anything was said is for others to know.

use undertone_models::{Manifest, Pack, Role};

use super::draft::Guess;
use super::reader::ReadError;
use super::spelt::Spelt;
use super::tokens::{BEGIN, END, FIRST_TEXT, Row, Tokens, sayable, without_loop};
use crate::runtime::{Graph, Input, Output};

/// Tokens beyond what can be said in the time: very short sound is cut as words are.
const SPARE: usize = 2;
/// A logit that is so much less than the greatest adds nothing to the whole.
const NOTHING: f32 = 20.0;
/// What is added to the attention to a row that may not be seen: nothing is left of it.
const UNSEEN: f32 = -1e9;

/// A pack's writer. Shared by all streams.
pub(crate) struct Writer {
    sound: Box<dyn Graph>,
    step: Box<dyn Graph>,
    tokens: Tokens,
    longest: usize,
    width: usize,
}

/// What is remembered of the tokens of a row.
#[derive(Debug, Default)]
struct Kept {
    keys: Vec<f32>,
    values: Vec<f32>,
    rows: usize,
}

/// What a run gave: the logits of what follows each of its tokens, and what is to be remembered of them.
struct Stepped {
    logits: Output,
    keys: Output,
    values: Output,
}

impl Writer {
    /// A writer of these graphs: of the sound, and of the next token.
    pub(crate) fn new(
        sound: Box<dyn Graph>,
        step: Box<dyn Graph>,
        manifest: &Manifest,
        pack: &Pack,
    ) -> Result<Self, ReadError> {
        let shape = |what: String| ReadError::Shape(Role::Writer, what);
        let table = manifest.writer.as_ref();
        let table = table.ok_or_else(|| shape("the table [writer] is missing".into()))?;
        let tokens = pack.file(&table.tokens).and_then(|bytes| Tokens::read(bytes));
        Ok(Self {
            sound,
            step,
            tokens: tokens.ok_or_else(|| shape(format!("{} is no table of tokens", table.tokens)))?,
            longest: table.longest,
            width: table.width,
        })
    }

    /// The tokens' meaning.
    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// What is written of a pass over so many samples. `draft` and what is `spelt` may be anything. While the utterance
    /// is `open`, nothing is written after the last of its letters: it would seldom be more than the end.
    pub(crate) fn write(
        &self,
        top: &Output,
        samples: usize,
        draft: &[usize],
        spelt: &Spelt,
        open: bool,
    ) -> Result<Row, ReadError> {
        // The row begins with a token that is not written.
        let most = (sayable(samples) + SPARE).min(self.longest - 1);
        let sound = self.hear(top)?;
        let mut kept = Kept::default();
        let mut row = Row::new();
        let mut guess = Guess::new(draft);
        let mut ids = vec![BEGIN];
        let mut text = Vec::new();
        loop {
            // Of the last token that may be written nothing more is asked.
            let room = most - row.len() - 1;
            let drafted = guess.next(room);
            let mut guessed = drafted.to_vec();
            let mut then = text.clone();
            for token in drafted {
                self.tokens.write(*token, &mut then);
            }
            guessed.extend(spelt.after(&then, &self.tokens));
            guessed.truncate(room);
            if guessed.is_empty() && open && !row.is_empty() {
                return Ok(row);
            }
            ids.truncate(1);
            ids.extend_from_slice(&guessed);
            if guessed.is_empty() {
                // Nothing is made of its logits. For one token alone the runtime reads the weights in another form, and
                // neither form stays in the cache: in a bench of the graph alone that takes longer.
                ids.push(ids[0]);
            }
            let stepped = self.step(&ids, &kept, &sound)?;
            let mut right = 0;
            let logits = stepped.logits.data.chunks_exact(self.tokens.count());
            for logits in logits.take(guessed.len() + 1) {
                let (token, log) = likeliest(logits);
                if token == END {
                    return Ok(row);
                }
                row.push((token, log));
                self.tokens.write(token, &mut text);
                if let Some(keep) = without_loop(&row) {
                    row.truncate(keep);
                    return Ok(row);
                }
                if row.len() == most {
                    return Ok(row);
                }
                ids[0] = token;
                if guessed.get(right) != Some(&token) {
                    break;
                }
                right += 1;
            }
            guess.came(right.min(drafted.len()), ids[0]);
            // What was guessed wrong is forgotten.
            kept.add(&stepped, right + 1, self.width);
        }
    }

    /// Both graphs' runs, with and without a past, so that what does not fit is found out when the pack is loaded.
    pub(crate) fn try_out(&self, top: &Output) -> Result<(), ReadError> {
        let sound = self.hear(top)?;
        let mut kept = Kept::default();
        let first = self.step(&[BEGIN, FIRST_TEXT], &kept, &sound)?;
        kept.add(&first, 1, self.width);
        self.step(&[FIRST_TEXT], &kept, &sound).map(drop)
    }

    fn hear(&self, top: &Output) -> Result<[Output; 2], ReadError> {
        let fault = |what: String| ReadError::Shape(Role::WriterSound, what);
        let outputs = self.sound.run(&[Input::floats(&top.data, &top.shape)]);
        let outputs = outputs.map_err(|source| ReadError::Run(Role::WriterSound, source))?;
        let sound: [Output; 2] = outputs
            .try_into()
            .map_err(|_| fault("it gave a wrong number of outputs".into()))?;
        let frames = top.shape.get(1).copied().unwrap_or(0);
        let [keys, values] = [&sound[0].shape, &sound[1].shape];
        let fits = match (&keys[..], &values[..]) {
            (&[layers, heads, each, of_keys], &[a, b, of_values, c]) => {
                (a, b, c) == (layers, heads, each)
                    && layers * heads * each == self.width
                    && (of_keys, of_values) == (frames, frames)
            }
            _ => false,
        };
        if fits {
            return Ok(sound);
        }
        Err(fault(format!(
            "sound_keys and sound_values are {keys:?} and {values:?}, wanted {} numbers of each of {frames} frames",
            self.width
        )))
    }

    fn step(&self, ids: &[usize], kept: &Kept, sound: &[Output; 2]) -> Result<Stepped, ReadError> {
        let (new, all) = (ids.len(), kept.rows + ids.len());
        let number = |n: usize| i64::try_from(n).unwrap_or(0);
        let places: Vec<i64> = (kept.rows..all).map(number).collect();
        let ids: Vec<i64> = ids.iter().copied().map(number).collect();
        let mut mask = vec![0.0; new * all];
        for (at, row) in mask.chunks_exact_mut(all).enumerate() {
            row[kept.rows + at + 1..].fill(UNSEEN);
        }
        let (of_ids, of_places, of_mask) = ([1, new], [new], [new, all]);
        let of_past = [kept.rows, self.width];
        let [keys, values] = sound;
        let outputs = self.step.run(&[
            Input::ids(&ids, &of_ids),
            Input::ids(&places, &of_places),
            Input::floats(&mask, &of_mask),
            Input::floats(&kept.keys, &of_past),
            Input::floats(&kept.values, &of_past),
            Input::floats(&keys.data, &keys.shape),
            Input::floats(&values.data, &values.shape),
        ]);
        let outputs = outputs.map_err(|source| ReadError::Run(Role::Writer, source))?;
        let fault = |what: String| ReadError::Shape(Role::Writer, what);
        let [logits, keys, values]: [Output; 3] = outputs
            .try_into()
            .map_err(|_| fault("it gave a wrong number of outputs".into()))?;
        let logits_wanted = [1, new, self.tokens.count()];
        let kept_wanted = [new, self.width];
        for (name, output, wanted) in [
            ("logits", &logits, &logits_wanted[..]),
            ("keys", &keys, &kept_wanted[..]),
            ("values", &values, &kept_wanted[..]),
        ] {
            if output.shape != wanted {
                return Err(fault(format!("{name} is {:?}, wanted {wanted:?}", output.shape)));
            }
        }
        Ok(Stepped { logits, keys, values })
    }
}

impl Kept {
    /// Remembers the first rows of a run.
    fn add(&mut self, of: &Stepped, rows: usize, width: usize) {
        let numbers = rows * width;
        self.keys.extend_from_slice(&of.keys.data[..numbers]);
        self.values.extend_from_slice(&of.values.data[..numbers]);
        self.rows += rows;
    }
}

/// The likeliest token and the logarithm of its probability.
fn likeliest(logits: &[f32]) -> (usize, f32) {
    // Apart from its place, as only so the compiler looks at several at once.
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let token = logits.iter().position(|logit| *logit >= most).unwrap_or(END);
    let near = logits
        .iter()
        .map(|logit| logit - most)
        .filter(|less| *less > -NOTHING);
    let whole: f32 = near.map(f32::exp).sum();
    (token, -whole.ln())
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
