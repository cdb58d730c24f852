//! What waits for the inference threads, and who comes first: finals, then first provisional scores and those that
//! may become finals, then the rest; within a class, whoever has waited longest.
//!
//! Bounded by construction: a newer provisional request takes the place of an older one of the same stream,
//! its turn and its class with it, and a final takes the place of its own utterance's provisional. Finals are
//! never thrown away.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::gather::gather;
use crate::stream::Cell;
use crate::update::Kind;
use crate::utterance::Request;

/// A request on its way to the networks.
pub(crate) struct Job {
    pub cell: Arc<Cell>,
    pub request: Request,
    pub asked: Instant,
    /// When the oldest request was asked that this one stands for: whoever is replaced keeps the turn, or a stream
    /// whose requests are always overtaken would never be served.
    pub since: Instant,
    /// How long its newest sound may have waited before it was looked at.
    pub capture: Duration,
}

impl Job {
    /// What its sound says was heard before: it needs no trunk.
    pub(crate) fn is_known(&self) -> bool {
        crate::stream::lock(&self.cell.ahead).knows(&self.request)
    }

    /// Whoever's turn is smaller comes first.
    pub(crate) fn turn(&self) -> (u8, Instant) {
        (self.class(), self.since)
    }

    fn class(&self) -> u8 {
        match (self.request.kind, self.request.first || self.request.closing) {
            (Kind::Final, _) => 0,
            (Kind::Provisional, true) => 1,
            (Kind::Provisional, false) => 2,
        }
    }
}

/// What an inference thread is to do next.
pub(crate) enum Next {
    /// Score these: one, or several that run together.
    Score(Vec<Job>),
    /// The worker ends.
    Stop,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    stopped: bool,
}

/// The queue between the ears and the inference threads.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
}

impl Queue {
    pub(crate) fn ask(&self, mut job: Job) {
        let mut waiting = self.lock();
        waiting.jobs.retain(|old| {
            let same = Arc::ptr_eq(&old.cell, &job.cell);
            let same_utterance = old.request.utterance == job.request.utterance;
            let provisional = job.request.kind == Kind::Provisional;
            let overtaken = old.request.kind == Kind::Provisional && (provisional || same_utterance);
            if same && overtaken && provisional {
                job.since = job.since.min(old.since);
                // Nobody has seen a score of this utterance yet.
                job.request.first |= same_utterance && old.request.first;
            }
            !(same && overtaken)
        });
        waiting.jobs.push(job);
        drop(waiting);
        self.ready.notify_one();
    }

    /// Waits for something to do.
    pub(crate) fn next(&self) -> Next {
        let mut waiting = self.lock();
        loop {
            if waiting.stopped {
                return Next::Stop;
            }
            // Jobs of a closed stream interest nobody; those of one whose pack still loads wait for it.
            waiting.jobs.retain(|job| !job.cell.is_closed());
            let free = |job: &Job| job.cell.slot.is_settled() && !job.cell.is_busy();
            let open = |job: &Job| {
                let mind = job.cell.slot.mind();
                mind.is_none_or(|mind| mind.batch() == 1 || !mind.gate().is_shut()) || job.is_known()
            };
            let first = waiting
                .jobs
                .iter()
                .enumerate()
                .filter(|(_, job)| free(job) && open(job))
                .min_by_key(|(_, job)| job.turn())
                .map(|(at, _)| at);
            if let Some(at) = first {
                let job = waiting.jobs.swap_remove(at);
                job.cell.set_busy(true);
                let mind = job.cell.slot.mind();
                let Some(mind) = mind.filter(|mind| mind.batch() > 1 && !job.is_known()) else {
                    return Next::Score(vec![job]);
                };
                mind.gate().shut();
                let same = |job: &Job| {
                    job.cell
                        .slot
                        .mind()
                        .is_some_and(|other| Arc::ptr_eq(&other, &mind))
                };
                return Next::Score(gather(&mut waiting.jobs, job, mind.batch(), |job| {
                    free(job) && same(job) && !job.is_known()
                }));
            }
            waiting = self.ready.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tells waiting threads to look again: a pack is ready, or a stream is free.
    pub(crate) fn nudge(&self) {
        // Taken so that no thread is between looking and sleeping.
        drop(self.lock());
        self.ready.notify_all();
    }

    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.ready.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[cfg(feature = "ort")]
#[path = "queue_tests.rs"]
mod tests;
