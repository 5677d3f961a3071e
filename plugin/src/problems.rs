//! What is wrong with an instance, for `Status` and the window: what is over leaves the list.

use std::collections::VecDeque;

use krach_core::notice::Notice;

/// Most problems that are kept.
const MAX_PROBLEMS: usize = 32;

/// What a problem is about: says when it is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum About {
    /// Something that happened. It is listed until newer problems take its place.
    Moment,
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
}

/// The problems, newest last.
#[derive(Debug, Default)]
pub(crate) struct Problems(VecDeque<Problem>);

impl Problems {
    /// Adds a problem; false if it is the newest already.
    pub fn add(&mut self, text: String, about: About) -> bool {
        let problem = Problem { text, about };
        if self.0.back() == Some(&problem) {
            return false;
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
        self.0.iter().any(|problem| problem.about != About::Moment)
    }

    /// Their texts, newest last.
    pub fn texts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().map(|problem| problem.text.as_str())
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
        for n in 0..100 {
            problems.add(n.to_string(), About::Moment);
        }
        assert_eq!((problems.texts().count(), problems.texts().next_back()), (MAX_PROBLEMS, Some("99")));
    }
}
