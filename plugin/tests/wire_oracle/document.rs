//! The document that the model should be captured as.

use serde_json::{Map, Value, json};

use super::{Automation, Model};

impl Model {
    /// The document, every field said.
    pub fn document(&self) -> Value {
        let value = |path: String| self.values.get(&path).copied();
        let heard = |level: f64| level.clamp(0.0, 16.0);
        let gain = |name: &str| value(format!("{name}_g/gain")).map_or(1.0, heard);
        let nodes: Vec<Value> = self
            .nodes
            .iter()
            .map(|n| json!({"name": n.name, "source": n.source, "gain": gain(&n.name), "count": n.count, "init": n.init}))
            .collect();
        let routing: Vec<Value> = self
            .routes
            .iter()
            .map(|r| match &r.port {
                Some(port) => json!({"source": r.source, "target": r.target, "kind": "wire", "port": port}),
                None => {
                    let level = value(format!("{}_send_{}/gain", r.source, r.target)).map_or(1.0, heard);
                    json!({"source": r.source, "target": r.target, "kind": "send", "level": level})
                }
            })
            .collect();
        let muted: Vec<Value> = self
            .nodes
            .iter()
            .filter(|n| n.muted)
            .map(|n| json!({"name": n.name, "saved_gain": gain(&n.name)}))
            .collect();
        let faders = |path: &str| {
            let node = self
                .nodes
                .iter()
                .any(|n| path == format!("{}_g/gain", n.name) || path == format!("{}_g/mute", n.name));
            let send = self
                .routes
                .iter()
                .any(|r| r.port.is_none() && path == format!("{}_send_{}/gain", r.source, r.target));
            node || send
        };
        let began = |path: &str, value: f64| {
            self.nodes.iter().any(|n| {
                n.init
                    .iter()
                    .rfind(|(c, _)| path == format!("{}/{c}", n.name))
                    .is_some_and(|(_, x)| *x == value)
            })
        };
        let controls: Vec<Value> = self
            .values
            .iter()
            .filter(|(path, value)| !faders(path) && !began(path, **value))
            .map(|(path, value)| json!({"path": path, "value": value}))
            .collect();
        let patterns: Vec<Value> =
            self.slots.iter().map(|(name, s)| json!({"target": name, "pattern": s.pattern})).collect();
        let slots: Map<String, Value> = self
            .slots
            .iter()
            .map(|(name, s)| (name.clone(), json!({"hushed": !s.playing, "from_zero": s.from_zero})))
            .collect();
        let listed = |a: &&Automation| a.bars.is_some() && !a.one_shot;
        let automations: Vec<Value> = self
            .automations
            .values()
            .filter(listed)
            .map(|a| json!({"path": a.label, "shape": a.shape, "lo": a.lo, "hi": a.hi, "bars": a.bars}))
            .collect();
        let own: Map<String, Value> = self
            .automations
            .iter()
            .filter(|(id, a)| !(listed(a) && **id == a.label))
            .map(|(id, a)| {
                let mut own = json!({"label": a.label, "shape": a.shape, "lo": a.lo, "hi": a.hi, "one_shot": a.one_shot});
                let (name, length) = if a.bars.is_some() { ("bars", a.bars) } else { ("period_secs", a.secs) };
                own[name] = json!(length);
                (id.clone(), own)
            })
            .collect();
        let entries: Map<String, Value> = self
            .nodes
            .iter()
            .map(|n| {
                let (off_master, stem) = (!n.to_master, n.stem);
                let entry = json!({"off_master": off_master, "stem": stem, "solo": n.solo, "legato": n.legato, "rest": n.rest});
                (n.name.clone(), entry)
            })
            .collect();
        json!({
            "nodes": nodes, "routing": routing, "muted": muted, "controls": controls, "patterns": patterns,
            "automations": automations, "tempo": self.tempo, "meter": self.meter, "master": self.master,
            "krach": {
                "nodes": entries, "slots": slots, "automations": own, "midi_maps": self.maps,
                "seed": self.seed, "limiter": self.limiter, "start": "restart",
                "raw_graph": {"nodes": self.raw, "connections": self.wires, "exposed_controls": self.exposed},
            },
        })
    }
}
