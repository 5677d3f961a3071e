//! What clients and the window are told of: events, and what went wrong.

use krach_faust::Tier;

use super::Control;
use crate::instance::telemetry_feed::Wanted;
use crate::library::{Library, LibraryReport};
use crate::problems::About;
use crate::protocol::events::log::{Author, Entry};
use crate::protocol::events::payloads;
use crate::protocol::events::{self, Event};

impl Control {
    /// Does anybody want events of that topic?
    pub(super) fn listens(&self, topic: &str) -> bool {
        self.clients.connections.values().any(|connection| connection.topics.contains(topic))
    }

    /// Sends an event to those who want it.
    pub(super) fn publish(&self, event: &Event) {
        if self.listens(event.topic) {
            let line = event.line();
            self.clients.connections.values().for_each(|connection| connection.send(event, &line));
        }
    }

    pub(super) fn publish_telemetry(&mut self) {
        for event in self.feed.take(&self.engine) {
            self.publish(&event);
        }
    }

    /// Clients come, go, and change their minds about what they want to see.
    pub(super) fn count_watchers(&mut self) {
        let count = |topic| self.clients.connections.values().filter(|c| c.topics.contains(topic)).count();
        self.feed.want(Wanted {
            transport: count(events::TRANSPORT),
            meters: count(events::METERS),
            onsets: count(events::ONSETS),
        });
    }

    /// Tells of a change of the session by the last edit.
    pub(super) fn committed(&mut self, author: Author<'_>, label: &str, position: Option<f64>) {
        if self.listens(events::LOG) {
            let mut event = Entry { seq: self.state.last_edit, author, label, position }.event();
            let line = event.line();
            let (digested, plain): (Vec<_>, Vec<_>) = self
                .clients
                .connections
                .values()
                .filter(|c| c.topics.contains(events::LOG))
                .partition(|c| c.digest);
            plain.iter().for_each(|connection| connection.send(&event, &line));
            if !digested.is_empty() {
                event.fields.insert("digest".to_owned(), self.engine.digest().into());
                let line = event.line();
                digested.iter().for_each(|connection| connection.send(&event, &line));
            }
        }
        self.tell_of_session(Some(author));
    }

    /// Tells that the session is another, and where it stands in its history.
    pub(super) fn tell_of_session(&mut self, author: Option<Author<'_>>) {
        self.changes += 1;
        if !self.listens(events::SESSION) {
            return;
        }
        let (undo, redo) = self.engine.next_steps();
        let label = match author.as_ref().and_then(Author::method).as_deref() {
            Some("undo") => redo.as_ref().map(|label| format!("undo {label}")),
            Some("redo") => undo.as_ref().map(|label| format!("redo {label}")),
            _ => undo.clone(),
        };
        self.publish(&Event::new(
            events::SESSION,
            &payloads::Changed {
                seq: self.state.last_edit,
                revision: self.changes,
                label,
                undo,
                redo,
                client: author.and_then(|author| author.client()),
            },
        ));
    }

    /// Tells and remembers what went wrong.
    pub(super) fn report(&mut self, problem: String) {
        self.report_about(None, problem, About::Moment);
    }

    /// As [`Control::report`], about the edit of that number, until what it is about is over.
    pub(super) fn report_about(&mut self, seq: Option<u64>, problem: String, about: About) {
        self.tell_problem(seq, problem.clone());
        self.remember(problem, about);
    }

    /// Tells what went wrong with the edit of that number, and does not list it.
    pub(super) fn tell_problem(&self, seq: Option<u64>, message: String) {
        let still_playing = !self.engine.poisoned();
        let told = payloads::Problem { message, still_playing, seq, sound: None };
        self.publish(&Event::new(events::ERRORS, &told));
    }

    fn remember(&mut self, problem: String, about: About) {
        if self.problems.add(problem, about) {
            self.unsettled = true;
            self.revision.advance();
        }
    }

    /// Takes problems that are over out of the list.
    pub(super) fn settle_problems(&mut self) {
        // A notice may be ahead of what audio has: asked again until all is in effect.
        if !self.unsettled || self.engine.in_flight() {
            return;
        }
        self.unsettled = false;
        if !self.problems.can_end() {
            return;
        }
        let (engine, sounds) = (&self.engine, self.sounds.as_ref());
        let failing: Vec<String> = sounds
            .map(|sounds| sounds.failures().into_iter().map(|failure| failure.type_id).collect())
            .unwrap_or_default();
        let awaits = sounds.is_some_and(|sounds| sounds.awaited(engine));
        let over = self.problems.settle(|about| match about {
            About::Moment | About::Past => true,
            About::Notice(notice) => engine.stands(notice),
            About::Sound(id) => failing.contains(id),
            About::Compiling => awaits,
        });
        if over {
            self.revision.advance();
        }
    }

    pub(super) fn tell_of_sounds(&mut self) {
        let told: Vec<LibraryReport> = self.sounds.iter_mut().flat_map(Library::take_told).collect();
        for told in told {
            match told {
                LibraryReport::Failed(failure) => {
                    let text = format!("{failure}; what played before plays on");
                    let about = About::Sound(failure.type_id.clone());
                    let sound = Some(failure);
                    let told =
                        payloads::Problem { message: text.clone(), still_playing: true, seq: None, sound };
                    self.publish(&Event::new(events::ERRORS, &told));
                    self.remember(text, about);
                }
                LibraryReport::Note(note) => self.report(note),
                LibraryReport::Compiled { type_id, crc32, tier, cached, timings, more } => {
                    let tier = if tier == Tier::Quick { "quick" } else { "optimised" };
                    self.publish(&Event::new(
                        events::COMPILES,
                        &payloads::Compiled { type_id, crc32, tier, cached, more, ms: timings.into() },
                    ));
                }
            }
        }
    }
}
