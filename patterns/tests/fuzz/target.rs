//! What holds of any bytes: they are a pattern that is exact, or are refused; nothing panics.

use krach_patterns::{
    COMBINE_KINDS, Event, EventBuffer, MAX_CYCLE, Pattern, Program, SHUFFLE_KINDS, SPLIT_KINDS, STRUCTURES,
    Span, TUNINGS, Time, VARY_KINDS, Value, compile, euclid_hits, mini, mini_values,
};

/// Reads the bytes as a tree, as JSON or as mini-notation (the first byte says which), and plays what
/// they are. How many events it met.
pub fn run(data: &[u8]) -> usize {
    let Some((&kind, rest)) = data.split_first() else { return 0 };
    let text = String::from_utf8_lossy(rest);
    match kind % 5 {
        0 => match Pattern::from_json_str(&text) {
            Ok(pattern) => play(&pattern, rest),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                0
            }
        },
        1 | 3 => match if kind % 5 == 1 { mini(&text) } else { mini_values(&text) } {
            Ok(pattern) => play(&pattern, rest),
            Err(error) => {
                let [start, end] = error.span;
                assert!(start <= end && text.get(start..end).is_some(), "{error}");
                assert!(error.column() >= 1 && error.line() >= 1 && !error.hint.is_empty());
                0
            }
        },
        _ => {
            let mut bytes = Bytes { rest, depth: 0 };
            let pattern = bytes.tree();
            play(&pattern, rest)
        }
    }
}

fn play(pattern: &Pattern, salt: &[u8]) -> usize {
    let written = serde_json::to_string(pattern).expect("patterns have no maps");
    let program = match compile(pattern) {
        Ok(program) => program,
        Err(error) => {
            assert!(!error.path.is_empty() && !error.to_string().is_empty());
            return 0;
        }
    };
    // What compiles is at most as deep as what can be read (NaN apart, which is null in JSON).
    if let Ok(read) = Pattern::from_json_str(&written) {
        assert_eq!(serde_json::to_string(&read).expect("as above"), written);
    }
    let salt = salt.iter().fold(1_u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(*b)));
    let cycle = [0, -1, 1 - MAX_CYCLE, MAX_CYCLE - 1, (salt % 1000) as i64][(salt >> 20) as usize % 5];
    let mut met = whole_cycle(&program, cycle, salt);
    let at = |n: i64, d: i64| Time::from_integer(cycle) + Time::new(n, d);
    let cut = at((salt >> 8) as i64 % 997, 997);
    for window in [Span::new(at(0, 1), cut), Span::new(cut, cut + Time::new(1, 1 << 20))] {
        let mut out = EventBuffer::with_capacity(program.events_per_cycle() as usize * 2 + 1);
        program.query(window, salt, &mut out).expect("a cycle's events have room");
        met += out.len();
        out.as_slice().iter().for_each(|event| sound(&program, event, window));
        let mut tiny = EventBuffer::with_capacity(out.len().saturating_sub(1));
        let refused = program.query(window, salt, &mut tiny).is_err();
        assert_eq!((refused, tiny.len()), (!out.is_empty(), 0));
    }
    met
}

/// The laws that need no model: the bound holds, onsets are what begins, halves make the whole.
fn whole_cycle(program: &Program, cycle: i64, seed: u64) -> usize {
    let window = Span::cycle(cycle);
    let room = program.events_per_cycle() as usize;
    let ask = |window: Span, onsets: bool| {
        let mut out = EventBuffer::with_capacity(room);
        let asked = if onsets {
            program.onsets(window, seed, &mut out)
        } else {
            program.query(window, seed, &mut out)
        };
        asked.expect("the bound on events holds");
        out.as_slice().to_vec()
    };
    let key = |e: &Event| (e.whole.begin, e.whole.end, e.value, e.unit_key);
    let sorted = |mut events: Vec<Event>| {
        events.sort_by_key(key);
        events.iter().map(key).collect::<Vec<_>>()
    };
    let all = ask(window, false);
    all.iter().for_each(|event| sound(program, event, window));
    let begin = sorted(all.iter().copied().filter(Event::has_onset).collect());
    assert_eq!(sorted(ask(window, true)), begin);
    let half = window.begin + Time::new(1, 2);
    let mut halves = ask(Span::new(window.begin, half), true);
    halves.extend(ask(Span::new(half, window.end), true));
    assert_eq!(sorted(halves), begin);
    all.len()
}

fn sound(program: &Program, event: &Event, window: Span) {
    let Event { whole, part, .. } = event;
    assert!(whole.begin <= part.begin && part.begin < part.end && part.end <= whole.end, "{event:?}");
    assert!(window.begin <= part.begin && part.end <= window.end, "{event:?} in {window:?}");
    for time in [whole.begin, whole.end, part.begin, part.end] {
        let reduced = time.reduced();
        assert_eq!((time.numer(), time.denom()), (reduced.numer(), reduced.denom()), "{event:?}");
        assert!(*time.denom() > 0);
    }
    let value = &program.values()[event.value as usize];
    if let (Some(shape), Value::Control { .. }) = (event.shape, value) {
        let drawn = &program.shapes()[shape.index as usize];
        for way in [0.0, 0.3, 1.0] {
            assert!(drawn.value(shape.period, shape.phase(way), 0).is_finite(), "{event:?}");
        }
    }
}

/// Bytes as choices.
struct Bytes<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        byte
    }

    /// Small for the most part; now and then near a limit.
    fn number(&mut self) -> i64 {
        match self.byte() {
            small @ 0..=199 => i64::from(small % 13),
            200..=229 => [97, 1009, 65_537, 999_983, 4096, 5000][usize::from(self.byte()) % 6],
            230..=245 => {
                let near = [i64::MAX, i64::MIN, 1 << 31, (1 << 31) - 1, 1 << 62, (1 << 62) + 1];
                near[usize::from(self.byte()) % 6]
            }
            _ => (0..8).fold(0, |n, _| n << 8 | i64::from(self.byte())),
        }
    }

    fn fraction(&mut self) -> [i64; 2] {
        [self.number(), self.number()]
    }

    fn share(&mut self) -> f64 {
        match self.byte() {
            byte @ 0..=200 => f64::from(byte) / 200.0,
            201..=220 => f64::from(self.byte()) / 7.0 - 3.0,
            221..=230 => [f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 1e300][usize::from(self.byte()) % 4],
            _ => f64::from_bits((0..8).fold(0, |n, _| n << 8 | u64::from(self.byte()))),
        }
    }

    fn below(&mut self) -> Box<Pattern> {
        Box::new(self.tree())
    }

    fn children(&mut self) -> Vec<Pattern> {
        (0..usize::from(self.byte()) % 5).map(|_| self.tree()).collect()
    }

    fn tree(&mut self) -> Pattern {
        self.depth += 1;
        let tree = if self.depth > 60 { Pattern::Silence { span: None } } else { self.node() };
        self.depth -= 1;
        tree
    }

    /// Mostly numbers, by turns or at once.
    fn numbers(&mut self) -> Pattern {
        let span = None;
        let mut number = || Pattern::Number { value: self.number() as f64, span };
        let children = vec![number(), number(), number()];
        match self.byte() % 8 {
            0 => Pattern::Number { value: self.share(), span },
            1 => Pattern::Stack { children, span },
            2 => self.tree(),
            3 => Pattern::Name { name: "minor".to_owned(), span },
            4 => Pattern::Slow { factor: [3, 1], child: Box::new(Pattern::Cat { children, span }), span },
            _ => Pattern::Cat { children, span },
        }
    }

    fn node(&mut self) -> Pattern {
        let span = None;
        match self.byte() % 34 {
            0 => Pattern::Cat { children: self.children(), span },
            1 => Pattern::Stack { children: self.children(), span },
            2 => Pattern::Fast { factor: self.fraction(), child: self.below(), span },
            3 => Pattern::Slow { factor: self.fraction(), child: self.below(), span },
            4 => Pattern::Early { offset: self.fraction(), child: self.below(), span },
            5 => Pattern::Late { offset: self.fraction(), child: self.below(), span },
            6 => Pattern::Rev { child: self.below(), span },
            7 => {
                Pattern::Every { n: self.number() as u32, transform: self.below(), child: self.below(), span }
            }
            8 => {
                let (pulses, steps, rotation) = (self.number() as u32, self.number() as u32, self.number());
                if pulses <= steps && pulses < 5000 && steps > 0 {
                    assert_eq!(euclid_hits(pulses, steps, rotation).len(), pulses as usize);
                }
                Pattern::Euclid { pulses, steps, rotation, child: self.below(), span }
            }
            9 => {
                Pattern::Degrade { prob: self.share(), seed: self.number() as u64, child: self.below(), span }
            }
            10 => Pattern::Freeze { child: self.below(), span },
            11 => Pattern::Chance {
                prob: self.share(),
                seed: self.number() as u64,
                invert: self.byte().is_multiple_of(2),
                child: self.below(),
                span,
            },
            12 => {
                let kind = if self.byte() < 250 { "swing" } else { "swagger" }.to_owned();
                Pattern::Warp {
                    kind,
                    amount: self.share(),
                    grid: self.number() as u32,
                    child: self.below(),
                    span,
                }
            }
            13 => {
                let kinds = krach_patterns::SHAPE_KINDS;
                let kind = kinds[usize::from(self.byte()) % kinds.len()].to_owned();
                let table = (0..self.byte() % 4).map(|_| self.share()).collect();
                Pattern::Shape {
                    kind,
                    lo: self.share(),
                    hi: self.share(),
                    label: "cutoff".to_owned(),
                    duty: Some(self.share()),
                    seed: Some(self.number() as u64),
                    table: Some(table),
                    span,
                }
            }
            14 => Pattern::Silence { span },
            25 => {
                let label =
                    ["note", "cutoff", "a/gate", "legato", "chord"][usize::from(self.byte()) % 5].to_owned();
                let child =
                    if self.byte().is_multiple_of(3) { self.below() } else { Box::new(self.numbers()) };
                let plain = self.byte().is_multiple_of(4);
                Pattern::Label { label, plain, child, span }
            }
            26 | 27 => {
                let kind = COMBINE_KINDS[usize::from(self.byte()) % COMBINE_KINDS.len()].to_owned();
                let structure = STRUCTURES[usize::from(self.byte()) % 3].to_owned();
                let mut side = || if self.byte().is_multiple_of(3) { self.numbers() } else { self.tree() };
                let (left, right) = (Box::new(side()), Box::new(side()));
                Pattern::Combine { kind, structure, left, right, span }
            }
            28 => {
                let kind = SPLIT_KINDS[usize::from(self.byte()) % SPLIT_KINDS.len()].to_owned();
                Pattern::Split { kind, n: self.number() as u32, child: self.below(), span }
            }
            29 => Pattern::Zoom { from: self.fraction(), to: self.fraction(), child: self.below(), span },
            30 => {
                let kind = SHUFFLE_KINDS[usize::from(self.byte()) % 2].to_owned();
                let (n, seed) = (self.number() as u32, self.number() as u64);
                Pattern::Shuffle { kind, n, seed, child: self.below(), span }
            }
            31 => Pattern::Segment { n: self.number() as u32, child: self.below(), span },
            32 => {
                let tuning =
                    [TUNINGS[usize::from(self.byte()) % TUNINGS.len()], "19edo", "", "a\n2\n3/2\n2/1"];
                let tuning = tuning[usize::from(self.byte()) % 4].to_owned();
                let map = (self.byte() < 40).then(|| "2\n0\n127\n60\n60\n261.6\n2\n0\nx".to_owned());
                Pattern::Tune { tuning, map, child: self.below(), span }
            }
            33 => Pattern::Label { label: "note".to_owned(), plain: false, child: self.below(), span },
            20 => {
                let kind = VARY_KINDS[usize::from(self.byte()) % VARY_KINDS.len()].to_owned();
                let by = (0..if kind == "euclid" { 3 } else { 1 }).map(|_| self.numbers()).collect();
                let transform = (kind == "every").then(|| self.below());
                Pattern::Vary { kind, by, seed: self.number() as u64, transform, child: self.below(), span }
            }
            21 => Pattern::Pick { index: Box::new(self.numbers()), children: self.children(), span },
            22 => {
                let children = self.children();
                let weights = (self.byte().is_multiple_of(2))
                    .then(|| children.iter().map(|_| self.share().abs()).collect());
                Pattern::Choose { weights, seed: self.number() as u64, children, span }
            }
            23 if self.byte().is_multiple_of(4) => self.numbers(),
            15 => Pattern::Atom {
                value: Value::Note {
                    channel: self.byte() % 17,
                    note: self.byte(),
                    velocity: 100,
                    dur: self.share(),
                },
                span,
            },
            _ => {
                let value = Value::Control { label: "gate".to_owned(), value: f64::from(self.byte() % 3) };
                Pattern::Atom { value, span }
            }
        }
    }
}
