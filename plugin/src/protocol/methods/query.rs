//! `query`: what a pattern plays in a window of time, for drawing it.

use krach_patterns::{
    Event, EventBuffer, Full, Program, ShapeRef, Span, Swing, Time, Value as PatternValue, compile_swung,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::notation::{Written, checked_swing};
use crate::protocol::params::read_params;
use crate::protocol::refusal::refused_pattern;

methods! {
    /// [what a pattern plays](#query) in a window, for drawing
    Patterns "query" Ask(read_query) (Query<'_>) => (Queried);
}

/// Most cycles of a window.
const MAX_CYCLES: i64 = 64;
/// Most events of an answer.
const MAX_EVENTS: usize = 16_384;
/// Points of a continuous control that are told per event, the last at its end.
const POINTS: u32 = 17;
/// Furthest from zero that a window may reach, in cycles.
const FURTHEST: i64 = krach_patterns::MAX_CYCLE;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Query<'a> {
    /// A slot, whose pattern is asked.
    #[serde(default)]
    target: Option<String>,
    /// A pattern that need not play: a tree or mini-notation.
    #[serde(borrow, default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    pattern: Option<&'a RawValue>,
    /// Always a text of mini-notation.
    #[serde(default)]
    notation: Option<String>,
    /// As in `play`.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    swing: Option<Swing>,
    /// Cycles, as a number or an exact fraction `[n, d]`.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    from: Option<Moment>,
    /// Likewise. Default: one cycle on.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    to: Option<Moment>,
}

/// A time in cycles: a number, or an exact fraction.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "a time is a number of cycles, or a fraction [n, d]")]
enum Moment {
    Number(f64),
    Fraction([i64; 2]),
}

impl Moment {
    /// The fraction nearest to it among those that windows are asked for in.
    fn time(self) -> Option<Time> {
        const PARTS: f64 = (1_u64 << 20) as f64;
        let time = match self {
            Self::Number(x) if x.is_finite() && x.abs() <= FURTHEST as f64 => {
                Time::new((x * PARTS).round() as i64, 1 << 20)
            }
            Self::Fraction([n, d]) if d > 0 => Time::new(n, d),
            _ => return None,
        };
        (time.floor().to_integer().abs() <= FURTHEST).then_some(time)
    }
}

/// `query {target | pattern | notation, swing?, from?, to?}`: the events of a slot's pattern, or of one
/// that is not played, between two times; from the present cycle, or 0, and for one cycle if they are
/// left out.
fn read_query(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Query { target, pattern, notation, swing, from, to } = read_params(raw)?;
    if let Some(target) = target {
        if pattern.is_some() || notation.is_some() || swing.is_some() {
            let error = RpcError::new(INVALID_PARAMS, "both a target and a pattern").at("params");
            return Err(error.hint("the target's own pattern and swing are asked; leave the others out"));
        }
        return Ok(Box::new(move |context| {
            Answer::Now(of_slot(&target, from, to, context).map(|answer| to_json(&answer)))
        }));
    }
    let written = Written::read(pattern, notation)?;
    let program = compile_swung(&written.pattern, checked_swing(swing)?)
        .map_err(|error| refused_pattern(&error, written.text.as_deref()))?;
    let window = window(from, to, 0)?;
    Ok(Box::new(move |context| {
        let seed = context.engine.session().settings.seed;
        Answer::Now(answer(&program, window, seed).map(|answer| to_json(&answer)))
    }))
}

fn of_slot(
    target: &str,
    from: Option<Moment>,
    to: Option<Moment>,
    context: &mut RequestContext<'_>,
) -> Result<Queried, RpcError> {
    let session = context.engine.session();
    let Some(slot) = session.slots.get(target) else {
        let error = RpcError::new(REFUSED, format!("nothing was ever played on {target}"));
        let known: Vec<&str> = session.slots.keys().take(32).map(String::as_str).collect();
        let hint = match known.is_empty() {
            true => "nothing has played yet".to_owned(),
            false => format!("slots are: {}", known.join(", ")),
        };
        return Err(error.at("params.target").hint(hint));
    };
    let program = compile_swung(&slot.pattern, slot.swing).map_err(|error| refused_pattern(&error, None))?;
    let (playing, from_zero, origin, seed) =
        (slot.playing, slot.from_zero, slot.origin, session.settings.seed);
    let origin = if from_zero { origin } else { Some(0.0) };
    let now = context.engine.status().position.cycles - origin.unwrap_or(0.0);
    let mut answer = answer(&program, window(from, to, now.floor() as i64)?, seed)?;
    answer.playing = Some(playing);
    answer.origin = Some(origin);
    Ok(answer)
}

fn window(from: Option<Moment>, to: Option<Moment>, present: i64) -> Result<Span, RpcError> {
    let no_time = |place| {
        let error = RpcError::new(INVALID_PARAMS, "not a time that patterns reach").at(place);
        error.hint(format!("expected cycles between -{FURTHEST} and {FURTHEST}"))
    };
    let begin = match from {
        Some(from) => from.time().ok_or_else(|| no_time("params.from"))?,
        None => Time::from_integer(present),
    };
    let end = match to {
        Some(to) => to.time().ok_or_else(|| no_time("params.to"))?,
        None => Time::from_integer(begin.floor().to_integer() + 1),
    };
    let cycles = end.ceil().to_integer() - begin.floor().to_integer();
    if begin > end || cycles > MAX_CYCLES {
        let error = RpcError::new(INVALID_PARAMS, "no window that can be asked for").at("params.to");
        return Err(error.hint(format!("expected `to` not before `from` and at most {MAX_CYCLES} cycles on")));
    }
    Ok(Span::new(begin, end))
}

fn answer(program: &Program, window: Span, seed: u64) -> Result<Queried, RpcError> {
    let mut events = EventBuffer::with_capacity(MAX_EVENTS);
    program.query(window, seed, &mut events).map_err(|Full| {
        let error = RpcError::new(REFUSED, format!("more than {MAX_EVENTS} events in this window"));
        error.at("params.to").hint("ask for fewer cycles at once")
    })?;
    let events = events.as_slice().iter().map(|event| drawn(program, event, seed)).collect();
    Ok(Queried {
        from: fraction(window.begin),
        to: fraction(window.end),
        events,
        events_per_cycle: program.events_per_cycle(),
        playing: None,
        origin: None,
    })
}

fn drawn(program: &Program, event: &Event, seed: u64) -> Drawn {
    Drawn {
        whole: span(event.whole),
        part: span(event.part),
        onset: event.has_onset(),
        value: program.values()[event.value as usize].clone(),
        unit: (event.unit > 0).then_some(event.unit),
        span: event.source,
        curve: event.shape.map(|shape| curve(program, event, shape, seed)),
    }
}

/// Values of a continuous control, evenly spread over the event's part.
fn curve(program: &Program, event: &Event, shape: ShapeRef, seed: u64) -> Vec<f64> {
    let float = |t: Time| *t.numer() as f64 / *t.denom() as f64;
    let (begin, length) = (float(event.whole.begin), float(event.whole.end - event.whole.begin));
    let (from, to) = (float(event.part.begin), float(event.part.end));
    let drawn = &program.shapes()[shape.index as usize];
    (0..POINTS)
        .map(|point| {
            let at = from + (to - from) * f64::from(point) / f64::from(POINTS - 1);
            drawn.value(shape.period, shape.phase((at - begin) / length), seed)
        })
        .collect()
}

fn fraction(t: Time) -> Fraction {
    [*t.numer(), *t.denom()]
}

fn span(span: Span) -> [Fraction; 2] {
    [fraction(span.begin), fraction(span.end)]
}

/// A time in cycles, `[numerator, denominator]`.
pub(crate) type Fraction = [i64; 2];

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Queried {
    /// Begin of the window.
    pub from: Fraction,
    /// Its end.
    pub to: Fraction,
    /// What plays in it.
    pub events: Vec<Drawn>,
    /// Events that a cycle of the pattern has at most.
    pub events_per_cycle: u32,
    /// Of a slot: it is not hushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playing: Option<bool>,
    /// Of a slot: position in the song of the pattern's cycle 0, in cycles; null until it has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Option<f64>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Drawn {
    /// From when to when it lasts.
    pub whole: [Fraction; 2],
    /// What of that is in the window, within one cycle.
    pub part: [Fraction; 2],
    /// It begins here.
    pub onset: bool,
    /// What it plays.
    #[cfg_attr(test, schemars(schema_with = "crate::protocol::schema::played"))]
    pub value: PatternValue,
    /// Number of its note or chord in this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<u32>,
    /// The bytes of text that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<[u32; 2]>,
    /// Values of a continuous control, evenly spread over the part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve: Option<Vec<f64>>,
}
