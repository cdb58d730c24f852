//! How sounds with a header begin, to tell when something is called raw that is not.

use std::io::{self, Read};

/// As many bytes as the longest of the beginnings takes.
const LENGTH: u64 = 8;

/// The first bytes of a source, which are to be read again before the rest.
pub(super) fn peek(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    source.take(LENGTH).read_to_end(&mut first)?;
    Ok(first)
}

/// What begins like this, if it is a sound with a header. That raw samples do by chance is as good as impossible.
pub(super) fn kind(first: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 6] = [
        (b"RIFF", "WAV"),
        (b"RF64", "WAV"),
        (b"fLaC", "FLAC"),
        (b"OggS", "Ogg"),
        (b"ID3", "MP3"),
        (b"FORM", "AIFF"),
    ];
    let begun = KINDS.iter().find(|(begin, _)| first.starts_with(begin));
    let mp4 = first.get(4..).is_some_and(|rest| rest.starts_with(b"ftyp"));
    begun.map(|(_, kind)| *kind).or(mp4.then_some("MP4"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_known_and_samples_are_not_taken_for_one() {
        for (first, known) in [
            (b"RIFF\x24\x00\x00\x00WAVE" as &[u8], Some("WAV")),
            (b"fLaC\x00\x00\x00\x22", Some("FLAC")),
            (b"ID3\x04", Some("MP3")),
            (b"\x00\x00\x00\x1cftypM4A ", Some("MP4")),
            (&[0; 64], None),
            (b"RI", None),
            (b"", None),
        ] {
            let mut source = io::Cursor::new(first);
            assert_eq!(kind(&peek(&mut source).expect("read")), known, "{first:?}");
        }
    }
}
