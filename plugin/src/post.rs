//! Hands a stream's scores to a carrier, from a thread of its own, while somebody wants it.
//!
//! It must never run on the audio thread, hold a host up, or send anything that was not switched on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use undertone::{Latest, Stream, Updates};

use crate::carrier::Carrier;

/// How long it waits for a score before it looks whether to go on.
const NAP: Duration = Duration::from_millis(20);

/// Between two looks at level and voice.
const PULSE: Duration = Duration::from_millis(100);

/// How many scores may wait.
const CAPACITY: usize = 64;

/// A running sender; it ends and is waited for when dropped.
#[derive(Debug)]
pub struct Post {
    stop: Arc<AtomicBool>,
    fault: Arc<Mutex<Option<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Post {
    /// Starts sending a stream's scores. Answers why it cannot.
    pub fn start(carrier: impl Carrier, stream: &Stream) -> Result<Self, String> {
        let (stop, fault) = (
            Arc::<AtomicBool>::default(),
            Arc::<Mutex<Option<String>>>::default(),
        );
        let round = Round {
            carrier,
            updates: stream.updates(CAPACITY),
            latest: stream.latest(),
            stop: Arc::clone(&stop),
            fault: Arc::clone(&fault),
        };
        let thread = std::thread::Builder::new()
            .name("undertone-post".to_owned())
            .spawn(move || round.run())
            .map_err(|why| format!("Scores cannot be sent, as the system gives no thread: {why}"))?;
        Ok(Self {
            stop,
            fault,
            thread: Some(thread),
        })
    }

    /// Why the last score could not be sent, if it could not.
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its own fault, if any, is of no more interest.
            let _ = thread.join();
        }
    }
}

struct Round<C> {
    carrier: C,
    updates: Updates,
    latest: Latest,
    stop: Arc<AtomicBool>,
    fault: Arc<Mutex<Option<String>>>,
}

impl<C: Carrier> Round<C> {
    fn run(mut self) {
        let mut pulsed = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            match self.updates.next_timeout(NAP) {
                Some(update) => {
                    let outcome = self.carrier.score(&update);
                    self.note(outcome);
                }
                // A stream that is closed answers at once; nobody is to spin for that.
                None => std::thread::sleep(NAP.saturating_sub(began.elapsed())),
            }
            if pulsed.elapsed() >= PULSE {
                pulsed = Instant::now();
                let now = *self.latest.read();
                let outcome = self.carrier.pulse(&now);
                self.note(outcome);
            }
        }
    }

    fn note(&self, outcome: Result<(), String>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = outcome.err();
    }
}
