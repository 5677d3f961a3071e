//! JSON-RPC methods for controls that move: `fade`, `automate`, `clear_automation`.

use krach_core::automation::ShapeSpec;
use krach_core::edit::Edit;
use krach_core::model::{FadeLength, Period};
use serde::Deserialize;

use crate::protocol::error::{INVALID_PARAMS, RpcError};
use crate::protocol::method::methods;
use crate::protocol::methods::nodes::check_control;
use crate::protocol::mutation::Mutation;
use crate::protocol::params::read_object;

methods! {
    /// goes on a straight line to a value and [stays there](voices.md#who-writes-a-control); where the node's sound is still
    /// being compiled it begins with the sound
    Modulation "fade" Change(read_fade) (Fade) => ();
    /// a shape drives a control
    Modulation "automate" Change(read_automate) (Automate) => ();
    /// its control goes back to the pattern's or the base value
    Modulation "clear_automation" Change(read_clear) (Clear) => ();
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Fade {
    /// The control, by label or path.
    label: String,
    /// Where it goes.
    value: f64,
    /// How long, in seconds.
    #[serde(default)]
    secs: Option<f64>,
    /// How long, in quarter notes.
    #[serde(default)]
    beats: Option<f64>,
    /// How long, in cycles.
    #[serde(default)]
    cycles: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Automate {
    /// Its name. Default: the label.
    #[serde(default)]
    id: Option<String>,
    /// The control, by label or path.
    label: String,
    /// `sine tri ramp ramp_down square exp pulse custom`.
    shape: String,
    /// Of a pulse: the part that is high, 0 to 1.
    #[serde(default)]
    duty: Option<f64>,
    /// Of a custom shape: 1 to 4096 values, 0 to 1.
    #[serde(default)]
    table: Option<Vec<f32>>,
    /// Value at the shape's 0.
    lo: f64,
    /// Value at the shape's 1.
    hi: f64,
    /// Length of a period in seconds.
    #[serde(default)]
    secs: Option<f64>,
    /// Length of a period in the host's bars, in phase with them.
    #[serde(default)]
    bars: Option<f64>,
    /// One period only; the control keeps the last value.
    #[serde(default)]
    one_shot: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Clear {
    /// Its name.
    id: String,
}

/// `fade {label, value, secs | beats | cycles, at?, dry_run?}`: a control goes on a straight line to a
/// value and stays there.
fn read_fade(rest: &str) -> Result<Mutation, RpcError> {
    let Fade { label, value, secs, beats, cycles } = read_object(rest)?;
    let length = match (secs, beats, cycles) {
        (Some(secs), None, None) => FadeLength::Secs(secs),
        (None, Some(beats), None) => FadeLength::Beats(beats),
        (None, None, Some(cycles)) => FadeLength::Cycles(cycles),
        _ => return Err(one_of("a fade has one length", "secs, beats or cycles")),
    };
    Ok(Mutation::new(move |session_preview| {
        check_control(&label, "params.label".to_owned(), session_preview)?;
        Ok(Edit::Fade { label, value, length }.into())
    }))
}

/// `automate {label, shape, lo, hi, secs | bars, id?, duty?, table?, one_shot?, at?, dry_run?}`: a shape
/// drives a control. Without an `id` the label is its name.
fn read_automate(rest: &str) -> Result<Mutation, RpcError> {
    let Automate { id, label, shape, duty, table, lo, hi, secs, bars, one_shot } = read_object(rest)?;
    let shape = ShapeSpec::named(&shape, duty, table)
        .map_err(|error| RpcError::new(INVALID_PARAMS, error.to_string()).at("params.shape"))?;
    let period = match (secs, bars) {
        (Some(secs), None) => Period::Secs(secs),
        (None, Some(bars)) => Period::Bars(bars),
        _ => return Err(one_of("an automation has one period", "secs or bars")),
    };
    let id = id.unwrap_or_else(|| label.clone());
    Ok(Mutation::new(move |session_preview| {
        check_control(&label, "params.label".to_owned(), session_preview)?;
        Ok(Edit::SetAutomation { id, label, shape, lo, hi, period, one_shot }.into())
    }))
}

/// `clear_automation {id, at?, dry_run?}`: its control goes back to pattern or base value.
fn read_clear(rest: &str) -> Result<Mutation, RpcError> {
    let Clear { id } = read_object(rest)?;
    Ok(Mutation::of(Edit::ClearAutomation { id }))
}

fn one_of(message: &str, names: &str) -> RpcError {
    RpcError::new(INVALID_PARAMS, message).at("params").hint(format!("give {names}, and one of them"))
}
