//! The process's own threads: one that listens to every stream, one that thinks.
//!
//! Shared by every engine of the process, plugin instances too; counted, and joined when the last is gone, as far as
//! that takes no longer than anybody would wait (`leave`). A request that panics fails its own stream and no other;
//! what becomes of one that hangs is `thinkers`' business.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::engine::Slot;
use crate::leave;
use crate::load::Load;
use crate::loaders::Loaders;
use crate::mind::{Frames, Mind, Passed};
use crate::queue::{Job, Next, Queue};
use crate::recognise::{Later, LaterQueue, hear_again, keep_own, recognise};
use crate::resample::RATE;
use crate::stream::{Cell, LOOK, lock, ms};
use crate::thinkers::{At, Thinkers};
use crate::track::seconds_of;
use crate::update::{Degraded, Kind, Latency};
use crate::utterance::Request;

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
    thinkers: Thinkers,
    loaders: Loaders,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
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
        leave::stay();
        let shared = Arc::new(Shared::default());
        let (ears, fault) = match think_with(&shared, 1).and_then(|()| spawn_ears(&shared)) {
            Ok(ears) => (Some(ears), None),
            Err(error) => (None, Some(no_thread(&error))),
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

    /// Loads an engine's pack, and sees that there are as many inference threads as it asks for.
    pub(crate) fn load(&self, slot: &Arc<Slot>) {
        // Fewer threads than were asked for are slower, and no fault.
        let _ = think_with(&self.shared, slot.threads());
        let shared = Arc::clone(&self.shared);
        self.shared.loaders.load(slot, move || shared.queue.nudge());
    }

    pub(crate) fn add(&self, cell: &Arc<Cell>) {
        // Under the lock that the ears wait with: a stream that comes while they go to sleep wakes them.
        let _stop = lock(&self.shared.stop);
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
        let (again, ears) = (self.shared.later.stop(), lock(&self.ears).take());
        let others = again.into_iter().chain(ears).chain(self.shared.loaders.take());
        leave::join(others.chain(self.shared.thinkers.take()), leave::PATIENCE);
    }
}

fn spawn_ears(shared: &Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new()
        .name("undertone-ears".into())
        .spawn(move || listen(&shared))
}

/// Sees that so many inference threads run.
fn think_with(shared: &Arc<Shared>, threads: usize) -> std::io::Result<()> {
    let own = Arc::clone(shared);
    shared.thinkers.grow(threads, move || {
        let own = Arc::clone(&own);
        Box::new(move |at: &At| think(&own, at))
    })
}

/// The listening thread.
fn listen(shared: &Arc<Shared>) {
    loop {
        let cells = lock(&shared.cells).clone();
        if shared.thinkers.give_up_stalled() {
            // If no thread can be had the stall stays visible; the hanging one may still come back.
            let _ = think_with(shared, 0);
            shared.queue.nudge();
        }
        // With no stream there is nothing to look at: sleep until one comes.
        let mut sleep = Duration::from_hours(1);
        for cell in &cells {
            let stretch = shared.load.stretch();
            match catch_unwind(AssertUnwindSafe(|| cell.listen(&shared.queue, stretch))) {
                Ok(Ok(again)) => sleep = sleep.min(again),
                Ok(Err(error)) => {
                    cell.fail(error.to_string());
                    sleep = LOOK;
                }
                Err(panic) => {
                    cell.fail(said(panic.as_ref()));
                    sleep = LOOK;
                }
            }
        }
        let stop = lock(&shared.stop);
        if *stop {
            return;
        }
        // One that came before the ears could be woken is looked at first, or they might sleep for an hour.
        if cells.is_empty() && !lock(&shared.cells).is_empty() {
            continue;
        }
        let waited = shared.changed.wait_timeout(stop, sleep);
        if *waited.unwrap_or_else(PoisonError::into_inner).0 {
            return;
        }
    }
}

/// An inference thread.
fn think(shared: &Arc<Shared>, at: &At) {
    while !at.is_replaced() {
        match shared.queue.next() {
            Next::Stop => return,
            Next::Score(jobs) => {
                let passed = pass(shared, &jobs, at);
                for (job, passed) in jobs.iter().zip(passed) {
                    let scored = catch_unwind(AssertUnwindSafe(|| score(shared, job, passed, at)));
                    if let (Err(panic), false) = (scored, at.is_too_late(&job.cell)) {
                        job.cell.fail(said(panic.as_ref()));
                    }
                    at.end(&job.cell);
                    shared.queue.nudge();
                }
            }
        }
        // Someone may have waited for this stream.
        shared.queue.nudge();
    }
}

/// Runs the trunk on the sound of all of these at once, where that is better than one by one. Where it fails, each
/// is run alone later, so that only whose fault it is fails.
fn pass(shared: &Shared, jobs: &[Job], at: &At) -> Vec<Option<Passed>> {
    let first = jobs.first().filter(|job| !job.is_known());
    let mind = first.and_then(|job| job.cell.slot.mind());
    let together = mind.filter(|mind| mind.batch() > 1);
    let cells = jobs.iter().map(|job| Arc::clone(&job.cell)).collect();
    let samples: usize = jobs.iter().map(|job| job.request.audio.len()).sum();
    let sound = Duration::from_secs_f64(samples as f64 / f64::from(RATE));
    at.begin(cells, sound, together.as_ref().map(|mind| mind.gate().clone()));
    let Some(mind) = together else {
        return jobs.iter().map(|_| None).collect();
    };
    let sounds: Vec<&[f32]> = jobs.iter().map(|job| job.request.for_pack()).collect();
    let passed = catch_unwind(AssertUnwindSafe(|| mind.pass(&sounds)));
    at.open_gate();
    shared.queue.nudge();
    match passed {
        Ok(Ok(passed)) => passed.into_iter().map(Some).collect(),
        _ => jobs.iter().map(|_| None).collect(),
    }
}

fn score(shared: &Shared, job: &Job, passed: Option<Passed>, at: &At) {
    let Some(mind) = job.cell.slot.mind() else { return };
    let times = Times {
        asked: job.asked,
        wait: job.asked.elapsed(),
        capture: job.capture,
    };
    if job.request.kind == Kind::Provisional {
        shared
            .load
            .waited(job.cell.slot.waited(job.since), Instant::now());
    }
    let want_words = job.request.kind == Kind::Final || shared.load.partial_words();
    let known = lock(&job.cell.ahead).take(&job.request);
    // Taken out meanwhile: a run that hangs must not hold what the stream's next one needs.
    let mut draft = std::mem::take(&mut *lock(&job.cell.draft));
    let words = want_words.then_some(&mut draft);
    let frames = match (known, passed) {
        (Some(known), _) => Ok(known),
        (None, Some(passed)) => mind.frames(&passed, &job.request, words),
        (None, None) => mind.hear(&job.request, words),
    };
    if at.is_too_late(&job.cell) {
        return;
    }
    *lock(&job.cell.draft) = draft;
    let mut frames = match frames {
        Ok(frames) => frames,
        Err(error) => return job.cell.fail(error.to_string()),
    };
    lock(&job.cell.ahead).keep(&job.request, &frames, want_words);
    let mut degraded = shared.load.degraded();
    let losses = job.cell.counters.read();
    degraded.extend(lock(&job.cell.losses).since_final(losses, job.request.kind));
    let loaded = job.cell.slot.recogniser();
    let heard = &mut lock(&job.cell.recogniser);
    if !recognise(heard, &loaded, &job.request, &mut frames, &mut degraded) {
        return settle(
            &job.cell,
            &mind,
            &job.request,
            &frames,
            &times,
            degraded,
            Some(at),
        );
    }
    // Shown at once with the first pass's words; final when it has been heard again.
    let shown = Request {
        kind: Kind::Provisional,
        ..job.request.clone()
    };
    settle(
        &job.cell,
        &mind,
        &shown,
        &frames,
        &times,
        degraded.clone(),
        Some(at),
    );
    let (cell, request, past) = (Arc::clone(&job.cell), job.request.clone(), heard.past());
    let later = Later {
        cell: Arc::clone(&job.cell),
        run: Box::new(move |in_time| {
            if in_time {
                hear_again(&loaded, &past, &request, &mut frames, &mut degraded);
            } else {
                keep_own(&request, &mut frames);
                degraded.push(Degraded::RecogniserFailed);
            }
            settle(&cell, &mind, &request, &frames, &times, degraded, None);
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

/// Scores what was heard and hands it on, unless the thread that heard it hung and its stream was taken away.
fn settle(
    cell: &Arc<Cell>,
    mind: &Mind,
    request: &Request,
    frames: &Frames,
    times: &Times,
    degraded: Vec<Degraded>,
    at: Option<&At>,
) {
    let latency = Latency {
        capture: ms(times.capture),
        queue: ms(times.wait),
        trunk: ms(frames.trunk_time),
        text: ms(frames.words_time),
        ..Latency::default()
    };
    let emitted = seconds_of(request.clock) + times.asked.elapsed().as_secs_f64();
    let mut track = lock(&cell.track);
    if at.is_some_and(|at| at.is_too_late(cell)) {
        return;
    }
    let settled = track.settle(mind, request, frames, latency, emitted, degraded);
    drop(track);
    match settled {
        Ok(mut update) => {
            let heard_late = (request.clock - request.end) as f32 / 16.0;
            update.latency_ms.total = heard_late + ms(times.capture + times.asked.elapsed());
            cell.publish(update);
        }
        Err(error) => cell.fail(error.to_string()),
    }
}

/// Why nothing is heard where not even a thread can be had.
pub(crate) fn no_thread(error: &std::io::Error) -> Arc<str> {
    format!("this process cannot start a thread ({error}); close other programs and retry").into()
}

/// What a panic said, as one sentence.
pub(crate) fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into());
    format!("scoring failed inside ({what}); other streams go on; please report this")
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
