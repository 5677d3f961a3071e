//! A small VST3 host: enough to play a plugin by a scripted transport, to ask it for its state and to open
//! its window, so that what is tested in CLAP is tested in VST3 as well.
//!
//! It takes plugins whose component is its own controller. On macOS, where a module wants a
//! `CFBundle`, it loads none.

#![allow(clippy::unnecessary_cast, reason = "VST3's constants are signed on Windows and unsigned elsewhere")]

mod context;
mod instance;
mod lists;
mod module;
mod processor;
mod stream;
#[cfg(target_os = "linux")]
mod window;

pub use instance::{Gesture, Vst3Instance};
pub use module::Vst3Library;
pub use processor::Vst3Processor;
