//! Unix: `poll`, a socket pair to wake it, `send` without SIGPIPE, peer credentials.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::{Listener, Stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, send as send_flags};

use super::{Interest, Ready};

/// Wakes the thread that waits on the matching [`WakeSource`]. Any number of wakes before the next
/// wait count as one.
#[derive(Debug)]
pub(crate) struct Waker(UnixStream);

/// The end that a thread waits on.
#[derive(Debug)]
pub(crate) struct WakeSource(UnixStream);

/// A connected pair.
pub(crate) fn waker() -> io::Result<(Waker, WakeSource)> {
    let (tx, rx) = UnixStream::pair()?;
    tx.set_nonblocking(true)?;
    rx.set_nonblocking(true)?;
    without_sigpipe(tx.as_fd())?;
    Ok((Waker(tx), WakeSource(rx)))
}

impl Waker {
    /// Ends the current or the next wait. A full pipe means that a wake is already on its way, and a
    /// closed one that nobody waits any more, so no error matters.
    pub(crate) fn wake(&self) {
        let _ = send_flags(&self.0, &[1], send_without_signal());
    }
}

impl WakeSource {
    fn drain(&self) {
        let mut sink = [0_u8; 64];
        while matches!(io::Read::read(&mut &self.0, &mut sink), Ok(n) if n > 0) {}
    }
}

/// Waits until the stream is ready for what is asked, somebody wakes us, or the time is up.
pub(crate) fn wait_stream(
    wake: &WakeSource,
    stream: &Stream,
    interest: Interest,
    timeout: Duration,
) -> io::Result<Ready> {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, interest.read);
    flags.set(PollFlags::OUT, interest.write);
    let Stream::UdSocket(socket) = stream;
    let mut fds = [
        PollFd::from_borrowed_fd(wake.0.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(socket.inner().as_fd(), flags),
    ];
    poll_for(&mut fds, timeout)?;
    if !fds[0].revents().is_empty() {
        wake.drain();
    }
    let seen = fds[1].revents();
    let gone = seen.intersects(PollFlags::HUP | PollFlags::ERR);
    Ok(Ready {
        read: interest.read && (gone || seen.contains(PollFlags::IN)),
        write: interest.write && (gone || seen.contains(PollFlags::OUT)),
        gone,
    })
}

/// Waits for a wake alone.
pub(crate) fn wait_wake(wake: &WakeSource, timeout: Duration) -> io::Result<()> {
    let mut fds = [PollFd::from_borrowed_fd(wake.0.as_fd(), PollFlags::IN)];
    poll_for(&mut fds, timeout)?;
    wake.drain();
    Ok(())
}

/// Waits until one of the listeners has a client, somebody wakes us, or the time is up.
pub(crate) fn wait_listeners(
    wake: &WakeSource,
    listeners: &[&Listener],
    timeout: Duration,
) -> io::Result<()> {
    let mut fds = vec![PollFd::from_borrowed_fd(wake.0.as_fd(), PollFlags::IN)];
    for listener in listeners {
        let Listener::UdSocket(socket) = listener;
        fds.push(PollFd::from_borrowed_fd(socket.inner().as_fd(), PollFlags::IN));
    }
    poll_for(&mut fds, timeout)?;
    if !fds[0].revents().is_empty() {
        wake.drain();
    }
    Ok(())
}

fn poll_for(fds: &mut [PollFd<'_>], timeout: Duration) -> io::Result<()> {
    let time =
        Timespec { tv_sec: timeout.as_secs().min(3600) as i64, tv_nsec: timeout.subsec_nanos().into() };
    match poll(fds, Some(&time)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Writes what fits now. A peer that is gone is an error here, never a SIGPIPE for the host.
pub(crate) fn send(stream: &Stream, bytes: &[u8]) -> io::Result<usize> {
    let Stream::UdSocket(socket) = stream;
    Ok(send_flags(socket.inner(), bytes, send_without_signal())?)
}

/// Makes ready a stream that was just accepted, and says whether the peer is the same user.
/// Where the platform cannot tell, the permissions of the socket and its folder are the guard.
pub(crate) fn admit(stream: &Stream) -> io::Result<bool> {
    let Stream::UdSocket(socket) = stream;
    without_sigpipe(socket.inner().as_fd())?;
    Ok(is_same(stream.peer_creds()?.euid(), own_uid()))
}

/// Is the peer the user that we are, as far as the platform can tell?
fn is_same(peer: Option<u32>, own: u32) -> bool {
    peer.is_none_or(|peer| peer == own)
}

/// The user that this process acts as.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(any(target_vendor = "apple")))]
fn send_without_signal() -> SendFlags {
    SendFlags::NOSIGNAL
}

#[cfg(target_vendor = "apple")]
fn send_without_signal() -> SendFlags {
    SendFlags::empty()
}

#[cfg(not(target_vendor = "apple"))]
#[allow(clippy::unnecessary_wraps)]
fn without_sigpipe(_: BorrowedFd<'_>) -> io::Result<()> {
    Ok(())
}

#[cfg(target_vendor = "apple")]
fn without_sigpipe(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_nosigpipe(fd, true)?)
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn another_user_is_not_the_same_not_even_root() {
        assert!(is_same(Some(1000), 1000) && is_same(None, 1000));
        assert!(!is_same(Some(1001), 1000) && !is_same(Some(0), 1000) && !is_same(Some(1000), 0));
    }
}
