//! Whether a voice is like those the pack learnt from: a head answers for a buzzer and a robot, too.
//!
//! Asks the pack's own graph, where it has one. Must never know what a voice feels, only how far to believe the head.

use undertone_models::{Familiar, Role};

use super::{Mind, MindError};
use crate::resample::RATE;
use crate::runtime::{Graph, Input, Output};
use crate::utterance::Request;

/// What is left of a voice that is nothing like a person's.
const LEAST: f32 = 0.02;
/// Below this a voice is called unfamiliar, and nothing is learnt from it about the speaker.
pub(crate) const UNFAMILIAR: f32 = 0.5;

/// Speech shorter than this says too little about whose it is: its statistics are far from everybody's.
const TELLING: u64 = 3 * RATE as u64 / 2;

/// The pack's graph and what its output means.
pub(super) struct Guard {
    pub graph: Box<dyn Graph>,
    pub limits: Familiar,
}

impl Mind {
    /// How far the head is to be believed on a voice with these statistics, 0 to 1.
    pub(super) fn familiarity(
        &self,
        guard: Option<&Guard>,
        request: &Request,
        stats: &[f32],
    ) -> Result<f32, MindError> {
        let Some(guard) = guard.filter(|_| request.end - request.start >= TELLING) else {
            return Ok(1.0);
        };
        let shape = [1, stats.len()];
        let inputs = [Input::floats(stats, &shape)];
        let [strangeness]: [Output; 1] = self.run(Role::Familiar, guard.graph.as_ref(), &inputs)?;
        match strangeness.data[..] {
            [strangeness] => Ok(believed(strangeness, guard.limits)),
            _ => Err(self.misshapen(Role::Familiar, "strangeness must be one number")),
        }
    }
}

/// 1 up to what is usual, next to nothing from what is strange.
fn believed(strangeness: f32, limits: Familiar) -> f32 {
    let along = (strangeness - limits.usual) / (limits.strange - limits.usual);
    if along.is_nan() {
        return LEAST;
    }
    1.0 - (1.0 - LEAST) * along.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_believed_and_machines_are_not() {
        let limits = Familiar {
            usual: 0.8,
            strange: 1.0,
        };
        let believed = |strangeness| believed(strangeness, limits);
        assert_eq!((believed(0.3), believed(0.8)), (1.0, 1.0));
        assert!((believed(0.9) - 0.51).abs() < 1e-3);
        for strange in [1.0, 9.0, f32::NAN] {
            assert!((believed(strange) - LEAST).abs() < 1e-6, "{strange}");
        }
    }
}
