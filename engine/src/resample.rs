//! Any rate to the 16 kHz that the networks hear, with the filter's delay taken out again.
//!
//! Time is counted in samples that leave here, so what goes in must come out: nothing is skipped but the
//! filter's own delay, and [`Resampler::flush`] brings out what the filter still holds.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Async, Fft, FixedAsync, FixedSync, SincInterpolationParameters, WindowFunction};

/// The rate that everything after this stage works at, in Hz.
pub(crate) const RATE: u32 = 16_000;

/// The longest chunk an FFT may need, in seconds; odd rates beyond it take the asynchronous way.
const LONGEST_CHUNK_S: f64 = 0.05;

/// Why a resampler could not be made or run.
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    /// The rate is not one the library can convert.
    #[error("cannot convert {rate} Hz to 16000 Hz: {why}; use a rate between 8000 and 384000 Hz")]
    Rate {
        /// The rate asked for.
        rate: u32,
        /// What the library said.
        why: String,
    },
    /// The library refused a chunk; a fault of ours.
    #[error("resampling failed: {0}; please report this")]
    Run(String),
}

/// One stream's resampler.
pub(crate) struct Resampler {
    filter: Option<Box<dyn rubato::Resampler<f32>>>,
    waiting: Vec<f32>,
    room: Vec<f32>,
    /// Output still to be thrown away: the filter's delay.
    skip: usize,
    /// Output owed for the input so far, times the input rate; keeps flush exact.
    heard: u64,
    given: u64,
    rate: u32,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler")
            .field("rate", &self.rate)
            .field("heard", &self.heard)
            .finish_non_exhaustive()
    }
}

impl Resampler {
    pub(crate) fn new(rate: u32) -> Result<Self, ResampleError> {
        let filter = if rate == RATE {
            None
        } else {
            Some(filter_for(rate)?)
        };
        let room = filter.as_ref().map_or(0, |filter| filter.output_frames_max());
        let skip = filter.as_ref().map_or(0, |filter| filter.output_delay());
        Ok(Self {
            filter,
            waiting: Vec::new(),
            room: vec![0.0; room],
            skip,
            heard: 0,
            given: 0,
            rate,
        })
    }

    /// Takes samples of the input rate and appends what is ready at 16 kHz.
    pub(crate) fn push(&mut self, input: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleError> {
        self.heard += input.len() as u64;
        let Some(filter) = self.filter.as_mut() else {
            out.extend_from_slice(input);
            self.given += input.len() as u64;
            return Ok(());
        };
        self.waiting.extend_from_slice(input);
        let fault = |error: &dyn std::fmt::Display| ResampleError::Run(error.to_string());
        let mut from = 0;
        loop {
            let needed = filter.input_frames_next();
            let Some(chunk) = self.waiting.get(from..from + needed) else {
                break;
            };
            let source = SequentialSlice::new(chunk, 1, needed).map_err(|e| fault(&e))?;
            let frames = self.room.len();
            let mut sink = SequentialSlice::new_mut(&mut self.room, 1, frames).map_err(|e| fault(&e))?;
            let (used, made) = filter
                .process_into_buffer(&source, &mut sink, None)
                .map_err(|e| fault(&e))?;
            let skipped = self.skip.min(made);
            self.skip -= skipped;
            out.extend_from_slice(&self.room[skipped..made]);
            self.given += (made - skipped) as u64;
            from += used;
        }
        self.waiting.drain(..from);
        Ok(())
    }

    /// Brings out what the filter still holds, so that the output is as long as the input was.
    pub(crate) fn flush(&mut self, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let owed = (self.heard * u64::from(RATE)).div_ceil(u64::from(self.rate));
        let heard = self.heard;
        while self.given < owed && self.filter.is_some() {
            let before = out.len();
            let silence = self
                .filter
                .as_ref()
                .map_or(1, |filter| filter.input_frames_next().max(1));
            self.push(&vec![0.0; silence], out)?;
            let made = out.len() - before;
            if self.given > owed {
                let excess = usize::try_from(self.given - owed).unwrap_or(made).min(made);
                out.truncate(out.len() - excess);
                self.given = owed;
            }
        }
        self.heard = heard;
        Ok(())
    }
}

fn filter_for(rate: u32) -> Result<Box<dyn rubato::Resampler<f32>>, ResampleError> {
    let refused = |why: &dyn std::fmt::Display| ResampleError::Rate {
        rate,
        why: why.to_string(),
    };
    let (from, to) = (rate as usize, RATE as usize);
    let shortest = from / gcd(from, to);
    if shortest as f64 <= f64::from(rate) * LONGEST_CHUNK_S {
        // 10 ms a chunk keeps the delay far under one voice-activity frame.
        let fft = Fft::new(from, to, (from / 100).max(1), 1, FixedSync::Input).map_err(|e| refused(&e))?;
        return Ok(Box::new(fft));
    }
    let ratio = f64::from(RATE) / f64::from(rate);
    // The filter is counted in input samples: at high rates it must be longer to stay as steep.
    let length = 128 * (from / to).clamp(1, 8);
    let parameters = SincInterpolationParameters::new(length, WindowFunction::BlackmanHarris2);
    let sinc = Async::new_sinc(ratio, 1.0, &parameters, (from / 100).max(1), 1, FixedAsync::Input)
        .map_err(|e| refused(&e))?;
    Ok(Box::new(sinc))
}

const fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers of tests"
)]
mod tests {
    use super::*;

    fn tone(rate: u32, hz: f64, seconds: f64) -> Vec<f32> {
        let n = (f64::from(rate) * seconds) as usize;
        (0..n)
            .map(|i| (std::f64::consts::TAU * hz * i as f64 / f64::from(rate)).sin() as f32 * 0.5)
            .collect()
    }

    fn convert(rate: u32, input: &[f32], block: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate).unwrap();
        let mut out = Vec::new();
        for chunk in input.chunks(block) {
            resampler.push(chunk, &mut out).unwrap();
        }
        resampler.flush(&mut out).unwrap();
        out
    }

    #[test]
    fn a_tone_keeps_its_time_length_and_level_at_every_rate() {
        for rate in [
            8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 44_101, 48_000, 96_000, 192_000, 384_000,
        ] {
            let out = convert(rate, &tone(rate, 440.0, 1.0), 777);
            assert!(out.len().abs_diff(16_000) <= 1, "{rate}: {}", out.len());
            let wanted = tone(RATE, 440.0, 1.0);
            let worst = out[800..15_000]
                .iter()
                .zip(&wanted[800..15_000])
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            // One sample late is 0.086 here: the delay is a whole number of samples, so less than one may remain.
            assert!(worst < 0.08, "{rate}: off by {worst}");
        }
    }

    #[test]
    fn what_16_khz_cannot_carry_is_taken_out() {
        let out = convert(48_000, &tone(48_000, 12_000.0, 0.5), 480);
        let loudest = out[800..7_000].iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        assert!(loudest < 0.01, "{loudest}");
    }

    #[test]
    fn blocks_of_any_size_give_the_same() {
        let input = tone(44_100, 300.0, 0.7);
        assert_eq!(convert(44_100, &input, 1), convert(44_100, &input, 8_192));
    }
}
