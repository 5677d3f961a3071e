//! Patches as YAML: text in, text out. Knows no files.

mod read;
mod scalar;
mod tree;
mod write;

pub use read::{Diagnostic, Diagnostics, MAX_TEXT, yaml_to_graph};
pub use write::graph_to_yaml;
