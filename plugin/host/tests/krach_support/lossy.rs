//! A display that loses answers to Present requests: it stands between programs and a virtual X server, and
//! hands everything on but some of those.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;

use super::display::Display;

/// Which answers get lost, of each connection's, counted from 0.
pub type Loses = fn(u32) -> bool;

/// The display. What it has in hand goes on when it is dropped; programs end before it.
pub struct Lossy {
    name: String,
    socket: PathBuf,
}

impl Lossy {
    /// In front of `display`, losing these.
    pub fn new(display: &Display, loses: Loses) -> Self {
        let server = PathBuf::from(format!("/tmp/.X11-unix/X{}", &display.name()[1..]));
        let present = display.opcode_of("Present");
        let (listener, number, socket) = (1000..2000)
            .find_map(|number| {
                let socket = PathBuf::from(format!("/tmp/.X11-unix/X{number}"));
                // One that somebody else has is in use; so may be its name without a file.
                let free = !socket.exists() && UnixStream::connect(&socket).is_err();
                let listener = free.then(|| UnixListener::bind(&socket).ok())??;
                Some((listener, number, socket))
            })
            .expect("a display's number is free");
        let server = Arc::new(server);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(server.as_path())) else {
                    return;
                };
                let pair = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || hand_on(pair.0, pair.1));
                std::thread::spawn(move || lose(server, client, present, loses));
            }
        });
        Self { name: format!(":{number}"), socket }
    }

    /// What `DISPLAY` is for it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn hand_on(mut from: UnixStream, mut to: UnixStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

/// From the server to the program.
fn lose(mut from: UnixStream, mut to: UnixStream, present: u8, loses: Loses) {
    let _ = packets(&mut from, &mut to, present, loses);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

fn packets(from: &mut UnixStream, to: &mut UnixStream, present: u8, loses: Loses) -> std::io::Result<()> {
    /// First byte of an answer, and of an event that extensions have their own kinds of.
    const REPLY: u8 = 1;
    const GENERIC: u8 = 35;
    /// Of Present's own: a request is complete.
    const COMPLETE: u16 = 1;
    // What the server says of itself.
    let mut packet = vec![0; 8];
    from.read_exact(&mut packet)?;
    let more = usize::from(u16::from_le_bytes([packet[6], packet[7]])) * 4;
    rest(from, &mut packet, more)?;
    to.write_all(&packet)?;
    let mut count = 0;
    loop {
        packet.clear();
        rest(from, &mut packet, 32)?;
        let kind = packet[0] & 0x7f;
        if matches!(kind, REPLY | GENERIC) {
            let more = u32::from_le_bytes([packet[4], packet[5], packet[6], packet[7]]) as usize * 4;
            rest(from, &mut packet, more)?;
        }
        let event = u16::from_le_bytes([packet[8], packet[9]]);
        if kind == GENERIC && packet[1] == present && event == COMPLETE {
            count += 1;
            if loses(count - 1) {
                continue;
            }
        }
        to.write_all(&packet)?;
    }
}

fn rest(from: &mut UnixStream, packet: &mut Vec<u8>, more: usize) -> std::io::Result<()> {
    let start = packet.len();
    packet.resize(start + more, 0);
    from.read_exact(&mut packet[start..])
}
