//! JSON-RPC methods about FAUST sounds: what there is, its text, whether a text compiles, and a text given
//! by the client. Nothing is compiled inside a reply: one that depends on a compile comes when it is done.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use krach_core::model::TypeSource;
use krach_core::node::is_inline;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answers::{Compiled, Defined, Folder, InterfaceInfo, SourceText, TypeInfo, Types};
use super::desk::Desk;
use super::methods::params;
use super::rpc::{Answer, INVALID_PARAMS, REFUSED, RpcError, TIMED_OUT, Work, told};
use crate::library::{CompileCheck, FAMILY, Failure, Origin};

/// How long `types` waits for sounds that have never been compiled.
const SURVEY: Duration = Duration::from_secs(3);
/// How long an answer waits for a compile: longer than a compile may take, and others before it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes of a text with its imports; the compiler's own limit is lower.
const MAX_TEXT: usize = 8 << 20;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TypesParams {
    /// Only this one.
    #[serde(default, rename = "type")]
    type_id: Option<String>,
}

/// `types {type?}`: what nodes can be, with ports and controls.
pub(super) fn read_types(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let TypesParams { type_id: wanted } = params(raw)?;
    let until = Instant::now() + SURVEY;
    Ok(Box::new(move |desk| {
        desk.type_ids();
        if let Some(wanted) = &wanted
            && desk.engine.registry().standing(wanted).is_none()
        {
            return Answer::Now(Err(unknown(wanted)));
        }
        Answer::Later(Box::new(move |desk| {
            let ids: Vec<String> = match &wanted {
                Some(wanted) => vec![wanted.clone()],
                None => desk.engine.type_ids(),
            };
            let surveyed = desk.sounds.as_mut().is_none_or(|sounds| sounds.survey(&ids));
            if !surveyed && Instant::now() < until {
                return None;
            }
            let types = ids.iter().map(|id| described(id, desk)).collect();
            let folder = desk.sounds.as_ref().map(|sounds| Folder {
                path: sounds.place().map(|path| path.to_string_lossy().into_owned()),
                problem: sounds.problem(),
            });
            Some(Ok(told(&Types { types, folder })))
        }))
    }))
}

fn unknown(type_id: &str) -> RpcError {
    let shown: String = type_id.chars().take(80).collect();
    RpcError::new(INVALID_PARAMS, format!("there is no type {shown}"))
        .at("params.type")
        .hint("`types` lists them")
}

fn described(id: &str, desk: &Desk<'_>) -> TypeInfo {
    let sounds = desk.sounds.as_ref().filter(|_| id.starts_with(FAMILY));
    let decl = desk.engine.registry().find(id).map(|ty| ty.decl());
    let interface = sounds.and_then(|sounds| sounds.interface(id));
    let (origin, state) = match sounds {
        None => ("builtin", "ready"),
        Some(sounds) => (origin_name(sounds.origin(id)), sounds.state(id)),
    };
    let interface = match (&interface, decl) {
        (Some(interface), _) => interface.as_ref().into(),
        (None, Some(decl)) => decl.into(),
        (None, None) => InterfaceInfo::default(),
    };
    let nodes = is_inline(id).then(|| {
        let nodes = desk.engine.session().graph.nodes.iter().filter(|node| node.type_id == id);
        nodes.map(|node| node.id.clone()).collect()
    });
    let failure = sounds.and_then(|sounds| sounds.failure(id));
    TypeInfo { type_id: id.to_owned(), origin, state, interface, nodes, failure }
}

fn origin_name(origin: Option<Origin>) -> &'static str {
    match origin {
        Some(Origin::Session) => "session",
        Some(Origin::File) => "file",
        Some(Origin::Factory) => "factory",
        Some(Origin::Node) => "node",
        None => "nowhere",
    }
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SourceParams {
    /// A type id.
    #[serde(rename = "type")]
    type_id: String,
}

/// `source {type}`: the text of a sound.
pub(super) fn read_source(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let SourceParams { type_id } = params(raw)?;
    Ok(Box::new(move |desk| {
        desk.type_ids();
        let sounds = desk.sounds.as_ref();
        let found = sounds.and_then(|sounds| Some((sounds.origin(&type_id)?, sounds.text(&type_id)?)));
        Answer::Now(match found {
            Some((origin, text)) => Ok(told(&SourceText {
                origin: origin_name(Some(origin)),
                text: text.text.clone(),
                imports: text.imports.clone(),
                type_id,
            })),
            None if desk.engine.registry().standing(&type_id).is_some() => {
                let error = RpcError::new(REFUSED, format!("{type_id} has no text that can be read"));
                Err(error.at("params.type").hint("only FAUST sounds have one"))
            }
            None => Err(unknown(&type_id)),
        })
    }))
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TextParams {
    /// Name of the sound, without `faust:`.
    #[serde(default)]
    name: Option<String>,
    /// FAUST text.
    #[serde(default)]
    text: Option<String>,
    /// Texts that it imports, by name.
    #[serde(default)]
    imports: BTreeMap<String, String>,
}

impl TextParams {
    fn source(self) -> Result<Option<TypeSource>, RpcError> {
        let Self { text, imports, .. } = self;
        let Some(text) = text else { return Ok(None) };
        let size = text.len() + imports.values().map(String::len).sum::<usize>();
        if size > MAX_TEXT {
            let error =
                RpcError::new(INVALID_PARAMS, format!("the text has {size} bytes, {MAX_TEXT} is the most"));
            return Err(error.at("params.text"));
        }
        Ok(Some(TypeSource { text, imports, own: true, factory: false }))
    }
}

/// `compile {text, imports?, name?}`: does it compile, and what comes of it? Nothing uses it.
pub(super) fn read_compile(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let wanted: TextParams = params(raw)?;
    let name = checked_name(wanted.name.as_deref().unwrap_or("program"))?;
    let Some(source) = wanted.source()? else {
        return Err(RpcError::new(INVALID_PARAMS, "the text is missing").at("params.text"));
    };
    Ok(Box::new(move |desk| {
        let Some(sounds) = &mut desk.sounds else { return Answer::Now(Err(none())) };
        let number = match sounds.try_text(&name, &source) {
            Ok(number) => number,
            Err(failure) => return Answer::Now(Err(failed(&failure))),
        };
        trial(number, |_, outcome| {
            outcome.map(|compiled| told(&compiled)).map_err(|failure| failed(&failure))
        })
    }))
}

/// `define {name, text, imports?}`: the sound `faust:<name>` is this text, in this session. Without a text:
/// it is the file's or the one built in again.
pub(super) fn read_define(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let wanted: TextParams = params(raw)?;
    let Some(name) = &wanted.name else {
        return Err(RpcError::new(INVALID_PARAMS, "the name is missing").at("params.name"));
    };
    let name = checked_name(name)?;
    let source = wanted.source()?;
    Ok(Box::new(move |desk| {
        let Some(sounds) = &mut desk.sounds else { return Answer::Now(Err(none())) };
        let type_id = format!("{FAMILY}{name}");
        let Some(source) = source else {
            return Answer::Now(match sounds.undefine(&type_id, desk.engine) {
                Ok(()) => {
                    *desk.changed = true;
                    let origin = Some(origin_name(sounds.origin(&type_id)));
                    Ok(told(&Defined { type_id, origin, compiled: None }))
                }
                Err(why) => Err(RpcError::new(REFUSED, why).at("params.name")),
            });
        };
        let number = match sounds.try_text(&name, &source) {
            Ok(number) => number,
            Err(failure) => return Answer::Now(Err(failed(&failure))),
        };
        // Graphs may use it at once: it sounds when it has been compiled.
        sounds.promise(&type_id, desk.engine);
        trial(number, move |desk, outcome| {
            let sounds = desk.sounds.as_mut();
            match outcome {
                Ok(compiled) => {
                    if let Some(sounds) = sounds {
                        sounds.define(&type_id, source.clone(), desk.engine);
                        *desk.changed = true;
                    }
                    let type_id = type_id.clone();
                    Ok(told(&Defined { type_id, origin: None, compiled: Some(compiled) }))
                }
                Err(failure) => {
                    if let Some(sounds) = sounds {
                        sounds.break_promise(&type_id, &failure.reason(), desk.engine);
                    }
                    Err(failed(&failure))
                }
            }
        })
    }))
}

/// Waits for a trial; `then` makes the answer of what came of it.
fn trial(
    number: u64,
    then: impl Fn(&mut Desk<'_>, Result<Compiled, Failure>) -> Result<Value, RpcError> + Send + 'static,
) -> Answer {
    let until = Instant::now() + PATIENCE;
    Answer::Later(Box::new(move |desk| {
        let sounds = desk.sounds.as_mut()?;
        let outcome = match sounds.take_trial(number) {
            Some(outcome) => outcome,
            None if Instant::now() < until => return None,
            None => {
                sounds.drop_trial(number);
                return Some(Err(RpcError::new(TIMED_OUT, "it is still being compiled")));
            }
        };
        let compiled = outcome.map(|CompileCheck { interface, timings, cached, state }| Compiled {
            interface: interface.as_ref().into(),
            ms: timings.into(),
            cached,
            state_bytes: state,
        });
        Some(then(desk, compiled))
    }))
}

fn failed(failure: &Failure) -> RpcError {
    let mut error = RpcError::new(REFUSED, failure.reason());
    error.hint.clone_from(&failure.hint);
    error.place = failure.file.as_ref().map(|file| {
        let places = [failure.line, failure.column];
        places.into_iter().flatten().fold(file.clone(), |place, number| format!("{place}:{number}"))
    });
    error
}

fn none() -> RpcError {
    RpcError::new(REFUSED, "there are no FAUST sounds here: no folder for them is known")
}

/// Names are as those of files: parts with `/` between them.
fn checked_name(name: &str) -> Result<String, RpcError> {
    let fits = |part: &str| {
        (1..=64).contains(&part.chars().count())
            && !part.starts_with('.')
            && !part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
    };
    let name = name.strip_prefix(FAMILY).unwrap_or(name);
    if name.split('/').count() <= 8 && name.split('/').all(fits) {
        return Ok(name.to_owned());
    }
    let error = RpcError::new(INVALID_PARAMS, "not a name for a sound").at("params.name");
    Err(error.hint("expected up to 64 printable characters, like bass or drums/kick"))
}
