//! What the id of a node type says by itself.

/// Types with a family in front (`faust:bass`) are made from text, which may change.
pub fn comes_from_text(type_id: &str) -> bool {
    type_id.contains(':')
}

/// How the ids of types begin that are made from a traced function, and from a text in the session.
pub const INLINE: [&str; 2] = ["faust:graph-", "faust:text-"];

/// Is a type of that id made from what the session itself holds?
pub fn is_inline(type_id: &str) -> bool {
    INLINE.iter().any(|family| type_id.starts_with(family))
}
