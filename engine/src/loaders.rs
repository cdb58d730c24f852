//! The threads on which packs load: one for each engine that starts, for as long as that takes.
//!
//! Not among the inference threads: a voice that is heard already must never wait for another's models, which may take
//! half a minute. What they load is shared, so of engines that start together one loads and the others find it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::engine::Slot;
use crate::stream::lock;
use crate::worker::{no_thread, said};

/// Those that load now, and some that have ended.
#[derive(Default)]
pub(crate) struct Loaders(Mutex<Vec<JoinHandle<()>>>);

impl Loaders {
    /// Loads an engine's pack; calls `settled` when it is there or refused.
    pub(crate) fn load(&self, slot: &Arc<Slot>, settled: impl FnOnce() + Send + 'static) {
        let own = Arc::clone(slot);
        let spawned = std::thread::Builder::new()
            .name("undertone-load".into())
            .spawn(move || {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| own.load())) {
                    own.settle(Err(said(panic.as_ref()).into()));
                }
                settled();
            });
        match spawned {
            Ok(thread) => {
                let mut threads = lock(&self.0);
                threads.retain(|one| !one.is_finished());
                threads.push(thread);
            }
            Err(error) => slot.settle(Err(no_thread(&error))),
        }
    }

    /// Gives the threads away to whoever waits for their end.
    pub(crate) fn take(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut lock(&self.0))
    }
}
