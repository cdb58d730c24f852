//! Hosts that break the rules: the sound still passes, and nothing ends the host's process.
//!
//! Such calls cannot be said in a safe host's words, so they are made on the plugin's own table.

mod plugin_host;

use std::ptr;

use clack_host::prelude::*;
use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::ext::gui::{CLAP_EXT_GUI, clap_plugin_gui, clap_window, clap_window_handle};
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process, clap_process_status};
use plugin_host::{Dice, ID, Instance, Shared, bits, info, load, project};

/// A host with nothing to offer, not even windows.
struct Bare;

impl HostHandlers for Bare {
    type Shared<'a> = Shared;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();
}

struct Ports(Vec<Vec<*mut f32>>, Vec<clap_audio_buffer>);

/// Ports over these sounds; their memory must outlive the ports.
fn ports(sounds: &mut [Vec<Vec<f32>>]) -> Ports {
    let mut pointers: Vec<Vec<*mut f32>> = sounds
        .iter_mut()
        .map(|port| port.iter_mut().map(Vec::as_mut_ptr).collect())
        .collect();
    let buffers = pointers
        .iter_mut()
        .map(|port| clap_audio_buffer {
            data32: port.as_mut_ptr(),
            data64: ptr::null_mut(),
            channel_count: port.len() as u32,
            latency: 0,
            constant_mask: 0,
        })
        .collect();
    Ports(pointers, buffers)
}

fn process(
    plugin: *const clap_plugin,
    frames: u32,
    input: &mut Ports,
    output: &mut Ports,
) -> clap_process_status {
    let block = clap_process {
        steady_time: -1,
        frames_count: frames,
        transport: ptr::null(),
        audio_inputs: input.1.as_ptr(),
        audio_outputs: output.1.as_mut_ptr(),
        audio_inputs_count: input.1.len() as u32,
        audio_outputs_count: output.1.len() as u32,
        in_events: ptr::null(),
        out_events: ptr::null(),
    };
    // SAFETY: the plugin lives, and the ports are good for that many frames.
    unsafe { (*plugin).process.unwrap()(plugin, &raw const block) }
}

fn raw(instance: &mut Instance) -> *const clap_plugin {
    instance.plugin.raw_instance()
}

#[test]
fn process_before_activate_hands_the_sound_on() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    assert!(instance.load(&project(true, true)));
    let mut dice = Dice(0x5EED_0007);
    let mut input = vec![dice.block(2, 64)];
    let mut output = vec![vec![vec![7.25; 64]; 2]];
    let status = process(
        raw(&mut instance),
        64,
        &mut ports(&mut input),
        &mut ports(&mut output),
    );
    assert_ne!(status, CLAP_PROCESS_ERROR);
    for (input, output) in input[0].iter().zip(&output[0]) {
        assert_eq!(bits(input), bits(output));
    }
}

#[test]
fn ports_that_do_not_fit_are_survived() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let mut instance = Instance::new(&entry);
    instance.agree();
    let running = instance.start(48_000.0, 64);
    let plugin = raw(&mut instance);
    let mut dice = Dice(0x5EED_0008);
    let sizes: &[&[usize]] = &[
        &[],
        &[0],
        &[1],
        &[2],
        &[3],
        &[8],
        &[2, 0],
        &[2, 1],
        &[2, 2],
        &[2, 5],
        &[1, 2, 3],
    ];
    for inputs in sizes {
        for outputs in sizes {
            for frames in [0_usize, 1, 64, 200] {
                let mut input: Vec<_> = inputs.iter().map(|count| dice.block(*count, frames)).collect();
                let mut output: Vec<_> = outputs
                    .iter()
                    .map(|count| vec![vec![7.25; frames]; *count])
                    .collect();
                process(
                    plugin,
                    frames as u32,
                    &mut ports(&mut input),
                    &mut ports(&mut output),
                );
                let (Some(from), Some(to)) = (input.first(), output.first()) else {
                    continue;
                };
                for (channel, to) in to.iter().enumerate() {
                    let expected = from.get(channel).cloned().unwrap_or_else(|| vec![0.0; frames]);
                    assert_eq!(
                        bits(&expected),
                        bits(to),
                        "{inputs:?} to {outputs:?}, channel {channel}"
                    );
                }
            }
        }
    }
    // Pointers that lead nowhere.
    let mut input = vec![dice.block(2, 64)];
    let mut output = vec![vec![vec![7.25; 64]; 2]];
    let (mut from, mut to) = (ports(&mut input), ports(&mut output));
    to.0[0][1] = ptr::null_mut();
    to.1[0].data32 = to.0[0].as_mut_ptr();
    process(plugin, 64, &mut from, &mut to);
    assert_eq!(bits(&input[0][0]), bits(&output[0][0]));
    from.1[0].data32 = ptr::null_mut();
    process(plugin, 64, &mut from, &mut to);
    // SAFETY: a block of nothing is what is tried.
    let status = unsafe { (*plugin).process.unwrap()(plugin, ptr::null()) };
    assert_eq!(status, CLAP_PROCESS_ERROR);
    instance.stop(running);
}

#[test]
fn a_host_without_windows_hears_that_there_is_one_and_opens_none() {
    let folder = tempfile::tempdir().unwrap();
    let entry = load(folder.path());
    let bare = PluginInstance::<Bare>::new(|()| Shared::default(), |_| (), &entry, ID, &info()).unwrap();
    let plugin: *const clap_plugin = bare.raw_instance();
    // SAFETY: the plugin lives.
    let gui = unsafe { (*plugin).get_extension.unwrap()(plugin, CLAP_EXT_GUI.as_ptr()) };
    // SAFETY: the table is the one that this extension's name stands for, and lives as long as the plugin.
    let gui = unsafe { gui.cast::<clap_plugin_gui>().as_ref() }.expect("it is there to be asked");
    let (mut api, mut floats, mut size) = (ptr::null(), true, [0_u32; 2]);
    // SAFETY: the plugin lives, and there is room for every answer.
    unsafe {
        assert!(gui.get_preferred_api.unwrap()(
            plugin,
            &raw mut api,
            &raw mut floats
        ));
        assert!(!floats && gui.is_api_supported.unwrap()(plugin, api, false));
        let specific = clap_window_handle { x11: 1 };
        let window = clap_window { api, specific };
        assert!(!gui.create.unwrap()(plugin, api, false));
        assert!(!gui.get_size.unwrap()(plugin, &raw mut size[0], &raw mut size[1]));
        assert!(!gui.set_parent.unwrap()(plugin, &raw const window));
        assert!(!gui.show.unwrap()(plugin));
        gui.destroy.unwrap()(plugin);
    }
}

#[test]
fn two_builds_of_the_plugin_live_in_one_host() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Two files are two libraries to the system, with statics, workers and models of their own.
    let entries = [load(one.path()), load(other.path())];
    let mut dice = Dice(0x5EED_0009);
    let mut instances = entries.each_ref().map(Instance::new);
    let mut running = instances.each_mut().map(|instance| {
        instance.agree();
        instance.start(48_000.0, 512)
    });
    for _ in 0..200 {
        for one in &mut running {
            one.exact(&mut dice.block(2, 512));
        }
    }
    for (instance, running) in instances.iter_mut().zip(running) {
        instance.stop(running);
    }
    drop(instances);
}
