//! How often the networks of a pack ran, for how many requests, and what that took: what a bench tells.
//!
//! Must never be waited for: whoever counts or reads goes on at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often the trunk ran, for how many requests, and what it and the words after it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Runs {
    /// Runs of the trunk.
    pub runs: u64,
    /// Requests that were heard in them.
    pub requests: u64,
    /// The most requests that were heard in one.
    pub largest: u64,
    /// Time in the trunk.
    pub trunk: Duration,
    /// Time in the pack's own words, from the trunk's frames to words with times.
    pub words: Duration,
}

/// The counters behind [`Runs`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    runs: AtomicU64,
    requests: AtomicU64,
    largest: AtomicU64,
    trunk_ns: AtomicU64,
    words_ns: AtomicU64,
}

impl Counters {
    /// The trunk begins a run for so many requests: it counts even if it fails.
    pub(super) fn run(&self, requests: usize) {
        let requests = requests as u64;
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.largest.fetch_max(requests, Ordering::Relaxed);
    }

    /// A run of the trunk took this time.
    pub(super) fn trunk(&self, time: Duration) {
        add(&self.trunk_ns, time);
    }

    /// The words of a request were heard in this time.
    pub(super) fn words(&self, time: Duration) {
        add(&self.words_ns, time);
    }

    /// What ran so far.
    pub(super) fn read(&self) -> Runs {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Runs {
            runs: read(&self.runs),
            requests: read(&self.requests),
            largest: read(&self.largest),
            trunk: Duration::from_nanos(read(&self.trunk_ns)),
            words: Duration::from_nanos(read(&self.words_ns)),
        }
    }
}

fn add(to: &AtomicU64, time: Duration) {
    to.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(0), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_is_told() {
        let counters = Counters::default();
        counters.run(3);
        counters.run(1);
        counters.trunk(Duration::from_millis(2));
        counters.trunk(Duration::from_millis(5));
        counters.words(Duration::from_millis(1));
        let told = Runs {
            runs: 2,
            requests: 4,
            largest: 3,
            trunk: Duration::from_millis(7),
            words: Duration::from_millis(1),
        };
        assert_eq!(counters.read(), told);
    }
}
