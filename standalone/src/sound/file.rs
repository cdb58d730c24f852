//! Audio files and pipes with a header, decoded packet by packet. It must never hold a whole file.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::LazyLock;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource};
use symphonia::core::meta::MetadataOptions;

use super::error::{SoundError, Trouble};
use super::header;
use super::opus::Opus;
use super::pipe::Pipe;
use super::unfinished;

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut registry);
    registry.register_audio_decoder::<Opus>();
    registry
});

/// Looks only so far for a header: further in, any file holds something that looks like an MP3 frame.
static PROBE: LazyLock<Probe> = LazyLock::new(|| {
    let options = ProbeOptions {
        max_probe_depth: 64 * 1024,
        ..ProbeOptions::default()
    };
    let mut probe = Probe::new_with_options(&options);
    symphonia::default::register_enabled_formats(&mut probe);
    probe
});

/// Seconds by which a header may promise too much before the file counts as cut off.
const TOLERANCE_S: f64 = 0.05;

/// Streaming writers put about this many bytes where they do not know the length.
const UNKNOWN_BYTES: u64 = 0x7fff_0000;

/// Reads one audio file.
pub(super) struct FileReader {
    name: String,
    format: Box<dyn FormatReader>,
    track: u32,
    decoder: Box<dyn AudioDecoder>,
    rate: u32,
    promised: Option<u64>,
    must_end: bool,
    heard: u64,
    damaged: u64,
    troubles: Vec<Trouble>,
    /// The first block, decoded on opening; the rate is only sure once there is one.
    first: Option<Vec<Vec<f32>>>,
    over: bool,
}

impl FileReader {
    pub(super) fn open(path: &Path) -> Result<Self, SoundError> {
        let name = path.display().to_string();
        let fail = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => SoundError::Missing(name.clone()),
            _ => SoundError::Read {
                name: name.clone(),
                source,
            },
        };
        let about = fs::metadata(path).map_err(fail)?;
        if about.is_dir() {
            return Err(SoundError::Folder(name));
        }
        if about.is_file() && about.len() == 0 {
            return Err(SoundError::Empty(name));
        }
        let file = File::open(path).map_err(fail)?;
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
            hint.with_extension(extension);
        }
        let (source, mended): (Box<dyn MediaSource>, _) = if about.is_file() {
            unfinished::mend(file).map_err(fail)?
        } else {
            (Box::new(file), false)
        };
        let mut reader = Self::from_source(name, source, &hint)?;
        if mended {
            reader.troubles.push(Trouble::Unfinished);
        }
        Ok(reader)
    }

    pub(super) fn pipe(name: String) -> Result<Self, SoundError> {
        let fail = |source| SoundError::Read {
            name: name.clone(),
            source,
        };
        let mut pipe = Pipe::open().map_err(fail)?;
        let first = header::peek(&mut pipe).map_err(fail)?;
        if first.is_empty() {
            return Err(SoundError::NothingCame);
        }
        let whole = io::Cursor::new(first).chain(pipe);
        Self::from_source(name, Box::new(ReadOnlySource::new(whole)), &Hint::new()).map_err(|error| {
            match error {
                SoundError::NotAudio { why, .. } => SoundError::UnknownPipe(why),
                other => other,
            }
        })
    }

    fn from_source(name: String, source: Box<dyn MediaSource>, hint: &Hint) -> Result<Self, SoundError> {
        let seekable = source.is_seekable();
        let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
        let format = PROBE
            .probe(hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| refuse(&name, &error))?;
        let (track, decoder) = start(format.as_ref()).map_err(|error| refuse(&name, &error))?;
        let must_end = format.format_info().short_name == "ogg";
        let (id, promised) = (track.id, promised_frames(track, seekable));
        let mut reader = Self {
            name,
            format,
            track: id,
            decoder,
            rate: 0,
            promised,
            must_end,
            heard: 0,
            damaged: 0,
            troubles: Vec::new(),
            first: None,
            over: false,
        };
        let mut first = Vec::new();
        if !reader.decode(&mut first)? {
            return Err(match reader.damaged {
                0 => SoundError::NoSound(reader.name),
                _ => SoundError::NotAudio {
                    name: reader.name,
                    why: "no packet can be decoded".into(),
                },
            });
        }
        reader.first = Some(first);
        Ok(reader)
    }

    pub(super) const fn rate(&self) -> u32 {
        self.rate
    }

    pub(super) fn promised_s(&self) -> Option<f64> {
        self.promised
            .map(|frames| frames as f64 / f64::from(self.rate.max(1)))
    }

    pub(super) fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    /// Fills `block` with the next frames, planar; false at the end.
    pub(super) fn next(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, SoundError> {
        if let Some(first) = self.first.take() {
            *block = first;
            return Ok(true);
        }
        self.decode(block)
    }

    fn decode(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, SoundError> {
        while !self.over {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => {
                    self.end(false);
                    break;
                }
                Err(Error::ResetRequired) => {
                    // A new stream begins in the same file, as in chained Ogg.
                    match start(self.format.as_ref()) {
                        Ok((track, decoder)) => (self.track, self.decoder) = (track.id, decoder),
                        Err(_) => self.end(true),
                    }
                    continue;
                }
                Err(Error::IoError(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                    return Err(SoundError::Read {
                        name: self.name.clone(),
                        source: error,
                    });
                }
                Err(error) => {
                    let cut = self.must_end || !matches!(error, Error::IoError(_));
                    self.end(cut);
                    break;
                }
            };
            if packet.track_id != self.track {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(audio) if audio.frames() == 0 => {}
                Ok(audio) => {
                    let rate = audio.spec().rate();
                    if self.rate != 0 && rate != self.rate {
                        self.troubles.push(Trouble::RateChanged { at_s: self.heard_s() });
                        self.promised = None;
                        self.end(false);
                        break;
                    }
                    audio.copy_to_vecs_planar(block);
                    self.rate = rate;
                    self.heard += audio.frames() as u64;
                    return Ok(true);
                }
                Err(Error::DecodeError(_) | Error::IoError(_)) => {
                    self.damaged += 1;
                    if self.silence(block, packet.dur.get()) {
                        return Ok(true);
                    }
                }
                Err(Error::ResetRequired) => self.decoder.reset(),
                Err(_) => self.end(true),
            }
        }
        Ok(false)
    }

    /// Silence in place of a packet that is damaged, so that the clock stays true; false if none is due.
    fn silence(&mut self, block: &mut [Vec<f32>], frames: u64) -> bool {
        // Before the first good packet there is no telling how many channels there are.
        if self.rate == 0 || block.is_empty() || frames == 0 {
            return false;
        }
        // A damaged packet may claim any length; more than a second is not a packet.
        let frames = usize::try_from(frames.min(u64::from(self.rate))).unwrap_or(0);
        for channel in block.iter_mut() {
            channel.clear();
            channel.resize(frames, 0.0);
        }
        self.heard += frames as u64;
        true
    }

    fn heard_s(&self) -> f64 {
        self.heard as f64 / f64::from(self.rate.max(1))
    }

    fn end(&mut self, cut: bool) {
        self.over = true;
        let (heard_s, told_s) = (self.heard_s(), self.promised_s());
        if self.rate != 0 && (cut || told_s.is_some_and(|told_s| heard_s + TOLERANCE_S < told_s)) {
            self.troubles.push(Trouble::Truncated { heard_s, told_s });
        }
        if self.damaged > 0 {
            self.troubles.push(Trouble::Damaged {
                packets: self.damaged,
            });
        }
    }
}

/// The track to hear and its decoder.
fn start(format: &dyn FormatReader) -> Result<(&Track, Box<dyn AudioDecoder>), Error> {
    let track = format
        .default_track(TrackType::Audio)
        .ok_or(Error::Unsupported("there is no audio track"))?;
    let Some(CodecParameters::Audio(params)) = &track.codec_params else {
        return Err(Error::Unsupported("the audio track does not say its codec"));
    };
    let decoder = CODECS
        .make_audio_decoder(params, &AudioDecoderOptions::default())
        .map_err(|_| Error::Unsupported("its codec is not known here"))?;
    Ok((track, decoder))
}

/// The frames that the header promises, unless it only says that it does not know.
fn promised_frames(track: &Track, seekable: bool) -> Option<u64> {
    let frames = track.num_frames?;
    let Some(CodecParameters::Audio(params)) = &track.codec_params else {
        return Some(frames);
    };
    let bits = params
        .bits_per_coded_sample
        .or(params.bits_per_sample)
        .unwrap_or(0);
    let channels = params
        .channels
        .as_ref()
        .map_or(0, symphonia::core::audio::Channels::count) as u64;
    let bytes = frames.saturating_mul(channels).saturating_mul(u64::from(bits)) / 8;
    (seekable || bytes < UNKNOWN_BYTES).then_some(frames)
}

fn refuse(name: &str, error: &Error) -> SoundError {
    let why = match error {
        Error::IoError(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            "it ends before any sound begins".to_owned()
        }
        Error::DecodeError(why) if why.contains("channel count") || why.contains("block size is 0") => {
            "its header gives a number of channels that cannot be: none, or too many".to_owned()
        }
        Error::Unsupported(why) if why.contains("core (probe)") || why.contains("no suitable format") => {
            "no known audio format begins here".to_owned()
        }
        Error::DecodeError(why) | Error::Unsupported(why) | Error::LimitError(why) => (*why).to_owned(),
        other => other.to_string(),
    };
    SoundError::NotAudio {
        name: name.to_owned(),
        why,
    }
}
