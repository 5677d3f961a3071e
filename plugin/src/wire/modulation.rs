//! JSON-RPC methods for controls that move: `fade`, `automate`, `clear_automation`.

use krach_core::automation::ShapeSpec;
use krach_core::edit::{Edit, FadeLength, Period};
use serde::Deserialize;

use super::change::{Change, fields};
use super::rpc::{INVALID_PARAMS, RpcError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fade {
    label: String,
    value: f64,
    #[serde(default)]
    secs: Option<f64>,
    #[serde(default)]
    beats: Option<f64>,
    #[serde(default)]
    cycles: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Automate {
    #[serde(default)]
    id: Option<String>,
    label: String,
    shape: String,
    #[serde(default)]
    duty: Option<f64>,
    #[serde(default)]
    table: Option<Vec<f32>>,
    lo: f64,
    hi: f64,
    #[serde(default)]
    secs: Option<f64>,
    #[serde(default)]
    bars: Option<f64>,
    #[serde(default)]
    one_shot: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clear {
    id: String,
}

/// `fade {label, value, secs | beats | cycles, at?, dry_run?}`: a control goes on a straight line to a
/// value and stays there.
pub(super) fn read_fade(rest: &str) -> Result<Change, RpcError> {
    let Fade { label, value, secs, beats, cycles } = fields(rest)?;
    let length = match (secs, beats, cycles) {
        (Some(secs), None, None) => FadeLength::Secs(secs),
        (None, Some(beats), None) => FadeLength::Beats(beats),
        (None, None, Some(cycles)) => FadeLength::Cycles(cycles),
        _ => return Err(one_of("a fade has one length", "secs, beats or cycles")),
    };
    Ok(Change::of(Edit::Fade { label, value, length }))
}

/// `automate {label, shape, lo, hi, secs | bars, id?, duty?, table?, one_shot?, at?, dry_run?}`: a shape
/// drives a control. Without an `id` the label is its name.
pub(super) fn read_automate(rest: &str) -> Result<Change, RpcError> {
    let Automate { id, label, shape, duty, table, lo, hi, secs, bars, one_shot } = fields(rest)?;
    let shape = ShapeSpec::named(&shape, duty, table)
        .map_err(|error| RpcError::new(INVALID_PARAMS, error.to_string()).at("params.shape"))?;
    let period = match (secs, bars) {
        (Some(secs), None) => Period::Secs(secs),
        (None, Some(bars)) => Period::Bars(bars),
        _ => return Err(one_of("an automation has one period", "secs or bars")),
    };
    let id = id.unwrap_or_else(|| label.clone());
    Ok(Change::of(Edit::SetAutomation { id, label, shape, lo, hi, period, one_shot }))
}

/// `clear_automation {id, at?, dry_run?}`: its control goes back to pattern or base value.
pub(super) fn read_clear(rest: &str) -> Result<Change, RpcError> {
    let Clear { id } = fields(rest)?;
    Ok(Change::of(Edit::ClearAutomation { id }))
}

fn one_of(message: &str, names: &str) -> RpcError {
    RpcError::new(INVALID_PARAMS, message).at("params").hint(format!("give {names}, and one of them"))
}
