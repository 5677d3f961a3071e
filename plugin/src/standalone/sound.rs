//! Who plays: JACK, a card, or nobody, while the next is looked for. A thread of its own looks after it, since
//! servers and cards may take their time, also to go; the program's end does not wait for them.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::midi::{Link, Ports};
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
/// Longest that the end of the program waits: for a server, a card, or a control thread that is busy.
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

/// The sound of the program, until [`Sound::end`].
pub struct Sound {
    instance: Arc<Instance>,
    stop: Sender<()>,
    ended: Receiver<()>,
}

impl Sound {
    /// Begins to play, or to look for who could.
    pub fn start(instance: Instance, params: Arc<KrachParams>, options: Options) -> Self {
        let view = Arc::clone(instance.view());
        let instance = Arc::new(instance);
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

    /// Stops playing. Clients are gone and files removed first; then it waits for the rest, [`LONGEST`] at
    /// most, whoever does not answer.
    pub fn end(self) {
        let Self { instance, stop, ended } = self;
        drop(stop);
        let (ends, done) = mpsc::channel::<()>();
        let close = move || {
            instance.close();
            let _ = ended.recv();
            drop(instance);
            drop(ends);
        };
        // Where there is no thread to be had, the instance ends here, however long that takes.
        let closes = std::thread::Builder::new().name("krach-end".to_owned()).spawn(close);
        if closes.is_ok() {
            let _ = done.recv_timeout(LONGEST);
        }
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
    instance: Arc<Instance>,
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
    fn new(instance: Arc<Instance>, view: Arc<View>, params: Arc<KrachParams>, options: Options) -> Self {
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
        let rate = found.rate();
        let (name, period, problems) = self.take_over(rate, |options, _| -> Result<_, jack::Refusal> {
            let (playing, problems) = found.play(options)?;
            let told = (playing.name(), playing.period(), problems);
            Ok((Source::Jack(playing), told))
        })?;
        // JACK has the card from now on: if it dies, the card is not taken from it.
        self.backend = Backend::Jack;
        self.found(format!("{name} plays through JACK at {rate} Hz, {period} frames a period"));
        problems.into_iter().for_each(|problem| self.say(problem));
        Ok(())
    }

    fn find_card(&mut self) -> Result<(), String> {
        let found = card::Found::look(&self.options)?;
        let rate = found.rate();
        let name = self.take_over(rate, |_, link| -> Result<_, String> {
            let playing = found.play(link)?;
            let name = playing.name().to_owned();
            Ok((Source::Card(playing), name))
        })?;
        for problem in self.ports.open(&self.options) {
            self.once(problem);
        }
        self.found(format!("krach plays through {name} at {rate} Hz"));
        Ok(())
    }

    fn found(&mut self, what: String) {
        if std::mem::take(&mut self.lost) {
            self.say(what);
        } else {
            eprintln!("krach: {what}");
        }
    }

    /// Has the one that `open` gives play. If it gives none, whoever plays now plays on, with the same
    /// processor: a new one would begin voices and automations anew at every attempt.
    fn take_over<T, E>(
        &mut self,
        rate: u32,
        open: impl FnOnce(&Options, Link) -> Result<(Source, T), E>,
    ) -> Result<T, E> {
        let (source, told) = open(&self.options, self.ports.link())?;
        self.leave();
        let player = self.player(rate);
        match &source {
            Source::Jack(playing) => playing.begin(player),
            Source::Card(playing) => playing.begin(player),
            Source::Nobody { .. } => drop(player),
        }
        self.source = source;
        self.blocks = (self.shared.blocks(), Instant::now(), false);
        Ok(told)
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
        let processor = self.instance.activate(rate, MAX_FRAMES);
        Player::new(processor, rate, &self.options, &self.params, &self.shared)
    }

    fn deactivate(&self) {
        self.instance.deactivate();
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

#[cfg(test)]
mod tests {
    use krach_core::model::Setting;
    use std::ffi::OsString;
    use std::sync::Mutex;

    use krach_core::edit::{At, Edit};

    use super::super::options::Asked;
    use super::*;
    use crate::instance::HostHooks;

    /// Longer means that it hangs.
    const HUNG: Duration = Duration::from_secs(30);

    fn options() -> Options {
        let line = ["krach", "--backend", "dummy"].map(OsString::from);
        let Ok(Asked::ToPlay(options)) = Options::read(line) else { panic!("they are in order") };
        options
    }

    fn instance(mark_dirty: impl Fn() + Send + Sync + 'static) -> Instance {
        let hooks = HostHooks { mark_dirty: Some(Box::new(mark_dirty)), ..HostHooks::default() };
        Instance::of_tests(hooks)
    }

    #[test]
    fn the_end_does_not_wait_for_a_control_thread_that_is_busy() {
        let (busy, is_busy) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let (busy, wait) = (Mutex::new(busy), Mutex::new(wait));
        let instance = instance(move || {
            let _ = busy.lock().unwrap().send(());
            let _ = wait.lock().unwrap().recv();
        });
        instance.edit(Edit::Setting(Setting::Bpm(99.0)), At::Now).unwrap().unwrap();
        is_busy.recv().unwrap();
        // The control thread stays busy until `go_on` is gone: no processor is built, and no instance ends.
        let sound = Sound::start(instance, Arc::default(), options());
        let (ends, ended) = mpsc::channel();
        std::thread::spawn(move || {
            sound.end();
            let _ = ends.send(());
        });
        assert_eq!(ended.recv_timeout(HUNG), Ok(()), "it waits");
        drop(go_on);
    }

    #[test]
    fn who_cannot_be_opened_leaves_what_plays_as_it_is() {
        let instance = Arc::new(instance(|| {}));
        let view = Arc::clone(instance.view());
        let mut keeper = Keeper::new(instance, view, Arc::default(), options());
        keeper.fall_silent();
        let flag = |keeper: &Keeper| {
            let Source::Nobody { _silence: Some(silence) } = &keeper.source else { panic!("nothing plays") };
            silence.stop_flag()
        };
        let before = flag(&keeper);
        let refused = keeper.take_over(44_100, |_, _| Err::<(Source, ()), _>("it is busy"));
        assert_eq!(refused, Err("it is busy"));
        assert!(Arc::ptr_eq(&before, &flag(&keeper)), "it was built anew");
        let taken = keeper.take_over(44_100, |_, _| Ok::<_, &str>((Source::Nobody { _silence: None }, 7)));
        assert_eq!(taken, Ok(7));
        assert!(before.load(std::sync::atomic::Ordering::Acquire), "what played before plays on");
    }
}
