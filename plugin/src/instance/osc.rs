//! OSC messages leave here, from the control thread: one datagram each, never waiting.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use krach_core::osc::OscMessage;

/// Sends datagrams to the session's target.
#[derive(Debug, Default)]
pub(super) struct OscSender {
    /// The socket for targets of its family, once needed.
    sockets: [Option<UdpSocket>; 2],
}

impl OscSender {
    /// Sends the messages in order; what the system has no room for is lost, as datagrams are.
    ///
    /// # Errors
    /// Why the last one that failed was not sent, for the musician.
    pub(super) fn send(&mut self, target: &str, messages: &[OscMessage]) -> Result<(), String> {
        let to: SocketAddr =
            target.parse().map_err(|_| format!("OSC target {target} is no address and port"))?;
        let mut outcome = Ok(());
        for message in messages {
            let sent = self.socket(to).and_then(|socket| socket.send_to(&message.packet, to));
            if let Err(error) = sent {
                outcome = Err(format!("OSC to {target} is not sent: {error}"));
            }
        }
        outcome
    }

    fn socket(&mut self, to: SocketAddr) -> std::io::Result<&UdpSocket> {
        let slot = &mut self.sockets[usize::from(to.is_ipv6())];
        if slot.is_none() {
            let any = match to {
                SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
                SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
            };
            let socket = UdpSocket::bind(any)?;
            socket.set_nonblocking(true)?;
            *slot = Some(socket);
        }
        slot.as_ref().ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }
}
