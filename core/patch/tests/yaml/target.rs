//! What holds for any text: it is read or refused without a panic, and with a place that exists.

use krach_patch::{graph_to_yaml, yaml_to_graph};

/// Panics where it does not hold; true if the text was read.
pub fn run(text: &str) -> bool {
    match yaml_to_graph(text) {
        Ok(graph) => {
            assert!(graph.check().is_ok());
            let written = graph_to_yaml(&graph);
            assert!(yaml_to_graph(&written).is_ok_and(|again| again == graph), "{text:?}");
            true
        }
        Err(wrong) => {
            assert!(!wrong.0.is_empty());
            let lines = text.split(['\n', '\r']).count();
            for error in wrong.0 {
                // So a panic of the parser is reported, which is caught: there is none.
                assert!(!error.fault.problem.contains("no YAML that can be read"), "{text:?}");
                // The end of the text may be said to be the line after it.
                assert!((1..=lines + 1).contains(&error.line) && error.column >= 1, "{error}\n{text:?}");
                assert!(!error.fault.hint.is_empty() && !error.to_string().contains('\n'), "{text:?}");
            }
            false
        }
    }
}
