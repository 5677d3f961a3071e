//! Who plays: JACK, a card, or nobody, while the next is looked for. A thread of its own looks after it, since
//! servers and cards may take their time, also to go; the program's end does not wait for them.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::midi::Ports;
use super::options::{Backend, Options};
use super::player::{MAX_FRAMES, Player};
use super::silence::Silence;
use super::time::Shared;
use super::{card, jack};
use crate::instance::{Instance, View};
use crate::params::KrachParams;

/// Between two looks at who plays.
const LOOK: Duration = Duration::from_millis(50);
/// Between two attempts to have somebody play.
const RETRY: Duration = Duration::from_secs(1);
/// No block for so long: it stands still.
const STILL: Duration = Duration::from_secs(3);
/// Longest that the end waits for a server or a card.
const LONGEST: Duration = Duration::from_secs(2);
/// Rate while nobody plays, unless another is asked for.
const RATE: u32 = 48_000;

const SILENT: &str = "\
there is no sound card and no JACK server, so nothing is heard until there is; window, socket and patterns work
all the same. To hear it, render it to a file:
  cargo run --release -p krach-host -- serve --record out.wav    what clients play, while they play it
  cargo run --release -p krach-host -- render --help             a file of requests, faster than real time";
const NO_JACK: &str =
    "no JACK server runs, so nothing is heard until one does; it is looked for every second";

/// The instance, for the thread that looks after the sound, until the program ends.
type Held = Arc<Mutex<Option<Instance>>>;

/// The sound of the program, until [`Sound::end`].
pub struct Sound {
    instance: Held,
    stop: Sender<()>,
    ended: Receiver<()>,
}

impl Sound {
    /// Begins to play, or to look for who could.
    pub fn start(instance: Instance, params: Arc<KrachParams>, options: Options) -> Self {
        let view = Arc::clone(instance.view());
        let instance: Held = Arc::new(Mutex::new(Some(instance)));
        let ((stop, told), (ends, ended)) = (mpsc::channel(), mpsc::channel());
        let held = Arc::clone(&instance);
        let reported = Arc::clone(&view);
        let keep = move || {
            Keeper::new(held, view, params, options).run(&told);
            // Nobody listens any more: the program has ended without waiting.
            let _ = ends.send(());
        };
        if let Err(error) = std::thread::Builder::new().name("krach-sound".to_owned()).spawn(keep) {
            say(&reported, format!("nothing plays: no thread: {error}"));
        }
        Self { instance, stop, ended }
    }

    /// Stops playing. A server or card that does not answer is not waited for.
    pub fn end(self) {
        drop(self.stop);
        let _ = self.ended.recv_timeout(LONGEST);
        let instance = self.instance.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(instance);
    }
}

/// On the terminal, and among the problems of status and window.
fn say(view: &View, what: String) {
    eprintln!("krach: {what}");
    view.report(what);
}

/// Who asks for blocks.
enum Source {
    Jack(jack::Playing),
    Card(card::Playing),
    /// The thread lives as long as this.
    Nobody {
        _silence: Option<Silence>,
    },
}

/// Looks after the sound.
struct Keeper {
    instance: Held,
    view: Arc<View>,
    params: Arc<KrachParams>,
    options: Options,
    shared: Arc<Shared>,
    ports: Ports,
    source: Source,
    /// What [`Keeper::find`] is to look for: once JACK has played, the card is JACK's.
    backend: Backend,
    /// Problems that were said and still are.
    said: Vec<String>,
    /// Something played, and was lost: that it is not there was said, and that it is back is news.
    lost: bool,
    /// Blocks at the last look, and since when there are no more; whether that was said.
    blocks: (u64, Instant, bool),
}

impl Keeper {
    fn new(instance: Held, view: Arc<View>, params: Arc<KrachParams>, options: Options) -> Self {
        Self {
            instance,
            view,
            params,
            backend: options.backend,
            options,
            shared: Arc::default(),
            ports: Ports::default(),
            source: Source::Nobody { _silence: None },
            said: Vec::new(),
            lost: false,
            blocks: (0, Instant::now(), false),
        }
    }

    fn run(&mut self, stop: &Receiver<()>) {
        self.find();
        if matches!(self.source, Source::Nobody { _silence: None }) {
            self.fall_silent();
        }
        let mut tried = Instant::now();
        while stop.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            self.look();
            let looks = matches!(self.source, Source::Nobody { .. }) && self.backend != Backend::Dummy;
            if looks && tried.elapsed() >= RETRY {
                self.find();
                tried = Instant::now();
            }
        }
        self.ports.close();
        self.source = Source::Nobody { _silence: None };
        self.deactivate();
    }

    /// Does it play on? If not, it is silent until it is found again.
    fn look(&mut self) {
        let lost = match &self.source {
            Source::Jack(playing) => playing.lost().map(str::to_owned),
            Source::Card(playing) => {
                playing.lost().map(|why| format!("{} plays no more: {why}", playing.name()))
            }
            Source::Nobody { .. } => return,
        };
        if let Some(why) = lost {
            self.say(format!("{why}; nothing is heard until it is back, and time runs on"));
            self.lost = true;
            self.leave();
            self.fall_silent();
            return;
        }
        let blocks = self.shared.blocks();
        let (seen, since, told) = self.blocks;
        if blocks != seen {
            if told {
                self.say("it asks for blocks again".to_owned());
            }
            self.blocks = (blocks, Instant::now(), false);
        } else if !told && since.elapsed() > STILL {
            self.blocks.2 = true;
            let who = if matches!(self.source, Source::Jack(_)) { "JACK" } else { "the sound card" };
            self.say(format!("{who} has asked for no block for {} s", STILL.as_secs()));
        }
    }

    /// Looks for who could play, and has them.
    fn find(&mut self) {
        let found = match self.backend {
            Backend::Dummy => Ok(()),
            Backend::Jack => self.find_jack().map_err(|refusal| match refusal {
                jack::Refusal::NoServer => NO_JACK.to_owned(),
                jack::Refusal::Refuses(why) => format!("JACK refuses: {why}"),
            }),
            Backend::Card => self.find_card(),
            Backend::Auto => match self.find_jack() {
                Ok(()) => Ok(()),
                Err(jack::Refusal::NoServer) => self.find_card().map_err(|why| match &self.options.card {
                    Some(_) => why,
                    None if why == card::NONE => SILENT.to_owned(),
                    None => why,
                }),
                Err(jack::Refusal::Refuses(why)) => {
                    self.once(format!("JACK refuses: {why}"));
                    self.find_card()
                }
            },
        };
        match found {
            Err(_) if self.lost => {}
            Err(why) => self.once(why),
            Ok(()) if !matches!(self.source, Source::Nobody { .. }) => self.said.clear(),
            Ok(()) => {}
        }
    }

    fn find_jack(&mut self) -> Result<(), jack::Refusal> {
        let found = jack::Found::look()?;
        self.leave();
        let player = self.player(found.rate());
        let rate = found.rate();
        match found.play(player, &self.options) {
            Ok((playing, problems)) => {
                let (name, period) = (playing.name(), playing.period());
                self.enter(Source::Jack(playing));
                // JACK has the card from now on: if it dies, the card is not taken from it.
                self.backend = Backend::Jack;
                self.found(format!("{name} plays through JACK at {rate} Hz, {period} frames a period"));
                problems.into_iter().for_each(|problem| self.say(problem));
                Ok(())
            }
            Err(refusal) => {
                self.fall_silent();
                Err(refusal)
            }
        }
    }

    fn find_card(&mut self) -> Result<(), String> {
        let found = card::Found::look(&self.options)?;
        self.leave();
        let (player, rate) = (self.player(found.rate()), found.rate());
        for problem in self.ports.open(&self.options) {
            self.once(problem);
        }
        match found.play(player, self.ports.link()) {
            Ok(playing) => {
                let name = playing.name().to_owned();
                self.enter(Source::Card(playing));
                self.found(format!("krach plays through {name} at {rate} Hz"));
                Ok(())
            }
            Err(why) => {
                self.fall_silent();
                Err(why)
            }
        }
    }

    fn found(&mut self, what: String) {
        if std::mem::take(&mut self.lost) {
            self.say(what);
        } else {
            eprintln!("krach: {what}");
        }
    }

    fn enter(&mut self, source: Source) {
        self.source = source;
        self.blocks = (self.shared.blocks(), Instant::now(), false);
    }

    /// Nobody plays and nobody asks for blocks: whoever did is gone with the processor.
    fn leave(&mut self) {
        match std::mem::replace(&mut self.source, Source::Nobody { _silence: None }) {
            Source::Card(playing) => playing.stop(),
            other => drop(other),
        }
        self.deactivate();
    }

    fn fall_silent(&mut self) {
        self.leave();
        if self.backend != Backend::Jack {
            for problem in self.ports.open(&self.options) {
                self.once(problem);
            }
        }
        let player = self.player(self.options.rate.unwrap_or(RATE));
        match Silence::play(player, self.ports.link()) {
            Ok(silence) => self.source = Source::Nobody { _silence: Some(silence) },
            Err(error) => self.say(format!("time stands still: no thread: {error}")),
        }
    }

    fn player(&self, rate: u32) -> Player {
        let rate = f64::from(rate);
        let held = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        let processor = held.as_ref().and_then(|instance| instance.activate(rate, MAX_FRAMES));
        drop(held);
        Player::new(processor, rate, &self.options, &self.params, &self.shared)
    }

    fn deactivate(&self) {
        let held = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(instance) = held.as_ref() {
            instance.deactivate();
        }
    }

    fn say(&self, what: String) {
        say(&self.view, what);
    }

    /// Says it, unless it was said since something last played.
    fn once(&mut self, what: String) {
        if !self.said.contains(&what) {
            self.say(what.clone());
            self.said.push(what);
        }
    }
}
