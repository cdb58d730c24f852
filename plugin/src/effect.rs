//! The effect that a host sees: sound in, the same sound out, a copy of it to the engine.
//!
//! `process` runs on the host's audio thread: it must never allocate, lock, make a system call, wait or
//! panic, and it never writes to the sound. (While a host renders offline it may wait: nobody listens then,
//! and no sound should be lost.)

use std::sync::Arc;
use std::time::Duration;

use nice_plug::prelude::*;

use crate::courier::{Line, Receiver};
use crate::editor::{self, PanelEditor};
use crate::memory::{self, Memory};
use crate::midi::Controls;
use crate::voice::Voice;

/// The most channels that a layout has.
const MOST_CHANNELS: usize = 2;

/// How long an offline render waits for the worker without any progress before it goes on without.
const PATIENCE: Duration = Duration::from_secs(5);

/// One step of that wait.
const NAP: Duration = Duration::from_millis(1);

/// The plugin.
pub struct Undertone {
    memory: Arc<Memory>,
    voice: Arc<Voice>,
    receiver: Receiver,
    controls: Controls,
    rate: f32,
    offline: bool,
    patient: bool,
}

impl Default for Undertone {
    /// What a scan makes: no engine, no model, no file.
    fn default() -> Self {
        let (voice, receiver) = Voice::new();
        Self {
            memory: Arc::default(),
            voice: Arc::new(voice),
            receiver,
            controls: Controls::default(),
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

    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        AudioIOLayout {
            main_input_channels: NonZeroU32::new(2),
            main_output_channels: NonZeroU32::new(2),
            ..AudioIOLayout::const_default()
        },
        AudioIOLayout {
            main_input_channels: NonZeroU32::new(1),
            main_output_channels: NonZeroU32::new(1),
            ..AudioIOLayout::const_default()
        },
    ];

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
        editor::open(&self.memory, &self.voice)
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
        self.voice.activate(rate, settings.consent, settings.midi);
        true
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        _aux: &mut AuxiliaryBuffers<'_>,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let frames = buffer.samples();
        // Taken before the bypass is looked at, so that a line given up is never held on to.
        let Some(line) = self
            .receiver
            .line()
            .filter(|_| frames > 0 && !self.memory.bypass.value())
        else {
            return ProcessStatus::Normal;
        };
        if self.offline {
            self.patient = wait_for_room(line, frames, self.patient);
        }
        let mut channels: [&[f32]; MOST_CHANNELS] = [&[]; MOST_CHANNELS];
        let mut count = 0;
        for (place, channel) in channels.iter_mut().zip(buffer.as_slice_immutable()) {
            *place = channel;
            count += 1;
        }
        line.tap.push(&channels[..count]);

        let midi = self.voice.midi();
        #[allow(clippy::cast_precision_loss, reason = "blocks are small")]
        let block_s = frames as f32 / self.rate.max(1.0);
        let score = line.latest.read().score;
        self.controls.run(midi, block_s, score.as_ref(), |control| {
            let event = NoteEvent::MidiCC {
                timing: 0,
                channel: midi.channel,
                cc: control.number,
                value: f32::from(control.value) / 127.0,
            };
            context.try_send_event(event).is_ok()
        });
        ProcessStatus::Normal
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
