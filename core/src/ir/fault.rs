//! What is wrong with a document, where, and what would work.

/// A fault at a place of a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}{}", in_brackets(.hint))]
pub struct Fault {
    /// JSON path, such as `$.nodes[2].source`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What would work, where that is known.
    pub hint: Option<String>,
    /// Where in the text that a pattern was written as, `[start, end)` in bytes, if it has one.
    pub span: Option<[u32; 2]>,
}

impl Fault {
    /// A fault without a hint.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), hint: None, span: None }
    }

    /// With what would work.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With its place in the text of a pattern.
    #[must_use]
    pub fn in_text(mut self, span: Option<[u32; 2]>) -> Self {
        self.span = span;
        self
    }

    /// The same fault in a document that has this one at `place`.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        let inner = self.place.strip_prefix('$').unwrap_or(&self.place);
        self.place = format!("{place}{inner}");
        self
    }
}

/// A hint behind a message.
fn in_brackets(hint: &Option<String>) -> String {
    hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default()
}

/// A number as a text shows it: in full while that is short, else with an exponent.
pub fn shown(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || !x.is_finite() || (1e-6..1e16).contains(&size) { format!("{x}") } else { format!("{x:e}") }
}

/// The nearest of some names, as a hint.
pub fn did_you_mean<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = names.into_iter().map(|name| (distance(name, wanted), name)).min()?;
    (near.0 <= 1 + near.1.chars().count() / 3).then(|| format!("did you mean {}?", near.1))
}

/// The nearest of some names, or which there are, as a hint: `what` they are called together.
pub fn which_names<'a>(wanted: &str, what: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    /// Most names that are told.
    const SHOWN: usize = 8;
    let names: Vec<&str> = names.into_iter().collect();
    if let Some(near) = did_you_mean(wanted, names.iter().copied()) {
        return near;
    }
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len() {
        0 => format!("there are no {what} yet"),
        all if all > SHOWN => format!("{what} are {shown} and {} more", all - SHOWN),
        _ => format!("{what} are {shown}"),
    }
}

/// Letters to insert, remove or replace to make one name of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let step = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], step);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_name_is_not() {
        let names = ["bass", "kick", "drums/hat"];
        assert_eq!(did_you_mean("bsas", names).as_deref(), Some("did you mean bass?"));
        assert_eq!(did_you_mean("drum/hat", names).as_deref(), Some("did you mean drums/hat?"));
        assert_eq!(did_you_mean("violoncello", names), None);
        assert_eq!(did_you_mean("x", []), None);
    }

    #[test]
    fn where_no_name_is_near_those_that_there_are_are_told() {
        let names = ["bass", "kick"];
        assert_eq!(which_names("bsas", "nodes", names), "did you mean bass?");
        assert_eq!(which_names("violoncello", "nodes", names), "nodes are bass, kick");
        assert_eq!(which_names("x", "nodes", []), "there are no nodes yet");
        let many: Vec<String> = (0..20).map(|n| format!("a long name {n}")).collect();
        let told = which_names("x", "nodes", many.iter().map(String::as_str));
        assert!(told.ends_with("a long name 7 and 12 more"), "{told}");
    }

    #[test]
    fn numbers_are_short_however_large_or_small() {
        let texts = [0.0, 0.5, 120.0, -16.25, 1e308, -1e300, 5e-324, f64::INFINITY].map(shown);
        assert_eq!(texts, ["0", "0.5", "120", "-16.25", "1e308", "-1e300", "5e-324", "inf"]);
    }

    #[test]
    fn a_fault_keeps_its_place_in_a_larger_document() {
        let fault = Fault::new("$.equations[3]", "no").within("$.nodes[1].source");
        assert_eq!(fault.place, "$.nodes[1].source.equations[3]");
    }
}
