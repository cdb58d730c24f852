//! Proves a runtime before it is trusted: every graph of the real pack runs on it with real inputs, and must give
//! what the CPU gave, on a thread whose hanging or crashing hangs and crashes nobody else.
//!
//! How: the pack is loaded on the CPU once, with every graph's inputs and outputs noted while it is tried; the
//! other runtime answers the same inputs when it loads the same graph. What is compared with what: a graph that
//! runs as the pack has it, with what the CPU gave for it; one that was written anew in floats, with the same floats
//! on the CPU, and these with the pack's own numbers.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use undertone_models::Bytes;

use super::rewrite::{Numbers, rewrite};
use super::{Data, Graph, Input, LENGTHS, Output, Rten, Runtime, RuntimeError, distance};

/// Largest difference from the CPU's results that passes, as a share of a result's largest number.
const FLOATS: f32 = 1e-3;
/// The same where the graph computes with 8-bit numbers: the runtimes round them differently, and each rounding
/// moves everything behind it by up to a step of 1/256 of its range, and a few such steps add up.
const BYTES: f32 = 5e-2;

/// The same where it computes with 16-bit floats.
const HALVES: f32 = 2e-2;

/// A tensor that was seen going in.
struct Seen {
    floats: Vec<f32>,
    ids: Option<Vec<i64>>,
    shape: Vec<usize>,
}

impl Seen {
    fn of(input: &Input<'_>) -> Self {
        let (floats, ids) = match input.data {
            Data::Floats(data) => (data.to_vec(), None),
            Data::Ids(data) => (vec![], Some(data.to_vec())),
        };
        Self {
            floats,
            ids,
            shape: input.shape.to_vec(),
        }
    }

    fn input(&self) -> Input<'_> {
        match &self.ids {
            Some(ids) => Input::ids(ids, &self.shape),
            None => Input::floats(&self.floats, &self.shape),
        }
    }
}

/// A graph on the CPU and what it made of what.
struct Noted {
    graph: Arc<dyn Graph>,
    run: Option<(Vec<Seen>, Vec<Output>)>,
}

/// Every graph that was loaded on the CPU, by where its bytes lie.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<HashMap<usize, Noted>>>);

impl Notes {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<usize, Noted>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Nothing is noted any more, and what was is forgotten.
    pub(crate) fn close(&self) {
        self.with(HashMap::clear);
    }
}

/// The CPU's runtime, taking notes.
pub(crate) struct Noting<R>(pub R, pub Notes);

impl<R: Runtime> Runtime for Noting<R> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn load(
        &self,
        bytes: &Bytes,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<Box<dyn Graph>, RuntimeError> {
        let graph: Arc<dyn Graph> = self.0.load(bytes, inputs, outputs)?.into();
        let key = bytes.as_ptr().addr();
        let noted = Noted {
            graph: Arc::clone(&graph),
            run: None,
        };
        self.1.with(|notes| notes.insert(key, noted));
        Ok(Box::new(NotingGraph {
            graph,
            key,
            notes: self.1.clone(),
            done: AtomicBool::new(false),
        }))
    }
}

struct NotingGraph {
    graph: Arc<dyn Graph>,
    key: usize,
    notes: Notes,
    done: AtomicBool,
}

impl Graph for NotingGraph {
    fn run(&self, inputs: &[Input<'_>]) -> Result<Vec<Output>, RuntimeError> {
        let outputs = self.graph.run(inputs)?;
        // The first run is the trial that every pack gets when it is loaded.
        if !self.done.swap(true, Ordering::Relaxed) {
            let seen = inputs.iter().map(Seen::of).collect();
            self.notes.with(|notes| {
                if let Some(noted) = notes.get_mut(&self.key) {
                    noted.run = Some((seen, outputs.clone()));
                }
            });
        }
        Ok(outputs)
    }
}

/// How long the graphs took, all together: on the CPU and on the other.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Speed {
    pub cpu: Duration,
    pub other: Duration,
}

/// Another runtime, whose graphs must give what the CPU gives.
pub(crate) struct Compared<R> {
    pub runtime: R,
    /// What it computes with.
    pub numbers: Numbers,
    pub notes: Notes,
    pub speed: Mutex<Speed>,
    /// Whether a graph failed for its results alone: with other numbers it may not.
    pub differs: AtomicBool,
}

impl<R: Runtime> Runtime for Compared<R> {
    fn name(&self) -> &str {
        self.runtime.name()
    }

    fn batch(&self) -> usize {
        self.runtime.batch()
    }

    fn small(&self) -> Option<&dyn Runtime> {
        self.runtime.small()
    }

    fn stepwise(&self) -> Option<&dyn Runtime> {
        self.runtime.stepwise()
    }

    fn load(
        &self,
        bytes: &Bytes,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<Box<dyn Graph>, RuntimeError> {
        let graph = self.runtime.load(bytes, inputs, outputs)?;
        self.notes.with(|notes| {
            let noted = notes.get(&bytes.as_ptr().addr());
            let Some((cpu, (seen, wanted))) = noted.and_then(|n| Some((&n.graph, n.run.as_ref()?))) else {
                return Ok(());
            };
            let plain: Vec<_> = seen.iter().map(Seen::input).collect();
            let mut given = plain.clone();
            let samples = plain.first().and_then(|sound| sound.shape.last());
            let whole = [samples.map_or(0, |samples| i64::try_from(*samples).unwrap_or(i64::MAX))];
            if inputs.last().is_some_and(|name| name == LENGTHS) {
                given.push(Input::ids(&whole, &[1]));
            }
            let found = graph.run(&given)?;
            let allowed = match self.numbers {
                Numbers::Stored if has_bytes(bytes) => BYTES,
                Numbers::Halves => HALVES,
                _ => FLOATS,
            };
            if self.numbers == Numbers::Stored {
                self.must_match(&found, wanted, allowed)?;
            } else {
                let named = &inputs[..plain.len()];
                let floats = in_floats(bytes, named, outputs)?.run(&plain)?;
                self.must_match(&floats, wanted, if has_bytes(bytes) { BYTES } else { FLOATS })?;
                self.must_match(&found, &floats, allowed)?;
            }
            let mut speed = self.speed.lock().unwrap_or_else(PoisonError::into_inner);
            speed.cpu += best_time(cpu.as_ref(), &plain)?;
            speed.other += best_time(graph.as_ref(), &given)?;
            Ok(())
        })?;
        Ok(graph)
    }
}

impl<R> Compared<R> {
    fn must_match(&self, found: &[Output], wanted: &[Output], allowed: f32) -> Result<(), RuntimeError> {
        let found = distance(found, wanted);
        if found.is_nan() || found > allowed {
            self.differs.store(true, Ordering::Release);
            return Err(RuntimeError::Differs { found, allowed });
        }
        Ok(())
    }
}

/// The graph in 32-bit floats, on the CPU.
fn in_floats(bytes: &[u8], inputs: &[String], outputs: &[String]) -> Result<Box<dyn Graph>, RuntimeError> {
    let written =
        rewrite(bytes, Numbers::Floats, None).map_err(|error| RuntimeError::Load(error.to_string()))?;
    Rten::new(1).load(&Bytes::Owned(written), inputs, outputs)
}

/// The shorter of two runs; the first ones, which only warm up, were before.
fn best_time(graph: &dyn Graph, inputs: &[Input<'_>]) -> Result<Duration, RuntimeError> {
    let mut best = Duration::MAX;
    for _ in 0..2 {
        let began = Instant::now();
        graph.run(inputs)?;
        best = best.min(began.elapsed());
    }
    Ok(best)
}

/// Whether the graph computes with 8-bit numbers. The operator's name stands in the file as it is written.
fn has_bytes(graph: &[u8]) -> bool {
    let name = b"MatMulInteger";
    graph.windows(name.len()).any(|window| window == name)
}

/// Does work on a thread of its own, for so long at most. One that hangs is left behind; why it failed is a
/// sentence.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (send, receive) = channel();
    let thread = std::thread::Builder::new()
        .name("undertone-probe".into())
        .spawn(move || {
            let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Err(format!("it failed inside: {}", text.unwrap_or_default()))
            });
            // Nobody waits any more if this took too long.
            let _ = send.send(done);
        })
        .map_err(|error| format!("no thread can be started for it ({error})"))?;
    match receive.recv_timeout(limit) {
        Ok(done) => {
            let _ = thread.join();
            done
        }
        Err(RecvTimeoutError::Timeout) => Err(format!(
            "it did not start within {} s; its driver may hang: update it, or use --runtime cpu",
            limit.as_secs()
        )),
        Err(RecvTimeoutError::Disconnected) => Err("its thread ended without a word".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(data: &[f32]) -> Output {
        Output {
            data: data.to_vec(),
            shape: vec![1, data.len()],
        }
    }

    #[test]
    fn a_difference_is_measured_against_the_size_of_the_result() {
        let wanted = [output(&[100.0, -50.0])];
        assert!((distance(&[output(&[100.0, -49.0])], &wanted) - 0.01).abs() < 1e-6);
        assert!(distance(&[output(&[100.0])], &wanted).is_nan());
        assert!(distance(&[output(&[100.0, f32::NAN])], &wanted).is_nan());
        assert!(distance(&[], &wanted).is_nan());
    }

    #[test]
    fn what_hangs_is_left_behind_and_what_panics_is_told() {
        let began = Instant::now();
        let hung = within(Duration::from_millis(50), || {
            std::thread::sleep(Duration::from_secs(5));
            Ok(())
        });
        assert!(hung.unwrap_err().contains("did not start") && began.elapsed() < Duration::from_secs(2));
        let panicked = within(Duration::from_secs(5), || -> Result<(), String> {
            panic!("broken")
        });
        assert!(panicked.unwrap_err().contains("broken"));
        assert_eq!(within(Duration::from_secs(5), || Ok(7)), Ok(7));
    }
}
