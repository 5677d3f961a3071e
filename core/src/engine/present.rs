//! Where a control is while a line takes it to its base value: what sounds now, and not where it goes.
//!
//! The audio thread draws the line. Here it is known when it set off and how long it takes, by the clocks that the audio
//! thread publishes after each block, so that an answer is at most a block old.

use super::Engine;
use crate::edit::Edit;
use crate::model::FadeLength;

/// A line that was sent to the audio thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    from: f64,
    to: f64,
    span: Span,
}

/// When it sets off and when it arrives.
#[derive(Clone, Copy, Debug)]
enum Span {
    /// How far time has moved, in quarter notes.
    Moved(f64, f64),
    /// Samples that have been rendered.
    Rendered(f64, f64),
}

impl Engine {
    /// The value of a control by its path, where a fade or a transition has it now; the base value is where that goes.
    pub fn present(&self, path: &str, base: f64) -> f64 {
        let line = self.lines.get(path).filter(|line| self.session.values.get(path) == Some(&line.to));
        let Some(Line { from, to, span }) = line.filter(|_| self.is_listening()) else { return base };
        let (begin, end, now) = match *span {
            Span::Moved(begin, end) => (begin, end, self.link.position().moved),
            Span::Rendered(begin, end) => (begin, end, self.link.rendered() as f64),
        };
        if now >= end {
            return base;
        }
        let share = ((now - begin) / (end - begin)).clamp(0.0, 1.0);
        from * (1.0 - share) + to * share
    }

    /// The line of a fade that acts now on the session as it is before it.
    pub(super) fn line_of(&self, edit: &Edit) -> Option<(String, Line)> {
        let Edit::Fade { label, value, length } = edit else { return None };
        let path = self.session.path_of(label, &self.registry)?;
        let base = self
            .session
            .values
            .get(&path)
            .copied()
            .or_else(|| self.session.default_of(&path, &self.registry))?;
        let now = self.link.position();
        let (rate, _) = self.form?;
        let rendered = self.link.rendered() as f64;
        let beat = rate * 60.0 / now.tempo.max(1.0);
        let lasting = |frames: f64| Span::Rendered(rendered, rendered + frames);
        let (from, span) = match *length {
            FadeLength::Secs(secs) => (None, lasting(secs * rate)),
            FadeLength::Beats(beats) => (None, lasting(beats * beat)),
            FadeLength::Cycles(cycles) => (None, lasting(cycles * self.beats_per_cycle() * beat)),
            FadeLength::Until { moved, from } => (from, Span::Moved(now.moved, moved)),
        };
        let from = from.unwrap_or_else(|| self.present(&path, base));
        Some((path, Line { from, to: *value, span }))
    }

    /// The edit has acted; `line` is what [`Engine::line_of`] said of it before. Another value ends the line.
    pub(super) fn note_line(&mut self, edit: &Edit, line: Option<(String, Line)>) {
        if let Some((path, line)) = line {
            self.lines.insert(path, line);
        } else if let Edit::SetControl { label, .. } = edit
            && !self.lines.is_empty()
            && let Some(path) = self.session.path_of(label, &self.registry)
        {
            self.lines.remove(&path);
        }
        let values = &self.session.values;
        self.lines.retain(|path, line| values.get(path) == Some(&line.to));
    }
}
