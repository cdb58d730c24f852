//! How far behind the machine is, and what is given up for it: first hops lengthen (250, 500, 1000 ms), then
//! provisional scores come without words. Finals are never given up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::update::Degraded;

/// A provisional request that waited longer than this is late.
const LATE: Duration = Duration::from_millis(250);
/// Late requests for so long, none prompt among them, say that the machine is behind. Voices that end together make one
/// another late once; that passes by itself, with half of a processor free.
const BEHIND_AFTER: Duration = Duration::from_millis(500);
/// Waits shorter than this, for so long, say that it has caught up.
const PROMPT: Duration = Duration::from_millis(60);
const CAUGHT_UP_AFTER: Duration = Duration::from_secs(5);
/// One step worse at most in this time, so that one hiccup is not three.
const STEP: Duration = Duration::from_secs(1);

const HIGHEST: u8 = 3;

/// The load level of the process.
#[derive(Debug, Default)]
pub(crate) struct Load {
    level: AtomicU8,
    history: Mutex<Option<History>>,
}

#[derive(Debug)]
struct History {
    /// Since when there was no late request.
    prompt_since: Instant,
    /// Since when there was no prompt one, if the last was late.
    late_since: Option<Instant>,
    stepped: Instant,
}

impl Load {
    /// A provisional request waited this long.
    pub(crate) fn waited(&self, wait: Duration, now: Instant) {
        let Ok(mut history) = self.history.lock() else {
            return;
        };
        let history = history.get_or_insert(History {
            prompt_since: now,
            late_since: None,
            stepped: now,
        });
        let level = self.level.load(Ordering::Relaxed);
        if wait > LATE {
            history.prompt_since = now;
            let late_since = *history.late_since.get_or_insert(now);
            let behind = now.duration_since(late_since) >= BEHIND_AFTER;
            if behind && (level == 0 || now.duration_since(history.stepped) >= STEP) {
                history.stepped = now;
                self.level.store((level + 1).min(HIGHEST), Ordering::Relaxed);
            }
            return;
        }
        if wait > PROMPT {
            history.prompt_since = now;
            return;
        }
        history.late_since = None;
        if level > 0 && now.duration_since(history.prompt_since) >= CAUGHT_UP_AFTER {
            history.prompt_since = now;
            self.level.store(level - 1, Ordering::Relaxed);
        }
    }

    /// How many times longer hops are to be.
    pub(crate) fn stretch(&self) -> u32 {
        1 << self.level.load(Ordering::Relaxed).min(2)
    }

    /// Whether provisional scores still come with words.
    pub(crate) fn partial_words(&self) -> bool {
        self.level.load(Ordering::Relaxed) < HIGHEST
    }

    pub(crate) fn degraded(&self) -> Vec<Degraded> {
        match self.level.load(Ordering::Relaxed) {
            0 => vec![],
            HIGHEST => vec![Degraded::HopsLengthened, Degraded::PartialWordsDropped],
            _ => vec![Degraded::HopsLengthened],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_behind_step_by_step_and_catches_up_again() {
        let load = Load::default();
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        load.waited(Duration::from_millis(300), at(0));
        load.waited(Duration::from_millis(300), at(1));
        load.waited(Duration::from_millis(300), at(1));
        assert_eq!(
            (load.stretch(), load.partial_words()),
            (2, true),
            "one hiccup is one step"
        );
        load.waited(Duration::from_millis(300), at(2));
        load.waited(Duration::from_millis(300), at(4));
        assert_eq!((load.stretch(), load.partial_words()), (4, false));
        assert_eq!(
            load.degraded(),
            [Degraded::HopsLengthened, Degraded::PartialWordsDropped]
        );
        for second in 4..30 {
            load.waited(Duration::from_millis(5), at(second));
        }
        assert_eq!((load.stretch(), load.degraded()), (1, vec![]));
    }

    #[test]
    fn voices_that_end_together_are_no_load() {
        let load = Load::default();
        let start = Instant::now();
        for burst in 0..20 {
            let at = |ms: u64| start + Duration::from_millis(burst * 1_000 + ms);
            for late in 0..5 {
                load.waited(Duration::from_millis(300), at(late * 40));
            }
            load.waited(Duration::from_millis(5), at(600));
        }
        assert_eq!(load.degraded(), vec![]);
    }
}
