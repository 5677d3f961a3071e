//! Drawing what a query gives: onsets on a grid, onsets in a list, shapes as curves.
//!
//! Every drawing takes its form from the page's own line (how many steps, which cycle, whose row, with
//! or without ends) and everything else from the query.

use krach_patterns::{Event, EventBuffer, OscArg, Program, Span, Time, Value};

/// How far the marks of a curve reach.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A compiled pattern with room for its events.
pub struct Drawn {
    program: Program,
    room: EventBuffer,
}

impl Drawn {
    pub fn new(program: Program) -> Self {
        let room = EventBuffer::with_capacity(program.events_per_cycle() as usize + 1);
        Self { program, room }
    }

    /// What begins in a cycle, in order of time.
    fn onsets(&mut self, cycle: i64) -> Vec<Event> {
        self.room.clear();
        self.program.onsets(Span::cycle(cycle), 0, &mut self.room).expect("room for a cycle");
        let mut events = self.room.as_slice().to_vec();
        events.sort_by_key(|e| e.whole.begin);
        events
    }

    fn value(&self, event: &Event) -> &Value {
        &self.program.values()[event.value as usize]
    }

    /// Does it move continuously anywhere?
    pub fn has_shapes(&self) -> bool {
        !self.program.shapes().is_empty()
    }

    /// All that begins in cycles -4 to 7, to compare two spellings of one pattern.
    pub fn signature(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        for cycle in -4..8 {
            for event in self.onsets(cycle) {
                let (Span { begin, end }, unit) = (event.whole, event.unit);
                all.push(format!("{begin}>{end} {} in unit {unit}", say(self.value(&event))));
            }
        }
        all
    }

    /// The labels of all onsets in a cycle, for rows.
    pub fn labels(&mut self, cycle: i64) -> Vec<String> {
        let events = self.onsets(cycle);
        events.iter().map(|e| label(self.value(e)).to_string()).collect()
    }

    /// `|x . A2 . |x . . . |`: what begins, in cells of so many steps from cycle `first` on; of a row, only
    /// what belongs to its node.
    pub fn grid(&mut self, first: i64, steps: &[usize], row: Option<&str>) -> Result<String, String> {
        let mut text = String::from("|");
        for (cycle, &steps) in (first..).zip(steps) {
            let mut cells = vec![Vec::new(); steps];
            let events: Vec<Event> = self.onsets(cycle);
            let mut at = 0;
            while let Some(event) = events.get(at) {
                // What begins at once in one unit is one mark.
                let together =
                    |e: &&Event| e.unit != 0 && e.unit == event.unit && e.whole.begin == event.whole.begin;
                let group = events[at..].iter().take_while(together).count().max(1);
                let values: Vec<&Value> = events[at..at + group].iter().map(|e| self.value(e)).collect();
                if let Some(mark) = mark(&values, row) {
                    let step = (event.whole.begin - cycle) * steps as i64;
                    if !step.is_integer() {
                        return Err(format!("{} is not on a grid of {steps}", event.whole.begin));
                    }
                    cells[step.to_integer() as usize].push(mark);
                }
                at += group;
            }
            for cell in cells {
                text.push_str(&if cell.is_empty() { ".".into() } else { cell.join("+") });
                text.push(' ');
            }
            text.push('|');
        }
        Ok(text)
    }

    /// `0 gate=1 | 1/2 gate=0`: what begins in a cycle; with ends as `0>1/2 gate=1`.
    pub fn list(&mut self, cycle: i64, ends: bool) -> String {
        let items: Vec<String> = self
            .onsets(cycle)
            .iter()
            .map(|e| {
                let end = if ends { format!(">{}", e.whole.end) } else { String::new() };
                format!("{}{end} {}", e.whole.begin, say(self.value(e)))
            })
            .collect();
        if items.is_empty() { "nothing".into() } else { items.join(" | ") }
    }

    /// The shape's value at a time with where it lies between its `lo` and `hi`; `None` where nothing moves.
    fn shape_at(&mut self, t: Time) -> Option<(f64, f64)> {
        self.room.clear();
        let window = Span::new(t, t + Time::new(1, 1 << 20));
        self.program.query(window, 0, &mut self.room).expect("room for a moment");
        let mut moving = self.room.as_slice().iter().filter(|e| e.whole.begin <= t && t < e.whole.end);
        let (event, at) = moving.find_map(|e| Some((e, e.shape?)))?;
        let Span { begin, end } = event.whole;
        let shape = &self.program.shapes()[at.index as usize];
        let value = shape.value(at.period, at.phase(float((t - begin) / (end - begin))), 0);
        let (low, high) = (shape.lo.min(shape.hi), shape.lo.max(shape.hi));
        Some((value, (value - low) / (high - low)))
    }

    /// `|▁▂▃▄▅▆▇█|`: the shape at so many points per cycle, between its bounds in eight levels.
    pub fn curve(&mut self, first: i64, points: &[usize]) -> String {
        let mut text = String::from("|");
        for (cycle, &points) in (first..).zip(points) {
            for i in 0..points {
                let moving = self.shape_at(Time::from(cycle) + Time::new(i as i64, points as i64));
                // A hair above, so that a border between two levels is always the upper one.
                let level = |part: f64| (part * 8.0 + 1e-9).floor().clamp(0.0, 7.0) as usize;
                text.push(moving.map_or('·', |(_, part)| LEVELS[level(part)]));
            }
            text.push('|');
        }
        text
    }

    /// `0 100 | 1/2 150`: the shape's values at these times, to a thousandth.
    pub fn samples(&mut self, times: &[Time]) -> String {
        let items = times.iter().map(|&t| match self.shape_at(t) {
            Some((value, _)) => format!("{t} {}", (value * 1000.0).round() / 1000.0),
            None => format!("{t} nothing"),
        });
        items.collect::<Vec<String>>().join(" | ")
    }
}

fn float(t: Time) -> f64 {
    *t.numer() as f64 / *t.denom() as f64
}

/// The control, or the kind of message.
fn label(value: &Value) -> &str {
    match value {
        Value::Control { label, .. } | Value::Named { label, .. } => label,
        Value::Note { .. } => "Note",
        Value::Cc { .. } => "Cc",
        Value::Osc { address, .. } => address,
    }
}

/// One value, in full.
fn say(value: &Value) -> String {
    match value {
        Value::Control { label, value } => format!("{label}={}", *value as f32),
        Value::Named { label, name } => format!("{label}={name}"),
        Value::Note { channel, note, velocity, dur } => format!("note={note},{velocity},{dur},ch{channel}"),
        Value::Cc { channel, controller, value } => format!("cc{controller}={value},ch{channel}"),
        Value::Osc { address, args } => {
            let args = args.iter().map(|arg| match arg {
                OscArg::Float(x) => x.to_string(),
                OscArg::Int(i) => i.to_string(),
                OscArg::Str(s) => s.clone(),
            });
            format!("{address}({})", args.collect::<Vec<String>>().join(","))
        }
    }
}

/// What begins at once in one unit, as a mark: `x` for a gate that opens, the pitch for a note, else the
/// values; `None` for a gate that closes and for what is not the row's.
fn mark(values: &[&Value], row: Option<&str>) -> Option<String> {
    let last = |value: &Value| label(value).rsplit('/').next().unwrap_or("").to_string();
    let pitched = values.iter().any(|v| last(v) == "freq");
    let marks: Vec<String> = values
        .iter()
        .filter(|v| row.is_none_or(|row| belongs(label(v), row)))
        .filter_map(|v| match v {
            Value::Control { value, .. } if last(v) == "gate" => match *value {
                0.0 => None,
                1.0 if pitched => None,
                1.0 => Some("x".into()),
                other => Some(format!("gate={other}")),
            },
            Value::Control { value, .. } if last(v) == "freq" => Some(pitch(*value)),
            Value::Control { value, .. } if row.is_some() => Some(format!("{}={}", last(v), *value as f32)),
            v => Some(say(v)),
        })
        .collect();
    (!marks.is_empty()).then(|| marks.join(","))
}

/// Is `label` a control of the node `row`?
pub fn belongs(label: &str, row: &str) -> bool {
    label.strip_prefix(row).is_some_and(|rest| rest.starts_with('/'))
}

/// The name of a frequency in equal temperament, or the frequency.
fn pitch(hz: f64) -> String {
    const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    let key = 69.0 + 12.0 * (hz / 440.0).log2();
    if (key - key.round()).abs() > 1e-4 {
        return format!("{}Hz", hz as f32);
    }
    let key = key.round() as i64;
    format!("{}{}", NAMES[key.rem_euclid(12) as usize], key.div_euclid(12) - 1)
}
