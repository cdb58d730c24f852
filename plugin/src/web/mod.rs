//! Serves scores over WebSocket to programs on this computer: overlays, scripts, pages in a browser.
//!
//! One server for a port and a process, shared by everyone who sends through it; every message is one update as
//! `docs/UPDATE.md` says. It listens on the loopback address only, answers no page from elsewhere, never waits for
//! a slow reader, and must never be touched by an audio thread: it locks.

mod greeting;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use thiserror::Error;
use tungstenite::{Message, Utf8Bytes, WebSocket};
use undertone::Update;

/// The most readers of one server.
const MOST_READERS: usize = 16;

/// How many messages may wait for a reader before it is dropped.
const MOST_WAITING: usize = 64;

/// Between two looks at whether to stop.
const NAP: Duration = Duration::from_millis(20);

/// How long a port that is taken is tried again: a server of ours that is just ending may still hold it.
const GRACE: Duration = Duration::from_millis(100);

/// Why there is no server.
#[derive(Debug, Error)]
pub enum WebError {
    /// The port cannot be had.
    #[error(
        "WebSocket port {port} cannot be opened ({why}): choose another port, or close what uses this one"
    )]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system says.
        why: std::io::Error,
    },
    /// There is no thread to be had.
    #[error("WebSocket cannot be served, as the system gives no thread ({0}): close something")]
    Thread(std::io::Error),
}

/// The servers of this process.
static SERVERS: Mutex<Vec<Weak<Server>>> = Mutex::new(Vec::new());

/// A running server; it ends, and is waited for, with the last one who holds it.
#[derive(Debug)]
pub struct Server {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    readers: Mutex<Vec<Sender<Utf8Bytes>>>,
    open: AtomicUsize,
    slow: AtomicU64,
}

impl Server {
    /// The server of this port: the process's own where there is one, otherwise a new one. Port 0 is any free port.
    pub fn share(port: u16) -> Result<Arc<Self>, WebError> {
        let mut servers = lock(&SERVERS);
        servers.retain(|server| server.strong_count() > 0);
        let mut known = servers.iter().filter_map(Weak::upgrade);
        if let Some(server) = known.find(|server| port != 0 && server.port == port) {
            return Ok(server);
        }
        let server = Arc::new(Self::start(port)?);
        servers.push(Arc::downgrade(&server));
        Ok(server)
    }

    fn start(port: u16) -> Result<Self, WebError> {
        let fault = |why| WebError::Port { port, why };
        let listener = bind(port).map_err(fault)?;
        listener.set_nonblocking(true).map_err(fault)?;
        let bound = listener.local_addr().map_err(fault)?.port();
        let shared = Arc::<Shared>::default();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("undertone-web".to_owned())
            .spawn(move || receive(&listener, &for_thread))
            .map_err(WebError::Thread)?;
        Ok(Self {
            port: bound,
            shared,
            thread: Some(thread),
        })
    }

    /// The port that it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Gives a message to every reader. Never waits: who has not read the last ones is dropped.
    pub fn publish(&self, message: String) {
        let message = Utf8Bytes::from(message);
        lock(&self.shared.readers).retain(|reader| reader.try_send(message.clone()).is_ok());
    }

    /// How many read at the moment.
    pub fn readers(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// How many were dropped because they did not read.
    pub fn dropped(&self) -> u64 {
        self.shared.slow.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its own fault, if any, is of no more interest.
            let _ = thread.join();
        }
    }
}

/// An update as it is sent: under this name, without the words unless they are wanted.
pub fn message(update: &Update, name: &str, words: bool) -> Result<String, serde_json::Error> {
    let mut update = update.clone();
    update.stream = name.into();
    if let Some(text) = update.text.as_mut().filter(|_| !words) {
        text.transcript.clear();
        text.words.clear();
    }
    serde_json::to_string(&update)
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the port.
fn bind(port: u16) -> std::io::Result<TcpListener> {
    let end = Instant::now() + GRACE;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Err(why) if why.kind() == ErrorKind::AddrInUse && Instant::now() < end => std::thread::sleep(NAP),
            done => return done,
        }
    }
}

/// The server's own thread: takes readers in, each to a thread of its own, and waits for them at the end.
fn receive(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        threads.retain(|thread| !thread.is_finished());
        let stream = match listener.accept() {
            Ok((stream, _)) if threads.len() < MOST_READERS => stream,
            // One too many: the connection is closed.
            Ok(_) => continue,
            // Nobody, or a fault that the next try may not have.
            Err(_) => {
                std::thread::sleep(NAP);
                continue;
            }
        };
        let shared = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("undertone-web".to_owned())
            .spawn(move || serve(stream, &shared));
        threads.extend(thread);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// One reader, from its introduction to its end.
fn serve(stream: TcpStream, shared: &Shared) {
    let Some(mut socket) = greeting::introduce(stream, &shared.stop) else {
        return;
    };
    let (sender, queue) = bounded(MOST_WAITING);
    lock(&shared.readers).push(sender);
    shared.open.fetch_add(1, Ordering::Relaxed);
    if converse(&mut socket, &queue, &shared.stop).is_slow() {
        shared.slow.fetch_add(1, Ordering::Relaxed);
    }
    shared.open.fetch_sub(1, Ordering::Relaxed);
}

/// Why a conversation is over.
enum Over {
    Left,
    Slow,
    Stopped,
}

impl Over {
    const fn is_slow(&self) -> bool {
        matches!(self, Self::Slow)
    }
}

fn converse(socket: &mut WebSocket<TcpStream>, queue: &Receiver<Utf8Bytes>, stop: &AtomicBool) -> Over {
    // Short, as messages wait meanwhile.
    if socket
        .get_ref()
        .set_read_timeout(Some(Duration::from_millis(1)))
        .is_err()
    {
        return Over::Left;
    }
    let waits = |why: &tungstenite::Error| match why {
        tungstenite::Error::Io(why) => matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        _ => false,
    };
    while !stop.load(Ordering::Relaxed) {
        match queue.recv_timeout(NAP) {
            Ok(text) => {
                if let Err(why) = socket.send(Message::Text(text)) {
                    return if waits(&why) { Over::Slow } else { Over::Left };
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Whoever publishes has given it up.
            Err(RecvTimeoutError::Disconnected) => return Over::Slow,
        }
        // What it says is not wanted, but its pings are answered and its farewell is heard.
        match socket.read() {
            Err(why) if !waits(&why) => return Over::Left,
            _ => {}
        }
    }
    let _ = socket.close(None);
    let _ = socket.flush();
    Over::Stopped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(port: u16) -> WebSocket<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        tungstenite::client(format!("ws://127.0.0.1:{port}/"), stream)
            .unwrap()
            .0
    }

    fn until(what: impl Fn() -> bool) -> bool {
        (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            what()
        })
    }

    #[test]
    fn one_server_a_port_and_everyone_gets_every_message() {
        let server = Server::share(0).unwrap();
        let same = Server::share(server.port()).unwrap();
        assert!(Arc::ptr_eq(&server, &same));
        let mut readers = [read(server.port()), read(server.port())];
        assert!(until(|| server.readers() == 2));
        for message in ["one", "two"] {
            same.publish(message.to_owned());
        }
        for reader in &mut readers {
            assert_eq!(reader.read().unwrap().into_text().unwrap().as_str(), "one");
            assert_eq!(reader.read().unwrap().into_text().unwrap().as_str(), "two");
        }
        let port = server.port();
        drop((server, same));
        assert!(
            readers[0].read().is_err() || readers[0].read().is_err(),
            "the server is gone"
        );
        // The port is free again.
        assert_eq!(Server::share(port).unwrap().port(), port);
    }

    #[test]
    fn who_does_not_read_is_dropped_and_counted_and_holds_nobody_up() {
        let server = Server::share(0).unwrap();
        let mut idle = read(server.port());
        let mut quick = read(server.port());
        assert!(until(|| server.readers() == 2));
        let long = "x".repeat(100_000);
        let begun = Instant::now();
        let mut slowest = Duration::ZERO;
        for _ in 0..400 {
            let now = Instant::now();
            server.publish(long.clone());
            slowest = slowest.max(now.elapsed());
            assert_eq!(quick.read().unwrap().len(), long.len());
        }
        assert!(until(|| server.readers() == 1));
        assert_eq!(server.dropped(), 1);
        assert!(slowest < Duration::from_secs(1), "{slowest:?}");
        assert!(begun.elapsed() < Duration::from_secs(30));
        // It finds out when it looks.
        assert!((0..1_000).any(|_| idle.read().is_err()));
    }

    #[test]
    fn a_port_that_is_taken_is_said() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let why = Server::share(port).unwrap_err().to_string();
        assert!(
            why.contains(&port.to_string()) && why.contains("another port"),
            "{why}"
        );
    }

    #[test]
    fn what_is_no_websocket_holds_nothing_up() {
        let server = Server::share(0).unwrap();
        let _silent = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        let begun = Instant::now();
        drop(server);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
