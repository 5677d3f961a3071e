//! Whether an instance that has fallen silent may rest.

/// What a node does when it has fallen silent. Without one, in documents and raw graphs of before there was a choice, a
/// node with one voice never rests.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Rest {
    /// It rests where its type allows it, and costs nothing.
    #[default]
    Auto,
    /// It is always rendered.
    Never,
}
