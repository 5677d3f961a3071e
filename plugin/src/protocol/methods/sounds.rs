//! JSON-RPC methods about FAUST sounds and patches: what there is, its text, whether a text compiles, and a text given
//! by the client. Nothing is compiled inside a reply: one that depends on a compile comes when it is done.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use krach_core::model::TypeSource;
use krach_core::node::is_inline;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::library::{CompileCheck, FAMILY, Failure, Origin, PATCHES, PatchCheck};
use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError, TIMED_OUT, TextPlace};
use crate::protocol::interface::{InterfaceInfo, Milliseconds};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::params::read_params;

methods! {
    /// what nodes can be
    Sounds "types" Ask(read_types) (TypesParams) => (Types);
    /// the text of a sound
    Sounds "source" Ask(read_source) (SourceParams) => (SourceText);
    /// does a text compile? Nothing uses it
    Sounds "compile" Ask(read_compile) (TextParams) => (Compiled);
    /// from now on `faust:<name>`, or `patch:<name>` if the name or the text says so, is this text in this session,
    /// whatever the folder has; without a `text` it is the folder's or the built-in one again
    Sounds "define" Ask(read_define) (TextParams) => (Defined);
}

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
fn read_types(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let TypesParams { type_id: wanted } = read_params(raw)?;
    let until = Instant::now() + SURVEY;
    Ok(Box::new(move |context| {
        context.type_ids();
        if let Some(wanted) = &wanted
            && context.engine.registry().type_status(wanted).is_none()
        {
            return Answer::Now(Err(unknown(wanted)));
        }
        Answer::Later(Box::new(move |context| {
            let ids: Vec<String> = match &wanted {
                Some(wanted) => vec![wanted.clone()],
                None => context.engine.type_ids(),
            };
            let surveyed = context.sounds.as_mut().is_none_or(|sounds| sounds.survey(&ids));
            if !surveyed && Instant::now() < until {
                return None;
            }
            let types = ids.iter().map(|id| described(id, context)).collect();
            let folder = context.sounds.as_ref().map(|sounds| Folder {
                path: sounds.place().map(|path| path.to_string_lossy().into_owned()),
                problem: sounds.problem(),
            });
            let patch_folder = context.sounds.as_ref().map(|sounds| {
                let (path, problem) = sounds.patch_place();
                Folder { path: path.map(|path| path.to_string_lossy().into_owned()), problem }
            });
            Some(Ok(to_json(&Types { types, folder, patch_folder })))
        }))
    }))
}

fn unknown(type_id: &str) -> RpcError {
    let shown: String = type_id.chars().take(80).collect();
    RpcError::new(INVALID_PARAMS, format!("there is no type {shown}"))
        .at("params.type")
        .hint("`types` lists them")
}

fn described(id: &str, context: &RequestContext<'_>) -> TypeInfo {
    let is_patch = id.starts_with(PATCHES);
    let sounds = context.sounds.as_ref().filter(|_| is_patch || id.starts_with(FAMILY));
    let unplayed = sounds.filter(|_| is_patch && context.engine.registry().find(id).is_none());
    let unplayed = unplayed.and_then(|sounds| sounds.patch_decl(id));
    let decl = context.engine.registry().find(id).map(|ty| ty.decl()).or(unplayed.as_ref());
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
        let nodes = context.engine.session().graph.nodes.iter().filter(|node| node.type_id == id);
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
fn read_source(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let SourceParams { type_id } = read_params(raw)?;
    Ok(Box::new(move |context| {
        context.type_ids();
        let sounds = context.sounds.as_ref();
        let found = sounds.and_then(|sounds| Some((sounds.origin(&type_id)?, sounds.text(&type_id)?)));
        Answer::Now(match found {
            Some((origin, text)) => Ok(to_json(&SourceText {
                origin: origin_name(Some(origin)),
                text: text.text.clone(),
                imports: text.imports.clone(),
                type_id,
            })),
            None if context.engine.registry().type_status(&type_id).is_some() => {
                let error = RpcError::new(REFUSED, format!("{type_id} has no text that can be read"));
                Err(error.at("params.type").hint("only FAUST sounds and patches have one"))
            }
            None => Err(unknown(&type_id)),
        })
    }))
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TextParams {
    /// Name of the sound, without `faust:`. With `patch:` in front it is a patch, as without a prefix if the text is one.
    #[serde(default)]
    name: Option<String>,
    /// FAUST text, or the YAML of a patch.
    #[serde(default)]
    text: Option<String>,
    /// Texts that it imports, by name.
    #[serde(default)]
    imports: BTreeMap<String, String>,
}

impl TextParams {
    /// Family and name of the type that a name means here.
    fn type_of(&self, name: &str) -> Result<(&'static str, String), RpcError> {
        let is_patch = name.starts_with(PATCHES)
            || !name.starts_with(FAMILY) && self.text.as_deref().is_some_and(krach_core::node::is_patch);
        let family = if is_patch { PATCHES } else { FAMILY };
        Ok((family, checked_name(name.strip_prefix(family).unwrap_or(name))?))
    }

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
fn read_compile(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let wanted: TextParams = read_params(raw)?;
    let (family, name) = wanted.type_of(wanted.name.as_deref().unwrap_or("program"))?;
    let Some(source) = wanted.source()? else {
        return Err(RpcError::new(INVALID_PARAMS, "the text is missing").at("params.text"));
    };
    Ok(Box::new(move |context| {
        let Some(sounds) = &mut context.sounds else { return Answer::Now(Err(none())) };
        if family == PATCHES {
            let checked = sounds.check_patch(&format!("{family}{name}"), &source.text);
            let checked = checked.map(|checked| to_json(&Compiled::from(checked)));
            return Answer::Now(checked.map_err(|failure| failed(*failure)));
        }
        let number = match sounds.try_text(&name, &source) {
            Ok(number) => number,
            Err(failure) => return Answer::Now(Err(failed(*failure))),
        };
        trial(number, |_, outcome| outcome.map(|compiled| to_json(&compiled)).map_err(failed))
    }))
}

/// `define {name, text, imports?}`: the sound `faust:<name>` is this text, in this session. Without a text:
/// it is the file's or the one built in again.
fn read_define(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let wanted: TextParams = read_params(raw)?;
    let Some(name) = &wanted.name else {
        return Err(RpcError::new(INVALID_PARAMS, "the name is missing").at("params.name"));
    };
    let (family, name) = wanted.type_of(name)?;
    let source = wanted.source()?;
    Ok(Box::new(move |context| {
        let Some(sounds) = &mut context.sounds else { return Answer::Now(Err(none())) };
        let type_id = format!("{family}{name}");
        let Some(source) = source else {
            return Answer::Now(match sounds.undefine(&type_id, context.engine) {
                Ok(()) => {
                    *context.changed = true;
                    let origin = Some(origin_name(sounds.origin(&type_id)));
                    Ok(to_json(&Defined { type_id, origin, compiled: None }))
                }
                Err(why) => Err(RpcError::new(REFUSED, why).at("params.name")),
            });
        };
        if family == PATCHES {
            let checked = match sounds.check_patch(&type_id, &source.text) {
                Ok(checked) => checked,
                Err(failure) => return Answer::Now(Err(failed(*failure))),
            };
            sounds.define(&type_id, source, context.engine);
            *context.changed = true;
            let compiled = Some(checked.into());
            return Answer::Now(Ok(to_json(&Defined { type_id, origin: None, compiled })));
        }
        let number = match sounds.try_text(&name, &source) {
            Ok(number) => number,
            Err(failure) => return Answer::Now(Err(failed(*failure))),
        };
        // Graphs may use it at once: it sounds when it has been compiled.
        sounds.promise(&type_id, context.engine);
        trial(number, move |context, outcome| {
            let sounds = context.sounds.as_mut();
            match outcome {
                Ok(compiled) => {
                    if let Some(sounds) = sounds {
                        sounds.define(&type_id, source.clone(), context.engine);
                        *context.changed = true;
                    }
                    let type_id = type_id.clone();
                    Ok(to_json(&Defined { type_id, origin: None, compiled: Some(compiled) }))
                }
                Err(failure) => {
                    if let Some(sounds) = sounds {
                        sounds.break_promise(&type_id, &failure.reason(), context.engine);
                    }
                    Err(failed(failure))
                }
            }
        })
    }))
}

/// Waits for a trial; `then` makes the answer of what came of it.
fn trial(
    number: u64,
    then: impl Fn(&mut RequestContext<'_>, Result<Compiled, Failure>) -> Result<Value, RpcError> + Send + 'static,
) -> Answer {
    let until = Instant::now() + PATIENCE;
    Answer::Later(Box::new(move |context| {
        let sounds = context.sounds.as_mut()?;
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
        Some(then(context, compiled))
    }))
}

impl From<PatchCheck> for Compiled {
    fn from(checked: PatchCheck) -> Self {
        let PatchCheck { decl, timings, state } = checked;
        Self { interface: (&decl).into(), ms: timings.into(), cached: false, state_bytes: state }
    }
}

/// A text of the client's does not compile.
fn failed(failure: Failure) -> RpcError {
    let mut error = RpcError::new(REFUSED, failure.reason());
    let first = &failure.first;
    error.hint.clone_from(&first.hint);
    error.place = first.file.as_ref().map(|file| {
        let places = [first.line, first.column];
        places.into_iter().flatten().fold(file.clone(), |place, number| format!("{place}:{number}"))
    });
    // What it imports may be a file of the folder.
    let own = first.file.as_deref().and_then(|file| file.strip_suffix(".dsp"));
    if own.is_some()
        && own == failure.type_id.strip_prefix(FAMILY)
        && let (Some(line), Some(column), Some(span)) = (first.line, first.column, first.span)
    {
        error = error.in_text(TextPlace {
            line: line as usize,
            column: column as usize,
            span: span.map(|at| at as usize),
        });
    }
    error.failure = Some(Box::new(failure));
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
    if name.split('/').count() <= 8 && name.split('/').all(fits) {
        return Ok(name.to_owned());
    }
    let error = RpcError::new(INVALID_PARAMS, "not a name for a sound").at("params.name");
    Err(error.hint("expected up to 64 printable characters, like bass or drums/kick"))
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Types {
    /// Each type.
    pub types: Vec<TypeInfo>,
    /// The folder for sounds; null where there are none.
    pub folder: Option<Folder>,
    /// The folder for patches; null where there are none.
    pub patch_folder: Option<Folder>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TypeInfo {
    /// Its id.
    #[serde(rename = "type")]
    pub type_id: String,
    /// `builtin`, `factory`, `file`, `session`, `node` (the source of single nodes) or `nowhere`.
    pub origin: &'static str,
    /// What has become of it: `ready`, `compiling`, `waiting`, `failed`.
    pub state: &'static str,
    /// Ports and controls.
    #[serde(flatten)]
    pub interface: InterfaceInfo,
    /// The nodes whose own source it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<String>>,
    /// Why it does not compile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Folder {
    /// Its path.
    pub path: Option<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SourceText {
    /// The type id.
    #[serde(rename = "type")]
    pub type_id: String,
    /// Where the text is from: `factory`, `file`, `session` or `node`.
    pub origin: &'static str,
    /// FAUST text, or the YAML of a patch.
    pub text: String,
    /// Texts that it imports, by name.
    pub imports: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Compiled {
    /// Ports and controls.
    #[serde(flatten)]
    pub interface: InterfaceInfo,
    /// How long it took.
    pub ms: Milliseconds,
    /// It was known already.
    pub cached: bool,
    /// Memory of one voice.
    pub state_bytes: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Defined {
    /// The type id.
    #[serde(rename = "type")]
    pub type_id: String,
    /// Without a text: whose sound it is again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<&'static str>,
    /// With one: what came of it.
    #[serde(flatten)]
    pub compiled: Option<Compiled>,
}
