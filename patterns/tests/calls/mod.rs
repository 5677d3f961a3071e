//! Calls of builders and methods as JSON: `["fast", ["hit", "gate"], 2]`. What a method is called on comes first; where
//! it takes a function, that is a call with `"_"` for the pattern.
//!
//! The Python client reads the same calls and builds the same patterns.

use krach_patterns::builders::{Pitch, cat, chord, control, freeze, hit, note, note_with, rest, seq, stack};
use krach_patterns::language::{arrange, choose, irand, name as named, number, timecat, turns};
use krach_patterns::{MiniError, Pattern, mini, mini_values};
use serde_json::Value as Json;

/// The pattern that a call makes. What no client could write panics: the file is the project's own.
pub fn build(call: &Json) -> Result<Pattern, MiniError> {
    Call { hole: None }.pattern(call)
}

#[derive(Clone)]
struct Call {
    /// What `"_"` stands for.
    hole: Option<Pattern>,
}

impl Call {
    fn pattern(&self, call: &Json) -> Result<Pattern, MiniError> {
        if call == "_" {
            return Ok(self.hole.clone().expect("a function has a pattern"));
        }
        let list = call.as_array().unwrap_or_else(|| panic!("{call} is no call"));
        let (name, args) = (text(&list[0]), &list[1..]);
        match args.first() {
            Some(first) if (first.is_array() || first == "_") && !BUILDERS.contains(&name) => {
                self.method(name, self.pattern(first)?, &args[1..])
            }
            _ => self.builder(name, args),
        }
    }

    fn patterns(&self, calls: &[Json]) -> Result<Vec<Pattern>, MiniError> {
        calls.iter().map(|call| self.pattern(call)).collect()
    }

    fn builder(&self, name: &str, args: &[Json]) -> Result<Pattern, MiniError> {
        let pairs = || args.iter().map(|pair| (&pair[0], &pair[1]));
        Ok(match name {
            "p" => mini(text(&args[0]))?,
            "values" => mini_values(text(&args[0]))?,
            "hit" => hit(text(&args[0])),
            "note" => note(pitch(&args[0])),
            "note_with" => {
                let params = args[2].as_object().expect("controls").iter();
                let params: Vec<(&str, f64)> = params.map(|(name, x)| (name.as_str(), float(x))).collect();
                note_with(pitch(&args[0]), float(&args[1]), &params)
            }
            "chord" => chord(args.iter().map(pitch)),
            "rest" => rest(),
            "number" => number(float(&args[0])),
            "name" => named(text(&args[0])),
            "irand" => irand(whole(&args[0]) as u32, args.get(1).map_or(0, |seed| whole(seed) as u64)),
            "shape" => {
                let [kind, label] = [0, 1].map(|i| text(&args[i]).to_owned());
                let option = |name: &str| args[4].get(name);
                Pattern::Shape {
                    kind,
                    label,
                    lo: float(&args[2]),
                    hi: float(&args[3]),
                    duty: option("duty").map(float),
                    seed: option("seed").map(|seed| whole(seed) as u64),
                    table: option("table")
                        .map(|table| table.as_array().expect("a table").iter().map(float).collect()),
                    span: None,
                }
            }
            "ctrl" => control(text(&args[0]), float(&args[1])),
            "seq" => {
                let step = |step: &Json| (!step.is_null()).then(|| note(pitch(step)));
                seq(args.iter().map(step))
            }
            "cat" => cat(self.patterns(args)?),
            "stack" => stack(self.patterns(args)?),
            "turns" => turns(self.patterns(args)?),
            "timecat" => {
                let steps = pairs().map(|(length, step)| Ok((float(length), self.pattern(step)?)));
                timecat(steps.collect::<Result<_, _>>()?).expect("lengths")
            }
            "arrange" => {
                let parts = pairs().map(|(cycles, part)| Ok((whole(cycles) as u32, self.pattern(part)?)));
                arrange(parts.collect::<Result<_, _>>()?).expect("lengths")
            }
            "choose" => choose(self.patterns(args)?, None, 0),
            "wchoose" => {
                let weights = pairs().map(|(weight, _)| float(weight)).collect();
                let parts = pairs().map(|(_, part)| self.pattern(part)).collect::<Result<_, _>>()?;
                choose(parts, Some(weights), 0)
            }
            other => panic!("no builder is named {other}"),
        })
    }

    fn method(&self, name: &str, on: Pattern, args: &[Json]) -> Result<Pattern, MiniError> {
        let pattern = |i: usize| self.pattern(&args[i]);
        let change = |i: usize| {
            let call = args[i].clone();
            move |pattern: Pattern| Call { hole: Some(pattern) }.pattern(&call).expect("it reads")
        };
        let seed = |i: usize| args.get(i).map_or(0, |seed| whole(seed) as u64);
        let n = |i: usize| whole(&args[i]) as u32;
        let x = |i: usize| float(&args[i]);
        Ok(match name {
            "add" => on + pattern(0)?,
            "or" => on | pattern(0)?,
            "times" => on * n(0) as usize,
            "freeze" => freeze(on),
            "over" => on.over(x(0)),
            "fast" => on.fast(x(0)),
            "shift" => on.shift(x(0)),
            "spread" => on.spread_rotated(n(0), n(1), args.get(2).map_or(0, whole)),
            "thin" => on.thin(x(0), seed(1)),
            "swing" => on.swing(x(0), n(1)),
            "reverse" => on.rev(),
            "every" => on.every(n(0), change(1)),
            "control" => on.control(text(&args[0])),
            "combine" => on.combine(text(&args[0]), text(&args[2]), pattern(1)?),
            "set" => on.set(pattern(0)?),
            "mask" => on.mask(pattern(0)?),
            "struct" => on.structured(pattern(0)?),
            "scale" => on.scale(pattern(0)?),
            "transpose" => on.transpose(x(0)),
            "degree" => on.degree(pattern(0)?),
            "inv" => on.inv(pattern(0)?),
            "inv_stack" => on.inv_stack(pattern(0)?),
            "plain" => on.plain(text(&args[0])),
            "voicing" => on.voicing(pattern(0)?),
            "tuned" => on.tuned(text(&args[0]), args.get(1).map(text)),
            "segment" => on.segment(n(0)),
            "every_by" => on.every_by(pattern(0)?, change(1)),
            "fast_by" => on.fast_by(pattern(0)?),
            "slow_by" => on.slow_by(pattern(0)?),
            "early_by" => on.early_by(pattern(0)?),
            "late_by" => on.late_by(pattern(0)?),
            "rolled" => on.rolled(n(0)),
            "ply" => on.ply(n(0)),
            "arp" => on.arp(text(&args[0])),
            "zoom" => on.zoom(x(0), x(1)),
            "compress" => on.compress(x(0), x(1)).expect("a piece"),
            "linger" => on.linger(x(0)).expect("a part"),
            "iter" => on.iter(n(0)),
            "palindrome" => on.palindrome(),
            "when" => on.when(pattern(0)?, change(1)),
            "chunk" => on.chunk(n(0), change(1)),
            "superimpose" => on.superimpose(change(0)),
            "off" => on.off(x(0), change(1)),
            "jux" => on.jux(text(&args[1]), change(0)),
            "echo" => on.echo(n(0), x(1), text(&args[3]), x(2)),
            "shuffle" => on.shuffle(n(0), seed(1)),
            "scramble" => on.scramble(n(0), seed(1)),
            "sometimes_by" => on.sometimes_by(x(0), seed(2), change(1)),
            "sometimes" => on.sometimes(seed(1), change(0)),
            "almost_never" => on.almost_never(seed(1), change(0)),
            "rarely" => on.rarely(seed(1), change(0)),
            "often" => on.often(seed(1), change(0)),
            "almost_always" => on.almost_always(seed(1), change(0)),
            "hurry" => on.hurry(x(0), text(&args[1])),
            "range" => on.range(x(0), x(1)),
            other => panic!("no method is named {other}"),
        })
    }
}

/// Builders whose first argument may be a call.
const BUILDERS: [&str; 7] = ["cat", "stack", "turns", "choose", "timecat", "arrange", "wchoose"];

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_else(|| panic!("{json} is no text"))
}

fn float(json: &Json) -> f64 {
    json.as_f64().unwrap_or_else(|| panic!("{json} is no number"))
}

fn whole(json: &Json) -> i64 {
    json.as_i64().unwrap_or_else(|| panic!("{json} is no whole number"))
}

fn pitch(json: &Json) -> Pitch {
    match json {
        Json::String(name) => Pitch::named(name).expect("a pitch"),
        key if key.is_i64() => Pitch::from(whole(key) as i32),
        hz => Pitch::from(float(hz)),
    }
}
