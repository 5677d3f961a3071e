//! The host's track: its name is what an instance is called that nobody has named.

use super::MAX_NAME;

/// What the host has said of its track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Its name, as an instance may be called; `None` if it has none.
    pub name: Option<String>,
    /// Its colour as `#rrggbb`.
    pub colour: Option<String>,
}

impl Track {
    /// Of a name as the host has it, and red, green and blue.
    pub fn new(name: Option<&str>, colour: Option<[u8; 3]>) -> Self {
        let colour = colour.map(|[red, green, blue]| format!("#{red:02x}{green:02x}{blue:02x}"));
        Self { name: name.and_then(as_name), colour }
    }

    /// What the host says anew, and what it has not said again.
    pub fn or(self, before: Self) -> Self {
        Self { name: self.name.or(before.name), colour: self.colour.or(before.colour) }
    }
}

/// A track's name as a name of an instance: printable, and no longer than one may be.
fn as_name(name: &str) -> Option<String> {
    let printable: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let cut: String = printable.trim().chars().take(MAX_NAME).collect();
    let name = cut.trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracks_name_becomes_one_that_an_instance_may_have() {
        let name = |text: &str| Track::new(Some(text), None).name;
        assert_eq!(name(" Bass\n2 ").as_deref(), Some("Bass 2"));
        assert_eq!(name(" \t "), None);
        assert_eq!(name(&"x".repeat(200)).map(|name| name.len()), Some(MAX_NAME));
        assert_eq!(Track::new(None, Some([255, 0, 16])).colour.as_deref(), Some("#ff0010"));
    }
}
