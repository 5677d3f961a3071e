//! The values of one instance's host parameters, as hosts of every format change them: by number,
//! normalised, with modulation on top where the format has it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use krach_core::processor::{ParamId, place_of_scene, scene_at};
use nice_plug::prelude::ParamPtr;

use crate::params::{KrachParams, host_id};

/// Where a parameter stands, as the engine takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The parameter.
    pub param: ParamId,
    /// Its value, normalised 0…1.
    pub value: f32,
    /// The host's modulation, normalised; added to the value.
    pub modulation: f32,
}

impl Standing {
    /// Panic is asked for.
    pub const PANIC: Self = Self { param: ParamId::Panic, value: 1.0, modulation: 0.0 };
}

/// Shared by the audio and the main thread. No function but [`ParamValues::save`] and [`ParamValues::load`]
/// allocates, none waits.
pub struct ParamValues {
    params: Arc<KrachParams>,
    /// Sorted by id.
    slots: Vec<Slot>,
    /// Where each parameter's slot is, by [`ParamId::index`].
    places: [usize; ParamId::COUNT],
    panic: u32,
    /// Odd while a state sets values.
    loads: AtomicU64,
}

/// One parameter, with what hosts call it.
struct Slot {
    id: u32,
    what: ParamId,
    name: String,
    param: ParamPtr,
    /// Steps of the range, without its first value; `None` if it has none.
    steps: Option<usize>,
    /// The host's present modulation, normalised, as the bits of an `f32`.
    modulation: AtomicU32,
    /// The load that has set the value, by [`ParamValues::loads`], if nobody has set it since; else 0.
    loaded: AtomicU64,
}

impl ParamValues {
    /// Of these parameters.
    pub fn new(params: Arc<KrachParams>) -> Self {
        let slot = |((name, param), what): ((String, ParamPtr), ParamId)| Slot {
            id: host_id(&name),
            what,
            name,
            param,
            // SAFETY: points into `params`.
            steps: unsafe { param.step_count() },
            modulation: AtomicU32::new(0),
            loaded: AtomicU64::new(0),
        };
        let mut slots: Vec<Slot> = params.entries().zip(ParamId::all()).map(slot).collect();
        slots.sort_by_key(|slot| slot.id);
        let mut places = [0; ParamId::COUNT];
        for (place, slot) in slots.iter().enumerate() {
            places[slot.what.index()] = place;
        }
        Self { params, slots, places, panic: host_id("panic"), loads: AtomicU64::new(0) }
    }

    /// The parameters themselves.
    pub fn params(&self) -> &Arc<KrachParams> {
        &self.params
    }

    fn slot(&self, id: u32) -> Option<&Slot> {
        self.slots.binary_search_by_key(&id, |slot| slot.id).ok().map(|index| &self.slots[index])
    }

    /// The number of one of these parameters; `None` if it is none of them.
    pub fn id_of(&self, param: ParamPtr) -> Option<u32> {
        self.slots.iter().find(|slot| slot.param == param).map(|slot| slot.id)
    }

    /// Steps of the parameter's range: 127 for 128 values, `None` if it is continuous or there is no
    /// such parameter.
    pub fn steps(&self, id: u32) -> Option<usize> {
        self.slot(id).and_then(|slot| slot.steps)
    }

    /// A parameter's value, normalised 0…1, without modulation; `None` if there is no such parameter.
    pub fn get(&self, id: u32) -> Option<f64> {
        self.slot(id).map(Slot::base)
    }

    /// The number of the panic switch.
    pub fn panic_id(&self) -> u32 {
        self.panic
    }

    /// Where a parameter stands now.
    pub fn standing(&self, param: ParamId) -> Standing {
        self.slots[self.places[param.index()]].standing()
    }

    /// Sets a parameter's value, normalised 0…1, and tells where it stands then; nothing changes if there is
    /// no such parameter or the value is not finite. Panic is a moment: it always stands at 0, and each value
    /// that switches it on asks for it once.
    pub fn set(&self, id: u32, value: f64) -> Option<Standing> {
        let slot = self.slot(id).filter(|_| value.is_finite())?;
        if id == self.panic {
            return (value > 0.5).then_some(Standing::PANIC);
        }
        slot.loaded.store(0, Ordering::Release);
        slot.set(value);
        Some(slot.standing())
    }

    /// The scene of that number plays: its parameter stands there. The parameter's number and value, if they are new.
    pub fn scene_recalled(&self, number: u8) -> Option<(u32, f64)> {
        let slot = &self.slots[self.places[ParamId::Scene.index()]];
        let value = place_of_scene(number);
        if scene_at(slot.base() as f32) == number {
            return None;
        }
        slot.set(f64::from(value));
        Some((slot.id, f64::from(value)))
    }

    /// The number of the scene's parameter.
    pub fn scene_id(&self) -> u32 {
        self.slots[self.places[ParamId::Scene.index()]].id
    }

    /// Sets a parameter's modulation, normalised, added to its value until the next, and tells where it
    /// stands then. Panic has none.
    pub fn modulate(&self, id: u32, amount: f64) -> Option<Standing> {
        let slot = self.slot(id).filter(|_| id != self.panic && amount.is_finite())?;
        slot.modulate(amount);
        Some(slot.standing())
    }

    /// Values to be saved: normalised 0…1 by string id, without modulation, and without `panic`, which
    /// is a moment and not a state.
    pub fn save(&self) -> BTreeMap<String, f64> {
        self.save_with(&BTreeMap::new())
    }

    /// The same, with these values by number in place of those that the parameters stand at.
    pub fn save_with(&self, other: &BTreeMap<u32, f64>) -> BTreeMap<String, f64> {
        let saved = self.slots.iter().filter(|slot| slot.id != self.panic);
        let value = |slot: &Slot| other.get(&slot.id).copied().unwrap_or_else(|| slot.base());
        saved.map(|slot| (slot.name.clone(), value(slot))).collect()
    }

    /// Takes saved values; unknown ids and `panic` are ignored, missing ones keep their value.
    pub fn load(&self, values: &BTreeMap<String, f64>) {
        let load = self.loads.fetch_add(1, Ordering::AcqRel) + 1;
        for slot in self.slots.iter().filter(|slot| slot.id != self.panic) {
            if let Some(&value) = values.get(&slot.name) {
                slot.set(value);
                let moves = !matches!(slot.what, ParamId::Macro(_) | ParamId::Scene);
                slot.loaded.store(if moves { 0 } else { load }, Ordering::Release);
            }
        }
        self.loads.fetch_add(1, Ordering::AcqRel);
    }

    /// Hands where each parameter stands, but panic, to `on`, and whether that is what a state says since the sweep
    /// before, and moves nothing. While a state is being taken nothing is handed over: the next block hears of it. For
    /// the audio thread; `seen` is its own.
    pub fn sweep(&self, seen: &mut u64, mut on: impl FnMut(Standing, bool)) {
        let before = self.loads.load(Ordering::Acquire);
        let mut standings = [(Standing::PANIC, 0); ParamId::COUNT];
        for (standing, &place) in standings.iter_mut().zip(&self.places) {
            let slot = &self.slots[place];
            // A hand behind a state takes the mark away before it sets the value.
            *standing = (slot.standing(), slot.loaded.load(Ordering::Acquire));
        }
        std::sync::atomic::fence(Ordering::Acquire);
        if before % 2 == 1 || self.loads.load(Ordering::Acquire) != before {
            return;
        }
        for (standing, loaded) in standings {
            if standing.param != ParamId::Panic {
                on(standing, loaded > *seen);
            }
        }
        *seen = before;
    }
}

impl Slot {
    /// The value without modulation, normalised.
    fn base(&self) -> f64 {
        // SAFETY: the parameter lives as long as the `ParamValues` that own this slot.
        f64::from(unsafe { self.param.unmodulated_normalized_value() })
    }

    fn standing(&self) -> Standing {
        let modulation = f32::from_bits(self.modulation.load(Ordering::Relaxed));
        Standing { param: self.what, value: self.base() as f32, modulation }
    }

    /// Sets the value, normalised; ignored unless finite.
    ///
    /// nice-plug forgets a new base value if modulation holds the sum at an end of the range, so the
    /// modulation is taken off meanwhile.
    fn set(&self, value: f64) {
        if value.is_finite() {
            let modulation = f32::from_bits(self.modulation.load(Ordering::Relaxed));
            // SAFETY: the parameter lives as long as the `ParamValues` that own this slot. These functions
            // are kept for nice-plug's wrappers, in whose place we stand.
            unsafe {
                self.param._internal_modulate_value(0.0);
                self.param._internal_set_normalized_value(value as f32);
                self.param._internal_modulate_value(modulation);
            }
        }
    }

    /// Sets the modulation, normalised; ignored unless finite.
    fn modulate(&self, amount: f64) {
        if amount.is_finite() {
            self.modulation.store((amount as f32).to_bits(), Ordering::Relaxed);
            // SAFETY: as in `set`.
            unsafe { self.param._internal_modulate_value(amount as f32) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> ParamValues {
        ParamValues::new(Arc::new(KrachParams::default()))
    }

    #[test]
    fn panic_is_asked_for_by_each_value_that_is_on_and_stands_at_0() {
        let values = values();
        let id = values.panic_id();
        let asked = |value: f64| values.set(id, value) == Some(Standing::PANIC);
        assert_eq!([1.0, 1.0, 0.0, 0.4, 0.6].map(asked), [true, true, false, false, true]);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!asked(value), "{value}");
        }
        assert_eq!(values.modulate(id, 1.0), None);
        assert_eq!((values.get(id), values.params().panic.value()), (Some(0.0), false));
        assert!(!values.save().contains_key("panic"));
    }

    #[test]
    fn the_engine_and_the_host_mean_the_same_parameters() {
        let values = values();
        let name = |param| match param {
            ParamId::Macro(index) => format!("m{}", index + 1),
            ParamId::Master => "master".to_owned(),
            ParamId::Scene => "scene".to_owned(),
            ParamId::FreeRun => "frun".to_owned(),
            ParamId::Panic => "panic".to_owned(),
        };
        for param in ParamId::all().filter(|param| *param != ParamId::Panic) {
            let standing = Standing { param, value: 1.0, modulation: 0.0 };
            assert_eq!(values.set(host_id(&name(param)), 1.0), Some(standing));
            assert_eq!(values.standing(param), standing);
        }
        assert_eq!(values.set(host_id(&name(ParamId::Panic)), 1.0), Some(Standing::PANIC));
    }

    #[test]
    fn a_value_set_under_modulation_is_kept_and_the_modulation_stays_on_top() {
        let values = values();
        let id = host_id("m1");
        let standing = |value, modulation| Standing { param: ParamId::Macro(0), value, modulation };
        assert_eq!(values.modulate(id, 0.9), Some(standing(0.0, 0.9)));
        assert_eq!(values.set(id, 0.5), Some(standing(0.5, 0.9)));
        assert_eq!(values.standing(ParamId::Macro(0)), standing(0.5, 0.9));
        assert_eq!(values.get(id), Some(0.5));
        assert_eq!(values.params().macros[0].value(), 1.0);
        // The sum stays at the end of the range.
        assert_eq!(values.set(id, 0.7), Some(standing(0.7, 0.9)));
        assert_eq!(values.params().macros[0].value(), 1.0);
        values.modulate(id, 0.0);
        assert_eq!(values.params().macros[0].value(), 0.7);
    }

    #[test]
    fn what_is_not_finite_or_not_known_changes_nothing() {
        let values = values();
        let before = values.save();
        for value in [f64::NAN, f64::INFINITY] {
            assert_eq!(values.set(host_id("m1"), value), None);
            assert_eq!(values.modulate(host_id("m1"), value), None);
        }
        values.load(&[("m1".to_owned(), f64::INFINITY)].into());
        assert_eq!(values.set(12345, 1.0), None);
        assert_eq!((values.save(), values.get(12345)), (before, None));
    }
}
