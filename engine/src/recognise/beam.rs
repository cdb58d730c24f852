//! The best row of tokens that a decoder can write, among a few that are followed side by side.
//!
//! A decoder that takes the likeliest token each time cannot take a step back; a few rows at a time can. Rows of
//! different lengths are compared by their mean. Must never write on in circles, nor more than it is allowed.

use super::RecogniserError;
use crate::words::tokens::{Row, without_loop};

/// A decoder that goes on from several rows at once.
pub(super) trait Decoder {
    /// Writes one more token onto some of the rows of before, each given as (row, token), which become the rows;
    /// gives the logits of what could follow each, one row after another.
    fn go_on(&mut self, rows: &[(usize, usize)]) -> Result<Vec<f32>, RecogniserError>;
}

/// What is allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Rows side by side.
    pub width: usize,
    /// Tokens of a row.
    pub most: usize,
    /// The token that ends one.
    pub end: usize,
}

struct Live {
    row: Row,
    sum: f32,
}

struct Done {
    row: Row,
    mean: f32,
}

/// The best row, given the logits of its first token.
pub(super) fn search(
    decoder: &mut impl Decoder,
    first: &[f32],
    limits: Limits,
) -> Result<Row, RecogniserError> {
    let tokens = first.len().max(1);
    let mut live = vec![Live {
        row: Row::new(),
        sum: 0.0,
    }];
    let mut done: Vec<Done> = Vec::new();
    let mut logits = first.to_vec();
    loop {
        let mut steps = steps(&live, &logits, tokens, limits.width);
        steps.sort_by(|a, b| b.sum.total_cmp(&a.sum));
        let mut next = Vec::new();
        let mut chosen = Vec::new();
        for step in steps {
            if next.len() == limits.width {
                break;
            }
            let from = &live[step.from];
            if step.token == limits.end {
                done.push(finished(from.row.clone(), step.sum, from.row.len() + 1));
                continue;
            }
            let mut row = from.row.clone();
            row.push((step.token, step.sum - from.sum));
            if let Some(keep) = without_loop(&row) {
                row.truncate(keep);
                let (sum, length) = (row.iter().map(|(_, log)| log).sum(), row.len());
                done.push(finished(row, sum, length));
            } else if row.len() >= limits.most {
                let length = row.len();
                done.push(finished(row, step.sum, length));
            } else {
                chosen.push((step.from, step.token));
                next.push(Live { row, sum: step.sum });
            }
        }
        let best = done.iter().map(|done| done.mean).max_by(f32::total_cmp);
        // A row that is less sure already than one that has ended seldom gets better.
        let hopeless = |best: f32| {
            next.iter()
                .all(|live| live.sum / (live.row.len() + 1) as f32 <= best)
        };
        if next.is_empty() || best.is_some_and(hopeless) {
            break;
        }
        logits = decoder.go_on(&chosen)?;
        live = next;
    }
    let best = done.into_iter().max_by(|a, b| a.mean.total_cmp(&b.mean));
    Ok(best.map(|done| done.row).unwrap_or_default())
}

fn finished(row: Row, sum: f32, length: usize) -> Done {
    Done {
        row,
        mean: sum / length.max(1) as f32,
    }
}

struct Step {
    from: usize,
    token: usize,
    sum: f32,
}

/// The likeliest ways on from every row: one more than there is room for, as one of them may be the end.
fn steps(live: &[Live], logits: &[f32], tokens: usize, width: usize) -> Vec<Step> {
    let mut all = Vec::with_capacity(live.len() * (width + 1));
    for (from, (row, logits)) in live.iter().zip(logits.chunks(tokens)).enumerate() {
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let whole = logits.iter().map(|logit| (logit - most).exp()).sum::<f32>().ln() + most;
        let mut best: Vec<(usize, f32)> = Vec::with_capacity(width + 2);
        for (token, &logit) in logits.iter().enumerate() {
            if best.len() <= width || logit > best[width].1 {
                let at = best.partition_point(|(_, other)| *other >= logit);
                best.insert(at, (token, logit));
                best.truncate(width + 1);
            }
        }
        all.extend(best.into_iter().map(|(token, logit)| Step {
            from,
            token,
            sum: row.sum + logit - whole,
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: usize = 0;

    /// Knows what follows a row, by its tokens.
    struct Table<F> {
        rows: Vec<Vec<usize>>,
        follows: F,
    }

    impl<F: Fn(&[usize]) -> [f32; 4]> Decoder for Table<F> {
        fn go_on(&mut self, rows: &[(usize, usize)]) -> Result<Vec<f32>, RecogniserError> {
            self.rows = rows
                .iter()
                .map(|(from, token)| [self.rows[*from].as_slice(), &[*token]].concat())
                .collect();
            Ok(self.rows.iter().flat_map(|row| (self.follows)(row)).collect())
        }
    }

    fn best(width: usize, follows: impl Fn(&[usize]) -> [f32; 4]) -> Vec<usize> {
        let logs = move |row: &[usize]| follows(row).map(f32::ln);
        let first = logs(&[]);
        let mut table = Table {
            rows: vec![vec![]],
            follows: logs,
        };
        let limits = Limits {
            width,
            most: 30,
            end: END,
        };
        let row = search(&mut table, &first, limits).unwrap();
        row.into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn a_step_that_looks_worse_at_first_is_followed() {
        let follows = |row: &[usize]| match row {
            [] => [0.0, 0.55, 0.45, 0.0],
            [1] => [0.0, 0.3, 0.3, 0.4],
            _ => [0.97, 0.01, 0.01, 0.01],
        };
        assert_eq!(best(1, follows), [1, 3], "the likeliest token each time");
        assert_eq!(best(3, follows), [2], "the likeliest row");
    }

    #[test]
    fn a_long_row_is_not_less_likely_for_its_length() {
        let follows = |row: &[usize]| match row.len() {
            0 => [0.1, 0.9, 0.0, 0.0],
            8 => [1.0, 0.0, 0.0, 0.0],
            length => {
                let mut follows = [0.05; 4];
                follows[1 + length % 3] = 0.85;
                follows
            }
        };
        assert_eq!(best(4, follows).len(), 8);
    }

    #[test]
    fn circles_and_endless_rows_end() {
        let circles = |_: &[usize]| [0.0, 0.98, 0.01, 0.01];
        assert!(best(4, circles).len() < 9);
        // Never the end, and nothing said twice: 1, 1 2, 1 2 2, ...
        let endless = |row: &[usize]| {
            let mut follows = [0.0, 0.01, 0.01, 0.01];
            follows[1 + row.len() * row.len() / 3 % 3] = 0.97;
            follows
        };
        assert!(best(4, endless).len() <= 30);
    }
}
