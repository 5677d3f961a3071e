//! `IEditController` and what belongs to it: values, the window and the parameters of MIDI controllers are
//! ours, texts and units nice-plug's.

use std::ffi::CStr;

use super::com::ComRef;
use super::com::Steinberg::Vst::ChannelContext::{IInfoListenerTrait, kChannelColorKey, kChannelNameKey};
use super::com::Steinberg::Vst::ViewType::kEditor;
use super::com::Steinberg::Vst::{
    BusDirection, CString, CtrlNumber, IAttributeList, IAttributeListTrait, IComponentHandler,
    IEditControllerTrait, IMidiMappingTrait, INoteExpressionControllerTrait, IUnitInfoTrait, MediaType,
    NoteExpressionTypeID, NoteExpressionTypeInfo, NoteExpressionValue, ParamID, ParamValue, ParameterInfo,
    ProgramListID, ProgramListInfo, String128, TChar, UnitID, UnitInfo, kRootUnitId,
};
use super::com::Steinberg::{
    FIDString, IBStream, IPlugView, int16, int32, kInternalError, kInvalidArgument, kResultFalse, kResultOk,
    tresult,
};
use super::guard;
use super::midi::{self, Controller};
use super::object::Object;
use crate::instance::Track;
use crate::params::MACROS;

impl IEditControllerTrait for Object {
    /// The component is this very object and has its state already.
    unsafe fn setComponentState(&self, _state: *mut IBStream) -> tresult {
        kResultOk
    }

    unsafe fn setState(&self, _state: *mut IBStream) -> tresult {
        kResultOk
    }

    unsafe fn getState(&self, _state: *mut IBStream) -> tresult {
        kResultOk
    }

    unsafe fn getParameterCount(&self) -> int32 {
        // SAFETY: passed on.
        guard(0, || unsafe { self.nice.getParameterCount() } + midi::COUNT as int32)
    }

    unsafe fn getParameterInfo(&self, index: int32, info: *mut ParameterInfo) -> tresult {
        guard(kInternalError, || {
            self.gui.called();
            let Some(index) = usize::try_from(index).ok().filter(|_| !info.is_null()) else {
                return kInvalidArgument;
            };
            // SAFETY: passed on, within its bounds: nice-plug panics one past the end. The host's room for an
            // info, not null.
            unsafe {
                let own = usize::try_from(self.nice.getParameterCount()).unwrap_or(0);
                if let Some(after) = index.checked_sub(own) {
                    let Some(controller) = Controller::at(after) else { return kInvalidArgument };
                    info.write(controller.info());
                    return kResultOk;
                }
                let told = self.nice.getParameterInfo(index as int32, info);
                if told == kResultOk && index < MACROS {
                    let label = self.values.params().labels.macro_label(index);
                    copy_text(&label.name, &mut (*info).title);
                    copy_text(&label.name, &mut (*info).shortTitle);
                    // Texts of values have their unit already, and hosts put this behind them.
                    copy_text("", &mut (*info).units);
                }
                told
            }
        })
    }

    unsafe fn getParamStringByValue(&self, id: ParamID, value: ParamValue, text: *mut String128) -> tresult {
        if !value.is_finite() {
            return kInvalidArgument;
        }
        guard(kInternalError, || {
            self.gui.called();
            // SAFETY: passed on, or the host's room for a text.
            unsafe {
                match (Controller::with_id(id), text.as_mut()) {
                    (Some(controller), Some(text)) => copy_text(&controller.plain(value).to_string(), text),
                    (Some(_), None) => return kInvalidArgument,
                    (None, _) => return self.nice.getParamStringByValue(id, value, text),
                }
            }
            kResultOk
        })
    }

    unsafe fn getParamValueByString(&self, id: ParamID, text: *mut TChar, value: *mut ParamValue) -> tresult {
        guard(kInternalError, || {
            let Some(controller) = Controller::with_id(id) else {
                // SAFETY: passed on.
                return unsafe { self.nice.getParamValueByString(id, text, value) };
            };
            if text.is_null() || value.is_null() {
                return kInvalidArgument;
            }
            // SAFETY: a string of the host's that ends in NUL, of at most 128 units.
            let units =
                (0..128).map(|at| unsafe { text.add(at).read() } as u16).take_while(|&unit| unit != 0);
            let typed: String = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect();
            let Some(plain) = typed.trim().parse().ok().filter(|plain: &f64| plain.is_finite()) else {
                return kResultFalse;
            };
            // SAFETY: the host's room for a value, not null.
            unsafe { value.write(controller.normalised(plain)) };
            kResultOk
        })
    }

    unsafe fn normalizedParamToPlain(&self, id: ParamID, value: ParamValue) -> ParamValue {
        guard(value, || match Controller::with_id(id) {
            Some(controller) => controller.plain(value),
            // SAFETY: passed on.
            None => unsafe { self.nice.normalizedParamToPlain(id, value) },
        })
    }

    unsafe fn plainParamToNormalized(&self, id: ParamID, plain: ParamValue) -> ParamValue {
        guard(plain, || match Controller::with_id(id) {
            Some(controller) => controller.normalised(plain),
            // SAFETY: passed on.
            None => unsafe { self.nice.plainParamToNormalized(id, plain) },
        })
    }

    unsafe fn getParamNormalized(&self, id: ParamID) -> ParamValue {
        guard(0.0, || {
            self.gui.called();
            self.value(id).unwrap_or(0.0)
        })
    }

    unsafe fn setParamNormalized(&self, id: ParamID, value: ParamValue) -> tresult {
        guard(kInternalError, || {
            self.gui.called();
            if self.tell(id, value) { kResultOk } else { kInvalidArgument }
        })
    }

    unsafe fn setComponentHandler(&self, handler: *mut IComponentHandler) -> tresult {
        guard(kInternalError, || {
            // SAFETY: the host's, or null.
            unsafe { self.gui.set_handler(handler) };
            kResultOk
        })
    }

    unsafe fn createView(&self, name: FIDString) -> *mut IPlugView {
        guard(std::ptr::null_mut(), || {
            self.gui.called();
            // SAFETY: null or a string of the host's; a constant string.
            let wanted = !name.is_null() && unsafe { CStr::from_ptr(name) == CStr::from_ptr(kEditor) };
            if wanted { self.gui.make_view() } else { std::ptr::null_mut() }
        })
    }
}

impl IMidiMappingTrait for Object {
    unsafe fn getMidiControllerAssignment(
        &self,
        bus: int32,
        channel: int16,
        number: CtrlNumber,
        id: *mut ParamID,
    ) -> tresult {
        guard(kInternalError, || {
            if id.is_null() {
                return kInvalidArgument;
            }
            let Some(controller) = Controller::of(channel, number).filter(|_| bus == 0) else {
                return kResultFalse;
            };
            // SAFETY: the host's room for an id, not null.
            unsafe { id.write(controller.id()) };
            kResultOk
        })
    }
}

/// Copies as much of `text` as fits with its NUL, cut at a character.
pub fn copy_text(text: &str, to: &mut String128) {
    to.fill(0);
    let mut at = 0;
    for character in text.chars() {
        let end = at + character.len_utf16();
        if end >= to.len() {
            break;
        }
        let mut units = [0; 2];
        for (to, &unit) in to[at..end].iter_mut().zip(character.encode_utf16(&mut units).iter()) {
            *to = unit as TChar;
        }
        at = end;
    }
}

impl IUnitInfoTrait for Object {
    unsafe fn getUnitCount(&self) -> int32 {
        // SAFETY: passed on.
        guard(0, || unsafe { self.nice.getUnitCount() })
    }

    unsafe fn getUnitInfo(&self, index: int32, info: *mut UnitInfo) -> tresult {
        // SAFETY: passed on.
        guard(kInternalError, || unsafe { self.nice.getUnitInfo(index, info) })
    }

    unsafe fn getProgramListCount(&self) -> int32 {
        0
    }

    unsafe fn getProgramListInfo(&self, _index: int32, _info: *mut ProgramListInfo) -> tresult {
        kInvalidArgument
    }

    unsafe fn getProgramName(&self, _: ProgramListID, _: int32, _: *mut String128) -> tresult {
        kInvalidArgument
    }

    unsafe fn getProgramInfo(&self, _: ProgramListID, _: int32, _: CString, _: *mut String128) -> tresult {
        kInvalidArgument
    }

    unsafe fn hasProgramPitchNames(&self, _: ProgramListID, _: int32) -> tresult {
        kResultFalse
    }

    unsafe fn getProgramPitchName(&self, _: ProgramListID, _: int32, _: int16, _: *mut String128) -> tresult {
        kInvalidArgument
    }

    unsafe fn getSelectedUnit(&self) -> UnitID {
        kRootUnitId
    }

    unsafe fn selectUnit(&self, _unit: UnitID) -> tresult {
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

impl INoteExpressionControllerTrait for Object {
    unsafe fn getNoteExpressionCount(&self, bus: int32, channel: int16) -> int32 {
        // SAFETY: passed on.
        guard(0, || unsafe { self.nice.getNoteExpressionCount(bus, channel) })
    }

    unsafe fn getNoteExpressionInfo(
        &self,
        bus: int32,
        channel: int16,
        index: int32,
        info: *mut NoteExpressionTypeInfo,
    ) -> tresult {
        // SAFETY: passed on.
        guard(kInternalError, || unsafe { self.nice.getNoteExpressionInfo(bus, channel, index, info) })
    }

    unsafe fn getNoteExpressionStringByValue(
        &self,
        _: int32,
        _: int16,
        _: NoteExpressionTypeID,
        _: NoteExpressionValue,
        _: *mut String128,
    ) -> tresult {
        kResultFalse
    }

    unsafe fn getNoteExpressionValueByString(
        &self,
        _: int32,
        _: int16,
        _: NoteExpressionTypeID,
        _: *const TChar,
        _: *mut NoteExpressionValue,
    ) -> tresult {
        kResultFalse
    }
}

impl IInfoListenerTrait for Object {
    unsafe fn setChannelContextInfos(&self, list: *mut IAttributeList) -> tresult {
        guard(kInternalError, || {
            // SAFETY: null or the host's list, valid for this call.
            match unsafe { track_of(list) } {
                Some(track) => self.set_track(track),
                None => return kInvalidArgument,
            }
            kResultOk
        })
    }
}

/// The track that the host describes: some say only what has changed. `None` without a list.
///
/// # Safety
/// `list` is null or a list of the host's.
unsafe fn track_of(list: *mut IAttributeList) -> Option<Track> {
    // SAFETY: as promised by the caller.
    let list = unsafe { ComRef::from_raw(list) }?;
    let mut text: String128 = [0; 128];
    let mut colour = 0;
    // SAFETY: the host's object; the keys end in NUL; room for a String128, whose size is said in bytes, and for a
    // number.
    let (named, coloured) = unsafe {
        (
            list.getString(kChannelNameKey, text.as_mut_ptr(), size_of::<String128>() as u32) == kResultOk,
            list.getInt(kChannelColorKey, &mut colour) == kResultOk,
        )
    };
    let units: Vec<u16> = text.iter().map(|&unit| unit as u16).take_while(|&unit| unit != 0).collect();
    let name = String::from_utf16_lossy(&units);
    // Alpha, red, green, blue from the highest byte on.
    let [_, red, green, blue] = (colour as u32).to_be_bytes();
    Some(Track::new(named.then_some(name.as_str()), coloured.then_some([red, green, blue])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_at_a_character_and_ends_in_nul() {
        let mut to = [7; 128];
        copy_text(&"x".repeat(126).replace("xx", "x").repeat(2), &mut to);
        assert_eq!((to[125], to[126]), (b'x' as TChar, 0));
        // The last character has two units, of which one would fit.
        copy_text(&format!("{}𝄞", "x".repeat(126)), &mut to);
        assert_eq!((to[125], to[126], to[127]), (b'x' as TChar, 0, 0));
        copy_text("höhe", &mut to);
        assert_eq!(to[..5], [b'h' as TChar, 0xf6, b'h' as TChar, b'e' as TChar, 0]);
    }
}
