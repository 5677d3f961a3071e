//! Which plugins the library holds, and how hosts get at them. What is asked while a host scans is
//! answered from constants: threads and files come with `initialize` of an instance.

use std::ffi::c_void;

use nice_plug::prelude::Vst3Plugin;
use nice_plug::wrapper::vst3::PluginInfo;

use super::com::Steinberg::{
    FIDString, FUnknown, IPluginFactory, IPluginFactory2, IPluginFactory2Trait, IPluginFactory3,
    IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo, PClassInfo2, PClassInfoW, PFactoryInfo, TUID,
    int32, kInternalError, kInvalidArgument, kResultOk, tresult,
};
use super::com::{Class, ComWrapper};
use super::guard;
use super::object::Object;
use crate::ports::Kind;
use crate::shell::{Shell, Vst3, Vst3Fx};

/// The library's classes, in the order in which hosts list them.
struct Factory {
    classes: [PluginInfo; 2],
}

impl Class for Factory {
    type Interfaces = (IPluginFactory, IPluginFactory2, IPluginFactory3);
}

impl Factory {
    /// Fills `info` with what the class of that index has to tell.
    ///
    /// # Safety
    /// `info` is null or has room for a `T`.
    unsafe fn tell<T>(&self, index: int32, info: *mut T, what: impl FnOnce(&PluginInfo) -> T) -> tresult {
        let class = usize::try_from(index).ok().and_then(|index| self.classes.get(index));
        let Some(class) = class.filter(|_| !info.is_null()) else { return kInvalidArgument };
        guard(kInternalError, || {
            let told = what(class);
            // SAFETY: as promised by the caller.
            unsafe { info.write(told) };
            kResultOk
        })
    }
}

impl IPluginFactoryTrait for Factory {
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        // SAFETY: the host's room for an info.
        unsafe { self.tell(0, info, PluginInfo::create_factory_info) }
    }

    unsafe fn countClasses(&self) -> int32 {
        self.classes.len() as int32
    }

    unsafe fn getClassInfo(&self, index: int32, info: *mut PClassInfo) -> tresult {
        // SAFETY: the host's room for an info.
        unsafe { self.tell(index, info, PluginInfo::create_class_info) }
    }

    unsafe fn createInstance(&self, cid: FIDString, iid: FIDString, object: *mut *mut c_void) -> tresult {
        if cid.is_null() || iid.is_null() || object.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: class ids have sixteen bytes, without alignment.
        let class = unsafe { cid.cast::<[u8; 16]>().read_unaligned() };
        let kind = match class {
            id if id == <Shell<Vst3> as Vst3Plugin>::PLATFORM_VST3_CLASS_ID => Kind::Instrument,
            id if id == <Shell<Vst3Fx> as Vst3Plugin>::PLATFORM_VST3_CLASS_ID => Kind::Effect,
            _ => return kInvalidArgument,
        };
        guard(kInternalError, || {
            let made = ComWrapper::new(Object::new(kind));
            let Some(unknown) = made.to_com_ptr::<FUnknown>() else { return kInternalError };
            let unknown = unknown.as_ptr();
            // SAFETY: the object lives, held by `made`; the interface's id and the room for it are
            // the host's.
            unsafe { ((*(*unknown).vtbl).queryInterface)(unknown, iid.cast::<TUID>(), object) }
        })
    }
}

impl IPluginFactory2Trait for Factory {
    unsafe fn getClassInfo2(&self, index: int32, info: *mut PClassInfo2) -> tresult {
        // SAFETY: the host's room for an info.
        unsafe { self.tell(index, info, PluginInfo::create_class_info_2) }
    }
}

impl IPluginFactory3Trait for Factory {
    unsafe fn getClassInfoUnicode(&self, index: int32, info: *mut PClassInfoW) -> tresult {
        // SAFETY: the host's room for an info.
        unsafe { self.tell(index, info, PluginInfo::create_class_info_unicode) }
    }

    unsafe fn setHostContext(&self, _context: *mut FUnknown) -> tresult {
        kResultOk
    }
}

/// The factory, whose reference the host gives back. Null if there is no memory for it.
pub fn plugin_factory() -> *mut c_void {
    guard(std::ptr::null_mut(), || {
        let classes = [PluginInfo::for_plugin::<Shell<Vst3>>(), PluginInfo::for_plugin::<Shell<Vst3Fx>>()];
        let factory = ComWrapper::new(Factory { classes });
        let factory = factory.to_com_ptr::<IPluginFactory>();
        factory.map_or(std::ptr::null_mut(), |factory| factory.into_raw().cast())
    })
}
