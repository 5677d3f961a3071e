//! Guards for an audio thread, for tests on Linux: what it must not do is caught in the act.
//!
//! [`alloc`] catches the malloc family, whoever calls it: the test program's own definitions stand
//! before glibc's, also for libraries that are loaded later, a plugin among them. [`syscalls`]
//! catches system calls by a seccomp filter on one thread. [`run_guarded`] processes blocks under
//! both while other threads flood the socket.
//!
//! A filtered thread can never end, so every case runs in a process of its own: the test program
//! has `harness = false` and looks like this:
//!
//! ```ignore
//! krach_host::interpose_malloc!();
//!
//! fn main() {
//!     krach_host::guard::run_cases(&[("a_quiet_block_is_clean", a_quiet_block_is_clean)]);
//! }
//!
//! fn a_quiet_block_is_clean() {
//!     let guarded = run_guarded(&Scenario::of(plugin_path())).unwrap();
//!     guarded.assert_clean();
//! }
//! ```
//!
//! The definitions have to be visible to libraries: this package's build script links its tests with
//! `-rdynamic`; a test in another package needs `println!("cargo::rustc-link-arg-tests=-rdynamic")`
//! in that package's build script. [`alloc::is_live`] and the negative tests show that it worked.

pub mod alloc;
mod cases;
mod flood;
mod run;
mod stack;
pub mod syscalls;

pub use cases::{Case, run_cases};
pub use flood::{Flood, Stall};
pub use run::{Guarded, MainWork, Scenario, run_guarded};
