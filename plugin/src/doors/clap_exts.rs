//! The CLAP extensions that the door answers itself: parameters (the framework's and the read-outs), audio ports
//! (the framework's main ones and the extra pair), and a window that stays shut where the host has none.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use clap_sys::events::{clap_input_events, clap_output_events};
use clap_sys::ext::audio_ports::{
    CLAP_EXT_AUDIO_PORTS, CLAP_PORT_STEREO, clap_audio_port_info, clap_plugin_audio_ports,
};
use clap_sys::ext::audio_ports_config::{
    CLAP_EXT_AUDIO_PORTS_CONFIG, clap_audio_ports_config, clap_plugin_audio_ports_config,
};
use clap_sys::ext::gui::CLAP_EXT_GUI;
use clap_sys::ext::params::{
    CLAP_EXT_PARAMS, CLAP_PARAM_IS_READONLY, CLAP_PARAM_IS_STEPPED, clap_param_info, clap_plugin_params,
};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_plugin_state};
use clap_sys::id::{CLAP_INVALID_ID, clap_id};
use clap_sys::plugin::clap_plugin;
use clap_sys::stream::{clap_istream, clap_ostream};

use super::clap::Door;
use super::{CHAIN_NAME, EXTRA_CHANNELS, VOLTAGE_NAME, id, reading, title, write_text};
use crate::panel::Reading;

/// The identity of the extra ports; the framework numbers its own from 0.
const CHAIN_PORT: clap_id = 100;
const VOLTAGE_PORT: clap_id = 101;

/// The module that read-outs are listed under.
const MODULE: &str = "Scores";

static PARAMS: clap_plugin_params = clap_plugin_params {
    count: Some(params_count),
    get_info: Some(params_info),
    get_value: Some(params_value),
    value_to_text: Some(params_to_text),
    text_to_value: Some(params_from_text),
    flush: Some(params_flush),
};

static PORTS: clap_plugin_audio_ports = clap_plugin_audio_ports {
    count: Some(ports_count),
    get: Some(ports_get),
};

static CONFIGS: clap_plugin_audio_ports_config = clap_plugin_audio_ports_config {
    count: Some(configs_count),
    get: Some(configs_get),
    select: Some(configs_select),
};

static STATE: clap_plugin_state = clap_plugin_state {
    save: Some(state_save),
    load: Some(state_load),
};

fn letters(text: &str) -> impl Iterator<Item = c_char> + '_ {
    text.bytes().map(u8::cast_signed).map(|byte| byte as c_char)
}

/// Answers the host's question for an extension.
pub(super) unsafe extern "C" fn get(plugin: *const clap_plugin, name: *const c_char) -> *const c_void {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }).filter(|_| !name.is_null()) else {
        return ptr::null();
    };
    // SAFETY: a name from the host ends with a zero.
    let name = unsafe { CStr::from_ptr(name) };
    if name == CLAP_EXT_PARAMS {
        ptr::from_ref(&PARAMS).cast()
    } else if name == CLAP_EXT_AUDIO_PORTS {
        ptr::from_ref(&PORTS).cast()
    } else if name == CLAP_EXT_AUDIO_PORTS_CONFIG {
        ptr::from_ref(&CONFIGS).cast()
    } else if name == CLAP_EXT_STATE {
        ptr::from_ref(&STATE).cast()
    } else if name == CLAP_EXT_GUI && !door.has_gui() {
        ptr::from_ref(&super::clap_gui::SHUT).cast()
    } else {
        door.inner_extension::<c_void>(name)
            .map_or(ptr::null(), ptr::from_ref)
    }
}

/// Channels of the main ports, as they were agreed on.
pub(super) fn main_channels(door: &Door) -> u32 {
    let get = door
        .inner_extension::<clap_plugin_audio_ports>(CLAP_EXT_AUDIO_PORTS)
        .and_then(|ports| ports.get);
    // SAFETY: the type is the format's, made of numbers, pointers and letters, all of which may be zero.
    let mut info: clap_audio_port_info = unsafe { std::mem::zeroed() };
    // SAFETY: the framework fills what it is given.
    let found = get.is_some_and(|get| unsafe { get(door.inner(), 0, true, &raw mut info) });
    if found { info.channel_count } else { 0 }
}

unsafe extern "C" fn ports_count(plugin: *const clap_plugin, is_input: bool) -> u32 {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return 0;
    };
    let count = door
        .inner_extension::<clap_plugin_audio_ports>(CLAP_EXT_AUDIO_PORTS)
        .and_then(|ports| ports.count);
    // SAFETY: handed on as it came.
    count.map_or(0, |count| unsafe { count(door.inner(), is_input) } + 1)
}

unsafe extern "C" fn ports_get(
    plugin: *const clap_plugin,
    index: u32,
    is_input: bool,
    info: *mut clap_audio_port_info,
) -> bool {
    // SAFETY: the host calls a plugin that lives, and gives room for the answer.
    let (Some(door), Some(to)) = (unsafe { (Door::of(plugin), info.as_mut()) }) else {
        return false;
    };
    if index == 0 {
        let get = door
            .inner_extension::<clap_plugin_audio_ports>(CLAP_EXT_AUDIO_PORTS)
            .and_then(|ports| ports.get);
        // SAFETY: handed on as it came.
        return get.is_some_and(|get| unsafe { get(door.inner(), 0, is_input, info) });
    }
    if index > 1 {
        return false;
    }
    let (id, name) = if is_input {
        (CHAIN_PORT, CHAIN_NAME)
    } else {
        (VOLTAGE_PORT, VOLTAGE_NAME)
    };
    to.id = id;
    write_text(&mut to.name, letters(name));
    to.flags = 0;
    to.channel_count = EXTRA_CHANNELS;
    to.port_type = CLAP_PORT_STEREO.as_ptr();
    to.in_place_pair = CLAP_INVALID_ID;
    true
}

fn configs(door: &Door) -> Option<&clap_plugin_audio_ports_config> {
    door.inner_extension(CLAP_EXT_AUDIO_PORTS_CONFIG)
}

unsafe extern "C" fn configs_count(plugin: *const clap_plugin) -> u32 {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return 0;
    };
    // SAFETY: handed on as it came.
    configs(door)
        .and_then(|table| table.count)
        .map_or(0, |count| unsafe { count(door.inner()) })
}

unsafe extern "C" fn configs_get(
    plugin: *const clap_plugin,
    index: u32,
    config: *mut clap_audio_ports_config,
) -> bool {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }).filter(|_| !config.is_null()) else {
        return false;
    };
    // SAFETY: handed on as it came.
    let known = index < unsafe { configs_count(plugin) };
    let get = configs(door).and_then(|table| table.get).filter(|_| known);
    // SAFETY: handed on as it came.
    let done = get.is_some_and(|get| unsafe { get(door.inner(), index, config) });
    if done {
        // SAFETY: as above; the framework wrote through the same pointer.
        unsafe {
            (*config).input_port_count += 1;
            (*config).output_port_count += 1;
        }
    }
    done
}

unsafe extern "C" fn configs_select(plugin: *const clap_plugin, config: clap_id) -> bool {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return false;
    };
    // SAFETY: as above.
    let known = config < unsafe { configs_count(plugin) };
    let select = configs(door).and_then(|table| table.select).filter(|_| known);
    // SAFETY: handed on as it came.
    select.is_some_and(|select| unsafe { select(door.inner(), config) })
}

fn state(door: &Door) -> Option<&clap_plugin_state> {
    door.inner_extension(CLAP_EXT_STATE)
}

unsafe extern "C" fn state_save(plugin: *const clap_plugin, stream: *const clap_ostream) -> bool {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return false;
    };
    let save = state(door).and_then(|table| table.save);
    // SAFETY: handed on as it came.
    save.is_some_and(|save| unsafe { save(door.inner(), stream) })
}

unsafe extern "C" fn state_load(plugin: *const clap_plugin, stream: *const clap_istream) -> bool {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return false;
    };
    let load = state(door).and_then(|table| table.load);
    // SAFETY: handed on as it came.
    let done = load.is_some_and(|load| unsafe { load(door.inner(), stream) });
    if done {
        door.extras.restored();
    }
    done
}

fn params(door: &Door) -> Option<&clap_plugin_params> {
    door.inner_extension(CLAP_EXT_PARAMS)
}

fn inner_count(door: &Door) -> u32 {
    let count = params(door).and_then(|table| table.count);
    // SAFETY: the framework's own function with its own plugin.
    count.map_or(0, |count| unsafe { count(door.inner()) })
}

unsafe extern "C" fn params_count(plugin: *const clap_plugin) -> u32 {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return 0;
    };
    #[allow(clippy::cast_possible_truncation, reason = "a dozen readings")]
    let own = Reading::COUNT as u32;
    inner_count(door) + own
}

unsafe extern "C" fn params_info(plugin: *const clap_plugin, index: u32, info: *mut clap_param_info) -> bool {
    // SAFETY: the host calls a plugin that lives, and gives room for the answer.
    let (Some(door), Some(to)) = (unsafe { (Door::of(plugin), info.as_mut()) }) else {
        return false;
    };
    let inner = inner_count(door);
    if index < inner {
        let get = params(door).and_then(|table| table.get_info);
        // SAFETY: handed on as it came; the framework has a parameter of this number.
        return get.is_some_and(|get| unsafe { get(door.inner(), index, info) });
    }
    let Some(reading) = Reading::ALL.get((index - inner) as usize).copied() else {
        return false;
    };
    let (low, high) = reading.span();
    to.id = id(reading);
    // Not automatable as well: that would promise to play a recording back.
    to.flags = CLAP_PARAM_IS_READONLY;
    if reading == Reading::Label {
        to.flags |= CLAP_PARAM_IS_STEPPED;
    }
    to.cookie = ptr::null_mut();
    write_text(&mut to.name, letters(&title(reading)));
    write_text(&mut to.module, letters(MODULE));
    (to.min_value, to.max_value) = (f64::from(low), f64::from(high));
    to.default_value = f64::from(Reading::REST);
    true
}

unsafe extern "C" fn params_value(plugin: *const clap_plugin, param: clap_id, value: *mut f64) -> bool {
    // SAFETY: the host calls a plugin that lives, and gives room for the answer.
    let (Some(door), Some(to)) = (unsafe { (Door::of(plugin), value.as_mut()) }) else {
        return false;
    };
    if let Some(reading) = reading(param) {
        *to = f64::from(door.extras.values()[reading.index()]);
        return true;
    }
    let get = params(door).and_then(|table| table.get_value);
    // SAFETY: handed on as it came.
    get.is_some_and(|get| unsafe { get(door.inner(), param, value) })
}

unsafe extern "C" fn params_to_text(
    plugin: *const clap_plugin,
    param: clap_id,
    value: f64,
    text: *mut c_char,
    room: u32,
) -> bool {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }).filter(|_| !text.is_null() && room > 0) else {
        return false;
    };
    if let Some(reading) = reading(param) {
        // SAFETY: the host gives that much room.
        let to = unsafe { std::slice::from_raw_parts_mut(text, room as usize) };
        #[allow(clippy::cast_possible_truncation, reason = "held within the span")]
        let value = reading.at_share(reading.share(value as f32));
        write_text(to, letters(&reading.text(value)));
        return true;
    }
    let write = params(door).and_then(|table| table.value_to_text);
    // SAFETY: handed on as it came.
    write.is_some_and(|write| unsafe { write(door.inner(), param, value, text, room) })
}

unsafe extern "C" fn params_from_text(
    plugin: *const clap_plugin,
    param: clap_id,
    text: *const c_char,
    value: *mut f64,
) -> bool {
    // SAFETY: the host calls a plugin that lives, and gives room for the answer.
    let (Some(door), Some(to)) = (unsafe { (Door::of(plugin), value.as_mut()) }) else {
        return false;
    };
    if text.is_null() {
        return false;
    }
    if let Some(reading) = reading(param) {
        // SAFETY: text from the host ends with a zero.
        let read = unsafe { CStr::from_ptr(text) }
            .to_str()
            .ok()
            .and_then(|text| reading.parse(text));
        if let Some(read) = read {
            *to = f64::from(read);
        }
        return read.is_some();
    }
    let read = params(door).and_then(|table| table.text_to_value);
    // SAFETY: handed on as it came.
    read.is_some_and(|read| unsafe { read(door.inner(), param, text, value) })
}

unsafe extern "C" fn params_flush(
    plugin: *const clap_plugin,
    events: *const clap_input_events,
    out: *const clap_output_events,
) {
    // SAFETY: the host calls a plugin that lives.
    let Some(door) = (unsafe { Door::of(plugin) }) else {
        return;
    };
    if let Some(flush) = params(door).and_then(|table| table.flush) {
        // SAFETY: handed on as it came.
        unsafe { flush(door.inner(), events, out) };
    }
}
