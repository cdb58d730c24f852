//! The VST3 plugin's parameters: the framework's own, and after them the read-outs, which only the plugin changes.
//!
//! What is the framework's is handed on as it came; so each such function's safety is the host's keeping to the
//! format, as it would be without the door.

#![allow(non_snake_case, reason = "the format's names")]
#![allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the format counts in signed numbers, and its constants have other types on other systems"
)]
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "all but those with a comment of their own only hand on what the host gave; see the module's words"
)]

use vst3::Steinberg::Vst::{
    BusDirection, CString, IComponentHandler, IEditControllerTrait, IUnitInfoTrait, MediaType, ParamID,
    ParamValue, ParameterInfo, ParameterInfo_::ParameterFlags_, ProgramListID, ProgramListInfo, String128,
    TChar, UnitID, UnitInfo, kRootUnitId,
};
use vst3::Steinberg::{
    FIDString, IBStream, IPlugView, int16, int32, kInvalidArgument, kResultFalse, kResultOk, tresult,
};

use super::vst3_class::Class;
use super::{id, reading, title, write_text};
use crate::panel::Reading;

impl IEditControllerTrait for Class {
    unsafe fn setComponentState(&self, state: *mut IBStream) -> tresult {
        unsafe { self.inner.setComponentState(state) }
    }

    unsafe fn setState(&self, state: *mut IBStream) -> tresult {
        unsafe { IEditControllerTrait::setState(&self.inner, state) }
    }

    unsafe fn getState(&self, state: *mut IBStream) -> tresult {
        unsafe { IEditControllerTrait::getState(&self.inner, state) }
    }

    unsafe fn getParameterCount(&self) -> int32 {
        let inner = unsafe { self.inner.getParameterCount() };
        inner + Reading::COUNT as int32
    }

    unsafe fn getParameterInfo(&self, index: int32, info: *mut ParameterInfo) -> tresult {
        let inner = unsafe { self.inner.getParameterCount() };
        if (0..inner).contains(&index) {
            return unsafe { self.inner.getParameterInfo(index, info) };
        }
        let place = index
            .checked_sub(inner)
            .and_then(|place| usize::try_from(place).ok());
        let (Some(reading), Some(to)) = (place.and_then(|place| Reading::ALL.get(place).copied()), unsafe {
            info.as_mut()
        }) else {
            return kInvalidArgument;
        };
        let name = title(reading);
        to.id = id(reading);
        for field in [&mut to.title, &mut to.shortTitle] {
            write_text(field, name.encode_utf16().map(|letter| letter as TChar));
        }
        write_text(&mut to.units, std::iter::empty());
        to.stepCount = if reading == Reading::Label {
            reading.span().1 as int32
        } else {
            0
        };
        to.defaultNormalizedValue = reading.share(Reading::REST).into();
        to.unitId = kRootUnitId;
        // The format says: read-only, so not to be automated. Hosts still show, record and link it.
        to.flags = ParameterFlags_::kIsReadOnly as int32;
        kResultOk
    }

    unsafe fn getParamStringByValue(&self, id: ParamID, share: ParamValue, text: *mut String128) -> tresult {
        let Some(reading) = reading(id) else {
            return unsafe { self.inner.getParamStringByValue(id, share, text) };
        };
        let Some(to) = (unsafe { text.as_mut() }) else {
            return kInvalidArgument;
        };
        let text = reading.text(reading.at_share(share as f32));
        write_text(to, text.encode_utf16().map(|letter| letter as TChar));
        kResultOk
    }

    unsafe fn getParamValueByString(&self, id: ParamID, text: *mut TChar, share: *mut ParamValue) -> tresult {
        let Some(reading) = reading(id) else {
            return unsafe { self.inner.getParamValueByString(id, text, share) };
        };
        let Some(to) = (unsafe { share.as_mut() }).filter(|_| !text.is_null()) else {
            return kInvalidArgument;
        };
        // SAFETY: text from the host ends with a zero; nobody needs more of it than a `String128` holds.
        let letters = (0..128)
            .map(|at| unsafe { *text.add(at) } as u16)
            .take_while(|letter| *letter != 0);
        let text: String = char::decode_utf16(letters).filter_map(Result::ok).collect();
        match reading.parse(&text) {
            Some(value) => {
                *to = reading.share(value).into();
                kResultOk
            }
            None => kResultFalse,
        }
    }

    unsafe fn normalizedParamToPlain(&self, id: ParamID, share: ParamValue) -> ParamValue {
        match reading(id) {
            Some(reading) => reading.at_share(share as f32).into(),
            None => unsafe { self.inner.normalizedParamToPlain(id, share) },
        }
    }

    unsafe fn plainParamToNormalized(&self, id: ParamID, plain: ParamValue) -> ParamValue {
        match reading(id) {
            Some(reading) => reading.share(plain as f32).into(),
            None => unsafe { self.inner.plainParamToNormalized(id, plain) },
        }
    }

    unsafe fn getParamNormalized(&self, id: ParamID) -> ParamValue {
        match reading(id) {
            Some(reading) => reading.share(self.extras.values()[reading.index()]).into(),
            None => unsafe { self.inner.getParamNormalized(id) },
        }
    }

    unsafe fn setParamNormalized(&self, id: ParamID, value: ParamValue) -> tresult {
        match reading(id) {
            // What came out of `process` comes back here; it is known already.
            Some(_) => kResultOk,
            None => unsafe { self.inner.setParamNormalized(id, value) },
        }
    }

    unsafe fn setComponentHandler(&self, handler: *mut IComponentHandler) -> tresult {
        unsafe { self.inner.setComponentHandler(handler) }
    }

    unsafe fn createView(&self, name: FIDString) -> *mut IPlugView {
        unsafe { self.inner.createView(name) }
    }
}

impl IUnitInfoTrait for Class {
    unsafe fn getUnitCount(&self) -> int32 {
        unsafe { self.inner.getUnitCount() }
    }

    unsafe fn getUnitInfo(&self, index: int32, info: *mut UnitInfo) -> tresult {
        if index < 0 {
            return kInvalidArgument;
        }
        unsafe { self.inner.getUnitInfo(index, info) }
    }

    unsafe fn getProgramListCount(&self) -> int32 {
        0
    }

    unsafe fn getProgramListInfo(&self, _: int32, _: *mut ProgramListInfo) -> tresult {
        kInvalidArgument
    }

    unsafe fn getProgramName(&self, _: ProgramListID, _: int32, _: *mut String128) -> tresult {
        kInvalidArgument
    }

    unsafe fn getProgramInfo(&self, _: ProgramListID, _: int32, _: CString, _: *mut String128) -> tresult {
        kInvalidArgument
    }

    unsafe fn hasProgramPitchNames(&self, _: ProgramListID, _: int32) -> tresult {
        kInvalidArgument
    }

    unsafe fn getProgramPitchName(&self, _: ProgramListID, _: int32, _: int16, _: *mut String128) -> tresult {
        kInvalidArgument
    }

    unsafe fn getSelectedUnit(&self) -> UnitID {
        kRootUnitId
    }

    unsafe fn selectUnit(&self, _: UnitID) -> tresult {
        kResultFalse
    }

    unsafe fn getUnitByBus(
        &self,
        _: MediaType,
        _: BusDirection,
        _: int32,
        _: int32,
        _: *mut UnitID,
    ) -> tresult {
        kResultFalse
    }

    unsafe fn setUnitProgramData(&self, _: int32, _: int32, _: *mut IBStream) -> tresult {
        kInvalidArgument
    }
}
