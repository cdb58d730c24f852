//! Sends a stream's scores out of the host as OSC over UDP, from a thread of its own, while somebody wants it.
//!
//! It must never run on the audio thread, hold a host up, or send anything that was not switched on. UDP asks
//! nobody and waits for nobody: where nobody listens, the packets are lost, and that is no fault.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use undertone::{Latest, Stream, Updates};

use crate::osc;
use crate::panel::OscOut;

/// How long it waits for a score before it looks whether to go on.
const NAP: Duration = Duration::from_millis(20);

/// Between two packets of level and voice.
const PULSE: Duration = Duration::from_millis(100);

/// How many scores may wait.
const CAPACITY: usize = 64;

/// A running sender; it ends and is waited for when dropped.
#[derive(Debug)]
pub struct Post {
    stop: Arc<AtomicBool>,
    fault: Arc<Mutex<Option<String>>>,
    thread: Option<JoinHandle<()>>,
    settings: OscOut,
}

impl Post {
    /// Starts sending a stream's scores. Answers why it cannot.
    pub fn start(settings: &OscOut, stream: &Stream) -> Result<Self, String> {
        let from: SocketAddr = if settings.to.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(from).map_err(|why| format!("OSC cannot be sent: {why}"))?;
        // A network that is full must not hold the thread up when the host wants to close.
        socket
            .set_write_timeout(Some(NAP))
            .map_err(|why| format!("OSC cannot be sent: {why}"))?;
        let (stop, fault) = (
            Arc::<AtomicBool>::default(),
            Arc::<Mutex<Option<String>>>::default(),
        );
        let round = Round {
            socket,
            settings: settings.clone(),
            updates: stream.updates(CAPACITY),
            latest: stream.latest(),
            stop: Arc::clone(&stop),
            fault: Arc::clone(&fault),
        };
        let thread = std::thread::Builder::new()
            .name("undertone-osc".to_owned())
            .spawn(move || round.run())
            .map_err(|why| format!("OSC cannot be sent: {why}"))?;
        Ok(Self {
            stop,
            fault,
            thread: Some(thread),
            settings: settings.clone(),
        })
    }

    /// What it was started with.
    pub const fn settings(&self) -> &OscOut {
        &self.settings
    }

    /// Why the last packet could not be sent, if it could not.
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

struct Round {
    socket: UdpSocket,
    settings: OscOut,
    updates: Updates,
    latest: Latest,
    stop: Arc<AtomicBool>,
    fault: Arc<Mutex<Option<String>>>,
}

impl Round {
    fn run(mut self) {
        let OscOut { to, name, words, .. } = self.settings.clone();
        let mut pulsed = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            match self.updates.next_timeout(NAP) {
                Some(update) => self.send(to, osc::packet(&name, &update, words)),
                // A stream that is closed answers at once; nobody is to spin for that.
                None => std::thread::sleep(NAP.saturating_sub(began.elapsed())),
            }
            if pulsed.elapsed() >= PULSE {
                pulsed = Instant::now();
                let now = *self.latest.read();
                self.send(to, osc::pulse(&name, now.voice, now.rms));
            }
        }
    }

    fn send(&self, to: SocketAddr, packet: Result<Vec<u8>, rosc::OscError>) {
        let outcome = match packet {
            Ok(bytes) => self.socket.send_to(&bytes, to).map_err(|why| why.to_string()),
            Err(why) => Err(why.to_string()),
        };
        let fault = outcome
            .err()
            .map(|why| format!("OSC to {to} cannot be sent: {why}"));
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}
