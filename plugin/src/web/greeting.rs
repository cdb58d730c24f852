//! How a reader introduces itself, and which readers are answered: programs and pages on this computer only.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{WebSocket, accept_hdr_with_config};

/// How long a reader may take to introduce itself, and a message to leave.
const PATIENCE: Duration = Duration::from_millis(500);

/// The most that a reader may say at once; nothing that it says is wanted.
const MOST_SAID: usize = 4_096;

/// The handshake. Answers nothing where the reader is no WebSocket, takes too long, or is a page from elsewhere.
pub(super) fn introduce(stream: TcpStream, stop: &AtomicBool) -> Option<WebSocket<TcpStream>> {
    stream.set_nonblocking(false).ok()?;
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let end = Instant::now() + PATIENCE;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MOST_SAID))
        .max_frame_size(Some(MOST_SAID));
    let mut outcome = accept_hdr_with_config(stream, vet, Some(config));
    loop {
        match outcome {
            Ok(socket) => return Some(socket),
            Err(HandshakeError::Interrupted(halfway))
                if Instant::now() < end && !stop.load(Ordering::Relaxed) =>
            {
                outcome = halfway.handshake();
            }
            Err(_) => return None,
        }
    }
}

#[allow(clippy::result_large_err, reason = "the protocol library's own form")]
fn vet(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    let header = |name: &str| {
        let value = request.headers().get(name)?;
        Some(value.to_str().unwrap_or("?"))
    };
    if is_welcome(header("host"), header("origin")) {
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(Some("only pages from this computer are answered".to_owned()));
    *refusal.status_mut() = tungstenite::http::StatusCode::FORBIDDEN;
    Err(refusal)
}

/// Whether a request may be answered. Pages from elsewhere may not listen, whatever name they reach this computer
/// by; programs send no origin.
fn is_welcome(host: Option<&str>, origin: Option<&str>) -> bool {
    let page = |origin: &str| {
        let site = ["http://", "https://"]
            .iter()
            .find_map(|form| origin.strip_prefix(form));
        origin == "file://" || site.is_some_and(is_here)
    };
    host.is_some_and(is_here) && origin.is_none_or(page)
}

/// Whether a name, with or without a port, is this computer.
fn is_here(authority: &str) -> bool {
    let rest = ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .find_map(|name| authority.strip_prefix(name));
    match rest {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_computer_is_welcome() {
        let here = Some("127.0.0.1:9001");
        for origin in [
            None,
            Some("file://"),
            Some("http://localhost:8080"),
            Some("https://[::1]"),
        ] {
            assert!(is_welcome(here, origin), "{origin:?}");
        }
        for origin in [
            "null",
            "",
            "https://example.org",
            "http://localhost.example.org",
            "http://127.0.0.1:80:80",
            "http://127.0.0.1@example.org",
            "http://[::1]evil.org",
            "file:///home",
        ] {
            assert!(!is_welcome(here, Some(origin)), "{origin:?}");
        }
        // A name of somebody else's that leads here.
        assert!(!is_welcome(Some("rebound.example.org:9001"), None));
        assert!(!is_welcome(None, None));
    }
}
