//! What stands between the socket and the control thread: greets, parses, queues.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use krach_core::link::Link;
use serde_json::json;

use super::control::Command;
use crate::protocol::{self, Parsed};
use crate::socket::lines::Line;
use crate::socket::{After, Lost, Replies, Service};

/// What the hello line tells that can change.
#[derive(Debug)]
pub(super) struct Hello {
    /// The instance's name.
    pub name: String,
    /// Hz, while active.
    pub sample_rate: Option<f64>,
}

/// The service that the socket server calls.
pub(super) struct ClientService {
    pub id: String,
    pub commands: Mutex<Sender<Command>>,
    pub link: Arc<Link>,
    pub greeting: Arc<Mutex<Hello>>,
    pub dsp_folder: Option<PathBuf>,
}

impl ClientService {
    fn send(&self, command: Command) {
        // Counted before it is queued: an offline `process` that sees the count waits for it.
        self.link.submitted();
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        // If nobody receives, the command is dropped here and its reply slot says so to the client.
        let _ = commands.send(command);
    }
}

impl Service for ClientService {
    fn hello(&self) -> String {
        let greeting = self.greeting.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "protocol": 1,
            "engine": "krach-engine",
            "version": env!("CARGO_PKG_VERSION"),
            "instance": self.id,
            "name": greeting.name,
            "sample_rate": greeting.sample_rate,
            "dsp_dir": self.dsp_folder,
            "capabilities": protocol::capabilities(),
        })
        .to_string()
    }

    fn line(&self, connection: u64, line: Line, replies: &Arc<Replies>) -> After {
        match protocol::parse(&line) {
            Parsed::Reply(reply) => replies.say(reply),
            Parsed::Close(reply) => {
                replies.say(reply);
                // What still waits (`sync`) is told so at once: the goodbye comes after it.
                self.send(Command::Closed { connection });
                return After::Close;
            }
            Parsed::Request(request) => {
                let line = if let Line::Text(line) = line { line } else { Vec::new() };
                let slot = replies.ask(line.len(), request.fallback);
                self.send(Command::Request { connection, action: request.action, line, slot });
            }
        }
        After::Continue
    }

    fn lost(&self, lost: Lost) -> String {
        protocol::events::lost(lost)
    }

    fn closed(&self, connection: u64) {
        self.send(Command::Closed { connection });
    }
}
