//! A headless host for CLAP, and a small one for VST3: loads any plugin, plays it by a scripted
//! transport, renders what it does.
//!
//! In one sentence: a [`transport::Script`] and a [`Performance`] become blocks, an [`Instance`]'s
//! [`Processor`] turns them into samples, and [`render_performance`] shows the whole way in a few
//! lines. It knows the wire protocol's framing and nothing of what any plugin does inside.

mod address;
mod client;
mod error;
mod events;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod guard;
mod handlers;
mod hosted;
mod instance;
mod library;
mod params;
pub mod performance;
pub mod presets;
mod processor;
pub mod render;
pub mod serve;
mod stage;
mod tape;
mod threads;
pub mod transport;
mod vst3;
pub mod wav;
#[cfg(target_os = "linux")]
pub mod window;

pub use address::{PrivateSocket, SOCKET_VARIABLE, registry_folders, use_private_socket};
/// The raw types in which a [`transport::BlockPlan`] carries its transport.
pub use clap_sys;
pub use client::Client;
pub use error::HostError;
pub use events::{InputEvent, InputKind, OutputEvent, OutputKind};
pub use handlers::Observed;
pub use hosted::{Hosted, MainThread, Playing};
pub use instance::{AudioPort, Instance, Ports};
pub use library::{DEFAULT_PLUGIN_ID, Descriptor, Library, PLUGIN_VARIABLE, default_plugin};
pub use params::Param;
pub use performance::{Performance, Step};
pub use processor::{EVENT_CAPACITY, Feed, Processor, Status};
pub use render::{Length, RenderOptions, Rendered, Reply, Save, Stem, TimedInput, render_performance};
pub use stage::Stage;
pub use tape::Record;
pub use threads::{AudioScope, on_audio_thread};
pub use vst3::{Gesture, Vst3Instance, Vst3Library, Vst3Processor};
