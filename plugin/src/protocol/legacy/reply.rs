//! The reply lines of the `cmd` and `type` families, to the letter.

use serde_json::json;

/// Most bytes of a message that is quoted back.
const MAX_QUOTE: usize = 1024;

/// `{"status":"Ok","msg":…}`
pub(crate) fn ok(msg: &str) -> String {
    status("Ok", msg)
}

/// `{"status":"Error","msg":…}`
pub(crate) fn error(msg: &str) -> String {
    status("Error", msg)
}

fn status(status: &str, msg: &str) -> String {
    format!(r#"{{"status":"{status}","msg":{}}}"#, json!(msg))
}

/// `{"status":"Pong"}`
pub(crate) fn pong() -> String {
    r#"{"status":"Pong"}"#.to_owned()
}

/// `{"status":"NodeTypes","types":[…]}`
pub(crate) fn node_types(types: &[String]) -> String {
    format!(r#"{{"status":"NodeTypes","types":{}}}"#, json!(types))
}

/// What was said is not understood; it is quoted, up to a limit.
pub(crate) fn unrecognized(text: &str) -> String {
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.len() <= MAX_QUOTE {
        return error(&format!("unrecognized message: {text}"));
    }
    let end = (0..=MAX_QUOTE).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    error(&format!("unrecognized message: {}…", &text[..end]))
}

/// A line beyond the limit of its family.
pub(crate) fn too_large(bytes: u64, max: usize) -> String {
    error(&format!("message too large ({bytes} bytes, max {max})"))
}

/// The engine did not answer for a fault of ours.
pub(crate) fn internal() -> String {
    error("internal error: the request was dropped; what played before plays on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_quoted_in_part_and_never_through_a_letter() {
        let reply = unrecognized(&"é".repeat(5000));
        assert!(reply.len() < 2 * MAX_QUOTE);
        assert!(reply.contains("unrecognized message: éé") && reply.ends_with("é…\"}"));
    }

    #[test]
    fn quotes_and_newlines_stay_inside_one_line() {
        assert_eq!(error("a\"b\nc"), r#"{"status":"Error","msg":"a\"b\nc"}"#);
    }
}
