//! Which requests run together, where a runtime is better at several: those that wait when the trunk is free, in
//! the order in which they would come alone. Nobody ever waits for company: on a busy card it comes by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::queue::Job;

/// Shut while a thread runs a mind's trunk for several. The others leave that mind's requests where they are, so that
/// they gather, instead of each taking one along to wait with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<AtomicBool>);

impl Gate {
    pub(crate) fn is_shut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn shut(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn open(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Takes what runs with `first` out of `waiting`: at most `most` requests in all, and none twice as long or half as
/// long as the first, as every row costs what the longest costs. `may` says who may be scored at all; whoever is
/// taken may not again.
pub(crate) fn gather(
    waiting: &mut Vec<Job>,
    first: Job,
    most: usize,
    may: impl Fn(&Job) -> bool,
) -> Vec<Job> {
    let length = first.request.for_pack().len();
    let fits = |job: &Job| {
        let other = job.request.for_pack().len();
        other <= 2 * length && length <= 2 * other
    };
    let mut together = vec![first];
    while together.len() < most {
        let candidates = waiting
            .iter()
            .enumerate()
            .filter(|(_, job)| fits(job) && may(job));
        let Some((next, _)) = candidates.min_by_key(|(_, job)| job.turn()) else {
            break;
        };
        let job = waiting.swap_remove(next);
        job.cell.set_busy(true);
        together.push(job);
    }
    together
}
