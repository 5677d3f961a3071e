//! JSON-RPC methods for the host's macros: what each moves, and what waits for one.

use krach_core::edit::Edit;
use krach_core::engine::{MacroLearning, MacroStatus};
use krach_core::ir::which_names;
use krach_core::model::{Curve, MacroState, MacroTarget};
use krach_core::session::Session;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::methods::midi::range;
use crate::protocol::mutation::{Mutation, Prepared};
use crate::protocol::params::{read_object, read_params};

methods! {
    /// a [macro of the host](voices.md#macros) moves a control, has other targets or another name
    Macros "macro" Change(read_macro) (Macro) => (Named);
    /// it moves that control no more, or nothing at all
    Macros "unmacro" Change(read_unmacro) (Unmacro) => (Named);
    /// the next macro that the host moves gets a control, or a macro the next control that is set
    Macros "macro_learn" Ask(read_learn) (Learn) => (MacroList);
    /// what each macro moves, and what waits for one
    Macros "macros" Ask(read_list) () => (MacroList);
}

/// A macro by its number or its name.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a macro: 1 to 64, or its name")]
enum Which {
    Number(u8),
    Name(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Macro {
    /// 1 to 64, or the name of one that has this name.
    #[serde(rename = "macro")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    which: Which,
    /// A control, fader or send that it moves beside its others, or otherwise than before.
    #[serde(default)]
    label: Option<String>,
    /// Value at 0. Default: the control's minimum; 0 for faders and sends.
    #[serde(default)]
    lo: Option<f64>,
    /// Value at 1. Default: the control's maximum; 1 for faders and sends.
    #[serde(default)]
    hi: Option<f64>,
    /// `auto linear log exp s`. Default: `auto`, the control's own scale.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "curves"))]
    curve: Curve,
    /// `lo` and `hi` change places.
    #[serde(default)]
    inverse: bool,
    /// All that it moves, in place of what it moved.
    #[serde(default)]
    targets: Option<Vec<Target>>,
    /// What the host calls it; empty: as its first target.
    #[serde(default)]
    name: Option<String>,
    /// Unit in the host; empty: that of its first target.
    #[serde(default)]
    unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(inline))]
pub(super) struct Target {
    /// The control, fader or send.
    label: String,
    /// Value at 0. Default: the control's minimum; 0 for faders and sends.
    #[serde(default)]
    lo: Option<f64>,
    /// Value at 1. Default: the control's maximum; 1 for faders and sends.
    #[serde(default)]
    hi: Option<f64>,
    /// `auto linear log exp s`.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "curves"))]
    curve: Curve,
    /// `lo` and `hi` change places.
    #[serde(default)]
    inverse: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Unmacro {
    /// 1 to 64, or its name.
    #[serde(rename = "macro")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    which: Which,
    /// Only this control; without it all, and the name.
    #[serde(default)]
    label: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Learn {
    /// The control that waits for a macro.
    #[serde(default)]
    label: Option<String>,
    /// Value at 0.
    #[serde(default)]
    lo: Option<f64>,
    /// Value at 1.
    #[serde(default)]
    hi: Option<f64>,
    /// `auto linear log exp s`.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "curves"))]
    curve: Curve,
    /// The macro, 1 to 64 or by name, that waits for a control. Without it and without `label` nothing waits any more.
    #[serde(default, rename = "macro")]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    which: Option<Which>,
}

/// Names of curves, where they are read.
#[cfg(test)]
fn curves(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": ["auto", "linear", "log", "exp", "s"]})
}

/// `macro {macro, label?, lo?, hi?, curve?, inverse?, targets?, name?, unit?, at?, dry_run?}`: a macro moves a control
/// beside what it moved, or `targets` in place of that; `name` and `unit` are for the host.
fn read_macro(rest: &str) -> Result<Mutation, RpcError> {
    let Macro { which, label, lo, hi, curve, inverse, targets, name, unit } = read_object(rest)?;
    let one = label.map(|label| Target { label, lo, hi, curve, inverse });
    if one.is_some() && targets.is_some() {
        let error = RpcError::new(INVALID_PARAMS, "label and targets").at("params");
        return Err(error.hint("give label to add one target, or targets to put all in place"));
    }
    if one.is_none() && (lo.is_some() || hi.is_some() || inverse || curve != Curve::Auto) {
        let error =
            RpcError::new(INVALID_PARAMS, "a range, a curve or an inverse of no control").at("params");
        return Err(error.hint("give label, the control that they are for; each of targets has its own"));
    }
    if one.is_none() && targets.is_none() && name.is_none() && unit.is_none() {
        let error = RpcError::new(INVALID_PARAMS, "nothing to change").at("params");
        return Err(error.hint("give label, targets, name or unit"));
    }
    Ok(Mutation::new(move |preview| {
        let registry = preview.engine().registry();
        let session = preview.session()?;
        let number = number_of(&which, session)?;
        let mut state = session.macro_of(number).cloned().unwrap_or_else(|| MacroState::new(number));
        let several = targets.is_some();
        if several {
            state.targets.clear();
        }
        for (at, target) in one.into_iter().chain(targets.into_iter().flatten()).enumerate() {
            let Target { label, lo, hi, curve, inverse } = target;
            let place =
                if several { format!("params.targets[{at}].label") } else { "params.label".to_owned() };
            let (lo, hi) = range(&label, &place, (lo, hi), session, registry)?;
            let (lo, hi) = if inverse { (hi, lo) } else { (lo, hi) };
            state.aim(MacroTarget { label: session.long_form(&label, registry), lo, hi, curve });
        }
        state.name = name.unwrap_or(state.name);
        state.unit = unit.unwrap_or(state.unit);
        Ok(Prepared::and(Edit::Macro { number, to: Some(Box::new(state)) }, &Named { number }))
    }))
}

/// `unmacro {macro, label?, at?, dry_run?}`: a macro moves that control no more, or nothing, and has no name.
fn read_unmacro(rest: &str) -> Result<Mutation, RpcError> {
    let Unmacro { which, label } = read_object(rest)?;
    Ok(Mutation::new(move |preview| {
        let registry = preview.engine().registry();
        let session = preview.session()?;
        let number = number_of(&which, session)?;
        let Some(label) = label else {
            return Ok(Prepared::and(Edit::Macro { number, to: None }, &Named { number }));
        };
        let mut state = session.macro_of(number).cloned().unwrap_or_else(|| MacroState::new(number));
        let long = session.long_form(&label, registry);
        if !state.targets.iter().any(|target| target.label == long) {
            let error = RpcError::new(REFUSED, format!("macro {number} does not move {label}"));
            let labels = state.targets.iter().map(|target| target.label.as_str());
            return Err(error.at("params.label").hint(which_names(&label, "its targets", labels)));
        }
        state.targets.retain(|target| target.label != long);
        Ok(Prepared::and(Edit::Macro { number, to: Some(Box::new(state)) }, &Named { number }))
    }))
}

/// `macro_learn {label, lo?, hi?, curve?}`: the next macro that the host moves gets the control; `macro_learn {macro}`:
/// the macro gets the next control that is set; `macro_learn {}` waits no longer.
fn read_learn(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Learn { label, lo, hi, curve, which } = match raw {
        Some(_) => read_params(raw)?,
        None => read_object("{}")?,
    };
    if label.is_some() && which.is_some() {
        let error = RpcError::new(INVALID_PARAMS, "label and macro").at("params");
        return Err(error.hint("give label to wait for a macro, or macro to wait for a control"));
    }
    Ok(Box::new(move |context| {
        let session = context.engine.session();
        let wanted = match (label, which) {
            (Some(label), _) => range(&label, "params.label", (lo, hi), session, context.engine.registry())
                .map(|(lo, hi)| Some(MacroLearning::Control(MacroTarget { label, lo, hi, curve }))),
            (None, Some(which)) => {
                number_of(&which, session).map(|number| Some(MacroLearning::Macro(number)))
            }
            (None, None) => Ok(None),
        };
        Answer::Now(wanted.and_then(|wanted| {
            context.engine.learn_macro(wanted).map_err(|error| RpcError::new(REFUSED, error.to_string()))?;
            Ok(to_json(&list(context)))
        }))
    }))
}

/// `macros`: what each macro moves, and what waits for one.
fn read_list(_: Option<&RawValue>) -> Result<Work, RpcError> {
    Ok(Box::new(|context| Answer::with(&list(context))))
}

/// The number of a macro that is meant by number or name.
fn number_of(which: &Which, session: &Session) -> Result<u8, RpcError> {
    match which {
        Which::Number(number @ 1..=64) => Ok(*number),
        Which::Number(number) => {
            let error = RpcError::new(INVALID_PARAMS, format!("there is no macro {number}"));
            Err(error.at("params.macro").hint("expected 1 to 64"))
        }
        Which::Name(name) => {
            let known = session.macros.iter().find(|state| state.name == *name);
            known.map(|state| state.number).ok_or_else(|| {
                let names = session.macros.iter().map(|state| state.name.as_str());
                let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
                let error = RpcError::new(REFUSED, format!("no macro is called {name}")).at("params.macro");
                match names.is_empty() {
                    true => error.hint("expected 1 to 64: no macro has a name yet"),
                    false => error.hint(which_names(name, "macros", names)),
                }
            })
        }
    }
}

fn list(context: &RequestContext<'_>) -> MacroList {
    let (engine, link) = (&context.engine, context.engine.link());
    let macros = engine.macros().into_iter().map(|status| {
        let value = f64::from(link.macro_value(status.state.number - 1));
        MacroNow::of(status, value)
    });
    let learning = engine.learning_macro().map(|learning| match learning.clone() {
        MacroLearning::Control(MacroTarget { label, lo, hi, curve }) => {
            MacroWaits::Control { label, lo, hi, curve }
        }
        MacroLearning::Macro(number) => MacroWaits::Macro { number },
    });
    MacroList { macros: macros.collect(), learning }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Named {
    /// Its number.
    #[serde(rename = "macro")]
    pub number: u8,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MacroList {
    /// Those that move something or have a name, by rising number.
    pub macros: Vec<MacroNow>,
    /// What waits.
    pub learning: Option<MacroWaits>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MacroNow {
    /// Its number, 1 to 64.
    #[serde(rename = "macro")]
    pub number: u8,
    /// The name that it was given; empty if it has none.
    pub name: String,
    /// What the host calls it.
    pub title: String,
    /// Unit in the host.
    pub unit: String,
    /// Where it stands, 0 to 1, without modulation.
    pub value: f64,
    /// What it moves.
    pub targets: Vec<TargetNow>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TargetNow {
    /// The control, fader or send.
    pub label: String,
    /// Value at 0.
    pub lo: f64,
    /// Value at 1.
    pub hi: f64,
    /// `auto linear log exp s`.
    pub curve: Curve,
    /// Its control is not there; it moves again once it is.
    pub dormant: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum MacroWaits {
    /// A control, for a macro that the host moves.
    Control {
        /// The control.
        label: String,
        /// Value at 0.
        lo: f64,
        /// Value at 1.
        hi: f64,
        /// `auto linear log exp s`.
        curve: Curve,
    },
    /// A macro, for a control that is set.
    Macro {
        /// Its number.
        #[serde(rename = "macro")]
        number: u8,
    },
}

impl MacroNow {
    fn of(status: MacroStatus, value: f64) -> Self {
        let MacroStatus { state, title, unit, awake, .. } = status;
        let targets = state.targets.into_iter().zip(awake).map(|(target, awake)| {
            let MacroTarget { label, lo, hi, curve } = target;
            TargetNow { label, lo, hi, curve, dormant: !awake }
        });
        Self { number: state.number, name: state.name, title, unit, value, targets: targets.collect() }
    }
}
