//! Which function answers for which extension. Parameter texts are nice-plug's; the rest is ours.

use std::ffi::{c_char, c_void};
use std::sync::atomic::Ordering;

use clap_sys::events::{clap_input_events, clap_output_events};
use clap_sys::ext::audio_ports::{
    CLAP_AUDIO_PORT_IS_MAIN, CLAP_EXT_AUDIO_PORTS, CLAP_PORT_STEREO, clap_audio_port_info,
    clap_plugin_audio_ports,
};
use clap_sys::ext::gui::CLAP_EXT_GUI;
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_plugin_latency};
use clap_sys::ext::note_ports::{
    CLAP_EXT_NOTE_PORTS, CLAP_NOTE_DIALECT_CLAP, CLAP_NOTE_DIALECT_MIDI, clap_note_port_info,
    clap_plugin_note_ports,
};
use clap_sys::ext::params::{
    CLAP_EXT_PARAMS, CLAP_PARAM_IS_MODULATABLE, CLAP_PARAM_IS_STEPPED, CLAP_PARAM_RESCAN_VALUES,
    clap_param_info, clap_plugin_params,
};
use clap_sys::ext::preset_load::{CLAP_EXT_PRESET_LOAD, CLAP_EXT_PRESET_LOAD_COMPAT};
use clap_sys::ext::remote_controls::{
    CLAP_EXT_REMOTE_CONTROLS, CLAP_EXT_REMOTE_CONTROLS_COMPAT, CLAP_REMOTE_CONTROLS_COUNT,
    clap_plugin_remote_controls, clap_remote_controls_page,
};
use clap_sys::ext::render::{CLAP_EXT_RENDER, CLAP_RENDER_OFFLINE, clap_plugin_render};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_plugin_state};
use clap_sys::ext::state_context::{
    CLAP_EXT_STATE_CONTEXT, CLAP_STATE_CONTEXT_FOR_DUPLICATE, CLAP_STATE_CONTEXT_FOR_PRESET,
    clap_plugin_state_context, clap_plugin_state_context_type,
};
use clap_sys::ext::tail::{CLAP_EXT_TAIL, clap_plugin_tail};
use clap_sys::ext::timer_support::{CLAP_EXT_TIMER_SUPPORT, clap_plugin_timer_support};
use clap_sys::ext::track_info::{CLAP_EXT_TRACK_INFO, CLAP_EXT_TRACK_INFO_COMPAT, clap_plugin_track_info};
use clap_sys::id::{CLAP_INVALID_ID, clap_id};
use clap_sys::plugin::clap_plugin;
use clap_sys::stream::{clap_istream, clap_ostream};
use clap_sys::string_sizes::CLAP_NAME_SIZE;

use super::gui::GUI;
use super::object::{Core, Object, is, table};
use super::{guard, presets, stream};
use crate::params::{MACROS, host_id};
use crate::ports;
use crate::state::{MAX_READ, Purpose};

/// `clap_plugin.get_extension`: nothing before `init`.
pub unsafe extern "C" fn get(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    guard(std::ptr::null(), || {
        // SAFETY: the host's pointers: one of ours, and a string.
        let known = |name| unsafe { is(id, name) };
        // SAFETY: as above.
        if unsafe { core(plugin) }.is_none() {
            return std::ptr::null();
        }
        if known(CLAP_EXT_PARAMS) {
            table(&PARAMS)
        } else if known(CLAP_EXT_STATE) {
            table(&STATE)
        } else if known(CLAP_EXT_STATE_CONTEXT) {
            table(&STATE_CONTEXT)
        } else if known(CLAP_EXT_PRESET_LOAD) || known(CLAP_EXT_PRESET_LOAD_COMPAT) {
            table(&presets::LOAD)
        } else if known(CLAP_EXT_AUDIO_PORTS) {
            table(&AUDIO_PORTS)
        } else if known(CLAP_EXT_NOTE_PORTS) {
            table(&NOTE_PORTS)
        } else if known(CLAP_EXT_RENDER) {
            table(&RENDER)
        } else if known(CLAP_EXT_TAIL) {
            table(&TAIL)
        } else if known(CLAP_EXT_LATENCY) {
            table(&LATENCY)
        } else if known(CLAP_EXT_TIMER_SUPPORT) {
            table(&TIMER)
        } else if known(CLAP_EXT_TRACK_INFO) || known(CLAP_EXT_TRACK_INFO_COMPAT) {
            table(&TRACK_INFO)
        } else if known(CLAP_EXT_REMOTE_CONTROLS) || known(CLAP_EXT_REMOTE_CONTROLS_COMPAT) {
            table(&REMOTE_CONTROLS)
        } else if known(CLAP_EXT_GUI) {
            table(&GUI)
        } else {
            std::ptr::null()
        }
    })
}

static PARAMS: clap_plugin_params = clap_plugin_params {
    count: Some(params_count),
    get_info: Some(params_get_info),
    get_value: Some(params_get_value),
    value_to_text: Some(params_value_to_text),
    text_to_value: Some(params_text_to_value),
    flush: Some(params_flush),
};
static STATE: clap_plugin_state = clap_plugin_state { save: Some(state_save), load: Some(state_load) };
static STATE_CONTEXT: clap_plugin_state_context =
    clap_plugin_state_context { save: Some(state_context_save), load: Some(state_context_load) };
static AUDIO_PORTS: clap_plugin_audio_ports =
    clap_plugin_audio_ports { count: Some(audio_ports_count), get: Some(audio_ports_get) };
static NOTE_PORTS: clap_plugin_note_ports =
    clap_plugin_note_ports { count: Some(note_ports_count), get: Some(note_ports_get) };
static RENDER: clap_plugin_render = clap_plugin_render {
    has_hard_realtime_requirement: Some(render_has_hard_realtime_requirement),
    set: Some(render_set),
};
static TAIL: clap_plugin_tail = clap_plugin_tail { get: Some(tail_get) };
static LATENCY: clap_plugin_latency = clap_plugin_latency { get: Some(latency_get) };
static TIMER: clap_plugin_timer_support = clap_plugin_timer_support { on_timer: Some(on_timer) };
static TRACK_INFO: clap_plugin_track_info = clap_plugin_track_info { changed: Some(track_changed) };

static REMOTE_CONTROLS: clap_plugin_remote_controls =
    clap_plugin_remote_controls { count: Some(remote_controls_count), get: Some(remote_controls_get) };

/// What an instance has from `init` on.
///
/// # Safety
/// As for [`Object::of`].
pub unsafe fn core<'a>(plugin: *const clap_plugin) -> Option<&'a Core> {
    // SAFETY: passed on.
    unsafe { Object::of(plugin) }.and_then(Object::core)
}

/// nice-plug's table of an extension, and the pointer that its functions want.
///
/// # Safety
/// `T` is the type of the extension `id`.
unsafe fn nice<T>(core: &Core, id: &std::ffi::CStr) -> Option<(&'static T, *const clap_plugin)> {
    let inner: *const clap_plugin = core.wrapper.clap_plugin.as_ptr();
    // SAFETY: nice-plug's vtable, filled in by its constructor and never changed after; its tables
    // live in the wrapper, which outlives every call of the host's.
    unsafe {
        let get_extension = (*inner).get_extension?;
        get_extension(inner, id.as_ptr()).cast::<T>().as_ref().map(|table| (table, inner))
    }
}

// --- parameters ---------------------------------------------------------------------------------

unsafe extern "C" fn params_count(plugin: *const clap_plugin) -> u32 {
    guard(0, || {
        // SAFETY: the host hands back what `create` gave it.
        unsafe { core(plugin) }.map_or(0, |core| core.params.ids().count() as u32)
    })
}

unsafe extern "C" fn params_get_info(
    plugin: *const clap_plugin,
    index: u32,
    info: *mut clap_param_info,
) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it, and room for an info.
        unsafe {
            let Some(core) = core(plugin) else { return false };
            // nice-plug panics one past the end.
            if info.is_null() || index >= params_count(plugin) {
                return false;
            }
            let Some((params, inner)) = nice::<clap_plugin_params>(core, CLAP_EXT_PARAMS) else {
                return false;
            };
            if !params.get_info.is_some_and(|get_info| get_info(inner, index, info)) {
                return false;
            }
            let info = &mut *info;
            if info.flags & CLAP_PARAM_IS_STEPPED != 0 {
                info.flags &= !CLAP_PARAM_IS_MODULATABLE;
            }
            if (index as usize) < MACROS {
                copy_text(&core.params.labels.macro_label(index as usize).name, &mut info.name);
            }
        }
        true
    })
}

/// The value without modulation, as CLAP wants it; nice-plug's own answer has it added.
unsafe extern "C" fn params_get_value(plugin: *const clap_plugin, id: u32, value: *mut f64) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it, and room for a value.
        unsafe {
            let found = core(plugin).and_then(|core| core.events.value(id));
            if let (Some(found), false) = (found, value.is_null()) {
                *value = found;
                return true;
            }
        }
        false
    })
}

unsafe extern "C" fn params_value_to_text(
    plugin: *const clap_plugin,
    id: u32,
    value: f64,
    text: *mut c_char,
    room: u32,
) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it, and `room` bytes.
        unsafe {
            if text.is_null() || room == 0 || !value.is_finite() {
                return false;
            }
            core(plugin)
                .and_then(|core| nice::<clap_plugin_params>(core, CLAP_EXT_PARAMS))
                .and_then(|(params, inner)| Some(params.value_to_text?(inner, id, value, text, room)))
                .unwrap_or(false)
        }
    })
}

unsafe extern "C" fn params_text_to_value(
    plugin: *const clap_plugin,
    id: u32,
    text: *const c_char,
    value: *mut f64,
) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it, a string, and room for a value.
        unsafe {
            if text.is_null() || value.is_null() {
                return false;
            }
            core(plugin)
                .and_then(|core| nice::<clap_plugin_params>(core, CLAP_EXT_PARAMS))
                .and_then(|(params, inner)| Some(params.text_to_value?(inner, id, text, value)))
                .unwrap_or(false)
        }
    })
}

unsafe extern "C" fn params_flush(
    plugin: *const clap_plugin,
    input: *const clap_input_events,
    output: *const clap_output_events,
) {
    guard((), || {
        // SAFETY: the host hands back what `create` gave it, and its own lists.
        unsafe {
            if let Some((object, core)) = Object::of(plugin).and_then(|o| Some((o, o.core()?)))
                && core.events.flush(input, output)
                && let Some(side) = object.try_audio().as_mut().and_then(|audio| audio.as_mut())
            {
                // On the audio thread, where it is active; no block runs meanwhile.
                side.panic();
            }
        }
    });
}

// --- remote controls ----------------------------------------------------------------------------

unsafe extern "C" fn remote_controls_count(plugin: *const clap_plugin) -> u32 {
    guard(0, || {
        // SAFETY: the host hands back what `create` gave it.
        unsafe { core(plugin) }.map_or(0, |core| core.params.labels.pages(CLAP_REMOTE_CONTROLS_COUNT) as u32)
    })
}

/// The macros that move something, by eights.
unsafe extern "C" fn remote_controls_get(
    plugin: *const clap_plugin,
    index: u32,
    page: *mut clap_remote_controls_page,
) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it.
        let Some(core) = (unsafe { core(plugin) }).filter(|_| !page.is_null()) else { return false };
        let Some(macros) = core.params.labels.page(index as usize, CLAP_REMOTE_CONTROLS_COUNT) else {
            return false;
        };
        let mut filled = clap_remote_controls_page {
            section_name: [0; CLAP_NAME_SIZE],
            page_id: index,
            page_name: [0; CLAP_NAME_SIZE],
            param_ids: [CLAP_INVALID_ID; CLAP_REMOTE_CONTROLS_COUNT],
            is_for_preset: false,
        };
        copy_text("Macros", &mut filled.section_name);
        copy_text(&format!("Macros {}", index + 1), &mut filled.page_name);
        for (place, number) in filled.param_ids.iter_mut().zip(macros) {
            *place = host_id(&format!("m{}", number + 1));
        }
        // SAFETY: the host's room for a page, not null.
        unsafe { page.write(filled) };
        true
    })
}

/// Copies as much of `text` as fits with its NUL, cut at a character.
fn copy_text(text: &str, to: &mut [c_char]) {
    let mut length = text.len().min(to.len().saturating_sub(1));
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    to.fill(0);
    for (to, &from) in to.iter_mut().zip(&text.as_bytes()[..length]) {
        *to = from as c_char;
    }
}

// --- state --------------------------------------------------------------------------------------

unsafe extern "C" fn state_save(plugin: *const clap_plugin, to: *const clap_ostream) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it, and its own stream.
        unsafe { save(plugin, to, Purpose::Project) }
    })
}

/// # Safety
/// As for [`core()`]; the host's own stream.
unsafe fn save(plugin: *const clap_plugin, to: *const clap_ostream, purpose: Purpose) -> bool {
    // SAFETY: passed on.
    unsafe {
        let chunk = core(plugin).and_then(|core| core.save(purpose));
        chunk.is_some_and(|chunk| stream::write_all(to, &chunk))
    }
}

/// False leaves everything as it was; the instance keeps the bytes and saves them back.
unsafe extern "C" fn state_load(plugin: *const clap_plugin, from: *const clap_istream) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it, and its own stream.
        unsafe { load(plugin, from, Purpose::Project) }
    })
}

/// # Safety
/// As for [`core()`]; the host's own stream.
unsafe fn load(plugin: *const clap_plugin, from: *const clap_istream, purpose: Purpose) -> bool {
    // SAFETY: passed on.
    unsafe {
        let Some((object, core)) = Object::of(plugin).and_then(|o| Some((o, o.core()?))) else {
            return false;
        };
        let loaded = core.load(stream::read_all(from, MAX_READ), purpose);
        if loaded {
            object.host.rescan_params(CLAP_PARAM_RESCAN_VALUES);
        }
        loaded
    }
}

/// What the host saves or loads a state for. One that is not known is the project's.
fn purpose_of(context: clap_plugin_state_context_type) -> Purpose {
    match context {
        CLAP_STATE_CONTEXT_FOR_PRESET => Purpose::Preset,
        CLAP_STATE_CONTEXT_FOR_DUPLICATE => Purpose::Duplicate,
        _ => Purpose::Project,
    }
}

unsafe extern "C" fn state_context_save(
    plugin: *const clap_plugin,
    to: *const clap_ostream,
    context: clap_plugin_state_context_type,
) -> bool {
    // SAFETY: the host hands back what `create` gave it, and its own stream.
    guard(false, || unsafe { save(plugin, to, purpose_of(context)) })
}

unsafe extern "C" fn state_context_load(
    plugin: *const clap_plugin,
    from: *const clap_istream,
    context: clap_plugin_state_context_type,
) -> bool {
    // SAFETY: the host hands back what `create` gave it, and its own stream.
    guard(false, || unsafe { load(plugin, from, purpose_of(context)) })
}

// --- ports --------------------------------------------------------------------------------------

unsafe extern "C" fn audio_ports_count(_plugin: *const clap_plugin, is_input: bool) -> u32 {
    if is_input { ports::INPUTS as u32 } else { ports::OUTPUTS as u32 }
}

unsafe extern "C" fn audio_ports_get(
    plugin: *const clap_plugin,
    index: u32,
    is_input: bool,
    info: *mut clap_audio_port_info,
) -> bool {
    // SAFETY: the host hands back what `create` gave it.
    let Some(object) = (unsafe { Object::of(plugin) }) else { return false };
    let port = ports::port(index as usize, is_input, object.kind);
    let Some(port) = port.filter(|_| !info.is_null()) else { return false };
    let mut name = [0; CLAP_NAME_SIZE];
    copy_text(port.name, &mut name);
    let filled = clap_audio_port_info {
        id: port.id,
        name,
        flags: if port.is_main { CLAP_AUDIO_PORT_IS_MAIN } else { 0 },
        channel_count: ports::CHANNELS as u32,
        port_type: CLAP_PORT_STEREO.as_ptr(),
        in_place_pair: CLAP_INVALID_ID,
    };
    // SAFETY: the host's room for an info, not null.
    unsafe { info.write(filled) };
    true
}

unsafe extern "C" fn note_ports_count(_plugin: *const clap_plugin, _is_input: bool) -> u32 {
    1
}

unsafe extern "C" fn note_ports_get(
    _plugin: *const clap_plugin,
    index: u32,
    is_input: bool,
    info: *mut clap_note_port_info,
) -> bool {
    if index != 0 || info.is_null() {
        return false;
    }
    // In: notes with expression where the host has them. Out: patterns speak MIDI, CCs included.
    let (preferred_dialect, text) =
        if is_input { (CLAP_NOTE_DIALECT_CLAP, "Notes In") } else { (CLAP_NOTE_DIALECT_MIDI, "Notes Out") };
    let supported_dialects = CLAP_NOTE_DIALECT_CLAP | CLAP_NOTE_DIALECT_MIDI;
    let mut name = [0; CLAP_NAME_SIZE];
    copy_text(text, &mut name);
    let filled =
        clap_note_port_info { id: u32::from(!is_input), supported_dialects, preferred_dialect, name };
    // SAFETY: the host's room for an info, not null.
    unsafe { info.write(filled) };
    true
}

// --- render mode, tail, latency, timer, track ------------------------------------------------------------

unsafe extern "C" fn render_has_hard_realtime_requirement(_plugin: *const clap_plugin) -> bool {
    false
}

unsafe extern "C" fn render_set(plugin: *const clap_plugin, mode: i32) -> bool {
    guard(false, || {
        // SAFETY: the host hands back what `create` gave it.
        let Some(object) = (unsafe { Object::of(plugin) }) else { return false };
        object.offline.store(mode == CLAP_RENDER_OFFLINE, Ordering::Relaxed);
        true
    })
}

/// For ever: patterns play without input, and what they play rings on.
unsafe extern "C" fn tail_get(_plugin: *const clap_plugin) -> u32 {
    u32::MAX
}

unsafe extern "C" fn latency_get(_plugin: *const clap_plugin) -> u32 {
    0
}

unsafe extern "C" fn track_changed(plugin: *const clap_plugin) {
    guard((), || {
        // SAFETY: the host hands back what `create` gave it.
        if let Some(object) = unsafe { Object::of(plugin) } {
            object.follow_track();
        }
    });
}

unsafe extern "C" fn on_timer(plugin: *const clap_plugin, id: clap_id) {
    guard((), || {
        // SAFETY: the host hands back what `create` gave it.
        if let Some(object) = unsafe { Object::of(plugin) } {
            object.on_timer(id);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::copy_text;

    #[test]
    fn a_long_name_is_cut_at_a_character_and_ends_in_nul() {
        let mut to = [1; 6];
        copy_text("höhen", &mut to);
        assert_eq!(to.map(|c| c as u8), [b'h', 0xc3, 0xb6, b'h', b'e', 0]);
        copy_text("hohöhe", &mut to);
        assert_eq!(to.map(|c| c as u8), [b'h', b'o', b'h', 0xc3, 0xb6, 0]);
        copy_text("hohoö", &mut to);
        assert_eq!(to.map(|c| c as u8), [b'h', b'o', b'h', b'o', 0, 0]);
    }
}
