//! The library's front door: an engine is a pack, loaded behind your back, and a share in the worker.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::mind::{Mind, MindError, PackInfo, Runs};
use crate::recognise::{Loaded, Recogniser, RecogniserError};
use crate::resample::ResampleError;
use crate::runtime::{RuntimeChoice, Wish};
use crate::session::Session;
use crate::stream::{Stream, StreamConfig};
use crate::tap::Tap;
use crate::text::Reading;
use crate::worker::Worker;
use crate::writing;

/// Which pack an engine runs, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// A pack's folder, or the name of an installed one; `None` for the default.
    pub pack: Option<String>,
    /// One of the pack's systems; `None` for its default.
    pub system: Option<String>,
    /// Who turns speech into words.
    pub recogniser: Recogniser,
    /// Threads that the networks may use: requests of several voices run side by side on them, and each run of
    /// a network may spread over them.
    pub threads: usize,
    /// What is to run the networks. The default opens no library, so that it suits a plugin host.
    pub runtime: RuntimeChoice,
    /// ONNX Runtime's library, its file or folder; `None` for the one in the user's data folder.
    pub onnxruntime: Option<PathBuf>,
    /// Requests of different streams that may run at once; `None` for what suits the runtime. The embedded one runs
    /// them one by one in any case.
    pub batch: Option<usize>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            pack: None,
            system: None,
            recogniser: Recogniser::First,
            threads: 1,
            runtime: RuntimeChoice::default(),
            onnxruntime: None,
            batch: None,
        }
    }
}

/// Whether an engine can score yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineState {
    /// The pack is being loaded.
    Loading,
    /// It can.
    Ready(Arc<PackInfo>),
    /// It never will; one sentence says why and what to do.
    Failed(Arc<str>),
}

/// Why an engine cannot score.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The pack could not be made ready.
    #[error("{0}")]
    NotReady(Arc<str>),
    /// The sound cannot be converted.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The words cannot be read.
    #[error(transparent)]
    Mind(#[from] MindError),
}

/// Why a stream could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The sample rate is out of range.
    #[error("{0} Hz is no sample rate for speech; use one between 8000 and 384000 Hz")]
    Rate(u32),
    /// The sound cannot be converted.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

/// A pack that loads in the background, and a share in the process's worker. Cheap to clone; when the last
/// engine and stream of the process are gone, the worker's threads are joined and its models freed.
#[derive(Debug, Clone)]
pub struct Engine {
    slot: Arc<Slot>,
    worker: Arc<Worker>,
}

impl Engine {
    /// Starts an engine and returns at once: no file is read and no model loaded on this thread.
    pub fn start(config: EngineConfig) -> Self {
        let worker = Worker::shared();
        let slot = Arc::new(Slot {
            config,
            mind: Mutex::new(None),
            recogniser: Mutex::new(Words::first()),
            settled: Condvar::new(),
            settled_at: OnceLock::new(),
        });
        match worker.fault() {
            Some(fault) => slot.settle(Err(fault)),
            None => worker.load(&slot),
        }
        Self { slot, worker }
    }

    /// An engine of a pack that is loaded already.
    #[cfg(test)]
    pub(crate) fn of(mind: Mind) -> Self {
        let slot = Slot {
            config: EngineConfig::default(),
            mind: Mutex::new(Some(Ok(Arc::new(mind)))),
            recogniser: Mutex::new(Words::first()),
            settled: Condvar::new(),
            settled_at: OnceLock::new(),
        };
        Self {
            slot: Arc::new(slot),
            worker: Worker::shared(),
        }
    }

    /// Whether it can score yet.
    pub fn state(&self) -> EngineState {
        match &*self.slot.lock() {
            None => EngineState::Loading,
            Some(Ok(mind)) => EngineState::Ready(Arc::clone(&mind.info)),
            Some(Err(why)) => EngineState::Failed(Arc::clone(why)),
        }
    }

    /// Waits until the pack is loaded or refused.
    pub fn wait_ready(&self) -> Result<Arc<PackInfo>, EngineError> {
        Ok(Arc::clone(&self.slot.wait()?.info))
    }

    /// Who turns speech into words at the moment.
    pub fn recogniser(&self) -> Recogniser {
        self.slot.recogniser().which()
    }

    /// Changes who turns speech into words, for every stream of this engine, from its next request on: no sound
    /// is lost. Waits until the new one is loaded; if it cannot be, the old one stays.
    pub fn set_recogniser(&self, which: Recogniser) -> Result<(), RecogniserError> {
        let loaded = self.slot.recogniser();
        let loaded = if which == loaded.which() {
            loaded
        } else {
            Arc::new(Loaded::load(which, self.slot.config.threads)?)
        };
        *self.slot.words() = Words { loaded, chosen: true };
        Ok(())
    }

    /// Opens a live stream. Never waits for models: sound is taken in while they load.
    pub fn open(&self, config: &StreamConfig) -> Result<(Tap, Stream), OpenError> {
        Stream::open(Arc::clone(&self.slot), Arc::clone(&self.worker), config)
    }

    pub(crate) fn mind(&self) -> Result<Arc<Mind>, EngineError> {
        self.slot.wait()
    }

    /// How often the pack's encoder has run so far and for how many requests, for all who share it; `None` until it is
    /// loaded.
    pub fn runs(&self) -> Option<Runs> {
        Some(self.slot.mind()?.runs())
    }

    /// Opens a session for sound that can wait, such as a file. Waits until the pack is loaded.
    pub fn session(&self, config: &StreamConfig) -> Result<Session, EngineError> {
        let mind = self.slot.wait()?;
        Ok(Session::new(mind, self.slot.recogniser(), config)?)
    }

    /// What words alone say, without any sound; `None` for no words, and for a system that does not read.
    /// Waits until the pack is loaded.
    pub fn read(&self, words: &str) -> Result<Option<Reading>, EngineError> {
        let read = self.slot.wait()?.read(&writing::written(words))?;
        Ok(read.map(|read| Reading {
            scores: read.scores,
            affect: read.affect,
            toxicity: read.toxicity,
        }))
    }
}

type Settled = Result<Arc<Mind>, Arc<str>>;

/// Where an engine's pack will be.
#[derive(Debug)]
pub(crate) struct Slot {
    config: EngineConfig,
    mind: Mutex<Option<Settled>>,
    recogniser: Mutex<Words>,
    settled: Condvar,
    settled_at: OnceLock<Instant>,
}

/// Who turns speech into words.
#[derive(Debug)]
struct Words {
    loaded: Arc<Loaded>,
    /// Somebody has chosen it since the engine was started: what it was started with no longer counts.
    chosen: bool,
}

impl Words {
    /// Until another is loaded.
    fn first() -> Self {
        Self {
            loaded: Arc::new(Loaded::First),
            chosen: false,
        }
    }
}

impl Slot {
    /// Inference threads that its engine asks for.
    pub(crate) fn threads(&self) -> usize {
        self.config.threads
    }

    /// Loads the pack; on a thread of its own.
    pub(crate) fn load(&self) {
        let EngineConfig {
            pack,
            system,
            threads,
            recogniser,
            runtime,
            onnxruntime,
            batch,
        } = &self.config;
        match Loaded::load(*recogniser, *threads) {
            Ok(loaded) => self.begin_with(loaded),
            // What was asked for by name is not quietly replaced.
            Err(error) => return self.settle(Err(error.to_string().into())),
        }
        let wish = Wish {
            choice: *runtime,
            library: onnxruntime.clone(),
            threads: *threads,
            batch: *batch,
        };
        let mind = Mind::get(pack.as_deref(), system.as_deref(), &wish);
        self.settle(mind.map_err(|error: MindError| error.to_string().into()));
    }

    /// Who turns speech into words.
    pub(crate) fn recogniser(&self) -> Arc<Loaded> {
        Arc::clone(&self.words().loaded)
    }

    fn begin_with(&self, loaded: Loaded) {
        let mut words = self.words();
        if !words.chosen {
            words.loaded = Arc::new(loaded);
        }
    }

    fn words(&self) -> std::sync::MutexGuard<'_, Words> {
        self.recogniser.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settle(&self, mind: Settled) {
        *self.lock() = Some(mind);
        let _ = self.settled_at.set(Instant::now());
        self.settled.notify_all();
    }

    /// How long something has waited for a thread since then: a pack that was not there yet was nobody's fault.
    pub(crate) fn waited(&self, since: Instant) -> Duration {
        self.settled_at
            .get()
            .map_or(Duration::ZERO, |at| since.max(*at).elapsed())
    }

    /// The pack, if it is loaded.
    pub(crate) fn mind(&self) -> Option<Arc<Mind>> {
        self.lock()
            .as_ref()
            .and_then(|settled| settled.as_ref().ok().cloned())
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.lock().is_some()
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(&*self.lock(), Some(Err(_)))
    }

    fn wait(&self) -> Result<Arc<Mind>, EngineError> {
        let mut mind = self.lock();
        loop {
            if let Some(settled) = &*mind {
                return settled.clone().map_err(EngineError::NotReady);
            }
            mind = self.settled.wait(mind).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Settled>> {
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use undertone_models::Pack;

    use super::*;
    use crate::runtime::Rten;

    #[test]
    fn a_recogniser_that_was_chosen_meanwhile_is_not_replaced_by_that_of_the_start() {
        let engine = Engine::of(Mind::load(&Pack::embedded().unwrap(), None, &Rten::new(1)).unwrap());
        engine.slot.begin_with(Loaded::First);
        engine.set_recogniser(Recogniser::First).unwrap();
        let chosen = engine.slot.recogniser();
        engine.slot.begin_with(Loaded::First);
        assert!(Arc::ptr_eq(&chosen, &engine.slot.recogniser()));
    }
}
