//! A VST3 module on disk: opened, its classes listed, closed with its last user.

use std::ffi::{OsStr, c_void};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vst3::ComPtr;
use vst3::Steinberg::Vst::IComponent;
use vst3::Steinberg::{
    FIDString, IPluginFactory, IPluginFactory2, IPluginFactory2Trait, IPluginFactoryTrait, PClassInfo2,
    kResultOk,
};
use vst3::{Interface, Steinberg::PFactoryInfo};

use crate::error::HostError;
use crate::library::Descriptor;

/// What the category of a class says if it is a plugin.
const AUDIO_MODULE: &str = "Audio Module Class";

/// An open VST3 module. Instances keep it open; it is unloaded when this and all its instances are gone.
#[derive(Clone)]
pub struct Vst3Library {
    module: Arc<Module>,
    path: PathBuf,
}

struct Module {
    factory: Option<ComPtr<IPluginFactory>>,
    library: libloading::Library,
}

// SAFETY: the factory is constant; VST3 has it called on the main thread, which the instances, that
// are not `Send`, keep to.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

impl Drop for Module {
    fn drop(&mut self) {
        self.factory = None;
        let name: &[u8] = if cfg!(windows) { b"ExitDll\0" } else { b"ModuleExit\0" };
        // SAFETY: the type is VST3's; nothing of the module is in use any more.
        unsafe {
            if let Ok(exit) = self.library.get::<unsafe extern "system" fn() -> bool>(name) {
                exit();
            }
        }
    }
}

impl Vst3Library {
    /// Opens a `.vst3`: the bundle, or the binary in it.
    ///
    /// # Errors
    /// [`HostError::Load`] with the loader's own words.
    pub fn load(path: &Path) -> Result<Self, HostError> {
        let failed = |reason: String| HostError::Load { path: path.to_owned(), reason };
        if cfg!(target_os = "macos") {
            return Err(failed("krach-host opens VST3 on Linux and Windows only".to_owned()));
        }
        let binary = binary_in(path);
        if !binary.is_file() {
            return Err(failed(format!("there is no binary {}", binary.display())));
        }
        // An absolute path: a bare file name would be searched in the loader's own path.
        let binary = binary.canonicalize().map_err(|error| failed(error.to_string()))?;
        // SAFETY: loading runs the library's initialisers, and nothing can vouch for what a plugin
        // does in there; whoever names the file trusts it, as with every plugin host.
        let library =
            unsafe { libloading::Library::new(&binary) }.map_err(|error| failed(error.to_string()))?;
        let library = enter(library).map_err(&failed)?;
        // SAFETY: the type is VST3's.
        let factory = unsafe {
            let get = library.get::<unsafe extern "system" fn() -> *mut c_void>(b"GetPluginFactory\0");
            ComPtr::from_raw(get.map_err(|error| failed(error.to_string()))?().cast())
        };
        let factory = factory.ok_or_else(|| failed("it has no factory".to_owned()))?;
        let module = Arc::new(Module { factory: Some(factory), library });
        Ok(Self { module, path: path.to_owned() })
    }

    /// Its plugins, in the module's order; ids are class ids in hexadecimal.
    pub fn plugins(&self) -> Vec<Descriptor> {
        self.classes().into_iter().map(|(_, descriptor)| descriptor).collect()
    }

    fn classes(&self) -> Vec<([u8; 16], Descriptor)> {
        let Some(factory) = &self.module.factory else { return Vec::new() };
        let Some(factory) = factory.cast::<IPluginFactory2>() else { return Vec::new() };
        let mut classes = Vec::new();
        // SAFETY: the module's factory; infos are numbers and text, for which zero is a value.
        unsafe {
            let mut maker: PFactoryInfo = std::mem::zeroed();
            factory.getFactoryInfo(&mut maker);
            for index in 0..factory.countClasses() {
                let mut info: PClassInfo2 = std::mem::zeroed();
                if factory.getClassInfo2(index, &mut info) != kResultOk
                    || text(&info.category) != AUDIO_MODULE
                {
                    continue;
                }
                let class = info.cid.map(|byte| byte as u8);
                let vendor = Some(text(&info.vendor)).filter(|vendor| !vendor.is_empty());
                let descriptor = Descriptor {
                    id: class.iter().map(|byte| format!("{byte:02X}")).collect(),
                    name: text(&info.name),
                    vendor: vendor.unwrap_or_else(|| text(&maker.vendor)),
                    version: text(&info.version),
                };
                classes.push((class, descriptor));
            }
        }
        classes
    }

    /// A component of the class with this id; without one, of the first.
    pub(crate) fn create(&self, id: Option<&str>) -> Result<(Descriptor, ComPtr<IComponent>), HostError> {
        let classes = self.classes();
        let (class, descriptor) = classes
            .iter()
            .find(|(_, class)| id.is_none_or(|id| class.id == id))
            .ok_or_else(|| HostError::NoSuchPlugin {
                path: self.path.clone(),
                id: id.unwrap_or("any").to_owned(),
                available: classes.iter().map(|(_, c)| c.id.as_str()).collect::<Vec<_>>().join(", "),
            })?;
        let mut object = std::ptr::null_mut();
        if let Some(factory) = &self.module.factory {
            let (class, iid): (FIDString, FIDString) =
                (class.as_ptr().cast(), <IComponent as Interface>::IID.as_ptr().cast());
            // SAFETY: the module's factory; ids of sixteen bytes; room for a pointer.
            unsafe { factory.createInstance(class, iid, &mut object) };
        }
        // SAFETY: null, or a component whose reference is ours.
        let component = unsafe { ComPtr::from_raw(object.cast()) };
        let refused = || HostError::Create {
            id: descriptor.id.clone(),
            reason: "the factory makes no component".to_owned(),
        };
        Ok((descriptor.clone(), component.ok_or_else(refused)?))
    }
}

/// The binary of a bundle; the path itself if it is none.
fn binary_in(path: &Path) -> PathBuf {
    let contents = path.join("Contents");
    if !contents.is_dir() {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or(OsStr::new("plugin"));
    let processor = std::env::consts::ARCH;
    if cfg!(windows) {
        let processor = if processor == "aarch64" { "arm64" } else { processor };
        contents.join(format!("{processor}-win")).join(stem).with_extension("vst3")
    } else {
        contents.join(format!("{processor}-linux")).join(stem).with_extension("so")
    }
}

/// Calls the module's entry, with its handle where that is wanted.
#[cfg(unix)]
fn enter(library: libloading::Library) -> Result<libloading::Library, String> {
    use libloading::os::unix;
    let handle = unix::Library::from(library).into_raw();
    // SAFETY: the handle that was just taken out.
    let library = libloading::Library::from(unsafe { unix::Library::from_raw(handle) });
    // SAFETY: the type is VST3's.
    let entered = unsafe {
        let entry = library.get::<unsafe extern "C" fn(*mut c_void) -> bool>(b"ModuleEntry\0");
        entry.map_err(|error| error.to_string())?(handle)
    };
    if entered { Ok(library) } else { Err("its ModuleEntry refuses".to_owned()) }
}

/// Calls the module's entry, which it may go without.
#[cfg(windows)]
fn enter(library: libloading::Library) -> Result<libloading::Library, String> {
    // SAFETY: the type is VST3's.
    let entered = unsafe {
        let entry = library.get::<unsafe extern "system" fn() -> bool>(b"InitDll\0");
        entry.map_or(true, |entry| entry())
    };
    if entered { Ok(library) } else { Err("its InitDll refuses".to_owned()) }
}

/// A text of bytes that ends in NUL, or with its room.
fn text(bytes: &[std::ffi::c_char]) -> String {
    let bytes: Vec<u8> = bytes.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
