//! What is wrong with an instance, for `Status` and the window: what is over leaves the list.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use krach_core::notice::Notice;

/// Most problems that are kept.
const MAX_PROBLEMS: usize = 32;
/// What has failed once, and is over, is listed for so long.
const LATELY: Duration = Duration::from_secs(300);

/// What a problem is about: says when it is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum About {
    /// Something that stands, as far as is known. It is listed until newer problems take its place.
    Moment,
    /// Something that has failed once. It is listed for some minutes.
    Past,
    /// Over when the engine's notice does not stand any more.
    Notice(Notice),
    /// Over when the sound of that type id is in order.
    Sound(String),
    /// Over when the sounds of the session are compiled.
    Compiling,
}

/// A problem in the list.
#[derive(Clone, Debug, PartialEq)]
struct Problem {
    text: String,
    about: About,
    since: Instant,
}

/// The problems, newest last.
#[derive(Debug, Default)]
pub(crate) struct Problems(VecDeque<Problem>);

impl Problems {
    /// Adds a problem; false if it is the newest already. What is wrong with a sound now takes the place of what was.
    pub fn add(&mut self, text: String, about: About) -> bool {
        self.add_at(Instant::now(), text, about)
    }

    fn add_at(&mut self, since: Instant, text: String, about: About) -> bool {
        if let Some(newest) = self.0.back_mut().filter(|newest| newest.text == text && newest.about == about)
        {
            newest.since = since;
            return false;
        }
        let problem = Problem { text, about, since };
        if let About::Sound(_) = problem.about {
            self.0.retain(|other| other.about != problem.about);
        }
        if self.0.len() == MAX_PROBLEMS {
            self.0.pop_front();
        }
        self.0.push_back(problem);
        true
    }

    /// Takes out those that do not stand any more; true if there was one.
    pub fn settle(&mut self, stands: impl Fn(&About) -> bool) -> bool {
        let before = self.0.len();
        self.0.retain(|problem| stands(&problem.about));
        self.0.len() < before
    }

    /// Can one of them end?
    pub fn can_end(&self) -> bool {
        self.0.iter().any(|problem| !matches!(problem.about, About::Moment | About::Past))
    }

    /// Their texts, newest last.
    pub fn texts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.texts_at(Instant::now())
    }

    fn texts_at(&self, now: Instant) -> impl DoubleEndedIterator<Item = &str> {
        let is_over = move |problem: &&Problem| problem.about == About::Past && now - problem.since >= LATELY;
        self.0.iter().filter(move |problem| !is_over(problem)).map(|problem| problem.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_leaves_the_list_and_what_happened_stays() {
        let mut problems = Problems::default();
        assert!(problems.add("a".to_owned(), About::Sound("faust:a".to_owned())));
        assert!(problems.add("b".to_owned(), About::Moment));
        assert!(!problems.add("b".to_owned(), About::Moment), "said once in a row");
        assert!(problems.can_end() && !problems.settle(|_| true));
        assert!(problems.settle(|about| *about != About::Sound("faust:a".to_owned())));
        assert_eq!(problems.texts().collect::<Vec<_>>(), ["b"]);
        assert!(!problems.can_end());
        assert!(problems.add("c".to_owned(), About::Sound("faust:c".to_owned())));
        assert!(problems.add("d".to_owned(), About::Sound("faust:d".to_owned())));
        assert!(problems.add("e".to_owned(), About::Sound("faust:c".to_owned())));
        assert_eq!(problems.texts().collect::<Vec<_>>(), ["b", "d", "e"], "each sound once");
        let now = Instant::now();
        assert!(problems.add_at(now, "f".to_owned(), About::Past));
        assert_eq!(problems.texts_at(now + LATELY / 2).next_back(), Some("f"));
        assert_eq!(problems.texts_at(now + LATELY).next_back(), Some("e"), "what failed once is history");
        for n in 0..100 {
            problems.add(n.to_string(), About::Moment);
        }
        assert_eq!((problems.texts().count(), problems.texts().next_back()), (MAX_PROBLEMS, Some("99")));
    }
}
