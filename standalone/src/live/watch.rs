//! Keeps a device listened to: notices that it is gone, says so once, and takes it back when it returns.
//!
//! The stream and its clock go on through all of it; only the tap is new.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cpal::{ErrorKind, HostId};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use super::capture::Capture;
use crate::inputs::{self, Input, InputError};
use crate::stop;

/// How often a lost device is looked for.
const RETRY: Duration = Duration::from_secs(1);

/// A device that delivers nothing for this long is gone, even if nothing says so.
const SILENT: Duration = Duration::from_secs(3);

/// How often the watch looks up from waiting.
const LOOK: Duration = Duration::from_millis(100);

/// What happens to the device.
#[derive(Debug, Clone)]
pub enum Note {
    /// It is gone.
    Lost {
        /// Its name.
        name: String,
        /// What is known of the reason.
        why: String,
    },
    /// It is back, or another has taken its place.
    Back {
        /// Its name.
        name: String,
        /// Its rate.
        rate: u32,
    },
}

/// The watch over one device.
#[derive(Debug)]
pub struct Watch {
    thread: Option<JoinHandle<()>>,
    notes: Receiver<Note>,
    end: Sender<()>,
}

impl Watch {
    /// Watches over a device that is open. `asked` is how it was named, to find it again.
    pub fn start(
        stream: Arc<undertone::Stream>,
        capture: Capture,
        input: Input,
        asked: Option<String>,
    ) -> std::io::Result<Self> {
        let (say, notes) = unbounded();
        let (end, ended) = crossbeam_channel::bounded(1);
        let Input {
            name, host: system, ..
        } = input;
        let keeper = Keeper {
            stream,
            asked,
            system,
            say,
            ended,
        };
        let thread = thread::Builder::new()
            .name("undertone-device".into())
            .spawn(move || keeper.keep(capture, name))?;
        Ok(Self {
            thread: Some(thread),
            notes,
            end,
        })
    }

    /// What has happened.
    pub const fn notes(&self) -> &Receiver<Note> {
        &self.notes
    }

    /// Lets go of the device. One that does not let go in time is left to the end of the process.
    pub fn end(mut self) {
        let _ = self.end.try_send(());
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + Duration::from_secs(2);
        while !thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        if thread.is_finished() {
            // A panic of its was printed where it happened.
            let _ = thread.join();
        }
    }
}

struct Keeper {
    stream: Arc<undertone::Stream>,
    asked: Option<String>,
    system: HostId,
    say: Sender<Note>,
    ended: Receiver<()>,
}

impl Keeper {
    fn keep(&self, mut capture: Capture, mut name: String) {
        while let Some(why) = self.trouble(&capture) {
            let _ = self.say.send(Note::Lost { name, why });
            // A device that is gone may hang on being closed: let it, elsewhere.
            let gone = capture;
            let _ = thread::Builder::new()
                .name("undertone-gone".into())
                .spawn(move || drop(gone));
            let Some((found, input)) = self.wait_for_it() else {
                return;
            };
            capture = found;
            name = input.name;
            let _ = self.say.send(Note::Back {
                name: name.clone(),
                rate: input.rate,
            });
        }
    }

    /// Waits until the device is in trouble, and says which; `None` when it is time to end.
    fn trouble(&self, capture: &Capture) -> Option<String> {
        let (mut frames, mut since) = (capture.frames(), Instant::now());
        loop {
            if self.is_over() {
                return None;
            }
            match capture.errors().recv_timeout(LOOK) {
                Ok(error) if is_fatal(error.kind()) => return Some(error.to_string()),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                // The callbacks are gone, and so is the device.
                Err(RecvTimeoutError::Disconnected) => return Some("it was closed".into()),
            }
            if capture.frames() != frames {
                (frames, since) = (capture.frames(), Instant::now());
            } else if since.elapsed() > SILENT {
                return Some(format!("it has delivered nothing for {} s", SILENT.as_secs()));
            }
        }
    }

    /// Looks for the device once a second; `None` when it is time to end.
    fn wait_for_it(&self) -> Option<(Capture, Input)> {
        loop {
            if self.ended.recv_timeout(RETRY).is_ok() || stop::asked() {
                return None;
            }
            // Why it is not there yet was said when it was lost; the next look may find it.
            if let Ok(found) = self.open() {
                return Some(found);
            }
        }
    }

    fn open(&self) -> Result<(Capture, Input), InputError> {
        let input = inputs::find_in(self.asked.as_deref(), Some(self.system))?;
        let unusable = |why: String| InputError::Unusable {
            name: input.name.clone(),
            why,
        };
        let tap = self
            .stream
            .retap(input.rate)
            .map_err(|error| unusable(error.to_string()))?;
        Ok((Capture::open(&input, tap)?, input))
    }

    fn is_over(&self) -> bool {
        stop::asked() || !matches!(self.ended.try_recv(), Err(crossbeam_channel::TryRecvError::Empty))
    }
}

/// Whether a stream that complains like this will deliver no more.
const fn is_fatal(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged
    )
}
