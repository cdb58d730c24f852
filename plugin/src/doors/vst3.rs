//! The VST3 door: the library's entry points and the factory that makes a [`Class`].

#![allow(non_snake_case, reason = "the format's names")]

use std::ffi::c_void;

use nice_plug::wrapper::vst3::PluginInfo;
use vst3::ComWrapper;
use vst3::Steinberg::{
    FIDString, FUnknown, IPluginFactory, IPluginFactory2, IPluginFactory2Trait, IPluginFactory3,
    IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo, PClassInfo2, PClassInfoW, PFactoryInfo, TUID,
    int32, kInvalidArgument, kResultOk, tresult,
};

use super::vst3_class::Class;
use crate::effect::Undertone;

/// Where a host asks what is in the library.
// SAFETY: no other symbol of this name is in the library.
#[unsafe(no_mangle)]
pub extern "system" fn GetPluginFactory() -> *mut c_void {
    let factory = Factory(PluginInfo::for_plugin::<Undertone>());
    ComWrapper::new(factory)
        .to_com_ptr::<IPluginFactory>()
        .map_or(std::ptr::null_mut(), |factory| factory.into_raw().cast())
}

/// What a host calls before and after; there is nothing to do.
macro_rules! at_the_door {
    ($($system:meta: $($name:ident($($handle:ident)?)),+;)+) => {$($(
        #[cfg($system)]
        #[allow(missing_docs, reason = "the format's own")]
        // SAFETY: no other symbol of this name is in the library.
        #[unsafe(no_mangle)]
        pub extern "system" fn $name($($handle: *mut c_void)?) -> bool {
            $(let _ = $handle;)?
            true
        }
    )+)+};
}

at_the_door! {
    all(unix, not(target_os = "macos")): ModuleEntry(_library), ModuleExit();
    target_os = "macos": bundleEntry(_bundle), bundleExit();
    windows: InitDll(), ExitDll();
}

struct Factory(PluginInfo);

impl vst3::Class for Factory {
    type Interfaces = (IPluginFactory, IPluginFactory2, IPluginFactory3);
}

/// Fills a host's struct.
///
/// # Safety
///
/// `to` must be null or good for writing.
unsafe fn answer<T>(to: *mut T, known: bool, make: impl FnOnce() -> T) -> tresult {
    if to.is_null() || !known {
        return kInvalidArgument;
    }
    // SAFETY: the caller's promise.
    unsafe { to.write(make()) };
    kResultOk
}

impl IPluginFactoryTrait for Factory {
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        // SAFETY: the host gives room for the answer.
        unsafe { answer(info, true, || self.0.create_factory_info()) }
    }

    unsafe fn countClasses(&self) -> int32 {
        1
    }

    unsafe fn getClassInfo(&self, index: int32, info: *mut PClassInfo) -> tresult {
        // SAFETY: the host gives room for the answer.
        unsafe { answer(info, index == 0, || self.0.create_class_info()) }
    }

    unsafe fn createInstance(&self, cid: FIDString, iid: FIDString, obj: *mut *mut c_void) -> tresult {
        if cid.is_null() || iid.is_null() || obj.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: identities are 16 bytes, and the host gives room for the answer.
        unsafe {
            if *cid.cast::<[u8; 16]>() != *self.0.cid {
                return kInvalidArgument;
            }
            let made = ComWrapper::new(Class::new());
            let Some(unknown) = made.as_com_ref::<FUnknown>() else {
                return kInvalidArgument;
            };
            let unknown = unknown.as_ptr();
            // The answer holds a count of its own; ours goes with `made`.
            ((*(*unknown).vtbl).queryInterface)(unknown, iid.cast::<TUID>(), obj)
        }
    }
}

impl IPluginFactory2Trait for Factory {
    unsafe fn getClassInfo2(&self, index: int32, info: *mut PClassInfo2) -> tresult {
        // SAFETY: the host gives room for the answer.
        unsafe { answer(info, index == 0, || self.0.create_class_info_2()) }
    }
}

impl IPluginFactory3Trait for Factory {
    unsafe fn getClassInfoUnicode(&self, index: int32, info: *mut PClassInfoW) -> tresult {
        // SAFETY: the host gives room for the answer.
        unsafe { answer(info, index == 0, || self.0.create_class_info_unicode()) }
    }

    unsafe fn setHostContext(&self, _context: *mut FUnknown) -> tresult {
        kResultOk
    }
}
