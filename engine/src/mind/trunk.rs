//! The trunk, run on the sound of one request or, where the runtime is better at it, of several at once.
//!
//! Whether several may is proved when the pack is loaded: a clip must give in company what it gives alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use undertone_models::{Manifest, Role};

use super::{Mind, MindError};
use crate::gather::Gate;
use crate::runtime::{Graph, Input, Output, distance};

/// Rows are padded to a multiple of this, a quarter of a second: a card plans anew for every length it has not seen.
const GRID: usize = 4_000;
/// How much a clip's frames may differ in company from those alone, as a share of the largest: what 16-bit floats
/// round differently when a card takes another way for another shape.
const IN_COMPANY: f32 = 2e-2;

/// The trunk's graph and how it is to be run.
pub(super) struct Trunk {
    graph: Box<dyn Graph>,
    /// It takes rows of different lengths.
    takes_lengths: bool,
    /// Clips at once.
    batch: AtomicUsize,
    pub(super) gate: Gate,
}

/// What the trunk made of one clip.
pub(crate) struct Passed {
    pub(super) mix: Output,
    pub(super) top: Output,
    pub(super) time: Duration,
}

impl Trunk {
    /// Loads it with `load`, which takes whether it is to have an input for lengths. A graph that cannot have one runs
    /// one clip at a time.
    pub(super) fn load(
        batch: usize,
        load: impl Fn(bool) -> Result<Box<dyn Graph>, MindError>,
    ) -> Result<Self, MindError> {
        let many = if batch > 1 { load(true).ok() } else { None };
        let takes_lengths = many.is_some();
        Ok(Self {
            graph: match many {
                Some(graph) => graph,
                None => load(false)?,
            },
            takes_lengths,
            batch: AtomicUsize::new(if takes_lengths { batch } else { 1 }),
            gate: Gate::default(),
        })
    }
}

impl Mind {
    /// Clips that the trunk takes at once.
    pub(crate) fn batch(&self) -> usize {
        self.trunk.batch.load(Ordering::Relaxed)
    }

    /// Shut while a thread runs the trunk for several.
    pub(crate) fn gate(&self) -> &Gate {
        &self.trunk.gate
    }

    /// Runs the trunk once on all of these clips; more than one only where [`Mind::batch`] says so.
    pub(crate) fn pass(&self, clips: &[&[f32]]) -> Result<Vec<Passed>, MindError> {
        let began = Instant::now();
        let trunk = &self.manifest.trunk;
        let lengths: Vec<usize> = clips
            .iter()
            .map(|clip| clip.len().max(trunk.min_samples))
            .collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let row = if self.trunk.takes_lengths {
            longest.next_multiple_of(GRID)
        } else {
            longest
        };
        let mut sound = vec![0.0; clips.len() * row];
        for (place, clip) in sound.chunks_exact_mut(row.max(1)).zip(clips) {
            place[..clip.len()].copy_from_slice(clip);
        }
        let shape = [clips.len(), row];
        let number = |length: &usize| i64::try_from(*length).unwrap_or(i64::MAX);
        let ends: Vec<i64> = lengths.iter().map(number).collect();
        let ends_shape = [ends.len()];
        let mut inputs = vec![Input::floats(&sound, &shape)];
        if self.trunk.takes_lengths {
            inputs.push(Input::ids(&ends, &ends_shape));
        }
        self.counters.run(clips.len());
        let [mix, top]: [Output; 2] = self.run(Role::Trunk, self.trunk.graph.as_ref(), &inputs)?;
        let width = self.manifest.speech.mix_width;
        for (output, fits) in [(&mix, mix.shape.get(2) == Some(&width)), (&top, true)] {
            if output.shape.len() != 3 || output.shape[0] != clips.len() || output.shape[1] == 0 || !fits {
                return Err(self.misshapen(
                    Role::Trunk,
                    &format!(
                        "an output is {:?}, wanted [{}, frames, {width}]",
                        output.shape,
                        clips.len()
                    ),
                ));
            }
        }
        let time = began.elapsed();
        self.counters.trunk(time);
        if !self.trunk.takes_lengths {
            return Ok(vec![Passed { mix, top, time }]);
        }
        let passed = lengths.iter().enumerate().map(|(at, length)| {
            let frames = frames(&self.manifest, *length);
            Passed {
                mix: row_of(&mix, at, frames),
                top: row_of(&top, at, frames),
                time,
            }
        });
        Ok(passed.collect())
    }

    /// Tries whether a clip gives in company what it gives alone; if not, requests run one by one.
    pub(super) fn prove_company(&self) -> Result<(), MindError> {
        if self.batch() == 1 {
            return Ok(());
        }
        let (clip, other) = (crate::runtime::noise(16_000), crate::runtime::noise(27_000));
        let loud: Vec<f32> = other.iter().rev().map(|sample| sample * 5.0).collect();
        let alone = self.pass(&[&clip])?;
        let together = self.pass(&[&loud, &clip])?;
        let pair = |passed: &Passed| [passed.mix.clone(), passed.top.clone()];
        let apart = distance(&pair(&together[1]), &pair(&alone[0]));
        if apart.is_nan() || apart > IN_COMPANY {
            self.trunk.batch.store(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Frames that so many samples give.
fn frames(manifest: &Manifest, samples: usize) -> usize {
    let trunk = &manifest.trunk;
    samples.saturating_sub(trunk.receptive_field) / trunk.frame_stride + 1
}

/// The first frames of one row.
fn row_of(output: &Output, row: usize, frames: usize) -> Output {
    let (all, width) = (output.shape[1], output.shape[2]);
    let frames = frames.min(all);
    let from = row * all * width;
    Output {
        data: output.data[from..from + frames * width].to_vec(),
        shape: vec![1, frames, width],
    }
}
