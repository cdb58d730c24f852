//! Where updates leave a stream: any number of bounded subscriptions, none of which can hold up another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::stream::lock;
use crate::update::Update;

/// A subscription to a stream's updates.
#[derive(Debug, Clone)]
pub struct Updates {
    receiver: Receiver<Arc<Update>>,
    missed: Arc<AtomicU64>,
}

impl Updates {
    /// The next update, if one waits.
    pub fn try_next(&self) -> Option<Arc<Update>> {
        self.receiver.try_recv().ok()
    }

    /// The next update, waited for so long; `None` after that, and when the stream is closed.
    pub fn next_timeout(&self, wait: Duration) -> Option<Arc<Update>> {
        self.receiver.recv_timeout(wait).ok()
    }

    /// Updates that gave way to newer ones because nobody took them.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Subscriber {
    sender: Sender<Arc<Update>>,
    /// To take the oldest out when it is full. A weak hold is not to be had, so the count of receivers that
    /// says "nobody listens" is one.
    oldest: Receiver<Arc<Update>>,
    /// Shared with every clone of the subscription; alone when all are gone.
    missed: Arc<AtomicU64>,
}

/// All subscriptions of a stream.
#[derive(Debug, Default)]
pub(crate) struct Outlet(Mutex<Vec<Subscriber>>);

impl Outlet {
    pub(crate) fn subscribe(&self, capacity: usize) -> Updates {
        let (sender, receiver) = bounded(capacity.max(1));
        let missed = Arc::new(AtomicU64::new(0));
        let oldest = receiver.clone();
        lock(&self.0).push(Subscriber {
            sender,
            oldest,
            missed: Arc::clone(&missed),
        });
        Updates { receiver, missed }
    }

    pub(crate) fn send(&self, update: &Arc<Update>) {
        let mut subscribers = lock(&self.0);
        subscribers.retain(|subscriber| Arc::strong_count(&subscriber.missed) > 1);
        for Subscriber {
            sender,
            oldest,
            missed,
        } in &*subscribers
        {
            if let Err(TrySendError::Full(update)) = sender.try_send(Arc::clone(update)) {
                if oldest.try_recv().is_ok() {
                    missed.fetch_add(1, Ordering::Relaxed);
                }
                // A reader may have made room meanwhile; nobody else sends, so there is room now.
                let _ = sender.try_send(update);
            }
        }
    }
}
