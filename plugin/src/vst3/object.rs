//! One instance as the host calls it, and when what of it lives.
//!
//! | host calls | what comes or goes |
//! |---|---|
//! | `createInstance` | this struct and nice-plug's component in it, with its idle worker thread |
//! | `initialize` … `terminate` | the [`Instance`] |
//! | `setActive(1)` … `setActive(0)` | the [`AudioSide`] with the engine's processor |
//! | the last `release` | everything |
//!
//! nice-plug's component is never entered for sound or window, and no task is posted to its worker, which
//! is shared by all instances and dies of tasks that outlive their instance.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use krach_core::node::Registry;
use nice_plug::wrapper::vst3::Wrapper;

use super::com::Class;
use super::com::ComRef;
use super::com::Steinberg::FUnknown;
use super::com::Steinberg::Vst::{
    ChannelContext::IInfoListener, IAudioProcessor, IComponent, IEditController, IHostApplication,
    IHostApplicationTrait, IMidiMapping, INoteExpressionController, IProcessContextRequirements, IUnitInfo,
};
use super::midi::Controller;
use super::process::AudioSide;
use super::view::Gui;
use crate::instance::{HostHooks, Instance, InstanceConfig, Track};
use crate::param_values::{ParamValues, Standing};
use crate::params::KrachParams;
use crate::ports::Kind;
use crate::shell::{Shell, Vst3};
use crate::socket::Addresses;
use crate::state::{Purpose, ReadError};

/// How long the main thread waits for a block that the host left running where it may not.
const PATIENCE: Duration = Duration::from_secs(1);

/// Blocks within which a host hands `process` what it has told the controller: the one that runs, and
/// the one after it.
const ON_ITS_WAY: u64 = 2;

/// What the host has agreed with us before it activates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    /// Hz.
    pub sample_rate: f64,
    /// Longest block in frames.
    pub max_frames: usize,
}

/// What holds until the host sets something up: some activate first. As in the format's own base classes.
impl Default for Setup {
    fn default() -> Self {
        Self { sample_rate: 44_100.0, max_frames: 1024 }
    }
}

/// A value that the host told the controller while it processes; `process` will hear of it, too.
#[derive(Clone, Copy)]
struct Told {
    value: f64,
    /// Blocks begun when it was told.
    blocks: u64,
}

/// What stands behind the interfaces.
pub struct Object {
    /// Which plugin it is.
    pub kind: Kind,
    /// From `initialize` to `terminate`: the engine, its control thread and its socket.
    instance: Mutex<Option<Instance>>,
    /// The audio thread's, while active. The audio thread only ever tries the lock, which is one
    /// atomic exchange; the main thread polls it. They meet only if the host breaks VST3's rules.
    audio: Mutex<Option<AudioSide>>,
    setup: Mutex<Setup>,
    /// What the host has said of its track.
    track: Mutex<Track>,
    /// The host has set up offline rendering and may wait for us.
    pub offline: AtomicBool,
    /// Between `setProcessing(1)` and `setProcessing(0)`.
    processing: AtomicBool,
    /// Blocks begun.
    blocks: AtomicU64,
    told: Mutex<BTreeMap<u32, Told>>,
    /// The parameters.
    pub values: Arc<ParamValues>,
    /// The window.
    pub gui: Rc<Gui>,
    /// nice-plug's component, for what is left to it.
    pub nice: Wrapper<Shell<Vst3>>,
}

impl Class for Object {
    type Interfaces = (
        IComponent,
        IEditController,
        IAudioProcessor,
        IProcessContextRequirements,
        INoteExpressionController,
        IMidiMapping,
        IUnitInfo,
        IInfoListener,
    );
}

impl Object {
    /// Neither initialised nor active.
    pub fn new(kind: Kind) -> Self {
        let params = Arc::new(KrachParams::default());
        let nice = Shell::<Vst3>::made_with(&params, Wrapper::new);
        let values = Arc::new(ParamValues::new(params));
        Self {
            kind,
            instance: Mutex::default(),
            audio: Mutex::default(),
            setup: Mutex::default(),
            track: Mutex::default(),
            offline: AtomicBool::new(false),
            processing: AtomicBool::new(false),
            blocks: AtomicU64::new(0),
            told: Mutex::default(),
            gui: Gui::new(&values),
            values,
            nice,
        }
    }

    /// Starts the instance; false if it runs already.
    ///
    /// # Safety
    /// `context` is null or the host's, valid for this call.
    pub unsafe fn initialize(&self, context: *mut FUnknown) -> bool {
        let mut instance = lock(&self.instance);
        if instance.is_some() {
            return false;
        }
        let desk = Arc::clone(self.gui.desk());
        let mark_dirty: Box<dyn Fn() + Send + Sync> = Box::new(move || desk.mark_dirty());
        let (desk, labels) = (Arc::clone(self.gui.desk()), self.values.params().labels.clone());
        // The desk holds the parameters, and they hold the labels: a strong reference would be a circle.
        let (shown, teller) = (labels.clone(), Arc::downgrade(&desk));
        labels.listen(Box::new(move || {
            if let Some(desk) = teller.upgrade() {
                desk.titles_changed();
            }
        }));
        let show_macros = Box::new(move |macros| _ = shown.show(macros));
        let config = InstanceConfig {
            format: "vst3",
            // SAFETY: as promised by the caller.
            host: unsafe { name_of(context) },
            registry: Registry::with_builtins(),
            hooks: HostHooks {
                mark_dirty: Some(mark_dirty),
                scene_recalled: Some(Box::new(move |number| desk.scene_recalled(number))),
                scene_names: Some(Box::new(move |names| {
                    labels.set_scenes(names);
                })),
                show_macros: Some(show_macros),
            },
        };
        let started = Instance::start_at(config, Addresses::of_host());
        self.values.params().view.set(Some(started.view().clone()));
        // Some hosts say it before.
        started.set_track(lock(&self.track).clone());
        *instance = Some(started);
        true
    }

    /// Ends the instance, joining its threads, and closes its window; nothing happens if there is none.
    pub fn terminate(&self) {
        self.gui.desk().forget_titles();
        self.gui.close();
        self.deactivate();
        self.values.params().view.set(None);
        let instance = lock(&self.instance).take();
        drop(instance);
    }

    /// The host has said something of its track.
    pub fn set_track(&self, track: Track) {
        let mut said = lock(&self.track);
        *said = track.or(std::mem::take(&mut *said));
        if let Some(instance) = lock(&self.instance).as_ref() {
            instance.set_track(said.clone());
        }
    }

    /// Notes what the host activates us with; false if that makes no sense, or cannot be had. A host that
    /// says so only while we are active is followed at once.
    pub fn set_up(&self, sample_rate: f64, max_frames: i32) -> bool {
        let max_frames = usize::try_from(max_frames).unwrap_or(0);
        let sensible = sample_rate.is_finite() && sample_rate > 0.0;
        if !sensible || !(1..=crate::ports::MAX_BLOCK).contains(&max_frames) {
            return false;
        }
        let setup = Setup { sample_rate, max_frames };
        let before = std::mem::replace(&mut *lock(&self.setup), setup);
        let active = self.wait_for_audio().is_some_and(|audio| audio.is_some());
        before == setup || !active || self.activate()
    }

    /// Makes ready to process as was set up; false without an instance.
    pub fn activate(&self) -> bool {
        let Setup { sample_rate, max_frames } = *lock(&self.setup);
        self.stop();
        let instance = lock(&self.instance);
        let Some(instance) = instance.as_ref() else { return false };
        let processor = instance.activate(sample_rate, max_frames);
        let side = AudioSide::new(processor, self.values.clone(), max_frames, self.kind);
        match self.wait_for_audio() {
            Some(mut audio) => *audio = Some(side),
            None => return false,
        }
        true
    }

    /// Nothing happens if it is not active.
    pub fn deactivate(&self) {
        self.processing.store(false, Ordering::Release);
        self.stop();
    }

    /// Takes the audio side away, if there is one.
    fn stop(&self) {
        let Some(mut audio) = self.wait_for_audio() else { return };
        let side = audio.take();
        drop(audio);
        if side.is_some() {
            drop(side);
            if let Some(instance) = lock(&self.instance).as_ref() {
                instance.deactivate();
            }
        }
    }

    /// Blocks come from now on, or no longer. A start forgets all signal state.
    pub fn set_processing(&self, on: bool) {
        self.processing.store(on, Ordering::Release);
        if on && let Some(side) = self.try_audio().as_mut().and_then(|audio| audio.as_mut()) {
            side.reset();
        }
    }

    /// The audio side for the main thread; `None` if a block still runs after [`PATIENCE`].
    fn wait_for_audio(&self) -> Option<MutexGuard<'_, Option<AudioSide>>> {
        let since = Instant::now();
        loop {
            match self.try_audio() {
                None if since.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(1)),
                audio => return audio,
            }
        }
    }

    /// Never waits. Poison is of no account: a panicked audio side keeps silent by itself.
    pub fn try_audio(&self) -> Option<MutexGuard<'_, Option<AudioSide>>> {
        match self.audio.try_lock() {
            Ok(audio) => Some(audio),
            Err(TryLockError::Poisoned(audio)) => Some(audio.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// A block begins. For the audio thread.
    pub fn count_block(&self) {
        self.blocks.fetch_add(1, Ordering::AcqRel);
    }

    /// The host tells the controller a value. While it processes, `process` gets it as well, at its
    /// place; to set it now would be too early, or put an old value over a newer one. It is only
    /// noted, and counts where no block comes: hosts let the user turn knobs while nothing is
    /// rendered, and save then. Panic and MIDI controllers are moments, of which nothing is noted.
    pub fn tell(&self, id: u32, value: f64) -> bool {
        let known = self.values.get(id).is_some() || Controller::with_id(id).is_some();
        if !value.is_finite() || !known {
            return false;
        }
        let processing = self.processing.load(Ordering::Acquire);
        if self.values.get(id).is_none() || processing && id == self.values.panic_id() {
            return true;
        }
        if processing {
            let blocks = self.blocks.load(Ordering::Acquire);
            lock(&self.told).insert(id, Told { value, blocks });
            return true;
        }
        lock(&self.told).remove(&id);
        if self.values.set(id, value) == Some(Standing::PANIC) {
            if let Some(side) = self.try_audio().as_mut().and_then(|audio| audio.as_mut()) {
                side.panic();
            }
            self.gui.desk().panic_is_over();
        }
        true
    }

    /// A parameter's value, normalised, as far as the host has told it.
    pub fn value(&self, id: u32) -> Option<f64> {
        let told = || self.told().get(&id).copied().or_else(|| self.values.get(id));
        Controller::with_id(id).map(Controller::default).or_else(told)
    }

    /// Values that the host has told and that `process` has not had the time to hear.
    fn told(&self) -> BTreeMap<u32, f64> {
        let blocks = self.blocks.load(Ordering::Acquire);
        let mut told = lock(&self.told);
        told.retain(|_, told| blocks.wrapping_sub(told.blocks) < ON_ITS_WAY);
        told.iter().map(|(&id, told)| (id, told.value)).collect()
    }

    /// The chunk for the host: session and parameters. `None` before `initialize`, or if there is none.
    pub fn save(&self) -> Option<Vec<u8>> {
        let changed = self.gui.desk().settle();
        let params = self.values.save_with(&self.told());
        let chunk = lock(&self.instance).as_ref().and_then(|instance| instance.save_state_with(params));
        if chunk.is_none() && changed {
            self.gui.desk().mark_dirty();
        }
        chunk
    }

    /// Session and parameters from a chunk; false, and nothing changes, if it is refused. The
    /// instance keeps a refused chunk and saves it back until the session is edited.
    pub fn load(&self, chunk: Result<Vec<u8>, ReadError>) -> bool {
        let changed = self.gui.desk().settle();
        let instance = lock(&self.instance);
        let loaded = instance.as_ref().and_then(|instance| instance.load_read(chunk, Purpose::Project));
        if let Some(values) = &loaded {
            lock(&self.told).clear();
            self.values.load(values);
        } else if changed {
            self.gui.desk().mark_dirty();
        }
        loaded.is_some()
    }
}

/// For hosts that forget `terminate`.
impl Drop for Object {
    fn drop(&mut self) {
        super::guard((), || self.terminate());
    }
}

/// The main thread's locks; the audio thread never takes one of them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the host calls itself.
///
/// # Safety
/// `context` is null or the host's, valid for this call.
unsafe fn name_of(context: *mut FUnknown) -> Option<String> {
    // SAFETY: as promised by the caller.
    let host = unsafe { ComRef::from_raw(context) }?.cast::<IHostApplication>()?;
    let mut name = [0; 128];
    // SAFETY: the host's object; room for a String128.
    unsafe { host.getName(&mut name) };
    let units: Vec<u16> = name.iter().map(|&unit| unit as u16).take_while(|&unit| unit != 0).collect();
    Some(String::from_utf16_lossy(&units)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_leaves_nothing_behind() {
        let object = Object::new(Kind::Instrument);
        let values = Arc::downgrade(&object.values);
        // SAFETY: a host that says nothing of itself.
        assert!(unsafe { object.initialize(std::ptr::null_mut()) });
        object.terminate();
        drop(object);
        assert!(values.upgrade().is_none(), "parameters and desk hold one another");
    }
}
