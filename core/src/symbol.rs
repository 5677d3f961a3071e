//! Names as numbers: what crosses to the audio thread instead of strings.

use crate::address;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;

/// A 64-bit hash of a name; the same for the same name in every plan and edit of a process, so
/// that edits find their control in whatever plan is active. With the few thousand names of a
/// session, two that collide are less likely than a failing memory cell (n²/2⁶⁵).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u64);

impl Symbol {
    /// The symbol of a name. An [address] has that of the path that it means. On the control side.
    pub fn of(name: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(address::path(name).as_bytes());
        Self(hasher.finish())
    }

    /// The symbol of the control `control` of the node `node`, i.e. of the path `node/control`.
    pub fn control(node: &str, control: &str) -> Self {
        if control.contains(address::MARK) {
            return Self::of(&format!("{node}/{control}"));
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(node.as_bytes());
        hasher.write(b"/");
        hasher.write(control.as_bytes());
        Self(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::Symbol;

    #[test]
    fn a_control_s_symbol_is_that_of_its_path() {
        assert_eq!(Symbol::control("drums/kick", "freq"), Symbol::of("drums/kick/freq"));
        assert_ne!(Symbol::of("a"), Symbol::of("b"));
        assert_eq!(Symbol::of("bass/@gain"), Symbol::of("bass_g/gain"));
        assert_eq!(Symbol::control("bass", "@send/verb"), Symbol::of("bass_send_verb/gain"));
    }
}
