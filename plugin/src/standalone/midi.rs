//! MIDI ports beside a sound card (JACK has its own): what they bring waits in a queue for the next block, what
//! a block sends waits in another for a thread, since a port may wait and the audio thread may not.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use midir::{MidiIO, MidiInput, MidiInputConnection, MidiOutput, MidiOutputConnection};

use super::options::Options;
use super::player::Player;

/// Messages that wait on either side; what is beyond is lost.
const QUEUE: usize = 2048;
/// Between two looks of the sending thread at its queue.
const LOOK: Duration = Duration::from_millis(1);
const NAME: &str = "krach";

/// A message of at most three bytes.
type Message = (u8, [u8; 3]);

/// The audio thread's end of both queues.
#[derive(Clone)]
pub struct Link {
    heard: Arc<ArrayQueue<Message>>,
    sent: Arc<ArrayQueue<Message>>,
    sends: Arc<AtomicBool>,
}

impl Default for Link {
    fn default() -> Self {
        let queue = || Arc::new(ArrayQueue::new(QUEUE));
        Self { heard: queue(), sent: queue(), sends: Arc::default() }
    }
}

impl Link {
    /// What the port has brought by now is at the next block's first frame.
    pub fn hear(&self, player: &mut Player) {
        while let Some((length, bytes)) = self.heard.pop() {
            player.hear(0, &bytes[..usize::from(length)]);
        }
    }

    /// To the port, if there is one.
    pub fn send(&self, bytes: &[u8]) {
        if self.sends.load(Ordering::Relaxed) {
            post(&self.sent, bytes);
        }
    }
}

fn post(queue: &ArrayQueue<Message>, bytes: &[u8]) {
    let mut message = [0; 3];
    if let Some(room) = message.get_mut(..bytes.len()) {
        room.copy_from_slice(bytes);
        // Without room it is lost.
        let _ = queue.push((bytes.len() as u8, message));
    }
}

/// The ports that are open, and the queues to them.
#[derive(Default)]
pub struct Ports {
    link: Link,
    input: Option<MidiInputConnection<()>>,
    output: Option<Sender>,
}

impl Ports {
    /// The audio thread's end.
    pub fn link(&self) -> Link {
        self.link.clone()
    }

    /// Opens what the options ask for and is not open; what could not be.
    pub fn open(&mut self, options: &Options) -> Vec<String> {
        let mut problems = Vec::new();
        if let (Some(name), None) = (&options.midi_input, &self.input) {
            match open_input(name, &self.link) {
                Ok(input) => self.input = Some(input),
                Err(problem) => problems.push(format!("MIDI input {name}: {problem}")),
            }
        }
        if let (Some(name), None) = (&options.midi_output, &self.output) {
            match Sender::open(name, &self.link) {
                Ok(output) => self.output = Some(output),
                Err(problem) => problems.push(format!("MIDI output {name}: {problem}")),
            }
        }
        problems
    }

    /// Closes both.
    pub fn close(&mut self) {
        (self.input, self.output) = (None, None);
    }
}

/// The port of which `name` is a part.
fn find<P: MidiIO>(ports: &P, name: &str) -> Result<P::Port, String> {
    let all = ports.ports();
    let names: Vec<String> = all.iter().filter_map(|port| ports.port_name(port).ok()).collect();
    let found = all.into_iter().find(|port| ports.port_name(port).is_ok_and(|known| known.contains(name)));
    found.ok_or_else(|| match names.as_slice() {
        [] => "there is no MIDI port".to_owned(),
        names => format!("there is none of that name; there are {}", names.join(", ")),
    })
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

fn open_input(name: &str, link: &Link) -> Result<MidiInputConnection<()>, String> {
    let input = MidiInput::new(NAME).map_err(text)?;
    let port = find(&input, name)?;
    let heard = Arc::clone(&link.heard);
    input.connect(&port, "midi_input", move |_, bytes, ()| post(&heard, bytes), ()).map_err(text)
}

/// The thread that sends.
struct Sender {
    stop: Arc<AtomicBool>,
    sends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sender {
    fn open(name: &str, link: &Link) -> Result<Self, String> {
        let output = MidiOutput::new(NAME).map_err(text)?;
        let port = find(&output, name)?;
        let mut connection: MidiOutputConnection = output.connect(&port, "midi_output").map_err(text)?;
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::clone(&link.sent));
        let told = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("krach-midi".to_owned()).spawn(move || {
            while !told.load(Ordering::Acquire) {
                while let Some((length, bytes)) = sent.pop() {
                    // A port that takes nothing any more loses it.
                    let _ = connection.send(&bytes[..usize::from(length)]);
                }
                std::thread::sleep(LOOK);
            }
        });
        let thread = thread.map_err(text)?;
        link.sends.store(true, Ordering::Relaxed);
        Ok(Self { stop, sends: Arc::clone(&link.sends), thread: Some(thread) })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.sends.store(false, Ordering::Relaxed);
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
