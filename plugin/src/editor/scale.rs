//! The display before there is a window to ask: is it there, and how many pixels has a point?

/// What the desktop says, where the window will go by it: under X11 the `Xft.dpi` that its settings leave with
/// the display, against which a host's word does not count.
#[cfg(target_os = "linux")]
pub fn of_desktop() -> Option<f64> {
    let (connection, _) = x11rb::connect(None).ok()?;
    let settings = x11rb::resource_manager::new_from_default(&connection).ok()?;
    let dpi = settings.get_value::<u32>("Xft.dpi", "").ok()??;
    Some(f64::from(dpi) / 96.0).filter(|scale| *scale > 0.0)
}

/// Elsewhere the window's own system says it, or the host.
#[cfg(not(target_os = "linux"))]
pub fn of_desktop() -> Option<f64> {
    None
}

/// Can a window be opened at all?
pub fn has_display() -> bool {
    #[cfg(target_os = "linux")]
    return x11rb::connect(None).is_ok();
    #[cfg(not(target_os = "linux"))]
    true
}
