//! The checks that need only one node: fields in range, texts as existing clients know them.

use crate::error::CompileErrorKind as Kind;
use crate::ir::{
    COMBINE_KINDS, MAX_DEPTH, MAX_LABEL, MAX_TUNING, Pattern, SHUFFLE_KINDS, SPLIT_KINDS, STRUCTURES,
    VARY_KINDS,
};
use crate::shape::ShapeKind;
use crate::tuning::Tuning;
use crate::{CompileError, MAX_EVENTS_PER_CYCLE, Value, fraction};

/// Checks every node from the root down, in order, without recursion: trees of any depth are welcome here.
pub(crate) fn validate(root: &Pattern) -> Result<(), CompileError> {
    // (node, its depth, its place among its siblings)
    let mut pending = vec![(root, 0, 0)];
    let mut trail: Vec<(&Pattern, usize)> = Vec::new();
    while let Some((node, depth, place)) = pending.pop() {
        trail.truncate(depth);
        trail.push((node, place));
        let check = if depth > MAX_DEPTH { Err(Kind::TooDeep) } else { check(node) };
        if let Err(kind) = check {
            let path = path(&trail);
            let span = trail.iter().rev().find_map(|(node, _)| node.span());
            return Err(CompileError { kind, path, span });
        }
        for (place, child) in node.children().into_iter().enumerate().rev() {
            pending.push((child, depth + 1, place));
        }
    }
    Ok(())
}

/// `Fast > Cat[2] > Euclid`: each node with the way to the next.
fn path(trail: &[(&Pattern, usize)]) -> String {
    let mut text = String::new();
    for (i, (node, _)) in trail.iter().enumerate() {
        let last = i + 1 == trail.len();
        text.push_str(&step(node.op(), (!last).then(|| trail[i + 1].1)));
        if !last {
            text.push_str(" > ");
        }
        if i >= 8 && !last && trail.len() > 12 {
            text.push_str("… > ");
            text.push_str(trail[trail.len() - 1].0.op());
            break;
        }
    }
    text
}

/// One step of a path: the operator and, where it has several children, which one the path enters.
pub(crate) fn step(op: &str, child: Option<usize>) -> String {
    match (op, child) {
        ("Cat" | "Stack" | "Choose", Some(place)) => format!("{op}[{place}]"),
        ("Pick", Some(0)) => "Pick[index]".into(),
        ("Pick", Some(place)) => format!("Pick[{}]", place - 1),
        ("Combine", Some(0)) => "Combine[left]".into(),
        ("Combine", Some(_)) => "Combine[right]".into(),
        ("Vary", Some(place)) => format!("Vary[{place}]"),
        ("Every", Some(0)) => "Every[transform]".into(),
        ("Every", Some(_)) => "Every[child]".into(),
        _ => op.into(),
    }
}

fn check(node: &Pattern) -> Result<(), Kind> {
    match node {
        Pattern::Cat { children, .. }
        | Pattern::Stack { children, .. }
        | Pattern::Pick { children, .. }
        | Pattern::Choose { children, .. }
            if children.is_empty() =>
        {
            Err(Kind::NoChildren(node.op()))
        }
        Pattern::Number { value, .. } => {
            operator_field(value.is_finite(), "Number", "value", "a finite number")
        }
        Pattern::Choose { weights: Some(weights), children, .. } => {
            let field = |holds, must| operator_field(holds, "Choose", "weights", must);
            field(weights.len() == children.len(), "as many as children")?;
            field(weights.iter().all(|weight| *weight >= 0.0), "0 or more each")?;
            let sum: f64 = weights.iter().sum();
            field(sum > 0.0, "more than 0 together")?;
            field(sum.is_finite(), "small enough to be added: their proportions alone count")
        }
        Pattern::Label { label, .. } => {
            operator_field(!label.is_empty(), "Label", "label", "the name of a control")?;
            operator_field(label.len() <= MAX_LABEL, "Label", "label", SHORT)
        }
        Pattern::Name { name, .. } => operator_field(name.len() <= MAX_LABEL, "Name", "name", SHORT),
        Pattern::Combine { kind, structure, .. } => {
            let kinds = "add, sub, mul, div, mod, set, keep, mask, scale, inv, voicing or inv_stack";
            operator_field(COMBINE_KINDS.contains(&kind.as_str()), "Combine", "kind", kinds)?;
            let known = STRUCTURES.contains(&structure.as_str());
            operator_field(known, "Combine", "structure", "left, right or both")
        }
        Pattern::Split { kind, n, .. } => {
            let kinds = "ply, up, down, updown, downup, converge, diverge, rolled or rolled_down";
            operator_field(SPLIT_KINDS.contains(&kind.as_str()), "Split", "kind", kinds)?;
            operator_field((1..=256).contains(n), "Split", "n", "1 to 256")
        }
        Pattern::Zoom { from, to, .. } => {
            let (Some(from), Some(to)) = (fraction::wide(*from), fraction::wide(*to)) else {
                return Err(Kind::ZeroDenominator);
            };
            let within = *from.numer() >= 0 && from < to && to <= fraction::Wide::from_integer(1);
            operator_field(within, "Zoom", "from", "below to, both from 0 to 1")
        }
        Pattern::Segment { n, .. } => {
            operator_field((1..=MAX_EVENTS_PER_CYCLE).contains(n), "Segment", "n", "1 to 4096")
        }
        Pattern::Tune { tuning, map, .. } => {
            operator_field(tuning.len() <= MAX_TUNING, "Tune", "tuning", "at most 65536 bytes long")?;
            let map = map.as_deref();
            let short = map.is_none_or(|map| map.len() <= MAX_TUNING);
            operator_field(short, "Tune", "map", "at most 65536 bytes long")?;
            Tuning::read(tuning, map).map(drop).map_err(Kind::Tuning)
        }
        Pattern::Shuffle { kind, n, .. } => {
            let known = SHUFFLE_KINDS.contains(&kind.as_str());
            operator_field(known, "Shuffle", "kind", "shuffle or scramble")?;
            operator_field((1..=64).contains(n), "Shuffle", "n", "1 to 64")
        }
        Pattern::Vary { kind, by, transform, .. } => {
            let numbers: &[usize] = match kind.as_str() {
                "euclid" => &[2, 3],
                kind if VARY_KINDS.contains(&kind) => &[1],
                _ => {
                    return operator_field(
                        false,
                        "Vary",
                        "kind",
                        "fast, slow, early, late, chance, euclid or every",
                    );
                }
            };
            let must = if kind == "euclid" { "pulses, steps and perhaps rotation" } else { "one pattern" };
            operator_field(numbers.contains(&by.len()), "Vary", "by", must)?;
            let fits = transform.is_some() == (kind == "every");
            operator_field(fits, "Vary", "transform", "there with the kind every, and with no other")
        }
        Pattern::Fast { factor, .. } | Pattern::Slow { factor, .. } => {
            let factor = fraction::wide(*factor).ok_or(Kind::ZeroDenominator)?;
            require(*factor.numer() > 0, Kind::FactorNotPositive)
        }
        Pattern::Early { offset, .. } | Pattern::Late { offset, .. } => {
            require(offset[1] != 0, Kind::ZeroDenominator)
        }
        Pattern::Every { n, .. } => require(*n > 0, Kind::EveryZero),
        Pattern::Euclid { pulses, steps, .. } => {
            require(*steps > 0, Kind::EuclidNoSteps)?;
            require(pulses <= steps, Kind::EuclidTooManyPulses)
        }
        Pattern::Degrade { prob, .. } | Pattern::Chance { prob, .. } => {
            require((0.0..=1.0).contains(prob), Kind::ProbabilityOutOfRange(node.op()))
        }
        Pattern::Warp { kind, amount, grid, .. } => {
            require(kind == "swing", Kind::UnknownWarp(kind.clone()))?;
            require(*grid > 0 && grid % 2 == 0, Kind::WarpGrid)?;
            require(*amount > 0.0 && *amount < 1.0, Kind::WarpAmount)
        }
        Pattern::Atom { value, .. } => check_value(value),
        Pattern::Shape { .. } => check_shape(node),
        _ => Ok(()),
    }
}

/// What a label or a name must be.
const SHORT: &str = "at most 2049 bytes long";

fn operator_field(
    holds: bool,
    op: &'static str,
    field: &'static str,
    must: &'static str,
) -> Result<(), Kind> {
    require(holds, Kind::OperatorField { op, field, must })
}

fn require(holds: bool, otherwise: Kind) -> Result<(), Kind> {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn check_value(value: &Value) -> Result<(), Kind> {
    let field = |holds: bool, value: &'static str, field: &'static str, must: &'static str| {
        require(holds, Kind::ValueField { value, field, must })
    };
    match value {
        Value::Note { channel, note, velocity, dur } => {
            field(*channel < 16, "Note", "channel", "0 to 15")?;
            field(*note < 128, "Note", "note", "0 to 127")?;
            field(*velocity < 128, "Note", "velocity", "0 to 127")?;
            field(*dur >= 0.0 && dur.is_finite(), "Note", "dur", "0 or more cycles")
        }
        Value::Cc { channel, controller, value } => {
            field(*channel < 16, "Cc", "channel", "0 to 15")?;
            field(*controller < 128, "Cc", "controller", "0 to 127")?;
            field(*value < 128, "Cc", "value", "0 to 127")
        }
        Value::Osc { .. } => Ok(()),
        Value::Control { label, value } => {
            field(label.len() <= MAX_LABEL, "Control", "label", SHORT)?;
            field((*value as f32).is_finite(), "Control", "value", "a number that 32 bits hold")
        }
        Value::Named { .. } => field(false, "Control", "value", "a number; a name is a Name below a Label"),
    }
}

fn check_shape(node: &Pattern) -> Result<(), Kind> {
    let Pattern::Shape { kind, lo, hi, label, duty, table, .. } = node else {
        return Ok(());
    };
    let field = |holds, field, must| require(holds, Kind::ShapeField { field, must });
    let finite = |x: &f64| (*x as f32).is_finite();
    let kind: ShapeKind = kind.parse().map_err(|()| Kind::UnknownShape(kind.clone()))?;
    field(label.len() <= MAX_LABEL, "label", SHORT)?;
    field(finite(lo), "lo", "a number that 32 bits hold")?;
    field(finite(hi), "hi", "a number that 32 bits hold")?;
    let duty_fits = duty.is_none_or(|duty| (0.0..=1.0).contains(&duty));
    field(duty_fits, "duty", "in [0, 1]")?;
    if kind == ShapeKind::Custom {
        let table = table.as_deref().unwrap_or(&[]);
        field(!table.is_empty(), "table", "a list of at least one value")?;
        field(table.iter().all(finite), "table", "numbers that 32 bits hold")?;
    }
    Ok(())
}
