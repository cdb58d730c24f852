//! Where the panel gets what it shows: one seam, so that the plugin, the app and the tests feed it alike.
//!
//! The panel never waits for its feed: every method answers at once with what is there.

use std::sync::Arc;

use undertone::{
    Affect, Degraded, Engine, EngineState, Latency, Latest, Losses, Scores, Snapshot, Stream, Update,
    Updates, Verdict, Word,
};

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

/// One branch's part in a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Scores from this branch alone, where it has its own.
    pub scores: Option<Scores>,
    /// Its weight in the fused score.
    pub weight: f32,
}

/// One score as the panel needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Number of the utterance.
    pub utterance: u64,
    /// Whether it is settled.
    pub is_final: bool,
    /// Where the scored speech begins, on the stream's clock.
    pub start_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// The label, or *unknown*.
    pub label: Verdict,
    /// Fused scores.
    pub scores: Scores,
    /// Fused affect.
    pub affect: Affect,
    /// Calibrated probability of the label, or of the best one when *unknown*.
    pub confidence: f32,
    /// What the voice said.
    pub voice: Option<Evidence>,
    /// What the words said.
    pub words: Option<Evidence>,
    /// The words themselves.
    pub transcript: Vec<Word>,
    /// Probability that they are toxic, where the pack can tell.
    pub toxicity: Option<f32>,
    /// Where the time went.
    pub latency: Latency,
    /// What is worse than it should be.
    pub degraded: Vec<Degraded>,
}

impl From<&Update> for Moment {
    fn from(update: &Update) -> Self {
        Self {
            utterance: update.utterance,
            is_final: update.is_final(),
            start_s: update.start_s,
            end_s: update.end_s,
            label: update.label,
            scores: update.scores,
            affect: update.affect,
            confidence: update.confidence,
            voice: update.speech.as_ref().map(|part| Evidence {
                scores: Some(part.scores),
                weight: part.weight,
            }),
            words: update.text.as_ref().map(|part| Evidence {
                scores: part.scores,
                weight: part.weight,
            }),
            transcript: update
                .text
                .as_ref()
                .map(|part| part.words.clone())
                .unwrap_or_default(),
            toxicity: update.toxicity,
            latency: update.latency_ms,
            degraded: update.degraded.clone(),
        }
    }
}

/// What the panel asks of whoever shows it. Every answer is immediate.
pub trait PanelFeed {
    /// What the engine is doing.
    fn stage(&self) -> Stage;
    /// The stream's newest state, if there is a stream.
    fn snapshot(&mut self) -> Option<Snapshot>;
    /// The next score that the panel has not seen.
    fn next_moment(&mut self) -> Option<Moment>;
    /// Sound that was lost or was not a number.
    fn losses(&self) -> Losses;
    /// What is wrong with what is sent out of the host, if something is.
    fn fault(&self) -> Option<String> {
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
        }
    }

    /// Takes over the counters that only the stream knows; once a frame is enough.
    pub fn refresh(&mut self, stream: &Stream) {
        self.losses = stream.losses();
        self.failure = stream.failure();
    }

    /// Takes over what is wrong with what is sent out of the host.
    pub fn set_fault(&mut self, fault: Option<String>) {
        self.fault = fault;
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

    fn next_moment(&mut self) -> Option<Moment> {
        self.updates
            .try_next()
            .map(|update: Arc<Update>| Moment::from(&*update))
    }

    fn losses(&self) -> Losses {
        self.losses
    }

    fn fault(&self) -> Option<String> {
        self.fault.clone()
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

    fn next_moment(&mut self) -> Option<Moment> {
        None
    }

    fn losses(&self) -> Losses {
        Losses::default()
    }
}
