//! What is wrong with a patch, for the person who wrote it.

/// Which part of a node or a cable a fault lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A node's id.
    Id,
    /// The name of its module.
    Module,
    /// Its number of indexed ports.
    Channels,
    /// The capacity of its lists.
    Length,
    /// The name of a parameter.
    Param,
    /// The value of a parameter.
    Value,
    /// An entry of a list parameter, counted from 0.
    Entry(usize),
    /// The node that a cable comes from.
    From,
    /// The output that it comes from.
    Output,
    /// The node that it leads to.
    To,
    /// The input that it leads to.
    Input,
    /// Its scale.
    Scale,
    /// The patch as a whole.
    Whole,
}

/// What is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {hint}")]
pub struct Fault {
    /// The part that it lies in.
    pub part: Part,
    /// What was found.
    pub problem: String,
    /// What would be allowed; the nearest known name, if one is near.
    pub hint: String,
}

impl Fault {
    pub(crate) fn new(part: Part, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { part, problem: problem.into(), hint: hint.into() }
    }

    /// A name that is not among the known ones.
    pub(crate) fn unknown<'a>(
        part: Part,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Self {
        let hint = match nearest(name, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let known: Vec<&str> = known.into_iter().collect();
                if known.is_empty() {
                    "there is none".to_owned()
                } else {
                    format!("there are: {}", known.join(", "))
                }
            }
        };
        Self::new(part, format!("unknown {what} `{}`", shown(name)), hint)
    }
}

/// Text of a file as an error shows it: one line, not too long.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

/// The known name that is most like `name`, if one is alike enough to be meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes time that grows with the product of the lengths.
    if name.len() > 64 {
        return None;
    }
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|other| (strsim::normalized_damerau_levenshtein(&lower, &other.to_lowercase()), other))
        .filter(|(likeness, _)| *likeness > 0.55)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}
