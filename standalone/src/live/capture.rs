//! From an audio device into a tap. The callback allocates nothing, locks nothing and waits for nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use cpal::{BufferSize, FromSample, HostId, Sample as _, SampleFormat, SizedSample, StreamConfig};
use crossbeam_channel::{Receiver, Sender, bounded};
use undertone::Tap;

use crate::inputs::{Input, InputError};

/// Frames converted at a time.
const BLOCK: usize = 512;

/// Channels heard; of a device with more, the others are left away.
const CHANNELS: usize = 64;

/// Blocks a second that an audio server is asked for: short, so that scores are early, but each costs: its client
/// clears a megabyte for every read, which at 50 a second was more than all the listening to silence.
const BLOCKS_PER_S: u32 = 16;

/// A device that is being listened to.
pub struct Capture {
    /// Kept for its end: dropping it stops the device.
    _stream: cpal::Stream,
    frames: Arc<AtomicU64>,
    errors: Receiver<cpal::Error>,
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture")
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

impl Capture {
    /// Opens the device; every block goes into the tap, which must have the device's rate.
    pub fn open(input: &Input, tap: Tap) -> Result<Self, InputError> {
        let (send, errors) = bounded(16);
        let frames = Arc::new(AtomicU64::new(0));
        let feeder = Feeder::new(tap, usize::from(input.channels), Arc::clone(&frames));
        let stream = build(input, feeder, send).and_then(|stream| stream.play().map(|()| stream));
        let stream = stream.map_err(|error| InputError::Unusable {
            name: input.name.clone(),
            why: error.to_string(),
        })?;
        Ok(Self {
            _stream: stream,
            frames,
            errors,
        })
    }

    /// Frames that have come so far; when this stands still, the device is gone.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// What the device complains about.
    pub const fn errors(&self) -> &Receiver<cpal::Error> {
        &self.errors
    }
}

/// Whether sound comes through an audio server. The name decides: the variant only exists on some platforms.
fn is_server(host: HostId) -> bool {
    host.name() == "PulseAudio"
}

fn build(input: &Input, feeder: Feeder, errors: Sender<cpal::Error>) -> Result<cpal::Stream, cpal::Error> {
    let server = is_server(input.host);
    let config = StreamConfig {
        channels: input.channels,
        sample_rate: input.rate,
        // A server delivers in whatever pieces it is asked for, and seconds late if it is not asked. Devices
        // know best themselves.
        buffer_size: if server {
            BufferSize::Fixed(input.rate / BLOCKS_PER_S)
        } else {
            BufferSize::Default
        },
    };
    match input.sample_format {
        SampleFormat::I8 => start::<i8>(input, config, feeder, errors),
        SampleFormat::I16 => start::<i16>(input, config, feeder, errors),
        SampleFormat::I24 => start::<cpal::I24>(input, config, feeder, errors),
        SampleFormat::I32 => start::<i32>(input, config, feeder, errors),
        SampleFormat::I64 => start::<i64>(input, config, feeder, errors),
        SampleFormat::U8 => start::<u8>(input, config, feeder, errors),
        SampleFormat::U16 => start::<u16>(input, config, feeder, errors),
        SampleFormat::U24 => start::<cpal::U24>(input, config, feeder, errors),
        SampleFormat::U32 => start::<u32>(input, config, feeder, errors),
        SampleFormat::U64 => start::<u64>(input, config, feeder, errors),
        SampleFormat::F64 => start::<f64>(input, config, feeder, errors),
        // Also what an unknown format is asked as: the device then says what it thinks of it.
        _ => start::<f32>(input, config, feeder, errors),
    }
}

fn start<T>(
    input: &Input,
    config: StreamConfig,
    mut feeder: Feeder,
    errors: Sender<cpal::Error>,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample + Send + 'static,
    f32: FromSample<T>,
{
    input.device.build_input_stream::<T, _, _>(
        config,
        move |block, _| feeder.feed(block),
        // Full means that nobody has read sixteen complaints: one more would say nothing new.
        move |error| drop(errors.try_send(error)),
        Some(std::time::Duration::from_secs(3)),
    )
}

/// Turns interleaved blocks of any format into what the tap takes.
struct Feeder {
    tap: Tap,
    channels: usize,
    /// One plane of [`BLOCK`] samples a channel.
    planes: Vec<f32>,
    frames: Arc<AtomicU64>,
}

impl Feeder {
    fn new(tap: Tap, channels: usize, frames: Arc<AtomicU64>) -> Self {
        let planes = vec![0.0; channels.clamp(1, CHANNELS) * BLOCK];
        Self {
            tap,
            channels: channels.max(1),
            planes,
            frames,
        }
    }

    fn feed<T: SizedSample>(&mut self, block: &[T])
    where
        f32: FromSample<T>,
    {
        for part in block.chunks(BLOCK * self.channels) {
            let frames = part.len() / self.channels;
            for (channel, plane) in self.planes.chunks_exact_mut(BLOCK).enumerate() {
                let samples = part.iter().skip(channel).step_by(self.channels);
                for (slot, sample) in plane.iter_mut().zip(samples) {
                    *slot = f32::from_sample(*sample);
                }
            }
            let mut planes: [&[f32]; CHANNELS] = [&[]; CHANNELS];
            let mut count = 0;
            for (slot, plane) in planes.iter_mut().zip(self.planes.chunks_exact(BLOCK)) {
                *slot = plane.get(..frames).unwrap_or_default();
                count += 1;
            }
            self.tap.push(planes.get(..count).unwrap_or_default());
            self.frames.fetch_add(frames as u64, Ordering::Relaxed);
        }
    }
}
