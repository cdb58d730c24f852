//! The seam between the engine and whatever runs ONNX graphs.
//!
//! A runtime loads a graph whose inputs and outputs have names, and runs it on floats and token numbers.
//! Nothing else of it may be visible outside this folder, so that another one (an accelerator's) can stand in
//! its place.

#[cfg(feature = "ort")]
mod bound;
mod choice;
#[cfg(feature = "ort")]
mod library;
#[cfg(all(test, feature = "ort"))]
mod many;
#[cfg(feature = "ort")]
mod ort;
#[cfg(feature = "ort")]
mod probe;
#[cfg(feature = "ort")]
mod rewrite;
mod rten;
mod select;

pub use self::choice::{RuntimeChoice, UnknownRuntime};
#[cfg(all(test, feature = "ort"))]
pub(crate) use self::many::Many;
pub(crate) use self::rten::Rten;
pub(crate) use self::select::{Wish, select};

use undertone_models::Bytes;

/// The numbers of a tensor going in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Data<'a> {
    /// Sound, frames, anything measured.
    Floats(&'a [f32]),
    /// Numbers of tokens; `int64` in the graph.
    Ids(&'a [i64]),
}

/// A tensor going in: its numbers and its shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    pub data: Data<'a>,
    pub shape: &'a [usize],
}

impl<'a> Input<'a> {
    pub(crate) const fn floats(data: &'a [f32], shape: &'a [usize]) -> Self {
        Self {
            data: Data::Floats(data),
            shape,
        }
    }

    pub(crate) const fn ids(data: &'a [i64], shape: &'a [usize]) -> Self {
        Self {
            data: Data::Ids(data),
            shape,
        }
    }
}

/// A tensor coming out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub data: Vec<f32>,
    pub shape: Vec<usize>,
}

/// The input that says how many samples of each row count, where several clips run at once: `int64`, one a row. The
/// pack's graphs do not have it; a runtime that batches adds it when a graph is loaded with it.
pub(crate) const LENGTHS: &str = "lengths";

/// Why a graph could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The file is not a graph that this runtime takes.
    #[error("the graph cannot be loaded: {0}; take a pack made for this version")]
    Load(String),
    /// An input or output that the manifest names is not in the graph.
    #[error("the graph has no {end} named '{name}'; take a pack made for this version")]
    Missing {
        /// `input` or `output`.
        end: &'static str,
        /// The name looked for.
        name: String,
    },
    /// Another runtime gives other numbers for it than the CPU does.
    #[error("its results differ from the CPU's by {found:.1e} of their size, more than {allowed:.0e}")]
    Differs {
        /// The largest difference, as a share of the largest number.
        found: f32,
        /// What is let pass.
        allowed: f32,
    },
    /// An accelerator leaves most of the graph to the CPU.
    #[error(
        "it runs only {there} of the {all} nodes of the graph and leaves the rest to the CPU; update its driver, or use --runtime cpu"
    )]
    Elsewhere {
        /// Nodes that it runs.
        there: usize,
        /// Nodes of the graph.
        all: usize,
    },
    /// Running failed.
    #[error("the graph failed: {0}; take a pack made for this version")]
    Run(String),
}

/// A loaded graph. Shared by all threads.
pub(crate) trait Graph: Send + Sync {
    /// Runs it on inputs in the order they were named at loading; gives outputs in that order too.
    fn run(&self, inputs: &[Input<'_>]) -> Result<Vec<Output>, RuntimeError>;
}

/// Something that runs graphs.
pub(crate) trait Runtime: Send + Sync {
    /// What to show: the library and the device that really runs.
    fn name(&self) -> &str;

    /// How many clips it is worth running at once. One that takes several gives a graph an input [`LENGTHS`] where it
    /// is named.
    fn batch(&self) -> usize {
        1
    }

    /// Who runs the small graphs instead, where starting them here costs more than computing them elsewhere.
    fn small(&self) -> Option<&dyn Runtime> {
        None
    }

    /// Who runs a graph instead that is run in many small steps, each of another shape.
    fn stepwise(&self) -> Option<&dyn Runtime> {
        self.small()
    }

    /// Loads a graph and checks that it has these inputs and outputs.
    fn load(
        &self,
        bytes: &Bytes,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<Box<dyn Graph>, RuntimeError>;
}

/// The largest difference between two runs' outputs, each as a share of its output's largest number; not a
/// number where the shapes differ.
pub(crate) fn distance(found: &[Output], wanted: &[Output]) -> f32 {
    if found.len() != wanted.len() {
        return f32::NAN;
    }
    let mut largest = 0.0_f32;
    for (found, wanted) in found.iter().zip(wanted) {
        if found.shape != wanted.shape || found.data.iter().any(|value| !value.is_finite()) {
            return f32::NAN;
        }
        let size = wanted
            .data
            .iter()
            .fold(1e-6_f32, |size, value| size.max(value.abs()));
        let apart = found.data.iter().zip(&wanted.data).map(|(a, b)| (a - b).abs());
        largest = largest.max(apart.fold(0.0, f32::max) / size);
    }
    largest
}

/// Sound to try networks with: noise whose level rises and falls like syllables, always the same.
pub(crate) fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1_u32;
    (0..samples)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (state >> 8) as f32 / 8_388_608.0 - 1.0;
            white * 0.1 * (at as f32 * 0.0016).sin().abs()
        })
        .collect()
}
