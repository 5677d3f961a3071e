//! What the id of a node type says by itself, and the families that documents name.
//!
//! The ids of the types that a session itself holds are part of the format of documents: sources are saved under them.
//! So their families are named here, and nowhere else in `core`. What a program is and how it becomes sound is known to
//! whoever introduces the types.

/// Types with a family in front (`family:bass`) are made from text, which may change.
pub fn comes_from_text(type_id: &str) -> bool {
    type_id.contains(':')
}

/// How the ids of types begin that are made from a traced function.
pub const TRACED: &str = "faust:graph-";
/// How the ids of types begin that are made from a program in the session.
pub const PROGRAM: &str = "faust:text-";
/// How the ids of types begin that are made from a patch in the session.
pub const PATCH: &str = "patch:text-";

/// How the id of the type begins that is made from that text.
pub fn inline_family(text: &str) -> &'static str {
    if is_patch(text) { PATCH } else { PROGRAM }
}

/// Is a text the YAML of a patch? Its first line that is not empty is then a comment, `---`, begins with `{`, or is a key:
/// a word, or a string, before a colon and a space or the end. No program begins so.
pub fn is_patch(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if first.starts_with(['#', '{']) || first == "---" || first.starts_with("--- ") {
        return true;
    }
    let Some((key, rest)) = first.split_once(':') else { return false };
    let word = key.trim_matches(['"', '\'']);
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    is_word && (rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// Is a type of that id made from what the session itself holds?
pub fn is_inline(type_id: &str) -> bool {
    [TRACED, PROGRAM, PATCH].iter().any(|family| type_id.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_begins_with_a_key_and_a_program_does_not() {
        for patch in [
            "nodes:\n  out: {module: AudioOut}",
            "\n  \r\n# a comment; x = 1\nnodes: {}",
            "{nodes: {out: {module: AudioOut}}}",
            "---\nnodes: {}",
            "\u{feff}cables: []",
            "\"nodes\": {}",
            // What is wrong in it is for the reader of patches to say.
            "node:\n  x: 1",
        ] {
            assert_eq!(inline_family(patch), PATCH, "{patch}");
        }
        for program in [
            "process = _;",
            "import(\"music.lib\");\nprocess = os.osc(440) : *(0.1);",
            "// nodes:\nprocess = _;",
            "/* x: y */ process = _;",
            "declare name \"a: b\"; process = _;",
            "a(x) = x; process = a(_:_);",
            "a::b = 1;",
            "a:b",
            "",
        ] {
            assert_eq!(inline_family(program), PROGRAM, "{program}");
        }
    }
}
