//! The inference threads, and what becomes of one that hangs: its stream says so within two seconds and is
//! given back, another thread takes its place, and what the hanging one may still find out is thrown away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::stream::{Cell, lock};

/// A request that takes longer than this has stalled its thread. With the time to the next look this stays
/// under the two seconds in which a stall must be seen.
const STALL: Duration = Duration::from_millis(1_900);
/// More threads than this are never started, whatever is asked for.
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
    job: Mutex<Option<(Arc<Cell>, Instant)>>,
    /// It hung and was replaced: it must end when it comes back.
    replaced: AtomicBool,
}

impl At {
    pub(crate) fn begin(&self, cell: &Arc<Cell>) {
        *lock(&self.job) = Some((Arc::clone(cell), Instant::now()));
    }

    /// Gives the stream back, unless it was taken away meanwhile.
    pub(crate) fn end(&self) {
        if let Some((cell, _)) = lock(&self.job).take() {
            cell.set_busy(false);
        }
    }

    pub(crate) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    /// The stream was taken away: what was found out for it comes too late. To be asked with the stream's track
    /// locked, as it is never taken away then.
    pub(crate) fn is_too_late(&self) -> bool {
        lock(&self.job).is_none()
    }

    /// Whether it hangs; its stream says so from now on.
    fn hangs(&self) -> bool {
        let job = lock(&self.job);
        let Some((cell, since)) = &*job else { return false };
        let hangs = since.elapsed() > STALL;
        if hangs {
            cell.stall();
        }
        hangs
    }

    /// Takes the stream away from a thread that hangs, so that another can serve it. One that hangs with the
    /// track or the recogniser in hand keeps it: the next would only wait for the lock.
    fn take_away(&self, cell: &Arc<Cell>) {
        if let (Ok(_recogniser), Ok(_track)) = (cell.recogniser.try_lock(), cell.track.try_lock()) {
            lock(&self.job).take();
            cell.set_busy(false);
        }
    }

    fn cell(&self) -> Option<Arc<Cell>> {
        lock(&self.job).as_ref().map(|(cell, _)| Arc::clone(cell))
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
        for _ in alive..group.wanted {
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
            if let Some(cell) = one.at.cell() {
                one.at.take_away(&cell);
            }
        }
        fresh
    }

    /// Waits for all that do not hang.
    pub(crate) fn join(&self) {
        let threads = std::mem::take(&mut lock(&self.0).threads);
        for one in threads {
            if !one.at.is_replaced() {
                // A panic of it was reported where it happened.
                let _ = one.thread.join();
            }
        }
    }
}
