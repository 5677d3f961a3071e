//! What of a program is called from outside.

/// Entry points of a program, without the class name.
pub(super) const ENTRIES: [&str; 4] = ["classInit", "instanceConstants", "instanceClear", "compute"];
