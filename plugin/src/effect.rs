//! The effect that a host sees: sound in, the same sound out, a copy of it to the engine.
//!
//! `process` runs on the host's audio thread: it must never allocate, lock, make a system call, wait or
//! panic, and it never writes to the sound. (While a host renders offline it may wait: nobody listens then,
//! and no sound should be lost.)

use std::sync::Arc;
use std::time::Duration;

use nice_plug::midi::{Channel, Key, VoiceID};
use nice_plug::prelude::*;
use nice_plug_egui::RepaintNotifier;
use undertone::Activity;

use crate::courier::{Line, Receiver};
use crate::doors::MOST_CHANNELS;
use crate::editor::{self, PanelEditor};
use crate::extras::Extras;
use crate::memory::{self, Memory};
use crate::midi::Controls;
use crate::notes::{Note, Notes};
use crate::panel::{self, Ear, Reading};
use crate::voice::Voice;

/// How long an offline render waits for the worker without any progress before it goes on without.
const PATIENCE: Duration = Duration::from_secs(5);

/// One step of that wait.
const NAP: Duration = Duration::from_millis(1);

/// As many channels out as in: stereo first, as most hosts take the first, then mono and the wider ones. The doors
/// add the side-chain and the control voltages to each.
const LAYOUTS: [AudioIOLayout; MOST_CHANNELS] = {
    let mut layouts = [layout(2); MOST_CHANNELS];
    layouts[1] = layout(1);
    let mut at = 2;
    while at < MOST_CHANNELS {
        #[allow(clippy::cast_possible_truncation, reason = "eight")]
        let channels = at as u32 + 1;
        layouts[at] = layout(channels);
        at += 1;
    }
    layouts
};

const fn layout(channels: u32) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(channels),
        main_output_channels: NonZeroU32::new(channels),
        ..AudioIOLayout::const_default()
    }
}

/// The plugin.
pub struct Undertone {
    memory: Arc<Memory>,
    voice: Arc<Voice>,
    receiver: Receiver,
    extras: Arc<Extras>,
    controls: Controls,
    notes: Notes,
    /// Has the panel drawn at once; without a window it is a flag that nobody reads.
    notifier: RepaintNotifier,
    shown: Option<(Activity, bool)>,
    rate: f32,
    offline: bool,
    patient: bool,
}

impl Default for Undertone {
    /// What a scan makes: no engine, no model, no file.
    fn default() -> Self {
        let extras = Extras::handed();
        let (voice, receiver) = Voice::new(Arc::clone(&extras));
        let (memory, voice) = (Arc::<Memory>::default(), Arc::new(voice));
        let (saved, follower) = (Arc::downgrade(&memory), Arc::downgrade(&voice));
        extras.when_restored(move || {
            if let (Some(memory), Some(voice)) = (saved.upgrade(), follower.upgrade()) {
                voice.set(&memory.saved().settings);
            }
        });
        Self {
            memory,
            voice,
            receiver,
            extras,
            controls: Controls::default(),
            notes: Notes::default(),
            notifier: RepaintNotifier::new(),
            shown: None,
            rate: 48_000.0,
            offline: false,
            patient: true,
        }
    }
}

impl Plugin for Undertone {
    const NAME: &'static str = "Undertone";
    const VENDOR: &'static str = "Undertone";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &LAYOUTS;

    const MIDI_OUTPUT: MidiConfig = MidiConfig::MidiCCs;

    type Editor = PanelEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    /// Somebody else's process: it gets no logger and no panic hook from here.
    fn setup_logger() -> Option<bool> {
        Some(false)
    }

    fn params(&self) -> Arc<dyn Params> {
        Arc::<Memory>::clone(&self.memory)
    }

    fn editor(&mut self, _async_executor: AsyncExecutor<Self>) -> Option<PanelEditor> {
        editor::open(&self.memory, &self.voice, &self.notifier)
    }

    fn filter_state(state: &mut PluginState) {
        memory::migrate(state);
    }

    fn activate(
        &mut self,
        _layout: &AudioIOLayout,
        buffer: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.rate = buffer.sample_rate;
        self.offline = buffer.process_mode == ProcessMode::Offline;
        self.patient = true;
        // Rates are far below 2^24, where every whole number is exact; silly ones are refused by the engine.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rate = buffer.sample_rate.round().max(0.0) as u32;
        let settings = self.memory.saved().settings;
        self.voice.activate(rate, &settings);
        true
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        _aux: &mut AuxiliaryBuffers<'_>,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let frames = buffer.samples();
        let midi = self.voice.midi();
        let bypassed = self.memory.bypass.value();
        // Taken before the bypass is looked at, so that a line given up is never held on to.
        let line = self.receiver.line().filter(|_| !bypassed);
        self.extras.set_listening(line.is_some());
        let (score, voice) = match line {
            Some(line) => {
                // An empty block is no reason to end a note.
                if frames > 0 {
                    if self.offline {
                        self.patient = wait_for_room(line, frames, self.patient);
                    }
                    hear(line, buffer, &self.extras);
                }
                let now = line.latest.read();
                // A panel at rest is drawn once a second; it must not miss that somebody begins.
                let shown = Some((now.activity, panel::awake(now)));
                if self.shown != shown {
                    self.shown = shown;
                    self.notifier.request_repaint();
                }
                (now.score, now.voice)
            }
            None => (None, Reading::REST),
        };
        self.extras.write(&Reading::values(score.as_ref(), voice));
        #[allow(clippy::cast_precision_loss, reason = "blocks are small")]
        let block_s = frames as f32 / self.rate.max(1.0);
        let depth = self.memory.depth.value();
        self.extras.set_depth(depth);
        self.controls
            .run(midi, block_s, score.as_ref(), depth, |control| {
                let event = NoteEvent::MidiCC {
                    timing: 0,
                    channel: midi.channel,
                    cc: control.number,
                    value: f32::from(control.value) / 127.0,
                };
                context.try_send_event(event).is_ok()
            });
        self.notes.run(midi, score.as_ref(), |note| {
            context.try_send_event(event_of(note)).is_ok()
        });
        ProcessStatus::Normal
    }
}

/// Hands a block to the engine: the track's, or the side-chain's where that is what the user chose.
fn hear(line: &mut Line, buffer: &Buffer<'_>, extras: &Extras) {
    if extras.ear() == Ear::Sidechain {
        // Without one nothing is heard, and the panel says that no sound comes.
        extras
            .chain()
            .next(buffer.samples(), |channels| line.tap.push(channels));
        return;
    }
    let mut channels: [&[f32]; MOST_CHANNELS] = [&[]; MOST_CHANNELS];
    let mut count = 0;
    for (place, channel) in channels.iter_mut().zip(buffer.as_slice_immutable()) {
        *place = channel;
        count += 1;
    }
    line.tap.push(&channels[..count]);
}

fn event_of<S>(note: Note) -> NoteEvent<S> {
    let Note {
        channel,
        key,
        on,
        strength,
    } = note;
    let (voice_id, channel, key) = (VoiceID::Wildcard, Channel::Number(channel), Key::Number(key));
    let velocity = f32::from(strength) / 127.0;
    if on {
        NoteEvent::NoteOn {
            timing: 0,
            voice_id,
            channel,
            key,
            velocity,
        }
    } else {
        NoteEvent::NoteOff {
            timing: 0,
            voice_id,
            channel,
            key,
            velocity,
        }
    }
}

/// Waits until a block fits, while rendering offline. Answers whether it is worth waiting the next time: a
/// worker that does not move must not hold a render up block after block.
fn wait_for_room(line: &Line, frames: usize, patient: bool) -> bool {
    let mut room = line.tap.room();
    let mut waited = Duration::ZERO;
    while room < frames && patient {
        std::thread::sleep(NAP);
        waited += NAP;
        let now = line.tap.room();
        if now > room {
            waited = Duration::ZERO;
        }
        room = now;
        if waited > PATIENCE {
            return false;
        }
    }
    patient || room >= frames
}

impl ClapPlugin for Undertone {
    const CLAP_ID: &'static str = "org.undertone.undertone";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("Hears how something is said and what is said, and shows the emotion it carries");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::AudioEffect,
        ClapFeature::Analyzer,
        ClapFeature::Utility,
        ClapFeature::Stereo,
        ClapFeature::Mono,
    ];
}

impl Vst3Plugin for Undertone {
    const VST3_CLASS_ID: [u8; 16] = *b"UndertoneVoice01";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[Vst3SubCategory::Fx, Vst3SubCategory::Analyzer];
}

#[cfg(test)]
mod tests {
    use super::*;
    use undertone::{Engine, EngineConfig, StreamConfig};

    fn render(wait: bool) -> u64 {
        let engine = Engine::start(EngineConfig::default());
        let (tap, stream) = engine.open(&StreamConfig::new("render", 48_000)).unwrap();
        let mut line = Line {
            tap,
            latest: stream.latest(),
        };
        let block = [0.0; 512];
        let mut patient = true;
        // Ten seconds of sound, as fast as it goes, into a ring that holds two.
        for _ in 0..940 {
            if wait {
                patient = wait_for_room(&line, block.len(), patient);
            }
            line.tap.push(&[&block]);
        }
        line.tap.losses().dropped
    }

    #[test]
    fn an_offline_render_loses_nothing() {
        assert_eq!(render(true), 0);
        assert!(
            render(false) > 0,
            "without the wait the ring is too small, so the test can fail"
        );
    }
}
