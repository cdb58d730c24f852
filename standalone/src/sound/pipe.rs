//! Standard input, read so that an interrupt ends it: what has come until then is the sound.
//!
//! A read from a pipe cannot be called off, so a thread of its own waits for it.

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use crate::stop;

/// Bytes asked for at a time.
const CHUNK: usize = 32 * 1024;
/// Chunks that may wait; a fast pipe must not fill the memory.
const WAITING: usize = 4;
/// How often a silent pipe is left to look for an interrupt.
const LOOK: Duration = Duration::from_millis(100);

/// Standard input.
pub(super) struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
}

impl Pipe {
    pub(super) fn open() -> io::Result<Self> {
        Self::from(io::stdin())
    }

    fn from(mut source: impl Read + Send + 'static) -> io::Result<Self> {
        let (send, chunks) = bounded(WAITING);
        thread::Builder::new()
            .name("undertone-pipe".into())
            .spawn(move || {
                loop {
                    let mut chunk = vec![0; CHUNK];
                    let read = source.read(&mut chunk).map(|length| {
                        chunk.truncate(length);
                        chunk
                    });
                    let last = match &read {
                        Ok(chunk) => chunk.is_empty(),
                        Err(error) => error.kind() != io::ErrorKind::Interrupted,
                    };
                    // When nobody takes it any more, there is nothing left to do.
                    if send.send(read).is_err() || last {
                        return;
                    }
                }
            })?;
        Ok(Self {
            chunks,
            chunk: io::Cursor::default(),
        })
    }
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.chunk.read(buf)?;
            if read > 0 || buf.is_empty() || stop::asked() {
                return Ok(read);
            }
            match self.chunks.recv_timeout(LOOK) {
                Ok(chunk) => self.chunk = io::Cursor::new(chunk?),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
            if self.chunk.get_ref().is_empty() {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_through_and_ends() {
        let sent: Vec<u8> = (0..200_000_u32)
            .map(|n| (n % 251).try_into().expect("below 251"))
            .collect();
        let mut got = Vec::new();
        Pipe::from(io::Cursor::new(sent.clone()))
            .expect("a thread")
            .read_to_end(&mut got)
            .expect("read");
        assert_eq!(got, sent);
    }
}
