//! The ways out of the host: each takes a stream's scores and sends them as the user set it.
//!
//! They run on a thread of [`crate::post`], never on the audio thread, and send nothing that was not switched on.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use undertone::{Snapshot, Update};

use crate::osc;
use crate::panel::{OscOut, WebOut};
use crate::web::{self, Server};

/// A network that is full must not hold the thread up when the host wants to close.
const PATIENCE: Duration = Duration::from_millis(20);

/// Something that sends scores.
pub trait Carrier: Send + 'static {
    /// Sends a score.
    fn score(&mut self, update: &Update) -> Result<(), String>;

    /// Sends level and voice, ten times a second.
    fn pulse(&mut self, _now: &Snapshot) -> Result<(), String> {
        Ok(())
    }
}

/// Open Sound Control over UDP, which asks nobody and waits for nobody: where nobody listens, the packets are lost,
/// and that is no fault.
pub struct OscCarrier {
    socket: UdpSocket,
    settings: OscOut,
}

impl OscCarrier {
    /// Answers why it cannot.
    pub fn new(settings: OscOut) -> Result<Self, String> {
        let from: SocketAddr = if settings.to.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let fault = |why: std::io::Error| format!("OSC cannot be sent: {why}");
        let socket = UdpSocket::bind(from).map_err(fault)?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(fault)?;
        Ok(Self { socket, settings })
    }

    fn send(&self, packet: Result<Vec<u8>, rosc::OscError>) -> Result<(), String> {
        let to = self.settings.to;
        let sent = match packet {
            Ok(bytes) => self.socket.send_to(&bytes, to).map_err(|why| why.to_string()),
            Err(why) => Err(why.to_string()),
        };
        sent.map(|_| ())
            .map_err(|why| format!("OSC to {to} cannot be sent: {why}"))
    }
}

impl Carrier for OscCarrier {
    fn score(&mut self, update: &Update) -> Result<(), String> {
        self.send(osc::packet(&self.settings.name, update, self.settings.words))
    }

    fn pulse(&mut self, now: &Snapshot) -> Result<(), String> {
        self.send(osc::pulse(&self.settings.name, now.voice, now.rms))
    }
}

/// Updates to whoever reads them over WebSocket on this computer.
pub struct WebCarrier {
    server: Arc<Server>,
    settings: WebOut,
}

impl WebCarrier {
    /// The process's server of this port.
    pub fn new(settings: WebOut) -> Result<Self, String> {
        let server = Server::share(settings.port).map_err(|why| why.to_string())?;
        Ok(Self { server, settings })
    }

    /// The server, to see who reads.
    pub fn server(&self) -> Arc<Server> {
        Arc::clone(&self.server)
    }
}

impl Carrier for WebCarrier {
    fn score(&mut self, update: &Update) -> Result<(), String> {
        let message = web::message(update, &self.settings.name, self.settings.words)
            .map_err(|why| format!("A score cannot be written as JSON: {why}"))?;
        self.server.publish(message);
        Ok(())
    }
}
