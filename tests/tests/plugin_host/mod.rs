//! A small CLAP host: loads the plugin that was built with this test, and gives it blocks.
//!
//! A `.clap` on Linux is the plugin's `cdylib` under another name. Cargo builds it beside the tests, as the
//! plugin is a dependency of theirs, so that what is loaded here is what was compiled a moment ago. (On
//! macOS a bundle is a folder; `cargo xtask bundle` makes it.)
#![allow(dead_code, reason = "each journey uses a part of the host")]

use std::ffi::CStr;
use std::path::PathBuf;

use clack_extensions::audio_ports_config::PluginAudioPortsConfig;
use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::params::PluginParams;
use clack_extensions::state::PluginState;
use clack_host::prelude::*;
use clack_host::utils::ClapId;
#[cfg(target_os = "linux")]
use undertone_tests::guard::watched;

pub const ID: &CStr = c"org.undertone.undertone";

/// The host's side of the callbacks.
#[derive(Default)]
pub struct Shared {
    /// The plugin wants its main thread's callback.
    pub called: std::sync::atomic::AtomicBool,
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {
        self.called.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

pub struct Host;

impl HostHandlers for Host {
    type Shared<'a> = Shared;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _: &Self::Shared<'_>) {
        // The framework (0.4.2) takes it for granted that who opens its window has this.
        builder.register::<HostGui>();
    }
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, _: GuiSize) -> Result<(), HostError> {
        Err(HostError::Message("this host decides the size"))
    }
    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _: bool) {}
}

#[cfg(not(target_os = "linux"))]
fn watched<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Where cargo put the plugin's library.
pub fn library() -> PathBuf {
    let beside = std::env::current_exe().unwrap();
    let folder = beside.parent().unwrap();
    let name = format!(
        "{}undertone_plugin{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not there; build the tests with cargo",
        path.display()
    );
    path
}

/// Loads the plugin as a host does: `dlopen` of a file whose name ends in `.clap`.
pub fn load(folder: &std::path::Path) -> PluginEntry {
    let clap = folder.join("Undertone.clap");
    if !clap.exists() {
        std::fs::copy(library(), &clap).unwrap();
    }
    // SAFETY: the file is our own plugin, built for this machine a moment ago.
    unsafe { PluginEntry::load(clap.as_os_str()) }.unwrap()
}

/// Lays the plugin out as VST3 in this folder: `X.vst3/Contents/x86_64-linux/X.so`, as Linux wants it.
pub fn bundle(folder: &std::path::Path) -> PathBuf {
    let vst3 = folder.join("Undertone.vst3");
    let inside = vst3.join(format!("Contents/{}-linux", std::env::consts::ARCH));
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::copy(library(), inside.join("Undertone.so")).unwrap();
    vst3
}

pub fn info() -> HostInfo {
    HostInfo::new("Undertone tests", "Undertone", "", "1.0").unwrap()
}

/// One plugin in the host.
pub struct Instance {
    pub plugin: PluginInstance<Host>,
}

impl Instance {
    pub fn new(entry: &PluginEntry) -> Self {
        let plugin = PluginInstance::new(|()| Shared::default(), |_| (), entry, ID, &info()).unwrap();
        Self { plugin }
    }

    pub fn save(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let handle = self.plugin.plugin_handle();
        let state: PluginState = handle.get_extension().unwrap();
        state.save(&handle, &mut bytes).unwrap();
        bytes
    }

    /// Whether the plugin took this state.
    pub fn load(&mut self, bytes: &[u8]) -> bool {
        let handle = self.plugin.plugin_handle();
        let state: PluginState = handle.get_extension().unwrap();
        state.load(&handle, &mut &*bytes).is_ok()
    }

    /// Restores a project in which everyone heard had agreed.
    pub fn agree(&mut self) {
        assert!(self.load(&project(true, false)));
    }

    pub fn params(&mut self) -> PluginParams {
        self.plugin.plugin_handle().get_extension().unwrap()
    }

    /// Gives the plugin its main thread, if it asked for it.
    pub fn idle(&mut self) {
        let called = |shared: &Shared| shared.called.swap(false, std::sync::atomic::Ordering::SeqCst);
        if self.plugin.access_shared_handler(called) {
            self.plugin.call_on_main_thread_callback();
        }
    }

    /// Chooses how many channels.
    pub fn channels(&mut self, channels: u32) {
        let handle = self.plugin.inactive_plugin_handle().unwrap();
        let configs: PluginAudioPortsConfig = handle.get_extension().unwrap();
        configs
            .select(
                &handle,
                ClapId::new(if channels == 2 { 0 } else { channels.max(2) - 1 }),
            )
            .unwrap();
    }

    pub fn start(&mut self, rate: f64, longest: u32) -> Running {
        let configuration = PluginAudioConfiguration {
            sample_rate: rate,
            min_frames_count: 1,
            max_frames_count: longest,
        };
        let processor = self
            .plugin
            .activate(|_, ()| (), configuration)
            .unwrap()
            .start_processing()
            .unwrap();
        Running::new(processor)
    }

    pub fn stop(&mut self, running: Running) {
        self.plugin.deactivate(running.processor.stop_processing());
    }
}

/// A project's state, as the plugin saves it.
pub fn project(consent: bool, midi: bool) -> Vec<u8> {
    project_with(&serde_json::json!({
        "consent": consent,
        "midi": { "on": midi, "channel": 2, "first": 20, "fine": false, "notes": midi },
    }))
}

/// A project with these settings.
pub fn project_with(settings: &serde_json::Value) -> Vec<u8> {
    let panel = serde_json::json!({
        "form": 1,
        "settings": settings,
        "window": [900.0, 600.0],
    });
    let state = serde_json::json!({
        "version": "0.1.0",
        "params": { "bypass": { "bool": false } },
        "fields": { "panel": panel.to_string() },
    });
    framed(state.to_string().as_bytes())
}

/// As the framework stores it in a CLAP project: the length before the text.
pub fn framed(text: &[u8]) -> Vec<u8> {
    let mut state = (text.len() as u64).to_le_bytes().to_vec();
    state.extend_from_slice(text);
    state
}

/// An active plugin, for an audio thread.
pub struct Running {
    pub processor: clack_host::process::StartedPluginAudioProcessor<Host>,
    inputs: AudioPorts,
    outputs: AudioPorts,
    pub events_out: EventBuffer,
}

impl Running {
    fn new(processor: clack_host::process::StartedPluginAudioProcessor<Host>) -> Self {
        Self {
            processor,
            inputs: AudioPorts::with_capacity(16, 2),
            outputs: AudioPorts::with_capacity(16, 2),
            events_out: EventBuffer::with_capacity(4_096),
        }
    }

    /// One block, with events. Allocates nothing itself.
    pub fn block(
        &mut self,
        input: &mut [Vec<f32>],
        output: &mut [Vec<f32>],
        events: &InputEvents<'_>,
    ) -> ProcessStatus {
        let inputs = self.inputs.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                input
                    .iter_mut()
                    .map(|channel| InputChannel::variable(channel.as_mut_slice())),
            ),
        }]);
        let mut outputs = self.outputs.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(output.iter_mut().map(Vec::as_mut_slice)),
        }]);
        self.events_out.clear();
        let mut events_out = self.events_out.as_output();
        let processor = &mut self.processor;
        // No allocation meanwhile; where the binary has no guarded allocator, nobody watches.
        watched(|| processor.process(&inputs, &mut outputs, events, &mut events_out, None, None)).unwrap()
    }

    /// One block with all ports: the main one, a side-chain (where `chain` has channels) and the control voltages.
    pub fn wide(
        &mut self,
        input: &mut [Vec<f32>],
        chain: &mut [Vec<f32>],
        output: &mut [Vec<f32>],
        voltages: &mut [Vec<f32>],
    ) -> ProcessStatus {
        let inputs = self.inputs.with_input_buffers([input, chain].map(|channels| {
            AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_input_only(
                    channels
                        .iter_mut()
                        .map(|channel| InputChannel::variable(channel.as_mut_slice())),
                ),
            }
        }));
        let mut outputs = self
            .outputs
            .with_output_buffers([output, voltages].map(|channels| AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_output_only(channels.iter_mut().map(Vec::as_mut_slice)),
            }));
        self.events_out.clear();
        let mut events_out = self.events_out.as_output();
        let events = InputEvents::empty();
        self.processor
            .process(&inputs, &mut outputs, &events, &mut events_out, None, None)
            .unwrap()
    }

    /// One block without events; fails unless the output is the input, bit for bit.
    pub fn exact(&mut self, input: &mut [Vec<f32>]) -> ProcessStatus {
        self.exact_with(input, &InputEvents::empty())
    }

    pub fn exact_with(&mut self, input: &mut [Vec<f32>], events: &InputEvents<'_>) -> ProcessStatus {
        // Something else than silence, so that an untouched output shows.
        let mut output: Vec<Vec<f32>> = input.iter().map(|channel| vec![7.25; channel.len()]).collect();
        let before: Vec<Vec<u32>> = input.iter().map(|channel| bits(channel)).collect();
        let status = self.block(input, &mut output, events);
        for (channel, (before, after)) in before.iter().zip(&output).enumerate() {
            let after = bits(after);
            let wrong = before.iter().zip(&after).position(|(a, b)| a != b);
            assert_eq!(
                wrong,
                None,
                "channel {channel} of a block of {} differs",
                before.len()
            );
        }
        status
    }
}

pub fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

/// A small reproducible generator; the journeys need variety, not quality.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Any bit pattern at all: subnormals, negative zero, infinities, and numbers that are not numbers.
    pub fn any_sample(&mut self) -> f32 {
        match self.below(8) {
            0 => f32::from_bits(self.next() as u32),
            1 => f32::from_bits(self.next() as u32 & 0x007F_FFFF),
            2 => [
                f32::NAN,
                f32::INFINITY,
                f32::NEG_INFINITY,
                -0.0,
                f32::MIN_POSITIVE,
            ][self.below(5)],
            _ => (self.next() as u32 as f32 / u32::MAX as f32) * 2.0 - 1.0,
        }
    }

    pub fn block(&mut self, channels: usize, frames: usize) -> Vec<Vec<f32>> {
        (0..channels)
            .map(|_| (0..frames).map(|_| self.any_sample()).collect())
            .collect()
    }
}
