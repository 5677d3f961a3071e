//! What a session is, as plainly as it can be said: lists and maps, changed by requests as they came over
//! the wire. Shares nothing with the engine but the JSON of documents.

mod document;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Why a request is refused; only for reading when a test fails.
pub type Refused = String;

#[derive(Clone, Debug, PartialEq)]
struct Node {
    name: String,
    source: String,
    count: u64,
    legato: bool,
    rest: String,
    init: Vec<(String, f64)>,
    to_master: bool,
    stem: u64,
    muted: bool,
    solo: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Route {
    source: String,
    target: String,
    /// Of a wire.
    port: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Slot {
    pattern: Value,
    playing: bool,
    from_zero: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Automation {
    label: String,
    shape: String,
    lo: f64,
    hi: f64,
    secs: Option<f64>,
    bars: Option<f64>,
    one_shot: bool,
}

/// A session.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    nodes: Vec<Node>,
    routes: Vec<Route>,
    raw: Vec<Value>,
    wires: Vec<Value>,
    exposed: BTreeMap<String, (String, String)>,
    values: BTreeMap<String, f64>,
    slots: BTreeMap<String, Slot>,
    automations: BTreeMap<String, Automation>,
    maps: Vec<Value>,
    tempo: f64,
    meter: f64,
    master: f64,
    seed: u64,
    limiter: bool,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            routes: Vec::new(),
            raw: Vec::new(),
            wires: Vec::new(),
            exposed: BTreeMap::new(),
            values: BTreeMap::new(),
            slots: BTreeMap::new(),
            automations: BTreeMap::new(),
            maps: Vec::new(),
            tempo: 120.0,
            meter: 4.0,
            master: 1.0,
            seed: 0,
            limiter: true,
        }
    }
}

/// Controls and input of the types that the test has.
fn type_of(source: &str) -> Option<(&'static [&'static str], bool)> {
    match source {
        "faust:bass" | "faust:kick" => Some((&["freq", "cutoff", "gate"], false)),
        "gain" => Some((&["gain", "mute"], true)),
        _ => None,
    }
}

fn text(value: &Value) -> Result<String, Refused> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{value} is no text"))
}

fn number(value: &Value) -> Result<f64, Refused> {
    value.as_f64().ok_or_else(|| format!("{value} is no number"))
}

fn within(value: f64, most: f64) -> Result<f64, Refused> {
    if (0.0..=most).contains(&value) { Ok(value) } else { Err(format!("{value} is out of range")) }
}

fn check(fine: bool, why: &str) -> Result<(), Refused> {
    if fine { Ok(()) } else { Err(why.to_owned()) }
}

impl Model {
    /// Does what a request asks for, or nothing.
    pub fn apply(&mut self, family: &str, method: &str, params: &Value) -> Result<(), Refused> {
        let mut next = self.clone();
        match family {
            "jsonrpc" => next.rpc(method, params)?,
            "cmd" => next.pattern_command(method, params)?,
            _ => next.graph_command(method, params)?,
        }
        next.forget();
        *self = next;
        Ok(())
    }

    fn rpc(&mut self, method: &str, p: &Value) -> Result<(), Refused> {
        match method {
            "batch" => {
                for request in p["requests"].as_array().ok_or("no requests")? {
                    self.rpc(&text(&request["method"])?, &request["params"])?;
                    self.forget();
                }
            }
            "node" => self.set_node(p)?,
            "remove" => {
                for name in self.meant(&p["node"])? {
                    self.remove(&name);
                }
            }
            "connect" => self.connect(p)?,
            "disconnect" => {
                let (source, target) = (self.known(&p["source"])?, self.known(&p["target"])?);
                let before = self.routes.len();
                let port = p["port"].as_str();
                self.routes.retain(|r| {
                    let ends = r.source == source && r.target == target;
                    !(ends && (port.is_none() || r.port.as_deref() == port))
                });
                check(self.routes.len() < before, "not routed")?;
            }
            "mute" | "solo" => {
                let on = p["on"].as_bool().unwrap_or(true);
                for name in self.meant(&p["node"])? {
                    let node = self.nodes.iter_mut().find(|n| n.name == name).expect("meant");
                    if method == "mute" { node.muted = on } else { node.solo = on }
                }
            }
            "gain" => {
                let gain = within(number(&p["gain"])?, 16.0)?;
                for name in self.meant(&p["node"])? {
                    self.values.insert(format!("{name}_g/gain"), gain);
                }
            }
            "set" => {
                for (label, value) in p["values"].as_object().ok_or("no values")? {
                    let value = number(value)?;
                    let path = self.control(label)?;
                    self.values.insert(path, value);
                }
            }
            "play" => {
                let pattern = p["pattern"].clone();
                check(pattern["op"] != "Fast" || pattern["factor"] != json!([0, 1]), "does not compile")?;
                self.slots.insert(text(&p["target"])?, Slot { pattern, playing: true, from_zero: false });
            }
            "hush" => {
                let target = text(&p["target"])?;
                let group = format!("{target}/");
                let whole =
                    self.slots.contains_key(&target) || !self.slots.keys().any(|s| s.starts_with(&group));
                for (slot, state) in &mut self.slots {
                    if *slot == target || (!whole && slot.starts_with(&group)) {
                        state.playing = false;
                    }
                }
            }
            "stop" => self.slots.values_mut().for_each(|slot| slot.playing = false),
            "automate" => {
                let label = text(&p["label"])?;
                self.control(&label)?;
                let id = p["id"].as_str().map_or_else(|| label.clone(), str::to_owned);
                let (secs, bars) = (p["secs"].as_f64(), p["bars"].as_f64());
                check(secs.is_some() != bars.is_some(), "one period")?;
                check(secs.or(bars).is_some_and(|length| length > 0.0), "no period")?;
                let (lo, hi) = (number(&p["lo"])?, number(&p["hi"])?);
                let one_shot = p["one_shot"].as_bool().unwrap_or(false);
                let shape = text(&p["shape"])?;
                check(["sine", "tri", "ramp"].contains(&shape.as_str()), "no such shape")?;
                let label = self.long(label);
                self.automations.insert(id, Automation { label, shape, lo, hi, secs, bars, one_shot });
            }
            "clear_automation" => drop(self.automations.remove(&text(&p["id"])?)),
            "midi_map" => self.midi_map(p)?,
            "midi_unmap" => {
                let (channel, cc) = (&p["channel"], &p["cc"]);
                self.maps.retain(|map| !(map["channel"] == *channel && map["cc"] == *cc));
            }
            "transport" => {
                if let Some(tempo) = p["tempo"].as_f64() {
                    check(tempo > 0.0, "no tempo")?;
                    self.tempo = tempo;
                }
                if let Some(meter) = p["meter"].as_f64() {
                    check(meter > 0.0, "no meter")?;
                    self.meter = meter;
                }
                self.seed = p["seed"].as_u64().unwrap_or(self.seed);
            }
            "master" => self.master = within(number(&p["gain"])?, 16.0)?,
            "limiter" => self.limiter = p["on"].as_bool().ok_or("on or off")?,
            "clear" => {
                let Self { tempo, meter, master, seed, limiter, maps, .. } = std::mem::take(self);
                *self = Self { tempo, meter, master, seed, limiter, maps, ..Self::default() };
            }
            _ => return Err(format!("there is no {method}")),
        }
        Ok(())
    }

    fn pattern_command(&mut self, command: &str, p: &Value) -> Result<(), Refused> {
        match command {
            "SetPattern" | "SetPatternFromZero" => {
                let from_zero = command == "SetPatternFromZero";
                let slot = Slot { pattern: p["pattern"].clone(), playing: true, from_zero };
                self.slots.insert(text(&p["slot"])?, slot);
            }
            "Hush" => {
                if let Some(slot) = self.slots.get_mut(&text(&p["slot"])?) {
                    slot.playing = false;
                }
            }
            "HushAll" => self.slots.values_mut().for_each(|slot| slot.playing = false),
            "SetBpm" => {
                let bpm = number(&p["bpm"])?;
                self.tempo = if bpm > 0.0 { bpm } else { self.tempo };
            }
            "SetBeatsPerCycle" => {
                let beats = number(&p["beats"])?;
                self.meter = if beats > 0.0 { beats } else { self.meter };
            }
            "Batch" => {
                for part in p["commands"].as_array().ok_or("no commands")? {
                    self.pattern_command(&text(&part["cmd"])?, part)?;
                }
            }
            _ => return Err(format!("there is no {command}")),
        }
        Ok(())
    }

    fn graph_command(&mut self, command: &str, p: &Value) -> Result<(), Refused> {
        match command {
            "load_graph" => {
                self.raw = p["nodes"].as_array().ok_or("no nodes")?.clone();
                self.wires = p["connections"].as_array().cloned().unwrap_or_default();
                self.exposed.clear();
                for (label, at) in p["exposed_controls"].as_object().into_iter().flatten() {
                    self.exposed.insert(label.clone(), (text(&at[0])?, text(&at[1])?));
                }
                self.check_raw()?;
                for node in self.raw.clone() {
                    self.take_values(&node)?;
                }
            }
            "add_node" => {
                self.raw.push(p.clone());
                self.check_raw()?;
                self.take_values(p)?;
            }
            "remove_node" => {
                let before = self.raw.len();
                self.raw.retain(|node| node["id"] != p["id"]);
                check(self.raw.len() < before, "unknown node")?;
                self.wires.retain(|wire| wire["from_node"] != p["id"] && wire["to_node"] != p["id"]);
            }
            "set_control" => {
                let value = number(&p["value"])?;
                if let Some(path) = self.path_of(&text(&p["label"])?) {
                    self.values.insert(path, value);
                }
            }
            "set_master_gain" => self.master = within(number(&p["gain"])?, 16.0)?,
            "midi_map" => self.midi_map(p)?,
            _ => return Err(format!("there is no {command}")),
        }
        Ok(())
    }

    fn midi_map(&mut self, p: &Value) -> Result<(), Refused> {
        check(p["channel"].as_u64().is_some_and(|c| c < 16), "no such channel")?;
        let (channel, cc, label) = (&p["channel"], &p["cc"], text(&p["label"])?);
        let (lo, hi) = (number(&p["lo"])?, number(&p["hi"])?);
        let label = self.long(label);
        let map = json!({"channel": channel, "cc": cc, "label": label, "lo": lo, "hi": hi});
        let same =
            |m: &&mut Value| m["channel"] == *channel && m["cc"] == *cc && m["label"] == label.as_str();
        match self.maps.iter_mut().find(same) {
            Some(known) => *known = map,
            None => self.maps.push(map),
        }
        Ok(())
    }

    fn set_node(&mut self, p: &Value) -> Result<(), Refused> {
        let name = text(&p["name"])?;
        let old = self.nodes.iter().position(|n| n.name == name);
        let before = old.map(|at| self.nodes[at].clone());
        let stays = before.as_ref().filter(|_| p["source"].is_null());
        let source = stays.map_or_else(|| text(&p["source"]), |stays| Ok(stays.source.clone()))?;
        check(!name.is_empty() && !name.ends_with('/'), "no name")?;
        let (controls, hears) = type_of(&source).ok_or("no such type")?;
        let count = p["count"].as_u64().unwrap_or_else(|| stays.map_or(1, |stays| stays.count));
        check(p["stem"].as_u64().is_none_or(|stem| stem <= 8), "no such stem")?;
        check((1..=64).contains(&count), "no such count")?;
        let gain = p["gain"].as_f64().map(|gain| within(gain, 16.0)).transpose()?;
        let init: Vec<(String, f64)> = p["init"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(control, value)| Ok((control.clone(), number(value)?)))
            .collect::<Result<_, Refused>>()?;
        check(init.iter().all(|(control, _)| controls.contains(&control.as_str())), "no such control")?;
        // A wire into a port that is no more.
        let wired = self.routes.iter().any(|r| r.target == name && r.port.is_some());
        check(hears || !wired, "unknown port")?;
        if old.is_none() || gain.is_some() {
            self.values.insert(format!("{name}_g/gain"), gain.unwrap_or(0.5));
        }
        for (control, value) in &init {
            self.values.insert(format!("{name}/{control}"), *value);
        }
        let init = match stays {
            Some(stays) if p["init"].is_null() => stays.init.clone(),
            _ => init,
        };
        let (to_master, legato) = (p["to_master"].as_bool(), p["legato"].as_bool());
        let node = Node {
            name,
            source,
            count,
            legato: legato.unwrap_or_else(|| before.as_ref().is_some_and(|n| n.legato)),
            rest: p["rest"].as_str().map_or_else(
                || before.as_ref().map_or_else(|| "auto".to_owned(), |n| n.rest.clone()),
                str::to_owned,
            ),
            init,
            to_master: to_master.unwrap_or_else(|| before.as_ref().is_none_or(|n| n.to_master)),
            stem: p["stem"].as_u64().unwrap_or_else(|| before.as_ref().map_or(0, |n| n.stem)),
            muted: before.as_ref().is_some_and(|n| n.muted),
            solo: before.as_ref().is_some_and(|n| n.solo),
        };
        match old {
            Some(at) => self.nodes[at] = node,
            None => self.nodes.push(node),
        }
        self.check_ids()?;
        self.check_cycles()
    }

    fn remove(&mut self, name: &str) {
        self.nodes.retain(|n| n.name != name);
        self.routes.retain(|r| r.source != name && r.target != name);
        let (helpers, controls) = (format!("_ctrl_{name}_"), format!("{name}/"));
        self.slots
            .retain(|slot, _| slot != name && !slot.starts_with(&helpers) && !slot.starts_with(&controls));
        let own = |label: &str| {
            // Its labels are paths, but for the fader's.
            label.rsplit_once('/').is_some_and(|(id, _)| id == name || id == format!("{name}_g"))
        };
        self.automations.retain(|_, a| !own(&a.label));
    }

    fn connect(&mut self, p: &Value) -> Result<(), Refused> {
        let (source, target) = (self.known(&p["source"])?, self.known(&p["target"])?);
        let port = p["port"].as_str().map(str::to_owned);
        let level = p["level"].as_f64();
        check(port.is_none() || level.is_none(), "a wire has no level")?;
        let level = within(level.unwrap_or(1.0), 16.0)?;
        if let Some(port) = &port {
            let hears = type_of(&self.nodes.iter().find(|n| n.name == target).expect("known").source);
            check(
                hears.is_some_and(|(_, hears)| hears) && ["in", "in0"].contains(&port.as_str()),
                "unknown port",
            )?;
        } else {
            self.values.insert(format!("{source}_send_{target}/gain"), level);
        }
        let route = Route { source, target, port };
        if !self.routes.contains(&route) {
            self.routes.push(route);
        }
        self.check_ids()?;
        self.check_cycles()
    }

    /// Does anything feed itself? A send into a node that hears nothing feeds nothing.
    fn check_cycles(&self) -> Result<(), Refused> {
        let hears = |name: &str| {
            self.nodes.iter().any(|n| n.name == name && type_of(&n.source).is_some_and(|(_, hears)| hears))
        };
        for start in &self.nodes {
            let (mut seen, mut next) = (BTreeSet::new(), vec![start.name.as_str()]);
            while let Some(at) = next.pop() {
                for route in self.routes.iter().filter(|r| r.source == at && hears(&r.target)) {
                    check(route.target != start.name, "a cycle")?;
                    if seen.insert(route.target.as_str()) {
                        next.push(&route.target);
                    }
                }
            }
        }
        Ok(())
    }

    /// Ids that nodes of the session come to.
    fn ids(&self) -> Vec<String> {
        let master = (!self.nodes.is_empty()).then(|| "_master".to_owned());
        let own = self.nodes.iter().flat_map(|n| [n.name.clone(), format!("{}_g", n.name)]);
        let sends = self.routes.iter().filter(|r| r.port.is_none());
        let sends = sends.map(|r| format!("{}_send_{}", r.source, r.target));
        let stems: BTreeSet<u64> = self.nodes.iter().map(|n| n.stem).filter(|stem| *stem > 0).collect();
        let stems = stems.into_iter().map(|stem| format!("_stem{stem}"));
        master.into_iter().chain(stems).chain(own).chain(sends).collect()
    }

    fn all_ids(&self) -> Vec<String> {
        let raw = self.raw.iter().filter_map(|n| n["id"].as_str()).map(str::to_owned);
        raw.chain(self.ids()).collect()
    }

    fn check_ids(&self) -> Result<(), Refused> {
        let all = self.all_ids();
        check(all.iter().collect::<BTreeSet<_>>().len() == all.len(), "duplicate id")
    }

    fn check_raw(&self) -> Result<(), Refused> {
        self.check_ids()?;
        for node in &self.raw {
            let ty = text(&node["type_id"])?;
            check(ty == "dac" || type_of(&ty).is_some(), "no such type")?;
        }
        let ids: Vec<&str> = self.raw.iter().filter_map(|n| n["id"].as_str()).collect();
        let known = |end: &Value| end.as_str().is_some_and(|id| ids.contains(&id));
        for wire in &self.wires {
            check(known(&wire["from_node"]) && known(&wire["to_node"]), "unknown node")?;
        }
        Ok(())
    }

    fn take_values(&mut self, raw: &Value) -> Result<(), Refused> {
        for (control, value) in raw["controls"].as_object().into_iter().flatten() {
            self.values.insert(format!("{}/{control}", text(&raw["id"])?), number(value)?);
        }
        Ok(())
    }

    /// Values of what is gone go too.
    fn forget(&mut self) {
        let ids: BTreeSet<String> = self.all_ids().into_iter().collect();
        self.values.retain(|path, _| path.match_indices('/').any(|(at, _)| ids.contains(&path[..at])));
    }

    fn known(&self, name: &Value) -> Result<String, Refused> {
        let name = text(name)?;
        check(self.nodes.iter().any(|n| n.name == name), "no such node")?;
        Ok(name)
    }

    fn meant(&self, name: &Value) -> Result<Vec<String>, Refused> {
        let name = text(name)?;
        if self.nodes.iter().any(|n| n.name == name) {
            return Ok(vec![name]);
        }
        let group = format!("{name}/");
        let names: Vec<String> =
            self.nodes.iter().filter(|n| n.name.starts_with(&group)).map(|n| n.name.clone()).collect();
        check(!names.is_empty(), "no such node")?;
        Ok(names)
    }

    /// Node and control of a path: of nodes whose id begins it, the longest.
    fn split(&self, path: &str) -> Option<(String, String)> {
        let ids = self.all_ids();
        let owner =
            ids.iter().filter(|id| path.strip_prefix(id.as_str()).is_some_and(|r| r.starts_with('/')));
        let owner = owner.max_by_key(|id| id.len())?;
        Some((owner.clone(), path[owner.len() + 1..].to_owned()))
    }

    fn path_of(&self, label: &str) -> Option<String> {
        if let Some(name) = label.strip_suffix("/gain")
            && let Some(node) = self.nodes.iter().find(|n| n.name == name)
            // Its own gain has the path.
            && !type_of(&node.source).is_some_and(|(controls, _)| controls.contains(&"gain"))
        {
            return Some(format!("{name}_g/gain"));
        }
        if let Some((node, control)) = self.exposed.get(label)
            && self.all_ids().contains(node)
        {
            return Some(format!("{node}/{control}"));
        }
        self.split(label).map(|_| label.to_owned())
    }

    /// A label as it is stored: that of a fader is its address.
    fn long(&self, label: String) -> String {
        let fader = label.strip_suffix("/gain").filter(|name| {
            let node = self.nodes.iter().find(|node| node.name == *name);
            node.and_then(|node| type_of(&node.source))
                .is_some_and(|(controls, _)| !controls.contains(&"gain"))
        });
        fader.map(|name| format!("{name}/@gain")).unwrap_or(label)
    }

    /// The path of a control that is there.
    fn control(&self, label: &str) -> Result<String, Refused> {
        let path = self.path_of(label).ok_or("no such control")?;
        let (id, control) = self.split(&path).ok_or("no such control")?;
        let controls = type_of(&self.type_at(&id).ok_or("no such node")?).ok_or("no type")?.0;
        check(controls.contains(&control.as_str()), "no such control")?;
        Ok(path)
    }

    fn type_at(&self, id: &str) -> Option<String> {
        if let Some(node) = self.nodes.iter().find(|n| n.name == id) {
            return Some(node.source.clone());
        }
        if let Some(raw) = self.raw.iter().find(|n| n["id"] == id) {
            return raw["type_id"].as_str().map(str::to_owned);
        }
        self.ids().contains(&id.to_owned()).then(|| "gain".to_owned())
    }
}
