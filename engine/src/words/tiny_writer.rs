//! A writer's graphs that follow a rule, for tests: what comes next is known of every row of tokens.
//!
//! They check what they are given: places, mask, and that nothing is remembered that was not written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::tokens::BEGIN;
use crate::runtime::{Data, Graph, Input, Output, RuntimeError};

pub(crate) const WIDTH: usize = 2;
pub(crate) const VOCABULARY: usize = 12;

/// Remembers nothing of the sound but how long it is.
pub(crate) struct Sound;

impl Graph for Sound {
    fn run(&self, inputs: &[Input<'_>]) -> Result<Vec<Output>, RuntimeError> {
        let frames = inputs[0].shape[1];
        let output = |shape: [usize; 4]| Output {
            data: vec![0.5; WIDTH * frames],
            shape: shape.to_vec(),
        };
        Ok(vec![output([1, 1, WIDTH, frames]), output([1, 1, frames, WIDTH])])
    }
}

/// Knows the next token of every row; what it remembers of a token is the token and its place.
pub(crate) struct Step<F> {
    pub rule: F,
    pub runs: Arc<AtomicUsize>,
}

fn floats<'a>(input: &Input<'a>) -> &'a [f32] {
    match input.data {
        Data::Floats(data) => data,
        Data::Ids(_) => panic!("wanted floats"),
    }
}

fn numbers(input: &Input<'_>) -> Vec<usize> {
    match input.data {
        Data::Ids(data) => data.iter().map(|id| usize::try_from(*id).unwrap()).collect(),
        Data::Floats(_) => panic!("wanted numbers"),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
fn token(number: f32) -> usize {
    number as usize
}

impl<F: Fn(&[usize]) -> usize + Send + Sync> Graph for Step<F> {
    fn run(&self, inputs: &[Input<'_>]) -> Result<Vec<Output>, RuntimeError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let (ids, places, mask) = (numbers(&inputs[0]), numbers(&inputs[1]), floats(&inputs[2]));
        let (past, values) = (floats(&inputs[3]), floats(&inputs[4]));
        assert_eq!(past, values);
        let (new, before) = (ids.len(), past.len() / WIDTH);
        assert_eq!(inputs[3].shape, [before, WIDTH]);
        assert_eq!(inputs[2].shape, [new, before + new]);
        let kept: Vec<f32> = ids
            .iter()
            .zip(&places)
            .flat_map(|(id, place)| [*id as f32, *place as f32])
            .collect();
        let all: Vec<&[f32]> = past.chunks(WIDTH).chain(kept.chunks(WIDTH)).collect();
        let mut logits = vec![0.0; new * VOCABULARY];
        for (seen, logits) in mask.chunks(before + new).zip(logits.chunks_mut(VOCABULARY)) {
            let row: Vec<usize> = all
                .iter()
                .zip(seen)
                .filter(|(_, seen)| **seen > -1.0)
                .enumerate()
                .map(|(at, (kept, _))| {
                    assert_eq!(token(kept[1]), at, "each token is at its place");
                    token(kept[0])
                })
                .collect();
            assert_eq!(row[0], BEGIN);
            logits[(self.rule)(&row[1..])] = 9.0;
        }
        let output = |data: Vec<f32>, shape: &[usize]| Output {
            data,
            shape: shape.to_vec(),
        };
        Ok(vec![
            output(logits, &[1, new, VOCABULARY]),
            output(kept.clone(), &[new, WIDTH]),
            output(kept, &[new, WIDTH]),
        ])
    }
}
