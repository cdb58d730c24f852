//! Opus for symphonia, which can open its containers but has no decoder for it.
//!
//! It must never trust a header: what it says is checked before a decoder is made. Layouts of family 1 are the
//! standard ones; family 255 (discrete channels) is refused by the decoder, with a sentence.

use opus_pure::{MAX_PACKET_SAMPLES, OpusDecoder, OpusMSDecoder};
use symphonia::core::audio::{
    AsGenericAudioBufferRef as _, AudioBuffer, AudioMut as _, AudioSpec, Channels, GenericAudioBufferRef,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::codecs::registry::{RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::errors::{Error, Result};
use symphonia::core::packet::PacketRef;

/// Opus always decodes at this rate, whatever the sound was recorded at.
const RATE: i32 = 48_000;

static CODECS: [SupportedAudioCodec; 1] = [SupportedAudioCodec {
    id: CODEC_ID_OPUS,
    info: CodecInfo {
        short_name: "opus",
        long_name: "Opus",
        profiles: &[],
    },
}];

/// What is needed of the identification header of an Opus stream.
#[derive(Debug, Clone, PartialEq)]
struct Head {
    channels: usize,
    pre_skip: usize,
    gain: f32,
    family: u8,
}

impl Head {
    /// Reads the header, or takes what the container says where there is none.
    fn read(extra: Option<&[u8]>, channels: usize) -> Result<Self> {
        let Some(bytes) = extra.filter(|bytes| bytes.starts_with(b"OpusHead")) else {
            return Ok(Self {
                channels,
                pre_skip: 0,
                gain: 1.0,
                family: u8::from(channels > 2),
            });
        };
        // After the name and a version: channels, look-ahead, original rate, gain, mapping.
        let &[
            _,
            channels,
            skip_low,
            skip_high,
            _,
            _,
            _,
            _,
            gain_low,
            gain_high,
            family,
            ..,
        ] = bytes.get(8..).unwrap_or_default()
        else {
            return Err(Error::Unsupported("opus: header"));
        };
        Ok(Self {
            channels: usize::from(channels),
            pre_skip: usize::from(u16::from_le_bytes([skip_low, skip_high])),
            // Q7.8 decibels, by which every decoder must multiply.
            gain: 10_f32.powf(f32::from(i16::from_le_bytes([gain_low, gain_high])) / (20.0 * 256.0)),
            family,
        })
    }
}

/// One stream, or several that make up a surround layout.
enum Inner {
    Single(Box<OpusDecoder>),
    Multi(Box<OpusMSDecoder>),
}

impl Inner {
    fn new(head: &Head) -> opus_pure::Result<Self> {
        if head.family == 0 {
            return Ok(Self::Single(Box::new(OpusDecoder::new(RATE, head.channels)?)));
        }
        Ok(Self::Multi(Box::new(OpusMSDecoder::new(
            RATE,
            head.channels,
            head.family,
        )?)))
    }

    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> opus_pure::Result<usize> {
        match self {
            Self::Single(one) => one.decode(packet, MAX_PACKET_SAMPLES, out),
            Self::Multi(many) => many.decode(packet, MAX_PACKET_SAMPLES, out),
        }
    }

    fn reset(&mut self) {
        // Fails for no decoder that could be made.
        let _ = match self {
            Self::Single(one) => one.reset_state(),
            Self::Multi(many) => many.reset_state(),
        };
    }
}

/// The decoder that symphonia is given.
pub(super) struct Opus {
    params: AudioCodecParameters,
    head: Head,
    inner: Inner,
    buffer: AudioBuffer<f32>,
    interleaved: Vec<f32>,
    /// Frames still to be thrown away at the start: the encoder's look-ahead.
    skip: usize,
}

impl Opus {
    fn new(params: &AudioCodecParameters) -> Result<Self> {
        let told = params.channels.as_ref().map_or(1, Channels::count);
        let head = Head::read(params.extra_data.as_deref(), told)?;
        let inner = Inner::new(&head).map_err(|_| Error::Unsupported("opus: channel mapping"))?;
        let channels = match &params.channels {
            Some(channels) if channels.count() == head.channels => channels.clone(),
            _ => Channels::Discrete(
                u16::try_from(head.channels).map_err(|_| Error::Unsupported("opus: channels"))?,
            ),
        };
        let buffer = AudioBuffer::new(AudioSpec::new(RATE.unsigned_abs(), channels), MAX_PACKET_SAMPLES);
        let interleaved = vec![0.0; MAX_PACKET_SAMPLES * head.channels];
        Ok(Self {
            params: params.clone(),
            skip: head.pre_skip,
            head,
            inner,
            buffer,
            interleaved,
        })
    }
}

impl AudioDecoder for Opus {
    fn reset(&mut self) {
        self.inner.reset();
    }

    fn codec_info(&self) -> &CodecInfo {
        &CODECS[0].info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.buffer.clear();
        let frames = self
            .inner
            .decode(packet.data, &mut self.interleaved)
            .map_err(|_| Error::DecodeError("opus: packet"))?;
        let samples = &mut self.interleaved[..frames * self.head.channels];
        if self.head.gain.to_bits() != 1_f32.to_bits() {
            for sample in samples.iter_mut() {
                *sample *= self.head.gain;
            }
        }
        self.buffer.render_uninit(Some(frames));
        self.buffer.copy_from_slice_interleaved(&samples);
        let usize_of = |frames: u64| usize::try_from(frames).unwrap_or(usize::MAX);
        let skip = self.skip.min(frames);
        self.skip -= skip;
        let from_start = skip.max(usize_of(packet.trim_start.get())).min(frames);
        self.buffer.trim(
            from_start,
            usize_of(packet.trim_end.get()).min(frames - from_start),
        );
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}

impl RegisterableAudioDecoder for Opus {
    fn try_registry_new(
        params: &AudioCodecParameters,
        _: &AudioDecoderOptions,
    ) -> Result<Box<dyn AudioDecoder>> {
        Ok(Box::new(Self::new(params)?))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        &CODECS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(rest: &[u8]) -> Vec<u8> {
        [b"OpusHead".as_slice(), rest].concat()
    }

    #[test]
    fn the_header_gives_channels_skip_and_gain() {
        let bytes = head(&[1, 2, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 6, 0]);
        let read = Head::read(Some(&bytes), 7).expect("a good header");
        assert_eq!((read.channels, read.pre_skip, read.family), (2, 312, 0));
        assert!((read.gain - 10_f32.powf(6.0 / 20.0)).abs() < 1e-6);
    }

    #[test]
    fn a_header_that_cannot_be_is_refused() {
        assert!(Head::read(Some(&head(&[1, 2, 0])), 2).is_err());
        assert!(Head::read(Some(b"OpusHead"), 1).is_err());
        let params = |channels| {
            let mut params = AudioCodecParameters::new();
            params
                .for_codec(CODEC_ID_OPUS)
                .with_channels(Channels::Discrete(channels));
            params
        };
        assert!(Opus::new(&params(0)).is_err());
        assert!(Opus::new(&params(99)).is_err());
        assert!(Opus::new(&params(2)).is_ok());
    }
}
