//! What one speaker sounds like: the running mean of the voice's statistics over past utterances.

/// Utterances after which the baseline follows the speaker instead of averaging everything.
pub(crate) const LONGEST_MEMORY: f32 = 60.0;

/// The running mean. Must never hold anything of an utterance that is not over.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Baseline {
    pub mean: Vec<f32>,
    pub clips: f32,
}

impl Baseline {
    /// Mean and weight for a branch of this width: nothing where it was learnt by another.
    pub(crate) fn for_width(&self, width: usize) -> (Vec<f32>, f32) {
        if self.mean.len() == width {
            (self.mean.clone(), self.clips)
        } else {
            (vec![0.0; width], 0.0)
        }
    }

    /// Takes in an utterance that is over.
    pub(crate) fn learn(&mut self, stats: &[f32]) {
        if stats.iter().any(|value| !value.is_finite()) {
            return;
        }
        let (mut mean, clips) = self.for_width(stats.len());
        let clips = (clips + 1.0).min(LONGEST_MEMORY);
        for (mean, new) in mean.iter_mut().zip(stats) {
            *mean += (new - *mean) / clips;
        }
        *self = Self { mean, clips };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_mean_and_follows_in_the_end() {
        let mut baseline = Baseline::default();
        assert_eq!(baseline.for_width(2), (vec![0.0, 0.0], 0.0));
        baseline.learn(&[1.0, 4.0]);
        baseline.learn(&[3.0, 0.0]);
        assert_eq!(baseline.for_width(2), (vec![2.0, 2.0], 2.0));
        for _ in 0..400 {
            baseline.learn(&[10.0, 10.0]);
        }
        assert!((baseline.mean[0] - 10.0).abs() < 0.1 && baseline.clips <= LONGEST_MEMORY);
    }

    #[test]
    fn what_is_no_number_or_of_another_width_is_not_mixed_in() {
        let mut baseline = Baseline::default();
        baseline.learn(&[1.0]);
        baseline.learn(&[f32::NAN]);
        assert_eq!(baseline.for_width(1), (vec![1.0], 1.0));
        assert_eq!(baseline.for_width(3), (vec![0.0; 3], 0.0));
    }
}
