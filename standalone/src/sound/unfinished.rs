//! WAV files whose recorder ended before it wrote how long they are: the length is 0, and the sound is there.
//!
//! Read as if the length stood there as unknown. The file itself is never changed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Chunks before the sound; more is no header that a recorder writes.
const CHUNKS: usize = 64;
/// Where the length of the whole stands.
const WHOLE: u64 = 4;

/// Such a file.
pub(super) struct Unfinished {
    file: File,
    length: u64,
    position: u64,
    /// Where the length of the sound stands.
    at: u64,
}

/// Where the length of the sound stands, if it is 0 and sound follows. The file is left at its beginning.
fn find(file: &mut File, length: u64) -> io::Result<Option<u64>> {
    let mut at = 12;
    let mut found = None;
    if matches!(chunk(file, 0)?, Some((id, _)) if &id == b"RIFF") {
        for _ in 0..CHUNKS {
            match chunk(file, at)? {
                Some((id, 0)) if &id == b"data" => {
                    let sound = at + 8;
                    // What follows a sound that is really empty is another chunk.
                    let another = chunk(file, sound)?.is_some_and(|(id, len)| {
                        id.iter().all(|byte| (b' '..=b'~').contains(byte))
                            && sound + 8 + u64::from(len) <= length
                    });
                    found = (sound < length && !another).then_some(at + 4);
                    break;
                }
                Some((id, len)) if &id != b"data" => at += 8 + u64::from(len) + u64::from(len % 2),
                _ => break,
            }
        }
    }
    file.rewind()?;
    Ok(found)
}

/// The name and the length of the chunk that begins there; `None` where the file ends before.
fn chunk(file: &mut File, at: u64) -> io::Result<Option<([u8; 4], u32)>> {
    file.seek(SeekFrom::Start(at))?;
    let mut head = Vec::new();
    file.take(8).read_to_end(&mut head)?;
    Ok(match head.as_slice() {
        &[a, b, c, d, ref len @ ..] => len
            .try_into()
            .ok()
            .map(|len| ([a, b, c, d], u32::from_le_bytes(len))),
        _ => None,
    })
}

/// The file as it is to be read, and whether its length had to be made up.
pub(super) fn mend(mut file: File) -> io::Result<(Box<dyn MediaSource>, bool)> {
    let length = file.metadata()?.len();
    Ok(match find(&mut file, length)? {
        Some(at) => {
            let position = 0;
            (
                Box::new(Unfinished {
                    file,
                    length,
                    position,
                    at,
                }),
                true,
            )
        }
        None => (Box::new(file), false),
    })
}

impl Read for Unfinished {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buf)?;
        for (place, byte) in (self.position..).zip(buf.iter_mut().take(read)) {
            if [WHOLE, self.at].iter().any(|at| (*at..*at + 4).contains(&place)) {
                *byte = 0xff;
            }
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Unfinished {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.file.seek(to)?;
        Ok(self.position)
    }
}

impl MediaSource for Unfinished {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// A WAV with this length of the sound and this after it.
    fn mended(told: u32, after: &[u8]) -> bool {
        let mut file = tempfile::tempfile().expect("a file");
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x03\0\0\0abc\0data".to_vec();
        bytes.extend_from_slice(&told.to_le_bytes());
        bytes.extend_from_slice(after);
        file.write_all(&bytes).expect("written");
        let (mut source, mended) = mend(file).expect("read");
        let mut read = Vec::new();
        source.read_to_end(&mut read).expect("read");
        if mended {
            bytes[4..8].fill(0xff);
            bytes[28..32].fill(0xff);
        }
        assert_eq!(read, bytes, "all else is as it was");
        mended
    }

    #[test]
    fn a_length_of_nothing_before_sound_is_unknown() {
        assert!(mended(0, &[0, 0, 1, 0, 2, 0, 1, 0, 0, 0]));
        assert!(mended(0, &[0, 1]));
    }

    #[test]
    fn a_length_that_is_right_is_left() {
        assert!(!mended(2, &[0, 1]));
        assert!(!mended(0, &[]));
        assert!(!mended(0, b"LIST\x04\0\0\0INFO"), "another chunk is no sound");
    }
}
