//! What the server needs from the operating system beyond a local stream socket: waiting on several
//! things at once, writing without signals, and knowing who is at the other end.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    /// Bytes to read, or the end of the stream.
    pub read: bool,
    /// Room to write.
    pub write: bool,
}

/// What a wait ended with. All false: the time is up or somebody woke us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ready {
    /// A read will not block.
    pub read: bool,
    /// A write will not block.
    pub write: bool,
    /// The other side is gone for good: nothing that is written can arrive any more.
    pub gone: bool,
}
