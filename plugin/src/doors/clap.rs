//! The CLAP door: entry point, factory, and the plugin's life and sound.
//!
//! The host holds a [`clap_plugin`] of ours whose `plugin_data` is the framework's. So the framework's own
//! functions work when they are given it, and ours find the [`Door`] that it is the first part of.

#![allow(non_upper_case_globals, reason = "the format's name")]

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::entry::clap_plugin_entry;
use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_PARAM_VALUE, clap_event_header, clap_event_param_value,
    clap_output_events,
};
use clap_sys::ext::gui::CLAP_EXT_GUI;
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::host::clap_host;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use clap_sys::process::{
    CLAP_PROCESS_CONTINUE, CLAP_PROCESS_CONTINUE_IF_NOT_QUIET, CLAP_PROCESS_ERROR, clap_process,
    clap_process_status,
};
use clap_sys::version::CLAP_VERSION;
use nice_plug::wrapper::clap::{PluginDescriptor, Wrapper};

use super::port::{Port, hand_on};
use super::{Audio, Turnstile, clap_exts, id};
use crate::effect::Undertone;
use crate::extras::{CHAIN_CHANNELS, Extras};

/// The entry point that a host looks for.
// SAFETY: no other symbol of this name is in the library.
#[unsafe(no_mangle)]
#[used]
pub static clap_entry: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(entry_init),
    deinit: Some(entry_deinit),
    get_factory: Some(entry_factory),
};

/// One plugin, as the host holds it.
#[repr(C)]
pub(super) struct Door {
    /// What the host points at; must be the first part.
    #[allow(dead_code, reason = "the host reads it")]
    plugin: clap_plugin,
    /// The framework's plugin.
    inner: *const clap_plugin,
    host: *const clap_host,
    pub(super) extras: Arc<Extras>,
    has_gui: AtomicBool,
    active: AtomicBool,
    /// Channels of the main ports while active.
    channels: AtomicU32,
    turnstile: Turnstile,
    /// Only ever touched by whoever is through the turnstile, or while the plugin is inactive.
    audio: UnsafeCell<Audio>,
}

impl Door {
    /// The door that this plugin is the first part of.
    ///
    /// # Safety
    ///
    /// `plugin` must be null or come from [`create`] and not be destroyed yet.
    pub(super) unsafe fn of<'a>(plugin: *const clap_plugin) -> Option<&'a Self> {
        // SAFETY: a plugin from `create` points at the beginning of a `Door`, as that is `repr(C)`.
        unsafe { plugin.cast::<Self>().as_ref() }
    }

    /// The framework's plugin.
    pub(super) fn inner(&self) -> &clap_plugin {
        // SAFETY: the framework keeps it alive until `destroy`, which ends the door as well.
        unsafe { &*self.inner }
    }

    /// Asks the framework's plugin for an extension.
    pub(super) fn inner_extension<T>(&self, name: &CStr) -> Option<&T> {
        let get = self.inner().get_extension?;
        // SAFETY: the framework answers null or a table of the type that the name stands for, which lives as
        // long as the plugin. The callers name type and extension together.
        unsafe { get(self.inner, name.as_ptr()).cast::<T>().as_ref() }
    }
}

unsafe extern "C" fn entry_init(_path: *const c_char) -> bool {
    true
}

unsafe extern "C" fn entry_deinit() {}

unsafe extern "C" fn entry_factory(wanted: *const c_char) -> *const c_void {
    static FACTORY: clap_plugin_factory = clap_plugin_factory {
        get_plugin_count: Some(count),
        get_plugin_descriptor: Some(descriptor),
        create_plugin: Some(create),
    };
    // SAFETY: a name from the host ends with a zero.
    if !wanted.is_null() && unsafe { CStr::from_ptr(wanted) } == CLAP_PLUGIN_FACTORY_ID {
        ptr::from_ref(&FACTORY).cast()
    } else {
        ptr::null()
    }
}

unsafe extern "C" fn count(_factory: *const clap_plugin_factory) -> u32 {
    1
}

fn description() -> &'static PluginDescriptor {
    static DESCRIPTION: OnceLock<PluginDescriptor> = OnceLock::new();
    DESCRIPTION.get_or_init(PluginDescriptor::for_plugin::<Undertone>)
}

unsafe extern "C" fn descriptor(
    _factory: *const clap_plugin_factory,
    index: u32,
) -> *const clap_plugin_descriptor {
    // The type is the same one; the framework only passes it on.
    let found: *const clap_plugin_descriptor = description().clap_plugin_descriptor();
    if index == 0 { found } else { ptr::null() }
}

unsafe extern "C" fn create(
    _factory: *const clap_plugin_factory,
    host: *const clap_host,
    wanted: *const c_char,
) -> *const clap_plugin {
    // SAFETY: a name from the host ends with a zero.
    if host.is_null() || wanted.is_null() || unsafe { CStr::from_ptr(wanted) } != description().clap_id() {
        return ptr::null();
    }
    // SAFETY: the host outlives its plugins, and it is not null.
    let (wrapper, extras) = Extras::with(|| unsafe { Wrapper::<Undertone>::new(host) });
    // The framework's `destroy` takes this count back.
    // SAFETY: it came from an `Arc` this moment.
    let inner: *const clap_plugin = unsafe { &*Arc::into_raw(wrapper) }.clap_plugin.as_ptr();
    // SAFETY: nobody else knows the plugin yet, so nobody changes it.
    let table = unsafe { *inner };
    let door = Door {
        plugin: clap_plugin {
            init: Some(init),
            destroy: Some(destroy),
            activate: Some(activate),
            deactivate: Some(deactivate),
            process: Some(process),
            get_extension: Some(clap_exts::get),
            ..table
        },
        inner,
        host,
        extras,
        has_gui: AtomicBool::new(false),
        active: AtomicBool::new(false),
        channels: AtomicU32::new(0),
        turnstile: Turnstile::default(),
        audio: UnsafeCell::new(Audio::new(48_000.0)),
    };
    Box::into_raw(Box::new(door)).cast::<clap_plugin>()
}

impl Door {
    /// Whether the host has windows to offer.
    pub(super) fn has_gui(&self) -> bool {
        self.has_gui.load(Ordering::Relaxed)
    }
}

unsafe extern "C" fn init(plugin: *const clap_plugin) -> bool {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return false;
    };
    // SAFETY: the host is alive and asked from its main thread, during `init`, as it allows.
    let gui = unsafe {
        (*door.host)
            .get_extension
            .map(|get| get(door.host, CLAP_EXT_GUI.as_ptr()))
    };
    door.has_gui
        .store(gui.is_some_and(|table| !table.is_null()), Ordering::Relaxed);
    // SAFETY: handed on as it came.
    door.inner().init.is_some_and(|init| unsafe { init(door.inner) })
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    if plugin.is_null() {
        return;
    }
    // SAFETY: the host gives the plugin back, which `create` made from a box.
    let door = unsafe { Box::from_raw(plugin.cast::<Door>().cast_mut()) };
    if let Some(destroy) = door.inner().destroy {
        // SAFETY: nobody uses the framework's plugin after this.
        unsafe { destroy(door.inner) };
    }
}

unsafe extern "C" fn activate(plugin: *const clap_plugin, rate: f64, least: u32, most: u32) -> bool {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return false;
    };
    door.active.store(false, Ordering::Release);
    // SAFETY: handed on as it came.
    let done = door
        .inner()
        .activate
        .is_some_and(|activate| unsafe { activate(door.inner, rate, least, most) });
    if !done {
        return false;
    }
    door.channels
        .store(clap_exts::main_channels(door), Ordering::Relaxed);
    if let Some(_turn) = door.turnstile.enter() {
        #[allow(clippy::cast_possible_truncation, reason = "a sample rate")]
        let fresh = Audio::new(rate as f32);
        // SAFETY: whoever is through the turnstile is alone with it.
        unsafe { *door.audio.get() = fresh };
    }
    door.active.store(true, Ordering::Release);
    true
}

unsafe extern "C" fn deactivate(plugin: *const clap_plugin) {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return;
    };
    door.active.store(false, Ordering::Release);
    if let Some(deactivate) = door.inner().deactivate {
        // SAFETY: handed on as it came.
        unsafe { deactivate(door.inner) };
    }
}

unsafe extern "C" fn process(
    plugin: *const clap_plugin,
    process: *const clap_process,
) -> clap_process_status {
    // SAFETY: the host calls a plugin that lives, with a block or (against the rules) nothing.
    let (Some(door), Some(block)) = (unsafe { (Door::of(plugin), process.as_ref()) }) else {
        return CLAP_PROCESS_ERROR;
    };
    // SAFETY: the host's ports are as many as it says, and good for the block's frames.
    let (inputs, outputs) = unsafe {
        (
            ports(block.audio_inputs, block.audio_inputs_count),
            ports(block.audio_outputs, block.audio_outputs_count),
        )
    };
    let frames = block.frames_count as usize;
    let wanted = door.channels.load(Ordering::Relaxed) as usize;
    let (main_in, main_out) = (inputs.clone().next(), outputs.clone().next());
    let fits =
        [main_in, main_out].map(|port| port.is_some_and(|main| main.count() == wanted && main.is_whole()));
    let turn = door
        .turnstile
        .enter()
        .filter(|_| door.active.load(Ordering::Acquire) && fits == [true, true]);
    let Some(_turn) = turn else {
        // SAFETY: these are the block's frames.
        unsafe { hand_on(main_in, outputs, frames) };
        return CLAP_PROCESS_CONTINUE;
    };
    // SAFETY: whoever is through the turnstile is alone with it.
    let audio = unsafe { &mut *door.audio.get() };
    let values = door.extras.values();
    // Before anything of the framework's, as events must come in the order of their times.
    // SAFETY: the host's list is good for this call, or null.
    if let Some(out) = unsafe { block.out_events.as_ref() } {
        audio.changes(&values, frames, |reading, value| push(out, id(reading), value));
    }
    if let Some(chain) = inputs.clone().nth(1) {
        // SAFETY: the block's sound; it is taken back below, before the block is over.
        unsafe { door.extras.chain().lend(chain.pointers(CHAIN_CHANNELS), frames) };
    }
    let main = clap_process {
        audio_inputs_count: 1,
        audio_outputs_count: 1,
        ..*block
    };
    let status = match door.inner().process {
        // SAFETY: the host's block, less its extra ports.
        Some(process) => unsafe { process(door.inner, &raw const main) },
        None => CLAP_PROCESS_ERROR,
    };
    door.extras.chain().end();
    if let Some(port) = outputs.clone().nth(1) {
        // SAFETY: these are the block's frames, and no other port shares this one's memory.
        let channels = unsafe { port.writable(frames) };
        audio.voltages(door.extras.voltage(), &values, door.extras.depth(), channels);
    }
    if status == CLAP_PROCESS_ERROR {
        // The framework gives a block up while the host restores a project. That is no reason for a hole.
        // SAFETY: these are the block's frames.
        unsafe { hand_on(main_in, main_out.into_iter(), frames) };
        return CLAP_PROCESS_CONTINUE;
    }
    // A host may let a plugin sleep while its output is quiet. A pause in a voice is quiet, and belongs to it.
    if status == CLAP_PROCESS_CONTINUE_IF_NOT_QUIET && door.extras.listening() {
        CLAP_PROCESS_CONTINUE
    } else {
        status
    }
}

/// Offers a read-out's new value to the host.
pub(super) fn push(out: &clap_output_events, id: u32, value: f32) -> bool {
    let event = clap_event_param_value {
        header: clap_event_header {
            #[allow(clippy::cast_possible_truncation, reason = "some bytes")]
            size: size_of::<clap_event_param_value>() as u32,
            time: 0,
            space_id: CLAP_CORE_EVENT_SPACE_ID,
            type_: CLAP_EVENT_PARAM_VALUE,
            flags: 0,
        },
        param_id: id,
        cookie: ptr::null_mut(),
        note_id: -1,
        port_index: -1,
        channel: -1,
        key: -1,
        value: f64::from(value),
    };
    // SAFETY: the host copies the event during the call.
    out.try_push
        .is_some_and(|push| unsafe { push(out, &raw const event.header) })
}

/// A host's ports.
///
/// # Safety
///
/// There must be as many as `count`, or none at a null pointer, each good for the block.
unsafe fn ports(first: *const clap_audio_buffer, count: u32) -> impl Iterator<Item = Port> + Clone {
    let count = if first.is_null() { 0 } else { count as usize };
    (0..count).map(move |at| {
        // SAFETY: the caller's promise.
        unsafe {
            let port = *first.add(at);
            Port::new(port.data32, port.channel_count as usize)
        }
    })
}
