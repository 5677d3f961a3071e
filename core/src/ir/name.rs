//! What a node may be called.

use super::fault::Fault;
use crate::address;
use crate::limits::MAX_NAME;

/// A name as a regular expression of JSON Schema: see [`check_name`].
pub(super) const NAME: &str = r"^(?!.+/@(?:gain|mute|send/(?:(?!/@).)+)$)[^/\x00-\x1f\x7f-\x9f]*[^/\s\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*(/[^/\x00-\x1f\x7f-\x9f]*[^/\s\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*)*$";

/// Can a node be called so?
///
/// # Errors
/// Why not, at `$`.
pub fn check_name(name: &str) -> Result<(), Fault> {
    let odd = name.is_empty()
        || name.len() > MAX_NAME
        || name.chars().any(char::is_control)
        || name.split('/').any(|part| part.trim().is_empty())
        || address::parse(name).is_some();
    match odd {
        true => Err(Fault::new("$", format!("{name:?} is not a name"))
            .hint("letters, digits, _ and -; groups by /, as in drums/kick")),
        false => Ok(()),
    }
}
