//! The scripted performance: who plays what from when on, and the same with one voice alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::pattern::{Pattern, ReadError};
use super::time::{BEATS_PER_CYCLE, TempoMap, Time, exact};
use crate::failure::{Failure, Result};

/// A voice that tells when its gate opens.
const TICK: &str = "gate = button(\"gate\");\nprocess = 0.5 * ((gate > 0) & (gate' <= 0));\n";
/// The node that is heard.
const MASTER: &str = "out";

/// A performance file: one request to the socket, or one directive to the host, per line.
#[derive(Clone, Debug)]
pub struct Performance {
    text: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    json: Value,
    /// The remark on the nearest line above that has one.
    remark: String,
    action: Action,
}

#[derive(Clone, Debug)]
enum Action {
    /// A request that acts at this position in cycles (`None`: as soon as it is ready).
    Request { at: Option<Time>, changes: Vec<SlotChange> },
    /// From this position in cycles on another tempo, quarter notes per minute.
    Tempo { at: Time, bpm: Time },
    /// From this position in cycles on a FAUST program has another text, or would have: `broken` ones are
    /// to be refused.
    Save { at: Time, file: String, broken: bool },
    /// Anything else.
    Other,
}

/// What a request does to the pattern slots.
#[derive(Clone, Debug)]
enum SlotChange {
    Play {
        slot: String,
        pattern: Pattern,
        from_zero: bool,
    },
    /// The pattern is wrong: the engine must answer with an error and play on what it has.
    Refused,
    Hush(String),
    HushAll,
}

/// A moment at which the performer does something.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Position in cycles.
    pub at: Time,
    /// The remark in the performance, e.g. `bar 5: the kick gets busier`.
    pub remark: String,
}

impl Performance {
    /// Reads a performance.
    ///
    /// # Errors
    /// If the file cannot be read, or with the line that is not understood.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|source| Failure::file("read", path, source))?;
        Self::parse(&text).map_err(|(line, problem)| Failure::Content {
            path: path.to_owned(),
            line: Some(line),
            problem,
        })
    }

    /// Reads the text of a performance; an error has the line number and what is wrong with it.
    fn parse(text: &str) -> std::result::Result<Self, (usize, String)> {
        let mut lines = Vec::new();
        let mut remark = String::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(words) = line.strip_prefix('#') {
                words.trim().clone_into(&mut remark);
                continue;
            }
            if line.is_empty() {
                continue;
            }
            let at_line = |problem: String| (number + 1, problem);
            let json: Value = serde_json::from_str(line).map_err(|error| at_line(error.to_string()))?;
            let action = action(&json).map_err(at_line)?;
            lines.push(Line { json, remark: remark.clone(), action });
        }
        Ok(Self { text: text.to_owned(), lines })
    }

    /// The slots that are played, in the order of their first pattern. A voice's nodes are named
    /// `voice` or `voice_…`, and a note of it begins where its control `voice/gate` opens.
    pub fn voices(&self) -> Vec<String> {
        let mut voices = Vec::new();
        for (_, change) in self.changes() {
            if let SlotChange::Play { slot, .. } = change
                && !voices.contains(slot)
            {
                voices.push(slot.clone());
            }
        }
        voices
    }

    /// The tempo that the host is told to play at. 120 if the performance does not say.
    pub fn tempo_map(&self, sample_rate: u32) -> TempoMap {
        let mut map = TempoMap::new(sample_rate, Time::from(120));
        for line in &self.lines {
            if let Action::Tempo { at, bpm } = line.action {
                map.change(at, bpm);
            }
        }
        map
    }

    /// Where everything is hushed for the last time: the end of the music, in cycles.
    pub fn end(&self) -> Option<Time> {
        let ends = self.changes().filter(|(_, change)| matches!(change, SlotChange::HushAll));
        ends.map(|(at, _)| at).max()
    }

    /// When this voice's control `voice/gate` opens, in cycles, in the order of time.
    pub fn hits(&self, voice: &str, end: Time) -> Vec<Time> {
        let gate = format!("{voice}/gate");
        let mut turns: Vec<(Time, &SlotChange)> = self
            .changes()
            .filter(|(_, change)| match change {
                SlotChange::Play { slot, .. } | SlotChange::Hush(slot) => slot == voice,
                SlotChange::HushAll => true,
                SlotChange::Refused => false,
            })
            .collect();
        turns.sort_by_key(|&(at, _)| at);
        let mut hits = Vec::new();
        let mut open = false;
        for (i, &(from, change)) in turns.iter().enumerate() {
            let until = turns.get(i + 1).map_or(end, |&(next, _)| next.min(end));
            let SlotChange::Play { pattern, from_zero, .. } = change else {
                open = false;
                continue;
            };
            let zero = if *from_zero { from } else { Time::ZERO };
            for onset in pattern.onsets(from - zero, until - zero) {
                if onset.label == gate {
                    if onset.value > 0.0 && !open {
                        hits.push(onset.time + zero);
                    }
                    open = onset.value > 0.0;
                }
            }
        }
        hits
    }

    /// How many requests must be answered with an error.
    pub fn refused(&self) -> usize {
        self.changes().filter(|(_, change)| matches!(change, SlotChange::Refused)).count()
    }

    /// The FAUST programs that are saved: position in cycles, file, and whether it is to be refused.
    pub fn saves(&self) -> Vec<(Time, String, bool)> {
        let save = |line: &Line| match &line.action {
            Action::Save { at, file, broken } => Some((*at, file.clone(), *broken)),
            _ => None,
        };
        self.lines.iter().filter_map(save).collect()
    }

    /// The moments after the start at which something changes, in the order of time.
    pub fn moments(&self) -> Vec<Moment> {
        let mut moments: Vec<Moment> = Vec::new();
        for line in &self.lines {
            let at = match line.action {
                Action::Request { at: Some(at), .. } | Action::Tempo { at, .. } | Action::Save { at, .. } => {
                    at
                }
                Action::Request { at: None, .. } | Action::Other => continue,
            };
            if at > Time::ZERO && moments.iter().all(|moment| moment.at != at) {
                moments.push(Moment { at, remark: line.remark.clone() });
            }
        }
        moments.sort_by_key(|moment| moment.at);
        moments
    }

    /// The performance as it is in its file.
    pub fn full(&self) -> &str {
        &self.text
    }

    /// The performance as a file without the programs that are to be refused.
    pub fn without_broken(&self) -> String {
        let broken = |line: &&Line| matches!(line.action, Action::Save { broken: true, .. });
        self.lines.iter().filter(|line| !broken(line)).map(|line| format!("{}\n", line.json)).collect()
    }

    /// The performance as a file in which only one voice is heard: the others play, but their
    /// connections to what the voices share (master, busses) are left out.
    pub fn solo(&self, voice: &str) -> String {
        self.alone(voice, |_| true, |_| {}, String::new())
    }

    /// The same with [`TICK`] in the voice's place, straight to the master: it leaves silence on the sample
    /// on which a gate opens, and is silent again on the next.
    pub fn ticking(&self, voice: &str) -> String {
        let define = json!({"jsonrpc": "2.0", "id": 0, "method": "define",
            "params": {"name": "tick", "text": TICK}});
        let straight = |connection: &Value| {
            let to = connection["to_node"].as_str().unwrap_or_default();
            connection["from_node"] == voice || to == MASTER
        };
        let replace = |node: &mut Value| {
            if node["id"] == voice {
                node["type_id"] = "faust:tick".into();
                node["controls"] = json!({});
            }
        };
        self.alone(voice, straight, replace, format!("{define}\n"))
    }

    /// One voice alone, by those of its connections that are `wanted`, its nodes changed by `change`. What
    /// begins with text of its own is another performance, in which no program is saved.
    fn alone(
        &self,
        voice: &str,
        wanted: impl Fn(&Value) -> bool,
        change: impl Fn(&mut Value),
        mut text: String,
    ) -> String {
        let voices: BTreeSet<String> = self.voices().into_iter().collect();
        let audible = |connection: &Value| {
            let owner = |key: &str| owner(&voices, connection[key].as_str().unwrap_or_default());
            let own = owner("to_node").is_some() || owner("from_node").is_none_or(|owner| owner == voice);
            own && wanted(connection)
        };
        let saves = text.is_empty();
        for line in self.lines.iter().filter(|line| saves || !matches!(line.action, Action::Save { .. })) {
            let mut json = line.json.clone();
            let request = match json.pointer_mut("/params/request") {
                Some(request) => request,
                None => &mut json,
            };
            if is_connection(request) && !audible(request) {
                continue;
            }
            request["nodes"].as_array_mut().into_iter().flatten().for_each(&change);
            if let Some(connections) = request["connections"].as_array_mut() {
                connections.retain(audible);
            }
            if let Some(commands) = request["commands"].as_array_mut() {
                commands.retain(|command| !is_connection(command) || audible(command));
            }
            text.push_str(&format!("{json}\n"));
        }
        text
    }

    fn changes(&self) -> impl Iterator<Item = (Time, &SlotChange)> {
        self.lines.iter().flat_map(|line| {
            let (at, changes) = match &line.action {
                Action::Request { at, changes } => (at.unwrap_or(Time::ZERO), changes.as_slice()),
                Action::Tempo { .. } | Action::Save { .. } | Action::Other => (Time::ZERO, [].as_slice()),
            };
            changes.iter().map(move |change| (at, change))
        })
    }
}

fn is_connection(command: &Value) -> bool {
    matches!(command["type"].as_str(), Some("connect" | "disconnect"))
}

/// The voice that a node belongs to; none for what the voices share.
fn owner<'a>(voices: &'a BTreeSet<String>, node: &str) -> Option<&'a str> {
    let owns = |voice: &&String| {
        node.strip_prefix(voice.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    voices.iter().filter(owns).max_by_key(|voice| voice.len()).map(String::as_str)
}

fn action(json: &Value) -> std::result::Result<Action, String> {
    if let Some(directive) = json["host"].as_str() {
        let number = |key: &str| {
            json[key].as_f64().and_then(exact).ok_or(format!("{directive}: `{key}` is no number"))
        };
        if directive == "save" {
            let file = json["file"].as_str().ok_or("save: `file` is no text")?.to_owned();
            let broken = json["broken"] == true;
            return Ok(Action::Save { at: number("at")? / BEATS_PER_CYCLE, file, broken });
        }
        if directive != "tempo" || !json["ramp_seconds"].is_null() {
            return Err(format!("the demo's score knows plain tempo changes and saves only, no {json}"));
        }
        let (beats, bpm) = (number("at")?, number("bpm")?);
        if bpm <= Time::ZERO {
            return Err("tempo: `bpm` is not positive".to_owned());
        }
        return Ok(Action::Tempo { at: beats / BEATS_PER_CYCLE, bpm });
    }
    let (at, request) = match json["method"].as_str() {
        Some("at") => (position(&json["params"]["at"])?, &json["params"]["request"]),
        Some(_) => return Ok(Action::Other),
        None => (None, json),
    };
    let changes = slot_changes(request)?;
    let acts = |change: &SlotChange| !matches!(change, SlotChange::Refused);
    if at.is_none() && changes.iter().any(acts) {
        return Err("a pattern needs an exact position (`at`), or its time is not known".to_owned());
    }
    Ok(Action::Request { at, changes })
}

/// `at` in cycles; `None` for `now`, and an error for what depends on when the request arrives.
fn position(at: &Value) -> std::result::Result<Option<Time>, String> {
    let number = at.as_f64().or(at["cycles"].as_f64()).or(at["bars"].as_f64());
    match (number.and_then(exact), at.as_str()) {
        (Some(position), _) => Ok(Some(position)),
        (None, Some("now")) => Ok(None),
        _ => Err(format!("the position {at} depends on when the request arrives")),
    }
}

fn slot_changes(request: &Value) -> std::result::Result<Vec<SlotChange>, String> {
    let slot = || request["slot"].as_str().unwrap_or_default().to_owned();
    match request["cmd"].as_str() {
        Some(cmd @ ("SetPattern" | "SetPatternFromZero")) => {
            let from_zero = cmd == "SetPatternFromZero";
            match Pattern::read(&request["pattern"]) {
                Ok(pattern) => Ok(vec![SlotChange::Play { slot: slot(), pattern, from_zero }]),
                Err(ReadError::Refused(_)) => Ok(vec![SlotChange::Refused]),
                Err(ReadError::Unknown(problem)) => Err(problem),
            }
        }
        Some("Hush") => Ok(vec![SlotChange::Hush(slot())]),
        Some("HushAll") => Ok(vec![SlotChange::HushAll]),
        Some("Batch") => {
            let mut changes = Vec::new();
            for command in request["commands"].as_array().into_iter().flatten() {
                changes.extend(slot_changes(command)?);
            }
            // A batch is all or nothing.
            if changes.iter().any(|change| matches!(change, SlotChange::Refused)) {
                changes = vec![SlotChange::Refused];
            }
            Ok(changes)
        }
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: f64, request: &Value) -> String {
        let params = json!({"at": position, "request": request});
        format!("{}\n", json!({"jsonrpc":"2.0","id":1,"method":"at","params":params}))
    }

    fn hit(voice: &str) -> Value {
        let gate = |value: f64| json!({"op":"Atom","value":{"type":"Control","label":format!("{voice}/gate"),"value":value}});
        json!({"op":"Freeze","child":{"op":"Cat","children":[gate(1.0), gate(0.0)]}})
    }

    fn play(voice: &str, pattern: &Value) -> Value {
        json!({"cmd":"SetPattern","slot":voice,"pattern":pattern})
    }

    fn parse(text: &str) -> Performance {
        Performance::parse(text).unwrap()
    }

    fn cycles(list: &[i128]) -> Vec<Time> {
        list.iter().map(|&cycle| Time::from(cycle)).collect()
    }

    #[test]
    fn a_voice_plays_its_pattern_until_the_next_one() {
        let slow = json!({"op":"Slow","factor":[2,1],"child":hit("kick")});
        let text = at(1.0, &play("kick", &hit("kick")))
            + &at(3.0, &play("kick", &slow))
            + &at(7.0, &json!({"cmd":"HushAll"}));
        let performance = parse(&text);
        assert_eq!(performance.voices(), ["kick"]);
        assert_eq!(performance.end(), Some(Time::from(7)));
        assert_eq!(performance.hits("kick", Time::from(16)), cycles(&[1, 2, 4, 6]));
    }

    #[test]
    fn from_zero_starts_the_pattern_where_it_comes_in() {
        let slow = json!({"op":"Slow","factor":[2,1],"child":hit("kick")});
        let text = at(3.0, &json!({"cmd":"SetPatternFromZero","slot":"kick","pattern":slow}));
        assert_eq!(parse(&text).hits("kick", Time::from(8)), cycles(&[3, 5, 7]));
    }

    #[test]
    fn a_pattern_that_is_refused_leaves_the_old_one_playing() {
        let wrong = json!({"op":"Euclid","pulses":9,"steps":8,"child":hit("kick")});
        let text = at(0.0, &play("kick", &hit("kick"))) + &at(2.0, &play("kick", &wrong));
        let performance = parse(&text);
        assert_eq!(performance.refused(), 1);
        assert_eq!(performance.hits("kick", Time::from(4)), cycles(&[0, 1, 2, 3]));
    }

    #[test]
    fn tempo_changes_are_given_in_quarter_notes() {
        let map = parse("{\"host\":\"tempo\",\"bpm\":140,\"at\":48.0}").tempo_map(48_000);
        assert_eq!(map.sample(Time::from(12)), Time::from(24 * 48_000));
        assert_eq!(map.sample(Time::from(19)), Time::from(36 * 48_000));
    }

    #[test]
    fn the_remark_above_names_the_moment() {
        let text = "# bar 5: twice as much\n".to_owned()
            + &at(4.0, &play("kick", &hit("kick")))
            + &at(4.0, &play("hat", &hit("hat")))
            + "# bar 3: the hat goes\n"
            + &at(2.0, &json!({"cmd":"Hush","slot":"hat"}));
        let moments = parse(&text).moments();
        let named: Vec<_> = moments.iter().map(|moment| moment.remark.as_str()).collect();
        assert_eq!(named, ["bar 3: the hat goes", "bar 5: twice as much"]);
    }

    #[test]
    fn a_voice_alone_keeps_its_own_ways_and_loses_those_of_the_others_to_the_master() {
        let wire =
            |from: &str, to: &str| json!({"from_node":from,"from_port":"out","to_node":to,"to_port":"in"});
        let all = [
            wire("kick", "kick_g"),
            wire("kick_g", "out"),
            wire("bass", "bass_g"),
            wire("bass_g", "out"),
            wire("bass_g", "bass_send_bus"),
            wire("bass_send_bus", "bus"),
            wire("bus", "out"),
        ];
        let mut late = wire("kick", "out");
        late["type"] = json!("connect");
        let text = format!("{}\n", json!({"type":"load_graph","nodes":[],"connections":all}))
            + &at(0.0, &play("kick", &hit("kick")))
            + &at(0.0, &play("bass", &hit("bass")))
            + &at(1.0, &json!({"type":"graph_batch","commands":[late, {"type":"remove_node","id":"x"}]}))
            + &at(1.0, &late);
        let solo: Vec<Value> =
            parse(&text).solo("bass").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kept = [&all[0], &all[2], &all[3], &all[4], &all[5], &all[6]];
        let connections = solo[0]["connections"].as_array().unwrap();
        assert!(connections.iter().eq(kept), "{connections:?}");
        let commands = solo[3]["params"]["request"]["commands"].as_array().unwrap();
        assert_eq!(commands.len(), 1);
        assert_eq!(solo.len(), 4);
    }

    #[test]
    fn a_ticking_voice_goes_straight_to_the_master() {
        let wire =
            |from: &str, to: &str| json!({"from_node":from,"from_port":"out","to_node":to,"to_port":"in"});
        let all = [
            wire("bass", "bass_g"),
            wire("bass_g", "out"),
            wire("bass_g", "bass_send_bus"),
            wire("bass_send_bus", "bus"),
            wire("bus", "out"),
        ];
        let nodes = json!([{"id":"bass","type_id":"faust:bass"},{"id":"bus","type_id":"gain"}]);
        let text = format!("{}\n", json!({"type":"load_graph","nodes":nodes,"connections":all}))
            + "{\"host\":\"save\",\"file\":\"bass.dsp\",\"text\":\"\",\"at\":8,\"broken\":true}\n"
            + &at(0.0, &play("bass", &hit("bass")));
        let performance = parse(&text);
        assert_eq!(performance.saves(), [(Time::from(2), "bass.dsp".to_owned(), true)]);
        assert_eq!(performance.without_broken().lines().count(), 2);
        assert_eq!(performance.solo("bass").lines().count(), 3);
        let ticking: Vec<Value> =
            performance.ticking("bass").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(ticking.len(), 3);
        assert_eq!(ticking[0]["method"], "define");
        assert_eq!(ticking[1]["nodes"][0]["type_id"], "faust:tick");
        assert_eq!(ticking[1]["nodes"][1]["type_id"], "gain");
        let kept = [&all[0], &all[1], &all[4]];
        assert!(ticking[1]["connections"].as_array().unwrap().iter().eq(kept));
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        let error = Performance::parse("# one\n\n{\"cmd\":").unwrap_err();
        assert_eq!(error.0, 3);
        let untimed = play("kick", &hit("kick")).to_string();
        assert!(Performance::parse(&untimed).unwrap_err().1.contains("exact position"));
        let vague = at(0.0, &play("kick", &hit("kick"))).replace("0.0", "\"bar\"");
        assert!(Performance::parse(&vague).unwrap_err().1.contains("depends on when"));
    }
}
