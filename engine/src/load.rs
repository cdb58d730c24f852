//! How far behind the machine is, and what is given up for it: first hops lengthen (250, 500, 1000 ms), then
//! provisional scores come without words. Finals are never given up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::update::Degraded;

/// A provisional request that waited longer than this says that the machine is behind.
const LATE: Duration = Duration::from_millis(250);
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
            stepped: now,
        });
        let level = self.level.load(Ordering::Relaxed);
        if wait > LATE {
            history.prompt_since = now;
            if level == 0 || now.duration_since(history.stepped) >= STEP {
                history.stepped = now;
                self.level.store((level + 1).min(HIGHEST), Ordering::Relaxed);
            }
        } else if wait > PROMPT {
            history.prompt_since = now;
        } else if level > 0 && now.duration_since(history.prompt_since) >= CAUGHT_UP_AFTER {
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
        load.waited(Duration::from_millis(300), at(0));
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
}
