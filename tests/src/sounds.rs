//! Sounds of every kind, good and bad, made from the committed sample.

use std::fs;
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};

use crate::samples::sample;

/// Speech of about seven seconds and its rate.
pub fn voice() -> (u32, Vec<f32>) {
    let (rate, mut sound) = sample("demo");
    sound.truncate(rate as usize * 7);
    (rate, sound)
}

/// The same sound at another rate, by straight lines: good enough to be heard as speech.
pub fn at_rate(sound: &[f32], from: u32, to: u32) -> Vec<f32> {
    let step = f64::from(from) / f64::from(to);
    let frames = (sound.len() as f64 / step) as usize;
    let value = |at: usize| sound.get(at).copied().unwrap_or(0.0);
    (0..frames)
        .map(|frame| {
            let at = frame as f64 * step;
            let part = at.fract() as f32;
            value(at as usize) * (1.0 - part) + value(at as usize + 1) * part
        })
        .collect()
}

/// Writes 16-bit samples, every channel the same.
pub fn write_wav(path: &Path, rate: u32, channels: u16, sound: &[f32]) {
    let spec = WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(path, spec).expect("a folder to write to");
    for value in sound {
        for _ in 0..channels {
            writer
                .write_sample((value.clamp(-1.0, 1.0) * 32_767.0) as i16)
                .expect("written");
        }
    }
    writer.finalize().expect("written");
}

/// Writes floating-point samples as they are, numbers or not.
pub fn write_float_wav(path: &Path, rate: u32, sound: &[f32]) {
    let spec = WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let mut writer = WavWriter::create(path, spec).expect("a folder to write to");
    for value in sound {
        writer.write_sample(*value).expect("written");
    }
    writer.finalize().expect("written");
}

/// Writes a WAV header that says what it likes, followed by these bytes.
pub fn write_odd_wav(path: &Path, rate: u32, channels: u16, bytes: &[u8]) {
    let mut file = Vec::new();
    let length = u32::try_from(bytes.len()).expect("a small file");
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&channels.to_le_bytes());
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&(rate * 2 * u32::from(channels)).to_le_bytes());
    file.extend_from_slice(&(2 * channels).to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(bytes);
    fs::write(path, file).expect("written");
}
