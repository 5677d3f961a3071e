//! Host parameters: complete from the start and fixed for ever, since projects store their ids and
//! automation lanes their ranges. Held by `tests/golden/host_visible.txt`.
//!
//! | id | name | host range | value text |
//! |---|---|---|---|
//! | `m1` … `m64` | Macro 1 … 64, or what it moves | 0…1 | value, unit and range of what it moves |
//! | `master` | Master | 0…1 (0.875 is 0 dB) | −84…+12 dB, `-inf dB` at the bottom |
//! | `scene` | Scene | 0…127 in steps | the scene's name |
//! | `frun` | Free Run | off, on | own clock while the host is stopped |
//! | `panic` | Panic | off, on | on shuts all gates and cuts all tails; it goes back to off by itself |
//!
//! The numeric id is a hash of the string id ([`host_id`]), and the range is normalised.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use krach_core::engine::MacroStatus;
use krach_core::model::Way;
use nice_plug::prelude::{BoolParam, FloatParam, FloatRange, IntParam, IntRange, Param, ParamPtr, Params};

use crate::instance::View;

pub use krach_core::limits::{MACROS, MASTER_MAX_DB, MASTER_MIN_DB, SCENES};

/// What a macro shows in the host.
#[derive(Clone, Debug, PartialEq)]
pub struct MacroLabel {
    /// Name of what it moves, e.g. `Cutoff`.
    pub name: String,
    /// Unit of what it moves, e.g. `Hz`; may be empty.
    pub unit: String,
    /// What its values mean; `None`: nothing that is known.
    pub way: Option<Way>,
}

impl MacroLabel {
    /// The label of macro `index` (from 0) while it moves nothing.
    pub fn unmapped(index: usize) -> Self {
        Self { name: format!("Macro {}", index + 1), unit: String::new(), way: None }
    }

    /// A normalised value in words, without the range.
    pub fn value_text(&self, normalised: f64) -> String {
        let space = if self.unit.is_empty() { "" } else { " " };
        let Some(way) = &self.way else { return format!("{normalised:.3}{space}{}", self.unit) };
        let value = way.value(normalised);
        if let Some(label) = way.control.labels.iter().find(|label| f64::from(label.value) == value) {
            return label.name.clone();
        }
        let digits = if (way.hi - way.lo).abs() >= 100.0 { 1 } else { 3 };
        format!("{value:.digits$}{space}{}", self.unit)
    }

    /// Value text of a normalised value: `0.500`, `440.0 Hz (20…8000)`, or the name that a value has.
    pub fn text(&self, normalised: f64) -> String {
        let text = self.value_text(normalised);
        match &self.way {
            Some(way) if way.control.value_of(&text).is_none() => {
                let plain = self.unit.is_empty() && way.lo == 0.0 && way.hi == 1.0;
                if plain { text } else { format!("{text} ({}…{})", way.lo, way.hi) }
            }
            _ => text,
        }
    }

    /// The normalised value of a text; unit and range may be left out.
    pub fn parse(&self, text: &str) -> Option<f64> {
        let Some(way) = &self.way else { return Some(leading_number(text)?.clamp(0.0, 1.0)) };
        let named = way.control.value_of(text.trim()).map(f64::from);
        let value = named.or_else(|| leading_number(text))?;
        (way.lo != way.hi).then(|| way.share(value))
    }
}

/// Names that change while the plugin lives: of macros and scenes. Written by the control side, read
/// on the host's main thread; the audio thread never looks. A change is told to the listener, which
/// has the host rescan.
pub struct Labels {
    macros: RwLock<Vec<MacroLabel>>,
    scenes: RwLock<BTreeMap<usize, String>>,
    /// Macros that move something or have a name, in the order in which remote controls show them, and whether the host
    /// knows.
    shown: RwLock<Vec<usize>>,
    pages_changed: AtomicBool,
    listener: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Default for Labels {
    fn default() -> Self {
        let macros = (0..MACROS).map(MacroLabel::unmapped).collect();
        Self {
            macros: RwLock::new(macros),
            scenes: RwLock::default(),
            shown: RwLock::default(),
            pages_changed: AtomicBool::new(false),
            listener: OnceLock::new(),
        }
    }
}

impl Labels {
    /// The label of macro `index` (0…63).
    ///
    /// # Panics
    /// If there is no such macro.
    pub fn macro_label(&self, index: usize) -> MacroLabel {
        self.macros.read().unwrap_or_else(PoisonError::into_inner)[index].clone()
    }

    /// Labels the macros, by index (0…63); all others have the default. True if that changed anything.
    pub fn set_macros(&self, labels: BTreeMap<usize, MacroLabel>) -> bool {
        let shown: Vec<usize> = labels.keys().copied().collect();
        let label = |index| labels.get(&index).cloned().unwrap_or_else(|| MacroLabel::unmapped(index));
        let new: Vec<MacroLabel> = (0..MACROS).map(label).collect();
        let mut macros = self.macros.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = *macros != new;
        *macros = new;
        drop(macros);
        let mut pages = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        if *pages != shown {
            *pages = shown;
            changed = true;
            self.pages_changed.store(true, Ordering::Release);
        }
        drop(pages);
        self.told(changed)
    }

    /// As [`Labels::set_macros`], of what the session says.
    pub fn show(&self, macros: Vec<MacroStatus>) -> bool {
        let label = |status: MacroStatus| {
            let MacroStatus { state, title, unit, way, .. } = status;
            (usize::from(state.number) - 1, MacroLabel { name: title, unit, way })
        };
        self.set_macros(macros.into_iter().map(label).collect())
    }

    /// The macros of a page of remote controls, of `size` at most; `None`: there is no such page.
    pub fn page(&self, index: usize, size: usize) -> Option<Vec<usize>> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        shown.chunks(size).nth(index).map(<[usize]>::to_vec)
    }

    /// Pages of remote controls, of that size.
    pub fn pages(&self, size: usize) -> usize {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).len().div_ceil(size)
    }

    /// Have the pages changed since this was asked last?
    pub fn take_pages_changed(&self) -> bool {
        self.pages_changed.swap(false, Ordering::AcqRel)
    }

    /// Text of scene `index`: its name, or `Scene 3` for 3.
    pub fn scene(&self, index: usize) -> String {
        let scenes = self.scenes.read().unwrap_or_else(PoisonError::into_inner);
        scenes.get(&index).cloned().unwrap_or_else(|| format!("Scene {index}"))
    }

    /// Names scenes by index (0…127). True if that changed anything.
    pub fn set_scenes(&self, names: BTreeMap<usize, String>) -> bool {
        let mut scenes = self.scenes.write().unwrap_or_else(PoisonError::into_inner);
        let changed = std::mem::replace(&mut *scenes, names.clone()) != names;
        drop(scenes);
        self.told(changed)
    }

    /// Who is told of changes, on the thread that makes them. The first listener stays.
    pub fn listen(&self, listener: Box<dyn Fn() + Send + Sync>) {
        let _ = self.listener.set(listener);
    }

    fn told(&self, changed: bool) -> bool {
        if let Some(listener) = self.listener.get().filter(|_| changed) {
            listener();
        }
        changed
    }

    fn scene_of(&self, text: &str) -> Option<i32> {
        let text = text.trim();
        let named = (0..SCENES).find(|&index| self.scene(index).eq_ignore_ascii_case(text));
        let number = || text.parse::<usize>().ok().filter(|&index| index < SCENES);
        named.or_else(number).map(|index| index as i32)
    }
}

/// All host parameters of one instance. Values are atomics.
pub struct KrachParams {
    /// Macros 1…64.
    pub macros: Vec<FloatParam>,
    /// Gain of the main output in dB.
    pub master: FloatParam,
    /// Scene to play.
    pub scene: IntParam,
    /// Own clock while the host is stopped.
    pub free_run: BoolParam,
    /// Closes all gates when it turns on.
    pub panic: BoolParam,
    /// The names behind the value texts.
    pub labels: Arc<Labels>,
    /// The instance that the window shows, while there is one.
    pub view: ViewSlot,
}

/// Where a window finds its instance, which comes to life after nice-plug's side of it and may go before.
#[derive(Default)]
pub struct ViewSlot(Mutex<Option<Arc<View>>>);

impl ViewSlot {
    /// Puts an instance there, or takes it away.
    pub fn set(&self, view: Option<Arc<View>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = view;
    }

    /// The instance that is there.
    pub fn get(&self) -> Option<Arc<View>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Default for KrachParams {
    fn default() -> Self {
        let labels = Arc::new(Labels::default());
        Self {
            macros: (0..MACROS).map(|index| macro_param(index, &labels)).collect(),
            master: master_param(),
            scene: scene_param(&labels),
            free_run: BoolParam::new("Free Run", false)
                .with_value_to_string(switch_text("Off", "On"))
                .with_string_to_value(switch_parse("Off", "On")),
            panic: BoolParam::new("Panic", false)
                .with_value_to_string(switch_text("Ready", "Panic"))
                .with_string_to_value(switch_parse("Ready", "Panic")),
            labels,
            view: ViewSlot::default(),
        }
    }
}

impl KrachParams {
    /// String ids in the host's order, with the parameters behind them.
    pub fn entries(&self) -> impl Iterator<Item = (String, ParamPtr)> + '_ {
        let macros = self.macros.iter().enumerate();
        macros.map(|(index, param)| (format!("m{}", index + 1), param.as_ptr())).chain([
            ("master".to_owned(), self.master.as_ptr()),
            ("scene".to_owned(), self.scene.as_ptr()),
            ("frun".to_owned(), self.free_run.as_ptr()),
            ("panic".to_owned(), self.panic.as_ptr()),
        ])
    }

    /// String ids in the host's order.
    pub fn ids(&self) -> impl Iterator<Item = String> + '_ {
        self.entries().map(|(id, _)| id)
    }

    /// Was panic switched on? The switch goes back to off. For hosts that set parameters themselves, between
    /// blocks; the plugin formats go through [`crate::param_values::ParamValues`].
    pub fn take_panic(&self) -> bool {
        let on = self.panic.value();
        if on {
            // SAFETY: points into `self`. The function is kept for nice-plug's wrappers, in whose place we stand.
            unsafe { self.panic.as_ptr()._internal_set_normalized_value(0.0) };
        }
        on
    }
}

/// The number by which hosts of every format know the parameter of this string id: nice-plug's hash of
/// it (base 31, without the highest bit, which VST3 keeps for the host).
pub fn host_id(id: &str) -> u32 {
    id.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte))) & !(1 << 31)
}

// SAFETY: the pointers that `param_map` hands out point into `self`, which nice-plug keeps alive in
// the `Arc` that it got it in; the vector of macros is never changed, so they stay where they are.
unsafe impl Params for KrachParams {
    fn param_map(&self) -> Vec<(String, ParamPtr, String)> {
        let group = |index: usize| if index < MACROS { "Macros" } else { "" }.to_owned();
        self.entries().enumerate().map(|(index, (id, param))| (id, param, group(index))).collect()
    }
}

fn macro_param(index: usize, labels: &Arc<Labels>) -> FloatParam {
    let (shown, parsed) = (labels.clone(), labels.clone());
    let name = MacroLabel::unmapped(index).name;
    FloatParam::new(name, 0.0, FloatRange::Linear { min: 0.0, max: 1.0 })
        .with_value_to_string(Arc::new(move |value| shown.macro_label(index).text(f64::from(value))))
        .with_string_to_value(Arc::new(move |text| {
            parsed.macro_label(index).parse(text).map(|value| value as f32)
        }))
}

fn master_param() -> FloatParam {
    let range = FloatRange::Linear { min: MASTER_MIN_DB, max: MASTER_MAX_DB };
    FloatParam::new("Master", 0.0, range)
        .with_value_to_string(Arc::new(|db| {
            if db <= MASTER_MIN_DB { "-inf dB".to_owned() } else { format!("{db:.2} dB") }
        }))
        .with_string_to_value(Arc::new(|text| {
            if text.trim_start().to_ascii_lowercase().starts_with("-inf") {
                return Some(MASTER_MIN_DB);
            }
            leading_number(text).map(|db| (db as f32).clamp(MASTER_MIN_DB, MASTER_MAX_DB))
        }))
}

fn scene_param(labels: &Arc<Labels>) -> IntParam {
    let (shown, parsed) = (labels.clone(), labels.clone());
    IntParam::new("Scene", 0, IntRange::Linear { min: 0, max: SCENES as i32 - 1 })
        .with_value_to_string(Arc::new(move |index| shown.scene(index.max(0) as usize)))
        .with_string_to_value(Arc::new(move |text| parsed.scene_of(text)))
}

fn switch_text(off: &'static str, on: &'static str) -> Arc<dyn Fn(bool) -> String + Send + Sync> {
    Arc::new(move |value| if value { on } else { off }.to_owned())
}

#[expect(clippy::type_complexity, reason = "nice-plug's own type for a parser")]
fn switch_parse(off: &'static str, on: &'static str) -> Arc<dyn Fn(&str) -> Option<bool> + Send + Sync> {
    Arc::new(move |text| match text.trim() {
        text if text.eq_ignore_ascii_case(on) || text == "1" => Some(true),
        text if text.eq_ignore_ascii_case(off) || text == "0" => Some(false),
        _ => None,
    })
}

/// The number that a text starts with, whatever unit follows.
fn leading_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E')))
        .unwrap_or(text.len());
    // `1.5e` of a unit that starts with an e: give up letters from the end.
    (1..=end).rev().find_map(|end| text[..end].parse::<f64>().ok()).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use krach_core::model::Curve;
    use krach_core::node::{Control, Scale};
    use krach_core::processor::master_gain;
    use std::collections::HashSet;

    fn hash(id: &str) -> u32 {
        id.bytes().fold(0u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) & !(1 << 31)
    }

    #[test]
    fn every_parameter_has_an_id_and_a_number_of_its_own() {
        let params = KrachParams::default();
        let ids: Vec<String> = params.ids().collect();
        assert_eq!(ids.len(), MACROS + 4);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert_eq!(ids.iter().map(|id| hash(id)).collect::<HashSet<_>>().len(), ids.len());
    }

    #[test]
    fn the_master_is_transparent_by_default_and_silent_at_the_bottom() {
        let params = KrachParams::default();
        let default = params.master.default_normalized_value();
        assert_eq!((default, master_gain(default)), (0.875, 1.0));
        assert_eq!((params.master.preview_plain(0.875), master_gain(0.0)), (0.0, 0.0));
        for step in 1..=96 {
            let (place, db) = (step as f32 / 96.0, params.master.preview_plain(step as f32 / 96.0));
            assert!((20.0 * master_gain(place).log10() - db).abs() < 1e-3, "the engine's {db} dB");
        }
    }

    #[test]
    fn the_master_speaks_decibels() {
        let params = KrachParams::default();
        let text = |value| params.master.normalized_value_to_string(value, true);
        assert_eq!(
            (text(0.875), text(0.0), text(1.0)),
            ("0.00 dB".into(), "-inf dB".into(), "12.00 dB".into())
        );
        let value = |text| params.master.string_to_normalized_value(text);
        assert_eq!(value("0 dB"), Some(0.875));
        assert_eq!(value("-inf dB"), Some(0.0));
        assert_eq!(value("+99"), Some(1.0));
        assert_eq!(value("loud"), None);
    }

    #[test]
    fn a_panic_that_is_taken_is_over() {
        let params = KrachParams::default();
        assert!(!params.take_panic());
        for _ in 0..2 {
            // SAFETY: points into `params`.
            unsafe { params.panic.as_ptr()._internal_set_normalized_value(1.0) };
            assert!(params.panic.value());
            assert_eq!(
                (params.take_panic(), params.panic.value(), params.take_panic()),
                (true, false, false)
            );
        }
    }

    #[test]
    fn a_macro_speaks_the_language_of_what_it_moves() {
        let params = KrachParams::default();
        let way = |control: Control, lo, hi| Some(Way { control, lo, hi, curve: Curve::Auto });
        let linear = Control::continuous("cutoff", 0.0, 20_000.0, 0.0);
        let set = |index, label| params.labels.set_macros(BTreeMap::from([(index, label)]));
        let cutoff =
            MacroLabel { name: "Cutoff".into(), unit: "Hz".into(), way: way(linear.clone(), 20.0, 8020.0) };
        let text = |value| params.macros[2].normalized_value_to_string(value, true);
        assert_eq!(text(0.5), "0.500");
        assert!(set(2, cutoff.clone()));
        assert!(!set(2, cutoff.clone()), "the same again is no change");
        assert_eq!(text(0.5), "4020.0 Hz (20…8020)");
        for typed in ["4020", "4020 Hz", "4020.0 Hz (20…8020)"] {
            assert_eq!(params.macros[2].string_to_normalized_value(typed), Some(0.5), "{typed}");
        }
        // By octaves, backwards, by name, without a control.
        let octaves = way(linear.scale(Scale::Log), 20_000.0, 20.0);
        assert!(set(2, MacroLabel { way: octaves, ..cutoff.clone() }));
        assert_eq!(text(0.5), "632.5 Hz (20000…20)");
        let typed = params.macros[2].string_to_normalized_value("632.5 Hz").expect("it is a value");
        assert!((typed - 0.5).abs() < 1e-4, "{typed}");
        let named = Control::continuous("wave", 0.0, 1.0, 0.0).labels([("sine", 0.0), ("saw", 1.0)]);
        assert!(set(2, MacroLabel { way: way(named, 0.0, 1.0), ..cutoff.clone() }));
        assert_eq!((text(0.25), text(0.75)), ("sine".into(), "saw".into()));
        assert_eq!(params.macros[2].string_to_normalized_value("saw"), Some(0.75));
        assert!(set(2, MacroLabel { way: None, ..cutoff.clone() }));
        assert_eq!((text(0.5), params.labels.macro_label(2).name), ("0.500 Hz".into(), "Cutoff".into()));
        assert_eq!((params.labels.pages(8), params.labels.page(0, 8)), (1, Some(vec![2])));
        assert!(params.labels.set_macros(BTreeMap::new()));
        assert_eq!((text(0.5), params.labels.pages(8)), ("0.500".into(), 0));
    }

    #[test]
    fn remote_controls_show_what_is_mapped_by_eights() {
        let labels = Labels::default();
        let some = |indices: &[usize]| {
            labels.set_macros(indices.iter().map(|&index| (index, MacroLabel::unmapped(index))).collect())
        };
        assert!(!labels.take_pages_changed() && labels.page(0, 8).is_none());
        assert!(some(&[0, 2, 9, 10, 11, 12, 13, 14, 63]));
        assert!(labels.take_pages_changed() && !labels.take_pages_changed());
        assert_eq!(labels.pages(8), 2);
        assert_eq!(labels.page(0, 8), Some(vec![0, 2, 9, 10, 11, 12, 13, 14]));
        assert_eq!((labels.page(1, 8), labels.page(2, 8)), (Some(vec![63]), None));
        assert!(some(&[0]) && !some(&[0]));
    }

    #[test]
    fn scenes_go_by_name_or_number() {
        let params = KrachParams::default();
        let text = |index: i32| {
            params.scene.normalized_value_to_string(params.scene.preview_normalized(index), true)
        };
        assert!(params.labels.set_scenes(BTreeMap::from([(3, "Drop".to_owned())])));
        assert_eq!((text(3), text(127)), ("Drop".into(), "Scene 127".into()));
        let index =
            |text| params.scene.string_to_normalized_value(text).map(|v| params.scene.preview_plain(v));
        assert_eq!(
            (index("drop"), index("Scene 127"), index("5"), index("128")),
            (Some(3), Some(127), Some(5), None)
        );
    }

    #[test]
    fn numbers_are_read_in_front_of_any_unit() {
        assert_eq!(leading_number(" -3.5 dB"), Some(-3.5));
        assert_eq!(leading_number("2e3 Hz"), Some(2000.0));
        assert_eq!(leading_number("4ep"), Some(4.0));
        assert_eq!(leading_number("1/0"), Some(1.0));
        assert_eq!(leading_number(""), None);
        assert_eq!(leading_number("…"), None);
    }

    #[test]
    fn a_saved_value_survives_any_number_of_round_trips() {
        let params = KrachParams::default();
        let trip = |value: f32| params.master.preview_normalized(params.master.preview_plain(value));
        for step in 0..=1_000_000 {
            let once = trip(step as f32 / 1e6);
            assert_eq!(trip(once), once, "step {step}");
        }
    }
}
