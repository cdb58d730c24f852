//! One piece of sound heard more than once, a part of a frame apart: what is written is what all hearings together
//! hold likely.
//!
//! An encoder's frames cut the sound every 24 ms, and where the cuts fall is chance. A hearing that is shifted has others,
//! so what one cut has spoilt the other has whole. Must never hear anything but the same sound.

/// By how many samples each hearing is shifted: the second by half a frame.
const SHIFTS: [usize; 2] = [0, 192];
/// So often a piece of sound is heard.
pub(super) const HEARINGS: usize = SHIFTS.len();
/// What is less likely than this is impossible; its logarithm is a number.
const IMPOSSIBLE: f32 = 1e-30;

/// The sound as each hearing has it, one after another, with the length of one.
pub(super) fn shifted(audio: &[f32]) -> (Vec<f32>, usize) {
    let most = SHIFTS.into_iter().max().unwrap_or(0);
    let length = audio.len() + most;
    let mut all = vec![0.0; length * HEARINGS];
    for (one, shift) in all.chunks_mut(length).zip(SHIFTS) {
        one[shift..shift + audio.len()].copy_from_slice(audio);
    }
    (all, length)
}

/// The last row of logits of each hearing, where every hearing has several.
pub(super) fn last_rows(logits: &[f32], vocabulary: usize) -> Option<Vec<f32>> {
    let each = logits.len() / HEARINGS;
    let before = each.checked_sub(vocabulary)?;
    let last = |one: &[f32]| one[before..].to_vec();
    Some(logits.chunks_exact(each).flat_map(last).collect())
}

/// For each row of tokens the logarithm of how likely all hearings together hold what may follow, given the logits of
/// its hearings one after another. Their mean is of likelihoods, not of logarithms: a hearing that is in doubt does not
/// forbid what the other is sure of.
pub(super) fn together(logits: &[f32], vocabulary: usize) -> Vec<f32> {
    let mut all = Vec::with_capacity(logits.len() / HEARINGS);
    for row in logits.chunks_exact(vocabulary * HEARINGS) {
        let mut likely = vec![0.0; vocabulary];
        for one in row.chunks_exact(vocabulary) {
            let most = one.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let whole: f32 = one.iter().map(|logit| (logit - most).exp()).sum();
            let share = 1.0 / (whole * HEARINGS as f32);
            for (sum, logit) in likely.iter_mut().zip(one) {
                *sum += (logit - most).exp() * share;
            }
        }
        all.extend(likely.iter().map(|sum| sum.max(IMPOSSIBLE).ln()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hearing_has_the_whole_sound_at_its_own_place() {
        let audio: Vec<f32> = (1..=500_u16).map(f32::from).collect();
        let (all, length) = shifted(&audio);
        assert_eq!(all.len(), length * HEARINGS);
        for (one, shift) in all.chunks(length).zip(SHIFTS) {
            assert_eq!(&one[shift..shift + 500], audio);
            assert_eq!(one.iter().filter(|sample| **sample > 0.0).count(), 500);
        }
    }

    #[test]
    fn one_that_is_sure_outweighs_one_in_doubt() {
        // The first holds the second token for all but certain, the second wavers and likes the third a little more.
        let logits = [0.0, 9.0, 0.0, 0.0, 1.0, 1.5];
        let logs = together(&logits, 3);
        let sum: f32 = logs.iter().map(|log| log.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "likelihoods sum to one: {sum}");
        assert!(logs[1] > logs[2] && logs[2] > logs[0]);
        assert!((logs[1].exp() - 0.5 * (0.9998 + 0.3315)).abs() < 1e-3);
        // What both hold impossible stays a number.
        let logs = together(&[0.0, -900.0, 0.0, -900.0], 2);
        assert!(logs.iter().all(|log| log.is_finite()));
    }

    #[test]
    fn of_several_rows_each_hearing_gives_its_last() {
        let logits: Vec<f32> = (0..12_u8).map(f32::from).collect();
        assert_eq!(last_rows(&logits, 2).unwrap(), [4.0, 5.0, 10.0, 11.0]);
        assert_eq!(last_rows(&logits, 7), None, "fewer tokens than the table");
    }
}
