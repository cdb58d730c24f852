//! One stream's hearing: resample, detect, cut. The same for live sound and for files.

use crate::resample::{RATE, ResampleError, Resampler};
use crate::utterance::{Cutting, Request, Segmenter};

/// The longest gap that is filled with silence; a longer one only moves the clock on by this much at a time.
const GAP_CHUNK: u64 = RATE as u64;

/// Resampler and segmenter of one stream.
#[derive(Debug)]
pub(crate) struct Ears {
    resampler: Resampler,
    rate: u32,
    segmenter: Segmenter,
    scratch: Vec<f32>,
    /// Of the newest sound.
    pub(crate) peak: f32,
    pub(crate) rms: f32,
}

impl Ears {
    pub(crate) fn new(rate: u32, cutting: Cutting) -> Result<Self, ResampleError> {
        Ok(Self {
            resampler: Resampler::new(rate)?,
            rate,
            segmenter: Segmenter::new(cutting),
            scratch: Vec::new(),
            peak: 0.0,
            rms: 0.0,
        })
    }

    /// Takes mono sound of the input rate.
    pub(crate) fn push(&mut self, mono: &[f32], out: &mut Vec<Request>) -> Result<(), ResampleError> {
        if mono.is_empty() {
            return Ok(());
        }
        self.peak = mono.iter().fold(0.0, |peak, sample| peak.max(sample.abs()));
        self.rms = (mono.iter().map(|sample| sample * sample).sum::<f32>() / mono.len() as f32).sqrt();
        self.scratch.clear();
        self.resampler.push(mono, &mut self.scratch)?;
        self.segmenter.push(&self.scratch, out);
        Ok(())
    }

    /// Sound was lost: silence of the same length takes its place, so that the clock stays true.
    pub(crate) fn gap(&mut self, frames: u64, out: &mut Vec<Request>) {
        let mut left = frames * u64::from(RATE) / u64::from(self.rate);
        while left > 0 {
            let now = left.min(GAP_CHUNK);
            self.scratch.clear();
            self.scratch.resize(usize::try_from(now).unwrap_or(0), 0.0);
            self.segmenter.push(&self.scratch, out);
            left -= now;
        }
    }

    /// The rate changes here; what was heard so far is heard to its end first.
    pub(crate) fn set_rate(&mut self, rate: u32, out: &mut Vec<Request>) -> Result<(), ResampleError> {
        let next = Resampler::new(rate)?;
        self.scratch.clear();
        self.resampler.flush(&mut self.scratch)?;
        self.segmenter.push(&self.scratch, out);
        (self.resampler, self.rate) = (next, rate);
        Ok(())
    }

    /// The sound is over.
    pub(crate) fn finish(&mut self, out: &mut Vec<Request>) -> Result<(), ResampleError> {
        self.scratch.clear();
        self.resampler.flush(&mut self.scratch)?;
        self.segmenter.push(&self.scratch, out);
        self.segmenter.finish(out);
        Ok(())
    }

    /// Makes hops this many times longer while the machine is behind.
    pub(crate) fn stretch_hops(&mut self, times: u32) {
        self.segmenter.stretch = times.max(1);
    }

    /// The stream's clock, in 16 kHz samples.
    pub(crate) fn clock(&self) -> u64 {
        self.segmenter.clock()
    }

    pub(crate) fn is_speaking(&self) -> bool {
        self.segmenter.is_speaking()
    }

    /// Probability that the newest sound is voice.
    pub(crate) fn voice(&self) -> f32 {
        self.segmenter.probability
    }
}
