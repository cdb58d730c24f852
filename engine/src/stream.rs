//! One live voice: what its owner holds, and what the worker's threads keep of it.
//!
//! A stream owns no model and no thread. Everything that the worker shares of it sits in a [`Cell`], each part
//! behind its own lock, none of which the audio thread ever touches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::ahead::Ahead;
use crate::ears::Ears;
use crate::engine::{OpenError, Slot};
use crate::latest::{Activity, Latest, Readers, Scored, Snapshot};
use crate::losses::Told;
use crate::outlet::{Outlet, Updates};
use crate::profile::{Profile, ProfileError};
use crate::queue::{Job, Queue};
use crate::recognise::InUse;
use crate::resample::ResampleError;
use crate::tap::{self, Counters, Drain, Losses, RATES, Tap};
use crate::track::{Origin, Track, seconds_of};
use crate::update::Update;
use crate::utterance::{Cutting, Request};
use crate::words::Draft;
use crate::worker::Worker;

/// How a stream listens.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamConfig {
    /// Shown in every update.
    pub name: String,
    /// Who speaks, where the caller knows.
    pub speaker: Option<String>,
    /// Sample rate of what is pushed, in Hz.
    pub rate: u32,
    /// Milliseconds from one provisional score to the next.
    pub hop_ms: u32,
    /// Whether provisional scores are wanted at all.
    pub provisional: bool,
}

impl StreamConfig {
    /// A stream of this name and rate, with everything else as it suits live use.
    pub fn new(name: impl Into<String>, rate: u32) -> Self {
        Self {
            name: name.into(),
            speaker: None,
            rate,
            hop_ms: Cutting::default().hop_ms,
            provisional: true,
        }
    }

    pub(crate) fn cutting(&self) -> Cutting {
        Cutting {
            hop_ms: self.hop_ms.max(50),
            provisional: self.provisional,
            ..Cutting::default()
        }
    }
}

impl Origin {
    pub(crate) fn of(config: &StreamConfig) -> Self {
        Self {
            stream: config.name.as_str().into(),
            speaker: config.speaker.as_deref().map(Into::into),
        }
    }
}

/// A live voice. Dropping it closes the stream.
#[derive(Debug)]
pub struct Stream {
    cell: Arc<Cell>,
    worker: Arc<Worker>,
}

impl Stream {
    pub(crate) fn open(
        slot: Arc<Slot>,
        worker: Arc<Worker>,
        config: &StreamConfig,
    ) -> Result<(Tap, Self), OpenError> {
        check_rate(config.rate)?;
        let counters = Arc::new(Counters::default());
        let (tap, drain) = tap::pair(config.rate, Arc::clone(&counters));
        let cell = Arc::new(Cell {
            slot,
            counters,
            hearing: Mutex::new(Hearing {
                drain: Some(drain),
                ears: Ears::new(config.rate, config.cutting())?,
                dropped: 0,
                looked: Instant::now(),
                mono: Vec::new(),
                requests: Vec::new(),
            }),
            track: Mutex::new(Track::new(Origin::of(config))),
            shown: Mutex::new(Shown {
                readers: Readers::default(),
                now: Snapshot::start(),
            }),
            outlet: Outlet::default(),
            recogniser: Mutex::default(),
            ahead: Mutex::default(),
            draft: Mutex::default(),
            losses: Mutex::default(),
            failure: Mutex::new(None),
            closed: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
        });
        worker.add(&cell);
        Ok((tap, Self { cell, worker }))
    }

    /// A new subscription to this stream's updates. It holds so many; the oldest gives way, and is counted.
    pub fn updates(&self, capacity: usize) -> Updates {
        self.cell.outlet.subscribe(capacity)
    }

    /// A new wait-free reader of the newest state.
    pub fn latest(&self) -> Latest {
        let mut shown = lock(&self.cell.shown);
        let now = shown.now;
        shown.readers.add(&now)
    }

    /// A new tap for a new device or rate. Clock, speaker and utterance numbers go on; the old tap's
    /// remaining sound is heard first, and what is pushed into it later is lost.
    pub fn retap(&self, rate: u32) -> Result<Tap, OpenError> {
        check_rate(rate)?;
        let (tap, drain) = tap::pair(rate, Arc::clone(&self.cell.counters));
        let mut hearing = lock(&self.cell.hearing);
        let hearing = &mut *hearing;
        if let Some(old) = &mut hearing.drain {
            hearing.mono.clear();
            old.take(&mut hearing.mono);
            hearing.ears.push(&hearing.mono, &mut hearing.requests)?;
        }
        hearing.ears.set_rate(rate, &mut hearing.requests)?;
        hearing.drain = Some(drain);
        Ok(tap)
    }

    /// What was learnt about the speaker so far; `None` while the pack loads, and for a system that judges no
    /// voice.
    pub fn profile(&self) -> Option<Profile> {
        lock(&self.cell.track).profile(self.cell.slot.mind()?.as_ref())
    }

    /// Begins with what was learnt about this speaker before. The pack must be loaded.
    pub fn set_profile(&self, profile: &Profile) -> Result<(), ProfileError> {
        let mind = self.cell.slot.mind().ok_or(ProfileError::NoVoice)?;
        lock(&self.cell.track).set_profile(&mind, profile)
    }

    /// What was lost or replaced on the way in.
    pub fn losses(&self) -> Losses {
        self.cell.counters.read()
    }

    #[cfg(test)]
    pub(crate) fn cell(&self) -> Arc<Cell> {
        Arc::clone(&self.cell)
    }

    /// Why the stream cannot be scored at the moment, if it cannot.
    pub fn failure(&self) -> Option<String> {
        lock(&self.cell.failure).clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.cell.closed.store(true, Ordering::Release);
        self.worker.remove(&self.cell);
    }
}

fn check_rate(rate: u32) -> Result<(), OpenError> {
    if RATES.contains(&rate) {
        Ok(())
    } else {
        Err(OpenError::Rate(rate))
    }
}

/// What the worker's threads keep of a stream.
pub(crate) struct Cell {
    pub(crate) slot: Arc<Slot>,
    pub(crate) counters: Arc<Counters>,
    hearing: Mutex<Hearing>,
    pub(crate) track: Mutex<Track>,
    shown: Mutex<Shown>,
    outlet: Outlet,
    /// Who turns this stream's speech into words.
    pub(crate) recogniser: Mutex<InUse>,
    /// What may be the final's frames.
    pub(crate) ahead: Mutex<Ahead>,
    /// What was written of late.
    pub(crate) draft: Mutex<Draft>,
    /// What of its sound was lost before its last final.
    pub(crate) losses: Mutex<Told>,
    failure: Mutex<Option<String>>,
    closed: AtomicBool,
    busy: AtomicBool,
    /// A request of it hung, and none has been scored since.
    stalled: AtomicBool,
}

/// How often a stream is looked at. The audio thread wakes nobody: waking is a system call.
pub(crate) const LOOK: Duration = Duration::from_millis(10);
/// How often while nobody speaks: each look costs the same whatever it finds, the ring holds two seconds, and no
/// score can be due sooner than the first, 300 ms after a voice sets in.
pub(crate) const QUIET_LOOK: Duration = Duration::from_millis(32);

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cell")
            .field("closed", &self.closed)
            .field("busy", &self.busy)
            .finish_non_exhaustive()
    }
}

/// The listening side; only the ears' thread and `retap` touch it.
struct Hearing {
    /// `None` once the tap is gone and its last sound was heard.
    drain: Option<Drain>,
    ears: Ears,
    /// Dropped frames already made up for.
    dropped: u64,
    looked: Instant,
    mono: Vec<f32>,
    requests: Vec<Request>,
}

impl Hearing {
    /// How long nobody need look: nobody speaks, and what has come in is little.
    fn left_alone(&self, now: Instant) -> Duration {
        let filling = self.drain.as_ref().is_none_or(Drain::is_filling);
        if filling || self.ears.is_speaking() {
            return Duration::ZERO;
        }
        QUIET_LOOK.saturating_sub(now.duration_since(self.looked))
    }
}

struct Shown {
    readers: Readers,
    now: Snapshot,
}

impl Cell {
    /// Takes in what has arrived, asks for scores, shows the newest state. Says when to look again.
    pub(crate) fn listen(self: &Arc<Self>, queue: &Queue, stretch: u32) -> Result<Duration, ResampleError> {
        let now = Instant::now();
        let mut hearing = lock(&self.hearing);
        let left = hearing.left_alone(now);
        if left > LOOK / 2 {
            return Ok(left);
        }
        let Hearing {
            drain,
            ears,
            dropped,
            looked,
            mono,
            requests,
        } = &mut *hearing;
        let since_last_look = now.duration_since(*looked);
        *looked = now;
        ears.stretch_hops(stretch);
        if let Some(source) = drain {
            let lost = self.counters.read().dropped;
            mono.clear();
            source.take(mono);
            ears.push(mono, requests)?;
            // What was lost came after what the ring held when it was full.
            if lost > *dropped {
                ears.gap(lost - *dropped, requests);
                *dropped = lost;
            }
            if source.is_over() {
                ears.finish(requests)?;
                *drain = None;
            }
        }
        for request in requests.drain(..) {
            queue.ask(Job {
                cell: Arc::clone(self),
                request,
                asked: now,
                since: now,
                capture: since_last_look,
            });
        }
        let activity = if lock(&self.failure).is_some() || self.slot.has_failed() {
            Activity::Failed
        } else if !self.slot.is_settled() {
            Activity::Loading
        } else if self.stalled.load(Ordering::Acquire) {
            Activity::Stalled
        } else if ears.is_speaking() {
            Activity::Speaking
        } else {
            Activity::Silent
        };
        let mut shown = lock(&self.shown);
        let Shown {
            readers,
            now: snapshot,
        } = &mut *shown;
        snapshot.activity = activity;
        snapshot.clock_s = seconds_of(ears.clock());
        (snapshot.peak, snapshot.rms, snapshot.voice) = (ears.peak, ears.rms, ears.voice());
        snapshot.written = now;
        readers.write(*snapshot);
        Ok(if ears.is_speaking() { LOOK } else { QUIET_LOOK })
    }

    /// Hands a score to everyone who listens.
    pub(crate) fn publish(&self, update: Update) {
        lock(&self.failure).take();
        self.stalled.store(false, Ordering::Release);
        {
            let mut shown = lock(&self.shown);
            let Shown { readers, now } = &mut *shown;
            // A final that was heard again may come after the next utterance's first score.
            if now.score.is_none_or(|shown| shown.utterance <= update.utterance) {
                now.score = Some(Scored::from(&update));
                readers.write(*now);
            }
        }
        self.outlet.send(&Arc::new(update));
    }

    /// The stream could not be scored; it says so until it can again.
    pub(crate) fn fail(&self, why: String) {
        *lock(&self.failure) = Some(why);
    }

    /// One of its requests hangs; it says so until another is scored.
    pub(crate) fn stall(&self) {
        self.stalled.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// One request of a stream is scored at a time: its track is a story, not a set.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    pub(crate) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Release);
    }
}

/// A lock whose holder panicked still guards data that is whole enough to go on with: each part is replaced
/// as a unit, and the panic itself was reported.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds, as they are shown.
pub(crate) fn ms(time: Duration) -> f32 {
    time.as_secs_f32() * 1e3
}
