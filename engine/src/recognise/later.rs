//! Finals that a slow recogniser hears again, on a thread of their own.
//!
//! Not among the inference threads: whatever it takes, no provisional score of any voice waits for it. In the
//! order in which the utterances ended; those of a stream that has closed interest nobody.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use crate::stream::{Cell, lock};

/// Utterances that may wait; beyond that the machine is far behind and finals must not be.
pub(crate) const LATER_AT_MOST: usize = 8;

/// One utterance to hear again.
pub(crate) struct Later {
    pub cell: Arc<Cell>,
    /// Hears it again if there is the time, and publishes it.
    pub run: Box<dyn FnOnce(bool) + Send>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Later>,
    /// Started when it is first needed: most processes never do.
    thread: Option<JoinHandle<()>>,
    stopped: bool,
}

/// The queue of such utterances, with its thread.
#[derive(Default)]
pub(crate) struct LaterQueue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
}

impl LaterQueue {
    /// Takes an utterance. If too many wait or there is no thread to hear it, it is settled here as it is: finals
    /// are never thrown away.
    pub(crate) fn ask(self: &Arc<Self>, later: Later) {
        let mut waiting = lock(&self.waiting);
        if waiting.stopped {
            return;
        }
        if waiting.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            let own = Arc::clone(self);
            let spawned = std::thread::Builder::new()
                .name("undertone-again".into())
                .spawn(move || own.work());
            match spawned {
                Ok(thread) => waiting.thread = Some(thread),
                Err(_) => waiting.thread = None,
            }
        }
        if waiting.thread.is_none() || waiting.jobs.len() >= LATER_AT_MOST {
            drop(waiting);
            return (later.run)(false);
        }
        waiting.jobs.push_back(later);
        drop(waiting);
        self.ready.notify_one();
    }

    /// Ends the thread; what still waits is dropped.
    pub(crate) fn stop(&self) -> Option<JoinHandle<()>> {
        let mut waiting = lock(&self.waiting);
        waiting.stopped = true;
        waiting.jobs.clear();
        self.ready.notify_all();
        waiting.thread.take()
    }

    fn work(&self) {
        let mut waiting = lock(&self.waiting);
        while !waiting.stopped {
            let Some(later) = waiting.jobs.pop_front() else {
                waiting = self
                    .ready
                    .wait(waiting)
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                continue;
            };
            drop(waiting);
            if !later.cell.is_closed() {
                let Later { cell, run } = later;
                if catch_unwind(AssertUnwindSafe(|| run(true))).is_err() {
                    cell.fail(
                        "the second pass failed inside; other streams go on; please report this".into(),
                    );
                }
            }
            waiting = lock(&self.waiting);
        }
    }
}
