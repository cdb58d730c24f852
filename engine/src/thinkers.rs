//! The inference threads, and what becomes of one that hangs: its stream says so within two seconds and is
//! given back, another thread takes its place, and what the hanging one may still find out is thrown away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::gather::Gate;
use crate::stream::{Cell, lock};

/// A thread that does not get on with its requests for longer than this has stalled. With the time to the next look this stays
/// under the two seconds in which a stall must be seen.
const STALL: Duration = Duration::from_millis(1_900);
/// A thread that has stalled is only slow, and keeps its requests, for up to half of the time that their sound lasts: a
/// machine that takes longer could not keep up anyway, and what is taken away is lost.
const SLOW: u32 = 2;
/// More threads than this are never started, whatever is asked for and however many hang.
const MOST: usize = 64;

/// All inference threads of the process.
#[derive(Default)]
pub(crate) struct Thinkers(Mutex<Group>);

#[derive(Default)]
struct Group {
    threads: Vec<Thinker>,
    wanted: usize,
}

struct Thinker {
    thread: JoinHandle<()>,
    at: Arc<At>,
}

/// What an inference thread is at.
#[derive(Default)]
pub(crate) struct At {
    held: Mutex<Held>,
    /// It hung and was replaced: it must end when it comes back.
    replaced: AtomicBool,
}

/// The streams whose requests it has in hand.
#[derive(Default)]
struct Held {
    cells: Vec<Arc<Cell>>,
    /// When it began with them, or last got on.
    since: Option<Instant>,
    /// How long it may take until it is given up.
    patience: Duration,
    /// The gate that it shut.
    gate: Option<Gate>,
}

/// How long requests may take whose sound lasts so long in all.
fn patience(sound: Duration) -> Duration {
    STALL.max(sound / SLOW)
}

impl Held {
    fn give_back(&mut self, cell: &Arc<Cell>) {
        let before = self.cells.len();
        self.cells.retain(|other| !Arc::ptr_eq(other, cell));
        if self.cells.len() < before {
            cell.set_busy(false);
        }
    }
}

impl At {
    /// It begins with requests of these streams, whose sound lasts so long in all; the gate is open again when it says
    /// so, or when it hangs.
    pub(crate) fn begin(&self, cells: Vec<Arc<Cell>>, sound: Duration, gate: Option<Gate>) {
        *lock(&self.held) = Held {
            cells,
            since: Some(Instant::now()),
            patience: patience(sound),
            gate,
        };
    }

    /// Lets others at the trunk.
    pub(crate) fn open_gate(&self) {
        if let Some(gate) = lock(&self.held).gate.take() {
            gate.open();
        }
    }

    /// Gives a stream back, unless it was taken away meanwhile.
    pub(crate) fn end(&self, cell: &Arc<Cell>) {
        let mut held = lock(&self.held);
        held.give_back(cell);
        held.since = Some(Instant::now());
    }

    pub(crate) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    /// The stream was taken away: what was found out for it comes too late. To be asked with the stream's track
    /// locked, as it is never taken away then.
    pub(crate) fn is_too_late(&self, cell: &Arc<Cell>) -> bool {
        let held = lock(&self.held);
        !held.cells.iter().any(|other| Arc::ptr_eq(other, cell))
    }

    /// Whether it is to be given up. If it has stalled its streams say so from now on.
    fn hangs(&self) -> bool {
        let held = lock(&self.held);
        let Some(since) = held.since.filter(|_| !held.cells.is_empty()) else {
            return false;
        };
        if since.elapsed() > STALL {
            held.cells.iter().for_each(|cell| cell.stall());
        }
        since.elapsed() > held.patience
    }

    /// Takes the streams away from a thread that hangs, so that another can serve them. One that hangs with a
    /// track or a recogniser in hand keeps it: the next would only wait for the lock.
    fn take_away(&self) {
        self.open_gate();
        let cells = lock(&self.held).cells.clone();
        for cell in cells {
            if let (Ok(_recogniser), Ok(_track)) = (cell.recogniser.try_lock(), cell.track.try_lock()) {
                lock(&self.held).give_back(&cell);
            }
        }
    }
}

impl Thinkers {
    /// Sees that at least so many threads run that do not hang; with 0, as many as were ever wanted.
    pub(crate) fn grow(
        &self,
        wanted: usize,
        work: impl Fn() -> Box<dyn FnOnce(&At) + Send>,
    ) -> std::io::Result<()> {
        let mut group = lock(&self.0);
        group.wanted = group.wanted.max(wanted.min(MOST));
        let alive = group.threads.iter().filter(|one| !one.at.is_replaced()).count();
        let room = MOST.saturating_sub(group.threads.len());
        for _ in (alive..group.wanted).take(room) {
            let (at, work) = (Arc::new(At::default()), work());
            let mine = Arc::clone(&at);
            let thread = std::thread::Builder::new()
                .name("undertone-mind".into())
                .spawn(move || work(&mine))?;
            group.threads.push(Thinker { thread, at });
        }
        Ok(())
    }

    /// Looks for threads that hang, and gives their streams back; says whether one is to be replaced.
    pub(crate) fn give_up_stalled(&self) -> bool {
        let mut group = lock(&self.0);
        group
            .threads
            .retain(|one| !(one.at.is_replaced() && one.thread.is_finished()));
        let mut fresh = false;
        for one in group.threads.iter().filter(|one| one.at.hangs()) {
            fresh |= !one.at.replaced.swap(true, Ordering::AcqRel);
            one.at.take_away();
        }
        fresh
    }

    /// Gives every thread away, those that were replaced too, to whoever waits for their end.
    pub(crate) fn take(&self) -> Vec<JoinHandle<()>> {
        let threads = std::mem::take(&mut lock(&self.0).threads);
        threads.into_iter().map(|one| one.thread).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sound_is_given_its_time() {
        assert_eq!(patience(Duration::ZERO), STALL);
        assert_eq!(patience(Duration::from_secs(3)), STALL);
        assert_eq!(patience(Duration::from_secs(12)), Duration::from_secs(6));
    }
}
