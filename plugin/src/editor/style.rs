//! Colours, sizes and fonts. Dark, with one warm colour for time and one cool colour for sound.

use egui::{Color32, CornerRadius, FontId, Rgba, Stroke, Visuals};

/// Behind everything.
pub const GROUND: Color32 = Color32::from_rgb(0x14, 0x16, 0x1b);
/// Cards.
pub const CARD: Color32 = Color32::from_rgb(0x1b, 0x1e, 0x25);
/// Fields, tracks of meters.
pub const WELL: Color32 = Color32::from_rgb(0x11, 0x13, 0x17);
/// Buttons.
pub const RAISED: Color32 = Color32::from_rgb(0x2a, 0x2e, 0x38);
/// Buttons under the pointer.
pub const LIFTED: Color32 = Color32::from_rgb(0x36, 0x3b, 0x47);
/// Lines.
pub const LINE: Color32 = Color32::from_rgb(0x2f, 0x34, 0x3f);
/// Text.
pub const TEXT: Color32 = Color32::from_rgb(0xdd, 0xe0, 0xe6);
/// Text of second rank.
pub const DIM: Color32 = Color32::from_rgb(0x94, 0x9b, 0xa8);
/// Headings and units.
pub const FAINT: Color32 = Color32::from_rgb(0x6b, 0x72, 0x80);
/// Time: the cycle line, the name of the plugin, free run.
pub const WARM: Color32 = Color32::from_rgb(0xec, 0xa7, 0x5c);
/// Sound: meters.
pub const COOL: Color32 = Color32::from_rgb(0x58, 0xb4, 0xa2);
/// Sound above −6 dB.
pub const HOT: Color32 = Color32::from_rgb(0xe0, 0xbe, 0x5a);
/// What is wrong.
pub const WRONG: Color32 = Color32::from_rgb(0xe8, 0x76, 0x6c);

/// Distance to the window's edge and between cards.
pub const GAP: f32 = 10.0;
/// Distance to a card's edge.
pub const PAD: f32 = 12.0;
/// Corners of cards.
pub const ROUND: CornerRadius = CornerRadius::same(6);
/// Corners of fields, buttons and meters.
pub const SMALL_ROUND: CornerRadius = CornerRadius::same(4);
/// Height of a line of text with its surroundings.
pub const ROW: f32 = 22.0;

/// A colour as the renderer wants it to clear with: it writes it as it is, without a curve.
pub fn as_cleared(color: Color32) -> Rgba {
    let [r, g, b, _] = color.to_array().map(|part| f32::from(part) / 255.0);
    Rgba::from_rgb(r, g, b)
}

/// Text.
pub fn body() -> FontId {
    FontId::proportional(13.0)
}

/// Text of second rank.
pub fn small() -> FontId {
    FontId::proportional(11.5)
}

/// Headings of cards, in capitals.
pub fn heading() -> FontId {
    FontId::proportional(10.0)
}

/// Numbers, which must not dance.
pub fn digits() -> FontId {
    FontId::monospace(12.0)
}

/// The name of the plugin.
pub fn brand() -> FontId {
    FontId::proportional(19.0)
}

/// What egui's own widgets (fields, scroll bars) look like.
pub fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.panel_fill = GROUND;
    visuals.extreme_bg_color = WELL;
    visuals.override_text_color = Some(TEXT);
    visuals.selection.bg_fill = WARM.linear_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.0, WARM);
    for (widget, fill, line) in [
        (&mut visuals.widgets.noninteractive, CARD, LINE),
        (&mut visuals.widgets.inactive, RAISED, LINE),
        (&mut visuals.widgets.hovered, LIFTED, FAINT),
        (&mut visuals.widgets.active, LIFTED, WARM),
        (&mut visuals.widgets.open, LIFTED, LINE),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.corner_radius = SMALL_ROUND;
        widget.expansion = 0.0;
    }
    visuals
}
