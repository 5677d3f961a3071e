//! Our own library: what FAUST programs use most, for machines that do not have FAUST's, and for sounds that are the
//! same on every machine.

use crate::texts::{Text, Texts};

macro_rules! texts {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../lib/", $name)))),*] };
}

/// Every text by the name that imports it.
const TEXTS: &[(&str, &str)] = texts![
    "analyzers.lib",
    "basics.lib",
    "compressors.lib",
    "delays.lib",
    "envelopes.lib",
    "filters.lib",
    "maths.lib",
    "misceffects.lib",
    "noises.lib",
    "oscillators.lib",
    "phaflangers.lib",
    "physmodels.lib",
    "reverbs.lib",
    "routes.lib",
    "signals.lib",
    "spats.lib",
    "stdfaust.lib",
    "vaeffects.lib",
];

/// The libraries that FAUST's `stdfaust.lib` names and we do not have.
const ELSEWHERE: &[&str] = &[
    "aanl.lib",
    "all.lib",
    "demos.lib",
    "dx7.lib",
    "fds.lib",
    "hoa.lib",
    "interpolators.lib",
    "mi.lib",
    "platform.lib",
    "quantizers.lib",
    "reducemaps.lib",
    "soundfiles.lib",
    "synths.lib",
    "version.lib",
    "webaudio.lib",
    "wdmodels.lib",
];

/// Before the name of a text, it makes the name that the text has in errors.
const FOLDER: &str = "krach/";

/// The text of this name.
pub fn text(name: &str) -> Option<Text> {
    let (name, text) = TEXTS.iter().find(|(known, _)| *known == name)?;
    Some(Text { name: format!("{FOLDER}{name}"), text: (*text).into() })
}

/// The names of all texts.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(name, _)| *name)
}

/// The names of FAUST's standard libraries, whether we have them or not.
pub fn standard() -> impl Iterator<Item = &'static str> {
    names().chain(ELSEWHERE.iter().copied())
}

/// The name that imports this text, if it is one of ours.
pub(crate) fn import_of(text: &str) -> Option<&str> {
    text.strip_prefix(FOLDER).filter(|name| TEXTS.iter().any(|(known, _)| known == name))
}

/// Whether FAUST has a standard library of that name which we do not have.
pub fn is_elsewhere(name: &str) -> bool {
    ELSEWHERE.contains(&name)
}

/// What to do about something that only FAUST's library of that name has.
pub(crate) fn remedy(name: &str) -> String {
    format!("install FAUST's own libraries (Debian: faust-common), or put {name} beside your sounds")
}

/// Gives these texts and no others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Own;

impl Texts for Own {
    fn find(&mut self, name: &str, _from: &str) -> Result<Option<Text>, String> {
        Ok(text(name))
    }
}
