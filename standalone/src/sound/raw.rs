//! Samples without a header, as they come out of a pipe. A last frame that is cut off is left away.

use std::io::{self, Read};

/// How a raw sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleFormat {
    /// 16 bits, signed, little-endian.
    S16le,
    /// 24 bits in three bytes, signed, little-endian.
    S24le,
    /// 32 bits, signed, little-endian.
    S32le,
    /// 32 bits, floating point, little-endian.
    F32le,
}

impl SampleFormat {
    const fn bytes(self) -> usize {
        match self {
            Self::S16le => 2,
            Self::S24le => 3,
            Self::S32le | Self::F32le => 4,
        }
    }

    fn value(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::S16le, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            // Into the upper three bytes of four, so that the sign is in its place.
            (Self::S24le, &[a, b, c]) => i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0,
            (Self::S32le, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
            (Self::F32le, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            // Frames are cut to the format's size before they come here.
            _ => 0.0,
        }
    }
}

/// What raw samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFormat {
    /// Frames a second.
    pub rate: u32,
    /// Samples in a frame.
    pub channels: u16,
    /// How a sample is written.
    pub sample: SampleFormat,
}

/// Reads raw samples in blocks.
pub(super) struct RawReader {
    source: Box<dyn Read + Send>,
    format: RawFormat,
    bytes: Vec<u8>,
    held: usize,
}

impl RawReader {
    pub(super) fn new(source: Box<dyn Read + Send>, format: RawFormat) -> Self {
        let frame = format.sample.bytes() * usize::from(format.channels);
        Self {
            source,
            format,
            bytes: vec![0; frame * 4_096],
            held: 0,
        }
    }

    pub(super) const fn format(&self) -> RawFormat {
        self.format
    }

    /// Fills `block` with the next frames, planar; false at the end.
    pub(super) fn next(&mut self, block: &mut Vec<Vec<f32>>) -> io::Result<bool> {
        let size = self.format.sample.bytes();
        let frame = size * usize::from(self.format.channels);
        while self.held < frame {
            match self.source.read(&mut self.bytes[self.held..]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.held += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let whole = self.held / frame * frame;
        block.resize_with(usize::from(self.format.channels), Vec::new);
        for (channel, samples) in block.iter_mut().enumerate() {
            samples.clear();
            let frames = self.bytes[..whole].chunks_exact(frame);
            samples.extend(frames.map(|bytes| {
                self.format.sample.value(
                    bytes
                        .get(channel * size..(channel + 1) * size)
                        .unwrap_or_default(),
                )
            }));
        }
        self.bytes.copy_within(whole..self.held, 0);
        self.held -= whole;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, as a slow pipe may.
    struct Drip(io::Cursor<Vec<u8>>);

    impl Read for Drip {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let one = buf.len().min(1);
            self.0.read(&mut buf[..one])
        }
    }

    fn read_all(sample: SampleFormat, channels: u16, bytes: Vec<u8>) -> Vec<Vec<f32>> {
        let format = RawFormat {
            rate: 16_000,
            channels,
            sample,
        };
        let mut reader = RawReader::new(Box::new(Drip(io::Cursor::new(bytes))), format);
        let (mut all, mut block) = (vec![Vec::new(); usize::from(channels)], Vec::new());
        while reader.next(&mut block).expect("a cursor can be read") {
            all.iter_mut()
                .zip(&block)
                .for_each(|(all, block)| all.extend_from_slice(block));
        }
        all
    }

    #[test]
    fn every_format_reads_its_extremes() {
        let s16 = read_all(SampleFormat::S16le, 1, vec![0x00, 0x80, 0xff, 0x7f]);
        assert_eq!(s16, [[-1.0, 32_767.0 / 32_768.0]]);
        let s24 = read_all(SampleFormat::S24le, 1, vec![0x00, 0x00, 0x80, 0x00, 0x00, 0x40]);
        assert_eq!(s24, [[-1.0, 0.5]]);
        let s32 = read_all(SampleFormat::S32le, 1, i32::MIN.to_le_bytes().to_vec());
        assert_eq!(s32, [[-1.0]]);
        let f32s = read_all(SampleFormat::F32le, 1, 0.25_f32.to_le_bytes().to_vec());
        assert_eq!(f32s, [[0.25]]);
    }

    #[test]
    fn channels_come_apart_and_a_cut_frame_is_left_away() {
        let mut bytes = Vec::new();
        for value in [16_384_i16, -16_384, 8_192, -8_192, 1] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        assert_eq!(
            read_all(SampleFormat::S16le, 2, bytes),
            [[0.5, 0.25], [-0.5, -0.25]]
        );
    }
}
