//! Spans of phones, syllables and words as matrices: row by row, which voiced frames are the mean of a unit.
//!
//! A granularity is data for the graph, not code: when the recogniser revises a word, only these change.

/// Which voiced frames there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Middle of the first voiced frame, on the stream's clock, in samples.
    pub first: u64,
    /// From one frame to the next.
    pub stride: u64,
    /// How many.
    pub frames: usize,
}

/// Rows × frames; each row sums to one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pooling {
    pub data: Vec<f32>,
    pub rows: usize,
}

/// The matrix of these spans, in their order. A span shorter than a frame takes the nearest one; one that lies
/// outside of the voice is left out. Without any, one row is the mean of everything.
pub(crate) fn pooling(spans: impl Iterator<Item = (u64, u64)>, grid: Grid) -> Pooling {
    let Grid {
        first,
        stride,
        frames,
    } = grid;
    let stride = stride.max(1);
    let last = first + stride * frames.saturating_sub(1) as u64;
    let frame_at = |time: u64| usize::try_from(time.saturating_sub(first) / stride).unwrap_or(usize::MAX);
    let mut data = Vec::new();
    let mut rows = 0;
    for (start, end) in spans {
        if end + stride / 2 < first || start > last + stride / 2 || end < start {
            continue;
        }
        // The first frame whose middle is not before the start, the last whose middle is not after the end.
        let from = frame_at(start + stride - 1).min(frames.saturating_sub(1));
        let to = frame_at(end).min(frames.saturating_sub(1));
        let (from, to) = if from <= to && end >= first {
            (from, to)
        } else {
            let near = frame_at(u64::midpoint(start, end) + stride / 2).min(frames.saturating_sub(1));
            (near, near)
        };
        let share = 1.0 / (to - from + 1) as f32;
        data.extend((0..frames).map(|at| if (from..=to).contains(&at) { share } else { 0.0 }));
        rows += 1;
    }
    if rows == 0 {
        data = vec![1.0 / frames.max(1) as f32; frames];
        rows = 1;
    }
    Pooling { data, rows }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "shares of whole numbers")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GRID: Grid = Grid {
        first: 1_000,
        stride: 384,
        frames: 10,
    };

    fn rows(spans: &[(u64, u64)]) -> Vec<Vec<f32>> {
        let made = pooling(spans.iter().copied(), GRID);
        assert_eq!(made.data.len(), made.rows * GRID.frames);
        made.data.chunks(GRID.frames).map(<[f32]>::to_vec).collect()
    }

    #[test]
    fn a_unit_is_the_mean_of_its_frames() {
        let rows = rows(&[(1_000, 1_400), (1_700, 2_600)]);
        assert_eq!(rows[0][..3], [0.5, 0.5, 0.0]);
        assert_eq!(rows[1][1..6], [0.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]);
    }

    #[test]
    fn a_unit_shorter_than_a_frame_takes_the_nearest() {
        assert_eq!(rows(&[(1_100, 1_150)])[0][..2], [1.0, 0.0]);
        assert_eq!(rows(&[(1_300, 1_350)])[0][..2], [0.0, 1.0]);
    }

    #[test]
    fn nothing_known_is_the_mean_of_everything() {
        let uniform = vec![vec![0.1; 10]];
        assert_eq!(rows(&[]), uniform);
        assert_eq!(rows(&[(0, 100), (90_000, 91_000)]), uniform);
    }

    proptest! {
        #[test]
        fn every_row_sums_to_one(spans in prop::collection::vec((0u64..8_000, 0u64..3_000), 0..12)) {
            let made = pooling(spans.into_iter().map(|(at, long)| (at, at + long)), GRID);
            for row in made.data.chunks(GRID.frames) {
                prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }
}
