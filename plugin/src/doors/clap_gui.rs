//! The window of a plugin whose host offers none: it is there to be asked about, and never opens.
//!
//! Some hosts look at a plugin through a bare host first, to know whether it has a window at all (qtractor does), and
//! show the window in another instance. So the questions are answered as ever; but the framework (nice-plug 0.4.2)
//! ends the process when it is to open a window in a host that knows none, so nothing else must reach it.

use std::ffi::c_char;

use clap_sys::ext::gui::{CLAP_EXT_GUI, clap_gui_resize_hints, clap_plugin_gui, clap_window};
use clap_sys::plugin::clap_plugin;

use super::clap::Door;

/// What such a host is given for the framework's table.
pub(super) static SHUT: clap_plugin_gui = clap_plugin_gui {
    is_api_supported: Some(is_api_supported),
    get_preferred_api: Some(preferred_api),
    create: Some(create),
    destroy: Some(nothing),
    set_scale: Some(set_scale),
    get_size: Some(size),
    can_resize: Some(refuse),
    get_resize_hints: Some(hints),
    adjust_size: Some(size),
    set_size: Some(set_size),
    set_parent: Some(window),
    set_transient: Some(window),
    suggest_title: Some(title),
    show: Some(refuse),
    hide: Some(refuse),
};

fn framework<'a>(plugin: *const clap_plugin) -> Option<(&'a Door, &'a clap_plugin_gui)> {
    // SAFETY: the host calls a plugin that lives.
    let door = unsafe { Door::of(plugin) }?;
    Some((door, door.inner_extension(CLAP_EXT_GUI)?))
}

unsafe extern "C" fn is_api_supported(plugin: *const clap_plugin, api: *const c_char, floats: bool) -> bool {
    let Some((door, table)) = framework(plugin).filter(|_| !api.is_null()) else {
        return false;
    };
    // SAFETY: handed on as it came.
    table
        .is_api_supported
        .is_some_and(|ask| unsafe { ask(door.inner(), api, floats) })
}

unsafe extern "C" fn preferred_api(
    plugin: *const clap_plugin,
    api: *mut *const c_char,
    floats: *mut bool,
) -> bool {
    let room = !api.is_null() && !floats.is_null();
    let Some((door, table)) = framework(plugin).filter(|_| room) else {
        return false;
    };
    // SAFETY: handed on as it came.
    table
        .get_preferred_api
        .is_some_and(|ask| unsafe { ask(door.inner(), api, floats) })
}

unsafe extern "C" fn create(_: *const clap_plugin, _api: *const c_char, _floats: bool) -> bool {
    false
}

unsafe extern "C" fn nothing(_: *const clap_plugin) {}

unsafe extern "C" fn refuse(_: *const clap_plugin) -> bool {
    false
}

unsafe extern "C" fn set_scale(_: *const clap_plugin, _scale: f64) -> bool {
    false
}

unsafe extern "C" fn size(_: *const clap_plugin, _width: *mut u32, _height: *mut u32) -> bool {
    false
}

unsafe extern "C" fn set_size(_: *const clap_plugin, _width: u32, _height: u32) -> bool {
    false
}

unsafe extern "C" fn hints(_: *const clap_plugin, _hints: *mut clap_gui_resize_hints) -> bool {
    false
}

unsafe extern "C" fn window(_: *const clap_plugin, _window: *const clap_window) -> bool {
    false
}

unsafe extern "C" fn title(_: *const clap_plugin, _title: *const c_char) {}
