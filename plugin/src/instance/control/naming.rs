//! What the instance is called, and who is told of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use krach_core::edit::{At, Edit};
use krach_core::model::Setting;

use super::Control;
use crate::instance::service::Hello;
use crate::instance::track::Track;
use crate::socket::Announcer;

/// Where the instance's name comes from, and where it goes.
pub(super) struct Naming {
    pub id: String,
    /// What the host says of its track.
    track: Track,
    /// The name while the session has none.
    default: String,
    pub announcer: Announcer,
    hello: Arc<Mutex<Hello>>,
}

impl Naming {
    pub fn new(id: String, hello: Arc<Mutex<Hello>>, announcer: Announcer) -> Self {
        Self { track: Track::default(), default: id.clone(), id, announcer, hello }
    }

    /// What a client that connects is told.
    pub fn hello(&self) -> MutexGuard<'_, Hello> {
        self.hello.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses what the instance is called without a name of its own: as the track, else by its id.
    fn choose_default(&mut self) {
        self.default = match &self.track.name {
            Some(track) => self.announcer.announce_unique(track),
            None => self.id.clone(),
        };
    }
}

impl Control {
    /// Two instances of one name could not be told apart: the later one becomes `bass-2`.
    pub(super) fn take_free_name(&mut self) {
        let wanted = self.engine.session().settings.name.clone();
        if wanted.is_empty() {
            self.naming.choose_default();
            return self.announce();
        }
        let free = self.naming.announcer.announce_unique(&wanted);
        if free != wanted
            && self.engine.edit_unrecorded(Edit::Setting(Setting::Name(free.clone())), At::Now).is_err()
        {
            self.report(format!("two instances are called {wanted}"));
        }
        self.announce();
    }

    /// The host has said something of its track: clients find it in the entry, and where the session has no name, its
    /// name is the instance's.
    pub(super) fn set_track(&mut self, track: Track) {
        self.naming.track = track.or(std::mem::take(&mut self.naming.track));
        self.naming.announcer.set_track(self.naming.track.name.clone(), self.naming.track.colour.clone());
        if self.engine.session().settings.name.is_empty() {
            self.naming.choose_default();
        }
        self.announce();
    }

    /// Tells clients the present name.
    pub(super) fn announce(&mut self) {
        let name = &self.engine.session().settings.name;
        let shown = if name.is_empty() { self.naming.default.clone() } else { name.clone() };
        self.naming.announcer.announce(&shown);
        self.naming.hello().name = shown;
    }
}
