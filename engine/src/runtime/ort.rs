//! ONNX Runtime: the processor and the accelerators it knows, through its library, which is opened from a
//! private path. A graph runs on one thread at a time, as the library itself is not safe beyond that.

use std::sync::{Mutex, PoisonError};

use ort::AsPointer as _;
use ort::environment::Environment;
use ort::ep::ExecutionProviderDispatch;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use undertone_models::Bytes;

use super::bound::Running;
use super::choice::RuntimeChoice;
use super::rewrite::{Numbers, rewrite};
use super::{Graph, Input, LENGTHS, Output, Rten, Runtime, RuntimeError};

/// What runs the graphs inside the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Cpu,
    Cuda,
    TensorRt,
    DirectMl,
    CoreMl,
}

impl Provider {
    /// The one that a choice means; `None` where it means none of the library's.
    pub(crate) const fn of(choice: RuntimeChoice) -> Option<Self> {
        Some(match choice {
            RuntimeChoice::Auto | RuntimeChoice::Cpu => return None,
            RuntimeChoice::OnnxRuntime => Self::Cpu,
            RuntimeChoice::Cuda => Self::Cuda,
            RuntimeChoice::TensorRt => Self::TensorRt,
            RuntimeChoice::DirectMl => Self::DirectMl,
            RuntimeChoice::CoreMl => Self::CoreMl,
        })
    }

    /// What is shown in every update.
    const fn shown(self) -> &'static str {
        match self {
            Self::Cpu => "onnxruntime/cpu",
            Self::Cuda => "onnxruntime/cuda",
            Self::TensorRt => "onnxruntime/tensorrt",
            Self::DirectMl => "onnxruntime/directml",
            Self::CoreMl => "onnxruntime/coreml",
        }
    }

    /// What the library calls it.
    const fn own_name(self) -> &'static str {
        match self {
            Self::Cpu => "CPUExecutionProvider",
            Self::Cuda => "CUDAExecutionProvider",
            Self::TensorRt => "TensorrtExecutionProvider",
            Self::DirectMl => "DmlExecutionProvider",
            Self::CoreMl => "CoreMLExecutionProvider",
        }
    }

    /// Whether the library was built with it, which says nothing about whether it works here.
    pub(crate) fn is_in_library(self) -> bool {
        use ort::ep::ExecutionProvider;
        let known = match self {
            Self::Cpu => return true,
            Self::Cuda => ort::ep::CUDA::is_available(),
            Self::TensorRt => ort::ep::TensorRT::is_available(),
            Self::DirectMl => ort::ep::DirectML::is_available(),
            Self::CoreMl => ort::ep::CoreML::is_available(),
        };
        known.unwrap_or(false)
    }

    /// How many clips it is worth giving it at once. On a processor a clip costs in company what it costs alone. Not
    /// measured on a card: enough that starting the kernels is shared, few enough that nobody waits for the others.
    pub(crate) const fn batch(self) -> usize {
        match self {
            Self::Cuda | Self::TensorRt => 32,
            Self::DirectMl => 16,
            // Its graphs are compiled for one shape.
            Self::Cpu | Self::CoreMl => 1,
        }
    }

    /// What it is to compute with, what is tried first first. A processor is fastest with a pack's own numbers.
    pub(crate) const fn numbers(self) -> &'static [Numbers] {
        match self {
            Self::Cpu => &[Numbers::Stored],
            Self::Cuda | Self::TensorRt | Self::DirectMl => &[Numbers::Halves, Numbers::Floats],
            Self::CoreMl => &[Numbers::Floats],
        }
    }

    /// How it is asked for; the processor is always there behind it.
    fn dispatch(self) -> Vec<ExecutionProviderDispatch> {
        // Plain 32-bit floats: the card's shortened ones differ from the CPU's results by more than is let pass.
        // Sound comes in many lengths: trying every way of each convolution for each of them takes longer than it saves.
        let cuda = || {
            ort::ep::CUDA::default()
                .with_tf32(false)
                .with_conv_algorithm_search(ort::ep::cuda::ConvAlgorithmSearch::Heuristic)
                .build()
                .error_on_failure()
        };
        match self {
            Self::Cpu => vec![],
            Self::Cuda => vec![cuda()],
            Self::TensorRt => vec![ort::ep::TensorRT::default().build().error_on_failure(), cuda()],
            Self::DirectMl => vec![ort::ep::DirectML::default().build().error_on_failure()],
            Self::CoreMl => vec![ort::ep::CoreML::default().build().error_on_failure()],
        }
    }
}

/// ONNX Runtime with one of its providers.
pub(crate) struct Ort {
    environment: Environment,
    provider: Provider,
    threads: usize,
    numbers: Numbers,
    batch: usize,
    /// For graphs that are run in many small steps; and, beside a card, for the small graphs: it takes longer to start
    /// their hundreds of kernels than a processor to compute them.
    embedded: Rten,
}

impl Ort {
    pub(crate) fn new(
        environment: Environment,
        provider: Provider,
        threads: usize,
        numbers: Numbers,
        batch: usize,
    ) -> Self {
        Self {
            environment,
            provider,
            threads,
            numbers,
            batch,
            embedded: Rten::new(threads),
        }
    }

    fn session(&self, bytes: &[u8]) -> Result<Session, ort::Error> {
        // Its errors carry the builder and so cannot leave this thread; the plain ones can.
        let builder = Session::builder(&self.environment)?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(self.threads)?
            .with_inter_threads(1)?
            // A thread that spins for work costs a core while nobody speaks.
            .with_intra_op_spinning(false)?
            // A plan is kept for every length of sound there ever was: memory would grow for days.
            .with_memory_pattern(false)?
            .with_log_level(ort::logging::LogLevel::Warning)?
            .with_config_entry("session.record_ep_graph_assignment_info", "1")?;
        let mut builder: SessionBuilder = builder.with_execution_providers(self.provider.dispatch())?;
        builder.commit_from_memory(bytes)
    }
}

impl Runtime for Ort {
    fn name(&self) -> &str {
        self.provider.shown()
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn small(&self) -> Option<&dyn Runtime> {
        let apart = self.provider != Provider::Cpu || self.batch > 1;
        apart.then_some(&self.embedded as &dyn Runtime)
    }

    /// Each step has shapes of its own, for which its library would plan anew.
    fn stepwise(&self) -> Option<&dyn Runtime> {
        Some(&self.embedded)
    }

    fn load(
        &self,
        bytes: &Bytes,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<Box<dyn Graph>, RuntimeError> {
        let fault = |error: &dyn std::fmt::Display| RuntimeError::Load(error.to_string());
        let lengths = inputs.iter().any(|name| name == LENGTHS).then_some(LENGTHS);
        let session = if lengths.is_some() || self.numbers != Numbers::Stored {
            let written = rewrite(bytes, self.numbers, lengths).map_err(|error| fault(&error))?;
            self.session(&written)
        } else {
            self.session(bytes)
        };
        let session = session.map_err(|error| fault(&error))?;
        let check = |end: &'static str, known: &[ort::value::Outlet], names: &[String]| {
            let missing = names
                .iter()
                .find(|name| known.iter().all(|outlet| outlet.name() != name.as_str()));
            missing.map_or(Ok(()), |name| {
                Err(RuntimeError::Missing {
                    end,
                    name: name.clone(),
                })
            })
        };
        check("input", session.inputs(), inputs)?;
        check("output", session.outputs(), outputs)?;
        if self.provider != Provider::Cpu {
            let (there, all) = nodes_on(&session, self.provider.own_name());
            if there * 2 < all {
                return Err(RuntimeError::Elsewhere { there, all });
            }
        }
        Ok(Box::new(OrtGraph(Mutex::new(Running::new(
            session, inputs, outputs,
        )))))
    }
}

/// How many nodes of a graph this provider really got, and how many there are: that a provider was asked for says
/// nothing about what runs.
fn nodes_on(session: &Session, provider: &str) -> (usize, usize) {
    let api = ort::api();
    let (mut groups, mut count) = (std::ptr::null(), 0);
    let (mut there, mut all) = (0, 0);
    // SAFETY: the session lives; the library fills both and keeps what they point to as long as the session.
    let status =
        unsafe { (api.Session_GetEpGraphAssignmentInfo)(session.ptr(), &raw mut groups, &raw mut count) };
    // SAFETY: the status is the library's own and is taken over here.
    if unsafe { ort::Error::result_from_status(status) }.is_err() || groups.is_null() {
        return (0, 0);
    }
    for at in 0..count {
        let (mut name, mut nodes, mut nodes_count) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: there are `count` groups, each valid as long as the session.
        let (named, counted) = unsafe {
            let group = *groups.add(at);
            (
                ort::Error::result_from_status((api.EpAssignedSubgraph_GetEpName)(group, &raw mut name)),
                ort::Error::result_from_status((api.EpAssignedSubgraph_GetNodes)(
                    group,
                    &raw mut nodes,
                    &raw mut nodes_count,
                )),
            )
        };
        if named.is_err() || counted.is_err() || name.is_null() {
            continue;
        }
        all += nodes_count;
        // SAFETY: the library gives a string that ends with a zero and lives as long as the session.
        let name = unsafe { std::ffi::CStr::from_ptr(name) };
        if name.to_bytes() == provider.as_bytes() {
            there += nodes_count;
        }
    }
    (there, all)
}

struct OrtGraph(Mutex<Running>);

impl Graph for OrtGraph {
    fn run(&self, inputs: &[Input<'_>]) -> Result<Vec<Output>, RuntimeError> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = running.run(inputs);
        outputs.map_err(|error| RuntimeError::Run(error.to_string()))
    }
}

#[cfg(test)]
#[path = "ort_tests.rs"]
mod tests;
