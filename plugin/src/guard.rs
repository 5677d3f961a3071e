//! Panics must not cross into a host.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs what a host called. A panic ends here and becomes `fallback`.
pub fn guard<T>(fallback: T, call: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(fallback)
}
