//! From phone probabilities to spans of sound.

use super::Span;

/// How far before its first and after its last frame a phone may reach into what nothing claims, in frames.
const LEAD: f32 = 1.5;
const TRAIL: f32 = 2.5;

/// A phone of the best path: its number and the first and last frame that it won.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Won {
    pub phone: usize,
    pub first: usize,
    pub last: usize,
}

/// The best phone of every frame, repeats joined, blanks left out.
pub(crate) fn path(scores: &[f32], width: usize) -> Vec<Won> {
    let mut won: Vec<Won> = Vec::new();
    let mut before = 0;
    for (frame, row) in scores.chunks_exact(width.max(1)).enumerate() {
        let (phone, _) = row
            .iter()
            .enumerate()
            .fold((0, f32::NEG_INFINITY), |best, (at, score)| {
                if *score > best.1 { (at, *score) } else { best }
            });
        if phone != 0 {
            match won.last_mut() {
                Some(last) if phone == before => last.last = frame,
                _ => won.push(Won {
                    phone,
                    first: frame,
                    last: frame,
                }),
            }
        }
        before = phone;
    }
    won
}

/// Mean log probability of the best phone over some frames.
pub(crate) fn sure(scores: &[f32], width: usize, first: usize, last: usize) -> f32 {
    let best = |row: &[f32]| row.iter().fold(f32::NEG_INFINITY, |best, score| best.max(*score));
    let rows = scores
        .chunks_exact(width.max(1))
        .skip(first)
        .take(last + 1 - first);
    rows.map(best).sum::<f32>() / (last + 1 - first) as f32
}

/// Where each phone begins and ends, in frames: neighbours meet half way, and none reaches far into silence.
pub(crate) fn edges(won: &[Won]) -> Vec<(f32, f32)> {
    let between = |left: &Won, right: &Won| (left.last + right.first) as f32 / 2.0;
    (0..won.len())
        .map(|at| {
            let phone = &won[at];
            let earliest = at
                .checked_sub(1)
                .map_or(f32::NEG_INFINITY, |left| between(&won[left], phone));
            let latest = won
                .get(at + 1)
                .map_or(f32::INFINITY, |right| between(phone, right));
            (
                (phone.first as f32 - LEAD).max(earliest),
                (phone.last as f32 + TRAIL).min(latest),
            )
        })
        .collect()
}

/// The spans of a path. `time` gives a frame's place on the stream's clock.
pub(crate) fn spans(won: &[Won], names: &[String], time: impl Fn(f32) -> u64) -> Vec<Span> {
    won.iter()
        .zip(edges(won))
        .map(|(phone, (from, to))| Span {
            name: names.get(phone.phone).cloned().unwrap_or_default(),
            start: time(from),
            end: time(to),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(path: &[usize]) -> Vec<f32> {
        let mut scores = vec![-5.0; path.len() * 3];
        for (frame, best) in path.iter().enumerate() {
            scores[frame * 3 + best] = -0.1;
        }
        scores
    }

    #[test]
    fn repeats_are_one_phone_and_a_blank_parts_them() {
        let won = path(&scores(&[0, 1, 1, 0, 1, 2, 0]), 3);
        let found: Vec<_> = won.iter().map(|won| (won.phone, won.first, won.last)).collect();
        assert_eq!(found, [(1, 1, 2), (1, 4, 4), (2, 5, 5)]);
    }

    #[test]
    fn neighbours_meet_and_silence_is_nobodys() {
        let won = path(&scores(&[0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 1]), 3);
        let edges = edges(&won);
        assert_eq!(edges[0], (1.5, 4.0));
        assert_eq!(edges[1], (4.0, 7.5));
        assert!((edges[2].0 - 10.5).abs() < 1e-6);
    }
}
