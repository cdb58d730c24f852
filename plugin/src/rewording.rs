//! Changes who turns speech into words while the voice goes on being heard.
//!
//! A recogniser takes its time to load, so a thread of its own waits for it; the window's must not. One that cannot be
//! had is said, and the old one stays.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use undertone::{Engine, Recogniser};

/// The changes of one engine, one after another.
#[derive(Debug, Default)]
pub struct Rewording {
    last: Option<JoinHandle<()>>,
    fault: Arc<Mutex<Option<String>>>,
}

impl Rewording {
    /// Begins a change.
    pub fn ask(&mut self, engine: &Engine, which: Recogniser) {
        let (engine, fault, before) = (engine.clone(), Arc::clone(&self.fault), self.last.take());
        let change = move || {
            // The last one that was asked for is to stay.
            let _ = before.map(JoinHandle::join);
            let outcome = engine.set_recogniser(which);
            *fault.lock().unwrap_or_else(PoisonError::into_inner) = outcome.err().map(|why| why.to_string());
        };
        match std::thread::Builder::new()
            .name("undertone-words".into())
            .spawn(change)
        {
            Ok(thread) => self.last = Some(thread),
            Err(why) => {
                let why =
                    format!("The recogniser stays as it was: there is no thread to load another ({why}).");
                *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            }
        }
    }

    /// Tells it from any other that lives.
    #[cfg(test)]
    pub fn mark(&self) -> *const Mutex<Option<String>> {
        Arc::as_ptr(&self.fault)
    }

    /// Why the last change came to nothing.
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
