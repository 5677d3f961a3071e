//! JACK asks for blocks: at its rate, and as long as its period is just then.
//!
//! What its library has to say goes to the `log` crate, where nobody listens: ours are the words on the terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jack::{
    AsyncClient, AudioOut, Client, ClientOptions, ClientStatus, Control, MidiIn, MidiOut,
    NotificationHandler, Port, PortFlags, ProcessHandler, ProcessScope, RawMidi, TransportState,
};

use super::options::Options;
use super::player::{Player, Seat};
use super::time::{Bars, Position};

/// The name there; JACK numbers it where there is one already.
const NAME: &str = "krach";

/// A server that runs, and our place in it, before anything is played.
pub struct Found {
    client: Client,
    main: [Port<AudioOut>; 2],
    midi_in: Port<MidiIn>,
    midi_out: Port<MidiOut>,
}

/// A client that is asked for blocks. It is taken out by being dropped.
pub struct Playing {
    client: AsyncClient<Watch, Process>,
    seat: Seat,
    lost: Arc<Lost>,
}

/// Why it does not go on as it is.
#[derive(Debug, Default)]
struct Lost {
    /// The server has gone.
    gone: AtomicBool,
    /// The server has another rate now.
    other_rate: AtomicBool,
}

/// Why there is no JACK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No server runs, or the library is not there.
    NoServer,
    /// A server runs and refuses.
    Refuses(String),
}

impl Found {
    /// A client in a server that runs already; none is started.
    ///
    /// # Errors
    /// If there is no server, or it refuses.
    pub fn look() -> Result<Self, Refusal> {
        let (client, _) = match Client::new(NAME, ClientOptions::NO_START_SERVER) {
            Ok(client) => client,
            Err(jack::Error::LibraryError(_)) => return Err(Refusal::NoServer),
            Err(jack::Error::ClientError(status)) if no_server(status) => return Err(Refusal::NoServer),
            Err(error) => return Err(Refusal::Refuses(error.to_string())),
        };
        let refuses = |error: jack::Error| Refusal::Refuses(error.to_string());
        let main = [
            client.register_port("main_out_1", AudioOut::default()).map_err(refuses)?,
            client.register_port("main_out_2", AudioOut::default()).map_err(refuses)?,
        ];
        let midi_in = client.register_port("midi_input", MidiIn::default()).map_err(refuses)?;
        let midi_out = client.register_port("midi_output", MidiOut::default()).map_err(refuses)?;
        Ok(Self { client, main, midi_in, midi_out })
    }

    /// Frames per second of the server.
    pub fn rate(&self) -> u32 {
        self.client.sample_rate()
    }

    /// Has the server ask for blocks, which are silent until [`Playing::begin`]. The second value lists the
    /// ports that could not be connected.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn play(self, options: &Options) -> Result<(Playing, Vec<String>), Refusal> {
        let Self { client, main, midi_in, midi_out } = self;
        let lost = Arc::new(Lost::default());
        let watch = Watch(Arc::clone(&lost));
        let mut ports = Vec::new();
        for port in &main {
            ports.push(port.name().unwrap_or_default());
        }
        let (hears, sends) = (midi_in.name().unwrap_or_default(), midi_out.name().unwrap_or_default());
        let follow = options.follow_jack;
        let seat = Seat::default();
        let process = Process {
            seat: seat.clone(),
            player: None,
            main,
            midi_in,
            midi_out,
            follow,
            lost: Arc::clone(&lost),
        };
        let client =
            client.activate_async(watch, process).map_err(|error| Refusal::Refuses(error.to_string()))?;
        let problems = connect(client.as_client(), &ports, &hears, &sends, options);
        Ok((Playing { client, seat, lost }, problems))
    }
}

fn no_server(status: ClientStatus) -> bool {
    status.contains(ClientStatus::SERVER_FAILED) || status == ClientStatus::FAILURE
}

/// Connects what is asked for; what could not be.
fn connect(client: &Client, main: &[String], hears: &str, sends: &str, options: &Options) -> Vec<String> {
    let mut problems = Vec::new();
    let mut join = |from: &str, to: &str| {
        if let Err(error) = client.connect_ports_by_name(from, to) {
            problems.push(format!("JACK: {from} is not connected to {to}: {error}"));
        }
    };
    let audio = Some("32 bit float mono audio");
    let targets = options
        .connect
        .clone()
        .unwrap_or_else(|| client.ports(None, audio, PortFlags::IS_INPUT | PortFlags::IS_PHYSICAL));
    for (from, to) in main.iter().zip(&targets) {
        join(from, to);
    }
    if let Some(from) = &options.midi_input {
        join(from, hears);
    }
    if let Some(to) = &options.midi_output {
        join(sends, to);
    }
    problems
}

impl Playing {
    /// Has `player` play.
    pub fn begin(&self, player: Player) {
        self.seat.give(player);
    }

    /// The name that JACK gave us.
    pub fn name(&self) -> String {
        self.client.as_client().name().to_owned()
    }

    /// Frames per period, now.
    pub fn period(&self) -> u32 {
        self.client.as_client().buffer_size()
    }

    /// Why it does not go on as it is, if so.
    pub fn lost(&self) -> Option<&'static str> {
        if self.lost.gone.load(Ordering::Acquire) {
            Some("the JACK server has gone")
        } else if self.lost.other_rate.load(Ordering::Acquire) {
            Some("JACK has changed its sample rate")
        } else {
            None
        }
    }
}

/// Hears of the server's end, on a thread of JACK's.
struct Watch(Arc<Lost>);

impl NotificationHandler for Watch {
    unsafe fn shutdown(&mut self, _status: ClientStatus, _reason: &str) {
        self.0.gone.store(true, Ordering::Release);
    }
}

/// The audio thread's side.
struct Process {
    seat: Seat,
    player: Option<Box<Player>>,
    main: [Port<AudioOut>; 2],
    midi_in: Port<MidiIn>,
    midi_out: Port<MidiOut>,
    follow: bool,
    lost: Arc<Lost>,
}

impl ProcessHandler for Process {
    fn process(&mut self, client: &Client, scope: &ProcessScope) -> Control {
        let [left, right] = &mut self.main;
        let (left, right) = (left.as_mut_slice(scope), right.as_mut_slice(scope));
        let mut writer = self.midi_out.writer(scope);
        let Some(player) = self.seat.find(&mut self.player) else {
            left.fill(0.0);
            right.fill(0.0);
            return Control::Continue;
        };
        if f64::from(client.sample_rate()) != player.rate() {
            // Until there is a player for that rate.
            left.fill(0.0);
            right.fill(0.0);
            self.lost.other_rate.store(true, Ordering::Release);
            return Control::Continue;
        }
        for message in self.midi_in.iter(scope) {
            player.hear(message.time, message.bytes);
        }
        let position = if self.follow { position(client) } else { None };
        player.play([left, right], position, |time, bytes| {
            // What the port has no room for is lost.
            let _ = writer.write(&RawMidi { time, bytes });
        });
        Control::Continue
    }
}

fn position(client: &Client) -> Option<Position> {
    let now = client.transport().query().ok()?;
    let offset = now.pos.bbt_offset().unwrap_or(0);
    let bars = now.pos.bbt().filter(|bbt| bbt.bpm > 0.0).map(|bbt| Bars {
        bar: bbt.bar,
        beat: bbt.beat,
        tick: bbt.tick,
        beats_per_bar: f64::from(bbt.sig_num),
        beat_type: f64::from(bbt.sig_denom),
        ticks_per_beat: bbt.ticks_per_beat,
        beats_per_minute: bbt.bpm,
        offset,
    });
    Some(Position { rolls: now.state == TransportState::Rolling, frame: now.pos.frame(), bars })
}
