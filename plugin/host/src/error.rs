//! What can go wrong while hosting, told so that somebody can act on it.

use std::path::PathBuf;
use std::time::Duration;

/// Everything that the host can fail at. The text says what, where, and what would work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The default plugin is in none of the places where a build leaves it.
    #[error(
        "no plugin given and no {name} found (looked in {looked}); run `cargo xtask bundle` first, or name one with --plugin or KRACH_CLAP"
    )]
    NoPlugin {
        /// File name that was looked for.
        name: String,
        /// The places, joined with commas.
        looked: String,
    },
    /// The library could not be opened, or has no CLAP entry.
    #[error("cannot load {}: {reason}", path.display())]
    Load {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// The factory does not offer the plugin that was asked for.
    #[error("{} has no plugin with id {id} (it has: {available})", path.display())]
    NoSuchPlugin {
        /// The library.
        path: PathBuf,
        /// The id that was asked for.
        id: String,
        /// Ids that exist, joined with commas.
        available: String,
    },
    /// The factory refused to make an instance, or its `init` failed.
    #[error("plugin {id} could not be created: {reason}")]
    Create {
        /// The plugin's id.
        id: String,
        /// The cause.
        reason: String,
    },
    /// `activate` or `start_processing` failed, or was asked for in the wrong state.
    #[error("plugin cannot run at {sample_rate} Hz with up to {max_frames} frames: {reason}")]
    Activate {
        /// Frames per second.
        sample_rate: f64,
        /// Largest block.
        max_frames: usize,
        /// The cause.
        reason: String,
    },
    /// The window, the plugin's or ours.
    #[error("cannot {what} the window: {reason}")]
    Window {
        /// What was tried.
        what: &'static str,
        /// The cause.
        reason: String,
    },
    /// `process` answered with an error.
    #[error("process failed in the block of {frames} frames at frame {at}")]
    Process {
        /// First frame of the block.
        at: u64,
        /// Its length.
        frames: usize,
    },
    /// A block that this processor cannot take.
    #[error("a block of {frames} frames was asked for, the plugin was activated for at most {max}")]
    BlockTooLong {
        /// The block's length.
        frames: usize,
        /// What `activate` allowed.
        max: usize,
    },
    /// The plugin lacks an extension that was needed.
    #[error("the plugin does not have the CLAP extension {extension}")]
    NoExtension {
        /// The extension's id.
        extension: &'static str,
    },
    /// `state.save` or `state.load` returned false.
    #[error("the plugin refused to {action} its state ({bytes} bytes)")]
    State {
        /// `save` or `load`.
        action: &'static str,
        /// Size of the chunk.
        bytes: usize,
    },
    /// The library lists no presets.
    #[error("{} lists no presets: {reason}", path.display())]
    Presets {
        /// The library.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The plugin refused a preset, or a session file.
    #[error("{what} was not loaded: {reason}")]
    Preset {
        /// The file, or the key of what comes with the plugin.
        what: String,
        /// What the plugin said.
        reason: String,
    },
    /// No socket of this instance was found.
    #[error("no socket of this instance after {waited:?} (looked in {looked})")]
    NoSocket {
        /// How long it was waited for.
        waited: Duration,
        /// The places, joined with commas.
        looked: String,
    },
    /// The connection failed.
    #[error("socket {}: {reason}", path.display())]
    Socket {
        /// Address of the socket.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// A request got no reply in time.
    #[error("no reply within {waited:?} to: {request}")]
    NoReply {
        /// How long it was waited for.
        waited: Duration,
        /// The request, shortened.
        request: String,
    },
    /// The transport does not come to where a `sync` needs it.
    #[error(
        "the transport never comes to beat {beats} (it stands at {stands} and loops, jumps or stops before), \
         so this cannot be answered: {request}"
    )]
    Unreachable {
        /// Where it should come to, quarter notes.
        beats: f64,
        /// Where it is.
        stands: f64,
        /// The request, shortened.
        request: String,
    },
    /// A performance file has a line that is not one JSON object, or a bad host directive.
    #[error("performance line {line}: {reason}")]
    Performance {
        /// Line number, from 1.
        line: usize,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// An argument or option that makes no sense.
    #[error("{0}")]
    Usage(String),
}
