//! What a compile may cost and how it computes.

/// Width of the numbers that a program computes with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32 bits.
    #[default]
    Single,
    /// 64 bits.
    Double,
}

/// What a compile may use before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of every stage together.
    pub fuel: u64,
    /// Diagrams that the evaluator makes.
    pub boxes: u32,
    /// Signals that propagation makes.
    pub signals: u32,
    /// How deep evaluation may go into itself.
    pub depth: u32,
    /// Files that one text may draw in.
    pub files: u32,
    /// Bytes of all texts together.
    pub text: usize,
    /// Signals that go in, and that come out.
    pub channels: u32,
    /// Widgets.
    pub widgets: u32,
    /// Bytes of state of one instance.
    pub state: u64,
    /// Bytes of tables that instances share.
    pub tables: u64,
    /// Operations that fill the tables.
    pub filling: u64,
    /// Operations for one sample.
    pub steps: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 20_000_000,
            boxes: 1_000_000,
            signals: 1_000_000,
            depth: 4_000,
            files: 256,
            text: 16 << 20,
            channels: 64,
            widgets: 4096,
            state: 64 << 20,
            tables: 64 << 20,
            filling: 1_000_000_000,
            steps: 1_000_000,
        }
    }
}
