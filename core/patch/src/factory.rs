//! The patches that come with krach.

/// Name and text of each.
pub const PATCHES: &[(&str, &str)] = &[
    ("acid", include_str!("../../../dsp/patches/acid.yaml")),
    ("bell", include_str!("../../../dsp/patches/bell.yaml")),
    ("chord_swap", include_str!("../../../dsp/patches/chord_swap.yaml")),
    ("demo_synth", include_str!("../../../dsp/patches/demo_synth.yaml")),
    ("drums", include_str!("../../../dsp/patches/drums.yaml")),
    ("pluck", include_str!("../../../dsp/patches/pluck.yaml")),
    ("rotor", include_str!("../../../dsp/patches/rotor.yaml")),
    ("sine_tone", include_str!("../../../dsp/patches/sine_tone.yaml")),
    ("strings", include_str!("../../../dsp/patches/strings.yaml")),
    ("wander", include_str!("../../../dsp/patches/wander.yaml")),
];

/// The text of a patch.
pub fn find(name: &str) -> Option<&'static str> {
    PATCHES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
