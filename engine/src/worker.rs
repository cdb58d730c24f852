//! The process's own threads: one that listens to every stream, one that thinks.
//!
//! Shared by every engine of the process, plugin instances too; counted, and joined when the last is gone, so
//! that a host may unload the library. A request that panics fails its own stream and no other; one that hangs
//! is shown within two seconds and its thread replaced.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::engine::Slot;
use crate::load::Load;
use crate::mind::{Frames, Mind};
use crate::queue::{Job, Next, Queue};
use crate::recognise::{Later, LaterQueue, hear_again, recognise};
use crate::stream::{Cell, lock, ms};
use crate::track::seconds_of;
use crate::update::{Degraded, Kind, Latency};
use crate::utterance::Request;

/// How often streams are looked at. The audio thread wakes nobody: waking is a system call.
const LOOK: Duration = Duration::from_millis(10);
/// A request that takes longer than this has stalled its thread.
const STALL: Duration = Duration::from_secs(2);

/// The worker of this process, while anyone uses it.
static SHARED: Mutex<Weak<Worker>> = Mutex::new(Weak::new());

/// The process's threads.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Shared>,
    ears: Mutex<Option<JoinHandle<()>>>,
    fault: Option<Arc<str>>,
}

#[derive(Default)]
struct Shared {
    cells: Mutex<Vec<Arc<Cell>>>,
    queue: Queue,
    load: Load,
    /// Finals that a slow recogniser hears again.
    later: Arc<LaterQueue>,
    stop: Mutex<bool>,
    changed: Condvar,
    thinkers: Mutex<Vec<Thinker>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// An inference thread and what it is at.
struct Thinker {
    thread: JoinHandle<()>,
    at: Arc<At>,
}

#[derive(Default)]
struct At {
    since: Mutex<Option<Instant>>,
    /// It hung and was replaced: it must end when it comes back.
    replaced: AtomicBool,
}

impl Worker {
    /// The process's worker, started now if nobody uses it yet.
    pub(crate) fn shared() -> Arc<Self> {
        let mut known = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = known.upgrade() {
            return worker;
        }
        let worker = Arc::new(Self::start());
        *known = Arc::downgrade(&worker);
        worker
    }

    fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let (ears, fault) = match spawn_thinker(&shared).and_then(|()| spawn_ears(&shared)) {
            Ok(ears) => (Some(ears), None),
            Err(error) => {
                let why =
                    format!("this process cannot start a thread ({error}); close other programs and retry");
                (None, Some(why.into()))
            }
        };
        Self {
            shared,
            ears: Mutex::new(ears),
            fault,
        }
    }

    /// Why there are no threads, if there are none.
    pub(crate) fn fault(&self) -> Option<Arc<str>> {
        self.fault.clone()
    }

    pub(crate) fn load(&self, slot: &Arc<Slot>) {
        self.shared.queue.load(Arc::clone(slot));
    }

    pub(crate) fn add(&self, cell: &Arc<Cell>) {
        lock(&self.shared.cells).push(Arc::clone(cell));
        self.shared.changed.notify_all();
    }

    pub(crate) fn remove(&self, cell: &Arc<Cell>) {
        lock(&self.shared.cells).retain(|other| !Arc::ptr_eq(other, cell));
        self.shared.queue.nudge();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        *lock(&self.shared.stop) = true;
        self.shared.changed.notify_all();
        self.shared.queue.stop();
        if let Some(again) = self.shared.later.stop() {
            let _ = again.join();
        }
        if let Some(ears) = lock(&self.ears).take() {
            // A panic of theirs was reported where it happened.
            let _ = ears.join();
        }
        for thinker in lock(&self.shared.thinkers).drain(..) {
            if !thinker.at.replaced.load(Ordering::Acquire) {
                let _ = thinker.thread.join();
            }
        }
    }
}

fn spawn_ears(shared: &Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new()
        .name("undertone-ears".into())
        .spawn(move || listen(&shared))
}

fn spawn_thinker(shared: &Arc<Shared>) -> std::io::Result<()> {
    let (own, at) = (Arc::clone(shared), Arc::new(At::default()));
    let mine = Arc::clone(&at);
    let thread = std::thread::Builder::new()
        .name("undertone-mind".into())
        .spawn(move || think(&own, &mine))?;
    lock(&shared.thinkers).push(Thinker { thread, at });
    Ok(())
}

/// The listening thread.
fn listen(shared: &Arc<Shared>) {
    loop {
        let cells = lock(&shared.cells).clone();
        let stalled = replace_stalled(shared);
        for cell in &cells {
            let stretch = shared.load.stretch();
            match catch_unwind(AssertUnwindSafe(|| cell.listen(&shared.queue, stretch, stalled))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => cell.fail(error.to_string()),
                Err(panic) => cell.fail(said(panic.as_ref())),
            }
        }
        let stop = lock(&shared.stop);
        if *stop {
            return;
        }
        // With no stream there is nothing to look at: sleep until one comes.
        let sleep = if cells.is_empty() {
            Duration::from_hours(1)
        } else {
            LOOK
        };
        let waited = shared.changed.wait_timeout(stop, sleep);
        if *waited.unwrap_or_else(PoisonError::into_inner).0 {
            return;
        }
    }
}

/// Replaces a thread that hangs; says whether one does.
fn replace_stalled(shared: &Arc<Shared>) -> bool {
    let mut thinkers = lock(&shared.thinkers);
    thinkers.retain(|thinker| !(thinker.at.replaced.load(Ordering::Acquire) && thinker.thread.is_finished()));
    let hangs = |thinker: &Thinker| lock(&thinker.at.since).is_some_and(|since| since.elapsed() > STALL);
    let mut fresh = 0;
    for thinker in thinkers.iter().filter(|thinker| hangs(thinker)) {
        if !thinker.at.replaced.swap(true, Ordering::AcqRel) {
            fresh += 1;
        }
    }
    let stalled = thinkers.iter().any(hangs);
    drop(thinkers);
    for _ in 0..fresh {
        // If no thread can be had the stall stays visible; the hanging one may still come back.
        let _ = spawn_thinker(shared);
    }
    stalled
}

/// An inference thread.
fn think(shared: &Arc<Shared>, at: &At) {
    while !at.replaced.load(Ordering::Acquire) {
        match shared.queue.next() {
            Next::Stop => return,
            Next::Load(slot) => {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| slot.load())) {
                    slot.settle(Err(said(panic.as_ref()).into()));
                }
            }
            Next::Score(job) => {
                *lock(&at.since) = Some(Instant::now());
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| score(shared, &job))) {
                    job.cell.fail(said(panic.as_ref()));
                }
                *lock(&at.since) = None;
                job.cell.set_busy(false);
            }
        }
        // Someone may have waited for this pack or this stream.
        shared.queue.nudge();
    }
}

fn score(shared: &Shared, job: &Job) {
    let Some(mind) = job.cell.slot.mind() else { return };
    let times = Times {
        asked: job.asked,
        wait: job.asked.elapsed(),
        capture: job.capture,
    };
    if job.request.kind == Kind::Provisional {
        shared.load.waited(times.wait, Instant::now());
    }
    let want_words = job.request.kind == Kind::Final || shared.load.partial_words();
    let mut frames = match mind.hear(&job.request, want_words) {
        Ok(frames) => frames,
        Err(error) => return job.cell.fail(error.to_string()),
    };
    let mut degraded = shared.load.degraded();
    let losses = job.cell.counters.read();
    if losses.dropped > 0 {
        degraded.push(Degraded::Overflow);
    }
    if losses.non_finite > 0 {
        degraded.push(Degraded::NonFinite);
    }
    let loaded = job.cell.slot.recogniser();
    let heard = &mut lock(&job.cell.recogniser);
    if !recognise(heard, &loaded, &job.request, &mut frames, &mut degraded) {
        return settle(&job.cell, &mind, &job.request, &frames, &times, degraded);
    }
    // Shown at once with the first pass's words; final when it has been heard again.
    let shown = Request {
        kind: Kind::Provisional,
        ..job.request.clone()
    };
    settle(&job.cell, &mind, &shown, &frames, &times, degraded.clone());
    let (cell, request) = (Arc::clone(&job.cell), job.request.clone());
    let later = Later {
        cell: Arc::clone(&job.cell),
        run: Box::new(move |in_time| {
            if in_time {
                hear_again(&loaded, &request, &mut frames, &mut degraded);
            } else {
                degraded.push(Degraded::RecogniserFailed);
            }
            settle(&cell, &mind, &request, &frames, &times, degraded);
        }),
    };
    shared.later.ask(later);
}

/// When a request was asked and what it waited for.
struct Times {
    asked: Instant,
    wait: Duration,
    capture: Duration,
}

/// Scores what was heard and hands it on.
fn settle(
    cell: &Cell,
    mind: &Mind,
    request: &Request,
    frames: &Frames,
    times: &Times,
    degraded: Vec<Degraded>,
) {
    let latency = Latency {
        capture: ms(times.capture),
        queue: ms(times.wait),
        trunk: ms(frames.trunk_time),
        text: ms(frames.words_time),
        ..Latency::default()
    };
    let emitted = seconds_of(request.clock) + times.asked.elapsed().as_secs_f64();
    match lock(&cell.track).settle(mind, request, frames, latency, emitted, degraded) {
        Ok(mut update) => {
            let heard_late = (request.clock - request.end) as f32 / 16.0;
            update.latency_ms.total = heard_late + ms(times.capture + times.asked.elapsed());
            cell.publish(update);
        }
        Err(error) => cell.fail(error.to_string()),
    }
}

/// What a panic said, as one sentence.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into());
    format!("scoring failed inside ({what}); other streams go on; please report this")
}
