//! The checks that need only one node: fields in range, texts as existing clients know them.

use crate::error::CompileErrorKind as Kind;
use crate::ir::{MAX_DEPTH, Pattern};
use crate::shape::ShapeKind;
use crate::{CompileError, Value, fraction};

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
        ("Cat" | "Stack", Some(place)) => format!("{op}[{place}]"),
        ("Every", Some(0)) => "Every[transform]".into(),
        ("Every", Some(_)) => "Every[child]".into(),
        _ => op.into(),
    }
}

fn check(node: &Pattern) -> Result<(), Kind> {
    match node {
        Pattern::Cat { children, .. } | Pattern::Stack { children, .. } if children.is_empty() => {
            Err(Kind::NoChildren(node.op()))
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
        Value::Control { value, .. } => {
            field((*value as f32).is_finite(), "Control", "value", "a number that 32 bits hold")
        }
    }
}

fn check_shape(node: &Pattern) -> Result<(), Kind> {
    let Pattern::Shape { kind, lo, hi, duty, table, .. } = node else {
        return Ok(());
    };
    let field = |holds, field, must| require(holds, Kind::ShapeField { field, must });
    let finite = |x: &f64| (*x as f32).is_finite();
    let kind: ShapeKind = kind.parse().map_err(|()| Kind::UnknownShape(kind.clone()))?;
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
