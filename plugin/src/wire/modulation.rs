//! JSON-RPC methods for controls that move: `fade`, `automate`, `clear_automation`.

use krach_core::automation::ShapeSpec;
use krach_core::edit::{Edit, FadeLength, Period};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::methods::params;
use super::midi::{change, time};
use super::rpc::{Answer, INVALID_PARAMS, RpcError, Work};

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
    #[serde(default)]
    at: Option<Value>,
    #[serde(default)]
    dry_run: bool,
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
    #[serde(default)]
    at: Option<Value>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clear {
    id: String,
    #[serde(default)]
    at: Option<Value>,
    #[serde(default)]
    dry_run: bool,
}

/// `fade {label, value, secs | beats | cycles, at?, dry_run?}`: a control goes on a straight line to a
/// value and stays there.
pub(super) fn read_fade(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Fade { label, value, secs, beats, cycles, at, dry_run } = params(raw)?;
    let length = match (secs, beats, cycles) {
        (Some(secs), None, None) => FadeLength::Secs(secs),
        (None, Some(beats), None) => FadeLength::Beats(beats),
        (None, None, Some(cycles)) => FadeLength::Cycles(cycles),
        _ => return Err(one_of("a fade has one length", "secs, beats or cycles")),
    };
    let (at, edit) = (time(at.as_ref())?, Edit::Fade { label, value, length });
    Ok(Box::new(move |desk| Answer::Now(change(edit, at, dry_run, desk))))
}

/// `automate {label, shape, lo, hi, secs | bars, id?, duty?, table?, one_shot?, at?, dry_run?}`: a shape
/// drives a control. Without an `id` the label is its name.
pub(super) fn read_automate(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Automate { id, label, shape, duty, table, lo, hi, secs, bars, one_shot, at, dry_run } = params(raw)?;
    let shape = ShapeSpec::named(&shape, duty, table)
        .map_err(|error| RpcError::new(INVALID_PARAMS, error.to_string()).at("params.shape"))?;
    let period = match (secs, bars) {
        (Some(secs), None) => Period::Secs(secs),
        (None, Some(bars)) => Period::Bars(bars),
        _ => return Err(one_of("an automation has one period", "secs or bars")),
    };
    let id = id.unwrap_or_else(|| label.clone());
    let edit = Edit::SetAutomation { id, label, shape, lo, hi, period, one_shot };
    let at = time(at.as_ref())?;
    Ok(Box::new(move |desk| Answer::Now(change(edit, at, dry_run, desk))))
}

/// `clear_automation {id, at?, dry_run?}`: its control goes back to pattern or base value.
pub(super) fn read_clear(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Clear { id, at, dry_run } = params(raw)?;
    let (at, edit) = (time(at.as_ref())?, Edit::ClearAutomation { id });
    Ok(Box::new(move |desk| Answer::Now(change(edit, at, dry_run, desk))))
}

fn one_of(message: &str, names: &str) -> RpcError {
    RpcError::new(INVALID_PARAMS, message).at("params").hint(format!("give {names}, and one of them"))
}
