//! Where sound enters: downmix, push into a lock-free ring, count what did not fit. Nothing else.
//!
//! [`Tap::push`] runs on somebody's audio thread. It must never allocate, lock, make a system call, log,
//! panic or wait; `tests/tests/audio_thread.rs` fails if it does. So it wakes nobody: the worker looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seconds of sound the ring holds while the worker is busy.
const RING_S: f64 = 2.0;

/// The largest sample that can be sound: 40 dB over full scale. Wild bit patterns beyond it would overflow the
/// filters behind.
const LOUDEST: f32 = 100.0;

/// Sample rates a tap takes, in Hz.
pub const RATES: std::ops::RangeInclusive<u32> = 8_000..=384_000;

/// What happened to the sound of a stream on its way in.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Frames lost because the ring was full.
    dropped: AtomicU64,
    /// Samples that were not finite, or far beyond any sound, and became silence.
    non_finite: AtomicU64,
}

/// A reading of what happened to the sound of a stream on its way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Losses {
    /// Frames lost because the worker did not keep up.
    pub dropped: u64,
    /// Samples that were not finite, or far beyond any sound, and became silence.
    pub non_finite: u64,
}

impl Counters {
    pub(crate) fn read(&self) -> Losses {
        Losses {
            dropped: self.dropped.load(Ordering::Relaxed),
            non_finite: self.non_finite.load(Ordering::Relaxed),
        }
    }
}

/// The audio thread's end of a stream.
#[derive(Debug)]
pub struct Tap {
    ring: rtrb::Producer<f32>,
    counters: Arc<Counters>,
    rate: u32,
}

/// The worker's end of a tap.
#[derive(Debug)]
pub(crate) struct Drain {
    ring: rtrb::Consumer<f32>,
}

pub(crate) fn pair(rate: u32, counters: Arc<Counters>) -> (Tap, Drain) {
    // Rates are checked where streams are opened; the product is far below 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let capacity = (f64::from(rate) * RING_S) as usize;
    let (producer, consumer) = rtrb::RingBuffer::new(capacity);
    (
        Tap {
            ring: producer,
            counters,
            rate,
        },
        Drain { ring: consumer },
    )
}

impl Tap {
    /// Takes one block, any length, any number of channels. Channels are averaged; the shortest decides.
    ///
    /// What does not fit is dropped and counted, never waited for.
    pub fn push(&mut self, channels: &[&[f32]]) {
        let Some(frames) = channels.iter().map(|channel| channel.len()).min() else {
            return;
        };
        if frames == 0 {
            return;
        }
        let fit = frames.min(self.ring.slots());
        // Counted per block, not per sample: one atomic at most.
        let mut non_finite = 0_u64;
        if let Ok(chunk) = self.ring.write_chunk_uninit(fit) {
            // A multiplication, so that a mono block passes unchanged.
            let scale = 1.0 / channels.len() as f32;
            chunk.fill_from_iter((0..fit).map(|at| {
                let sum: f32 = channels
                    .iter()
                    .map(|channel| channel.get(at).copied().unwrap_or(0.0))
                    .sum();
                let mean = sum * scale;
                // Not true of what is not a number, either.
                if mean.abs() <= LOUDEST {
                    mean
                } else {
                    non_finite += 1;
                    0.0
                }
            }));
        } else {
            // Cannot happen, as only this side fills the ring; counted as lost rather than trusted.
            self.count_dropped(fit);
        }
        if non_finite > 0 {
            self.counters.non_finite.fetch_add(non_finite, Ordering::Relaxed);
        }
        if fit < frames {
            self.count_dropped(frames - fit);
        }
    }

    fn count_dropped(&self, frames: usize) {
        self.counters.dropped.fetch_add(frames as u64, Ordering::Relaxed);
    }

    /// The sample rate it was opened with.
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// Frames that fit right now; for callers that may wait, such as a file reader.
    pub fn room(&self) -> usize {
        self.ring.slots()
    }

    /// What was lost so far.
    pub fn losses(&self) -> Losses {
        self.counters.read()
    }
}

impl Drain {
    /// Moves everything that waits into `out`.
    pub(crate) fn take(&mut self, out: &mut Vec<f32>) {
        let waiting = self.ring.slots();
        if let Ok(chunk) = self.ring.read_chunk(waiting) {
            let (first, second) = chunk.as_slices();
            out.extend_from_slice(first);
            out.extend_from_slice(second);
            chunk.commit_all();
        }
    }

    /// More has come than a short while's sound, or nothing more will.
    pub(crate) fn is_filling(&self) -> bool {
        self.ring.is_abandoned() || self.ring.slots() > self.ring.buffer().capacity() / 8
    }

    /// The tap is gone and nothing waits any more.
    pub(crate) fn is_over(&self) -> bool {
        self.ring.is_abandoned() && self.ring.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(rate: u32) -> (Tap, Drain, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        let (tap, drain) = pair(rate, Arc::clone(&counters));
        (tap, drain, counters)
    }

    #[test]
    fn mono_passes_unchanged_and_stereo_is_averaged() {
        let (mut tap, mut drain, _) = fresh(8_000);
        tap.push(&[&[0.1, -0.3]]);
        tap.push(&[&[0.5, 0.5], &[-0.5, 0.25]]);
        let mut out = Vec::new();
        drain.take(&mut out);
        assert_eq!(out, [0.1, -0.3, 0.0, 0.375]);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let (mut tap, mut drain, counters) = fresh(8_000);
        let block = vec![0.25; 10_000];
        tap.push(&[&block]);
        tap.push(&[&block]);
        assert_eq!(counters.read().dropped, 4_000);
        let mut out = Vec::new();
        drain.take(&mut out);
        assert_eq!(out.len(), 16_000);
    }

    #[test]
    fn what_is_not_a_number_is_silence_and_counted() {
        let (mut tap, mut drain, counters) = fresh(8_000);
        tap.push(&[&[f32::NAN, 0.5, f32::INFINITY, -1e38]]);
        let mut out = Vec::new();
        drain.take(&mut out);
        assert_eq!(out, [0.0, 0.5, 0.0, 0.0]);
        assert_eq!(counters.read().non_finite, 3);
    }

    #[test]
    fn no_channels_and_no_frames_are_nothing() {
        let (mut tap, mut drain, _) = fresh(8_000);
        tap.push(&[]);
        tap.push(&[&[], &[]]);
        let mut out = Vec::new();
        drain.take(&mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn a_dropped_tap_is_noticed_after_its_last_sample() {
        let (mut tap, mut drain, _) = fresh(8_000);
        tap.push(&[&[0.5]]);
        drop(tap);
        assert!(!drain.is_over());
        drain.take(&mut Vec::new());
        assert!(drain.is_over());
    }
}
