//! Where the panel gets what it shows: one seam, so that the plugin, the app and the tests feed it alike.
//!
//! The panel never waits for its feed: every method answers at once with what is there.

use std::sync::Arc;

use undertone::{Engine, EngineState, Latest, Losses, Snapshot, Stream, Update, Updates};

/// What the engine behind the stream is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Stage {
    /// There is no stream: nobody agreed to be heard yet, or the host has not started.
    #[default]
    Off,
    /// The models are being loaded.
    Loading,
    /// Scores can be made.
    Ready(Source),
    /// They cannot; one sentence with the remedy.
    Failed(String),
}

/// What the scores come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The pack's name.
    pub pack: String,
    /// Its version.
    pub version: String,
    /// The licence of its weights.
    pub licence: String,
    /// The system that fuses.
    pub system: String,
    /// All systems that the pack offers.
    pub systems: Vec<String>,
    /// What runs the networks.
    pub runtime: String,
    /// Where it lies; `None` when it is inside the program.
    pub origin: Option<String>,
    /// Whether it hears words.
    pub hears_words: bool,
}

/// Who reads what is served to other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readers {
    /// How many at the moment.
    pub now: usize,
    /// How many were dropped because they did not read.
    pub dropped: u64,
}

/// What the panel asks of whoever shows it. Every answer is immediate.
pub trait PanelFeed {
    /// What the engine is doing.
    fn stage(&self) -> Stage;
    /// The stream's newest state, if there is a stream.
    fn snapshot(&mut self) -> Option<Snapshot>;
    /// The next score that the panel has not seen.
    fn next_update(&mut self) -> Option<Arc<Update>>;
    /// Sound that was lost or was not a number.
    fn losses(&self) -> Losses;
    /// What is wrong with what is sent out of the host, if something is.
    fn fault(&self) -> Option<String> {
        None
    }
    /// Who reads what is served to other programs, where it is served.
    fn readers(&self) -> Option<Readers> {
        None
    }
}

/// The feed of a running stream.
#[derive(Debug)]
pub struct StreamFeed {
    engine: Engine,
    latest: Latest,
    updates: Updates,
    losses: Losses,
    failure: Option<String>,
    fault: Option<String>,
    readers: Option<Readers>,
}

impl StreamFeed {
    /// How many updates may wait for a panel that is not drawn; the oldest go first.
    const CAPACITY: usize = 256;

    /// A new feed of this stream.
    pub fn new(engine: &Engine, stream: &Stream) -> Self {
        Self {
            engine: engine.clone(),
            latest: stream.latest(),
            updates: stream.updates(Self::CAPACITY),
            losses: stream.losses(),
            failure: stream.failure(),
            fault: None,
            readers: None,
        }
    }

    /// Takes over the counters that only the stream knows; once a frame is enough.
    pub fn refresh(&mut self, stream: &Stream) {
        self.losses = stream.losses();
        self.failure = stream.failure();
    }

    /// Takes over what is wrong with what is sent out of the host, and who reads it.
    pub fn set_sent(&mut self, fault: Option<String>, readers: Option<Readers>) {
        self.fault = fault;
        self.readers = readers;
    }
}

impl PanelFeed for StreamFeed {
    fn stage(&self) -> Stage {
        if let Some(failure) = &self.failure {
            return Stage::Failed(failure.clone());
        }
        match self.engine.state() {
            EngineState::Loading => Stage::Loading,
            EngineState::Failed(why) => Stage::Failed(why.to_string()),
            EngineState::Ready(pack) => Stage::Ready(Source {
                pack: pack.name.clone(),
                version: pack.version.clone(),
                licence: pack.licence.clone(),
                system: pack.system.clone(),
                systems: pack.systems.clone(),
                runtime: pack.runtime.clone(),
                origin: pack.origin.as_ref().map(|path| path.display().to_string()),
                hears_words: pack.hears_words,
            }),
        }
    }

    fn snapshot(&mut self) -> Option<Snapshot> {
        Some(*self.latest.read())
    }

    fn next_update(&mut self) -> Option<Arc<Update>> {
        self.updates.try_next()
    }

    fn losses(&self) -> Losses {
        self.losses
    }

    fn fault(&self) -> Option<String> {
        self.fault.clone()
    }

    fn readers(&self) -> Option<Readers> {
        self.readers
    }
}

/// The feed of nothing, for a panel whose stream does not run.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoFeed;

impl PanelFeed for NoFeed {
    fn stage(&self) -> Stage {
        Stage::Off
    }

    fn snapshot(&mut self) -> Option<Snapshot> {
        None
    }

    fn next_update(&mut self) -> Option<Arc<Update>> {
        None
    }

    fn losses(&self) -> Losses {
        Losses::default()
    }
}
