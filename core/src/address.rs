//! Addresses of what a node has without its code: its fader `bass/@gain`, its mute `bass/@mute`, its sends `bass/@send/verb`.
//!
//! No control of a type begins with `@`, so an address means the same whatever code the node has. In the lowered graph
//! these are controls of nodes of their own, with the names that older clients gave them.

use std::borrow::Cow;

/// What an address means of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// The fader.
    Gain,
    /// The mute.
    Mute,
    /// The level of the send to that node.
    Send(&'a str),
}

/// What begins the own part of an address.
pub const MARK: char = '@';

/// The node and the part of it that an address means.
pub fn parse(label: &str) -> Option<(&str, Part<'_>)> {
    let (node, part) = label.rsplit_once("/@")?;
    let part = match part {
        "gain" => Part::Gain,
        "mute" => Part::Mute,
        send => Part::Send(send.strip_prefix("send/").filter(|target| !target.is_empty())?),
    };
    (!node.is_empty()).then_some((node, part))
}

/// Is a node of that name the group's, or of a node's own name?
pub fn is_within(name: &str, group: &str) -> bool {
    name.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The node of these that a slot plays, or one of whose controls it moves: `bass`, `bass/cutoff`, or `_ctrl_bass_cutoff` as
/// older clients call it. Of several the one with the longest name.
pub fn slot_owner<'a>(slot: &str, nodes: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let older = slot.strip_prefix("_ctrl_");
    let is_its = |node: &&str| {
        let as_older = |rest: &str| {
            let rest = rest.strip_prefix(*node).or_else(|| rest.strip_prefix(&*node.replace('/', "_")));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '_']))
        };
        is_within(slot, node) || older.is_some_and(as_older)
    };
    nodes.filter(is_its).max_by_key(|node| node.len())
}

/// The path in the lowered graph that a label means: that of an address; any other label is itself.
pub fn path(label: &str) -> Cow<'_, str> {
    match parse(label) {
        Some((node, Part::Gain)) => gain_path(node).into(),
        Some((node, Part::Mute)) => mute_path(node).into(),
        Some((node, Part::Send(target))) => level_path(node, target).into(),
        None => label.into(),
    }
}

/// The address of a node's fader.
pub fn gain(node: &str) -> String {
    format!("{node}/@gain")
}

/// The address of a node's mute.
pub fn mute(node: &str) -> String {
    format!("{node}/@mute")
}

/// The address of a send's level.
pub fn send(source: &str, target: &str) -> String {
    format!("{source}/@send/{target}")
}

/// Id of a node's fader in the lowered graph.
pub fn fader_id(node: &str) -> String {
    format!("{node}_g")
}

/// Id of a send in the lowered graph.
pub fn send_id(source: &str, target: &str) -> String {
    format!("{source}_send_{target}")
}

/// Path of the mute of a node's fader.
pub fn mute_path(node: &str) -> String {
    format!("{}/mute", fader_id(node))
}

/// Path of a node's fader.
pub fn gain_path(node: &str) -> String {
    format!("{}/gain", fader_id(node))
}

/// Path of a send's level.
pub fn level_path(source: &str, target: &str) -> String {
    format!("{}/gain", send_id(source, target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_path_of_the_lowered_graph_and_any_other_label_is_itself() {
        for (label, meant) in [
            ("bass/@gain", "bass_g/gain"),
            ("drums/kick/@mute", "drums/kick_g/mute"),
            ("drums/kick/@send/fx/verb", "drums/kick_send_fx/verb/gain"),
            ("bass/gain", "bass/gain"),
            ("bass/@", "bass/@"),
            ("bass/@pan", "bass/@pan"),
            ("bass/@send/", "bass/@send/"),
            ("/@gain", "/@gain"),
            ("@gain", "@gain"),
        ] {
            assert_eq!(path(label), meant);
        }
        assert_eq!(parse(&gain("a/b")), Some(("a/b", Part::Gain)));
        assert_eq!(parse(&mute("a")), Some(("a", Part::Mute)));
        assert_eq!(parse(&send("a", "b/c")), Some(("a", Part::Send("b/c"))));
    }
}
