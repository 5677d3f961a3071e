//! Requests at random, about half of which are wrong.

use serde_json::{Value, json};

/// A request: its family, method and parameters.
pub type Request = (&'static str, &'static str, Value);

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.number() % choices.len() as u64) as usize]
    }

    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.number().is_multiple_of(one_in)
    }

    fn name(&mut self) -> &'static str {
        self.of(&["a", "b", "drums/kick", "drums/hat", "pad", "r0"])
    }

    fn group(&mut self) -> &'static str {
        self.of(&["a", "b", "drums", "drums/kick", "pad", "nobody"])
    }

    fn level(&mut self) -> f64 {
        let level = (self.number() % 1000) as f64 / 500.0;
        if self.chance(5) { level * 20.0 - 1.0 } else { level }
    }

    fn label(&mut self) -> String {
        let node = self.of(&["a", "b", "drums/kick", "pad", "r0", "r1", "nobody"]);
        let control = self.of(&["gain", "cutoff", "freq", "volume"]);
        if self.chance(6) { "knob".to_owned() } else { format!("{node}/{control}") }
    }

    fn pattern(&mut self) -> Value {
        let label = self.label();
        let value = (self.number() % 100) as f64;
        let atom = json!({"op": "Atom", "value": {"type": "Control", "label": label, "value": value}});
        match self.number() % 3 {
            0 => atom,
            1 => json!({"op": "Cat", "children": [atom, {"op": "Silence"}]}),
            _ => json!({"op": "Fast", "factor": [2, 1], "child": atom}),
        }
    }

    fn node(&mut self) -> Value {
        let mut node = json!({"name": self.name(), "source": self.of(&["faust:bass", "faust:kick", "gain", "gain", "faust:nothing"])});
        if self.chance(2) {
            node["gain"] = self.level().into();
        }
        if self.chance(3) {
            node["init"] = json!({"cutoff": (self.number() % 100) as f64});
        }
        if self.chance(5) {
            node["count"] = self.of(&[1_u64, 4, 0, 65]).into();
        }
        if self.chance(5) {
            node["to_master"] = self.chance(2).into();
        }
        if self.chance(4) {
            node["stem"] = self.of(&[0_u64, 1, 2, 8, 9]).into();
        }
        if self.chance(5) {
            node["legato"] = self.chance(2).into();
        }
        if self.chance(5) {
            node["rest"] = self.of(&["auto", "never"]).into();
        }
        if self.chance(20) {
            node["name"] = self.of(&["", "a/", "a_g", "_stem1"]).into();
        }
        if self.chance(4) {
            node.as_object_mut().expect("it is one").remove("source");
        }
        node
    }

    fn raw(&mut self) -> Value {
        json!({"id": self.of(&["r0", "r1", "r2", "a"]), "type_id": self.of(&["faust:bass", "gain", "nothing"]),
            "controls": if self.chance(2) { json!({"cutoff": 3.0}) } else { json!({}) }})
    }

    pub fn request(&mut self) -> Request {
        match self.number() % 34 {
            0..=3 => ("jsonrpc", "node", self.node()),
            4 => ("jsonrpc", "remove", json!({"node": self.group()})),
            5 | 6 => {
                let mut route = json!({"source": self.name(), "target": self.name()});
                match self.number() % 3 {
                    0 => route["port"] = self.of(&["in", "in0", "side"]).into(),
                    1 => route["level"] = self.level().into(),
                    _ => {}
                }
                ("jsonrpc", "connect", route)
            }
            7 => ("jsonrpc", "disconnect", json!({"source": self.name(), "target": self.name()})),
            8 => ("jsonrpc", "mute", json!({"node": self.group(), "on": self.chance(2)})),
            9 => ("jsonrpc", "solo", json!({"node": self.group(), "on": self.chance(3)})),
            10 => ("jsonrpc", "gain", json!({"node": self.group(), "gain": self.level()})),
            11..=13 => {
                let mut values = json!({});
                for _ in 0..1 + self.number() % 3 {
                    values[self.label()] = ((self.number() % 1000) as f64).into();
                }
                ("jsonrpc", "set", json!({"values": values}))
            }
            14 => {
                let wrong = json!({"op": "Fast", "factor": [0, 1], "child": {"op": "Silence"}});
                let pattern = if self.chance(2) { wrong } else { self.pattern() };
                ("jsonrpc", "play", json!({"target": self.name(), "pattern": pattern, "free": true}))
            }
            15 => ("jsonrpc", "hush", json!({"target": self.group()})),
            16 if self.chance(4) => ("jsonrpc", "stop", json!({})),
            16 | 17 => {
                let mut automation = json!({"label": self.label(), "shape": self.of(&["sine", "tri", "wobble"]),
                    "lo": 0.0, "hi": self.level()});
                automation[self.of(&["secs", "bars"])] = self.of(&[0.0, 1.5, 4.0]).into();
                if self.chance(2) {
                    automation["id"] = self.of(&["x", "y"]).into();
                }
                automation["one_shot"] = self.chance(4).into();
                ("jsonrpc", "automate", automation)
            }
            18 => {
                let id = if self.chance(2) { self.label() } else { self.of(&["x", "y"]).to_owned() };
                ("jsonrpc", "clear_automation", json!({"id": id}))
            }
            19 => {
                let map = json!({"channel": self.of(&[0, 1, 16]), "cc": self.of(&[1, 74]), "label": self.label(), "lo": 0.0, "hi": 2.0});
                (self.of(&["jsonrpc", "type"]), "midi_map", map)
            }
            20 => ("jsonrpc", "midi_unmap", json!({"channel": self.of(&[0, 1]), "cc": self.of(&[1, 74])})),
            21 => (
                "jsonrpc",
                "transport",
                json!({"tempo": self.of(&[90.0, 120.0, -1.0]), "meter": self.of(&[3.0, 4.0, 0.0]), "seed": self.number() % 5}),
            ),
            22 => ("jsonrpc", "master", json!({"gain": self.level()})),
            23 => ("jsonrpc", "limiter", json!({"on": self.chance(2)})),
            24 if self.chance(6) => ("jsonrpc", "clear", json!({})),
            24 | 25 => {
                let parts = (0..1 + self.number() % 4).map(|_| {
                    loop {
                        let (family, method, params) = self.request();
                        if family == "jsonrpc" && !["batch", "transport"].contains(&method) {
                            break json!({"method": method, "params": params});
                        }
                    }
                });
                ("jsonrpc", "batch", json!({"requests": parts.collect::<Vec<_>>()}))
            }
            26 => {
                let command = self.of(&["SetPattern", "SetPatternFromZero"]);
                ("cmd", command, json!({"slot": self.name(), "pattern": self.pattern()}))
            }
            27 => ("cmd", "Hush", json!({"slot": self.name()})),
            28 => ("cmd", "SetBpm", json!({"bpm": self.of(&[100, 140, -3])})),
            29 => (
                "cmd",
                "Batch",
                json!({"commands": [
                    {"cmd": "Hush", "slot": self.name()}, {"cmd": "SetBeatsPerCycle", "beats": self.of(&[3, 4, 5])},
                ]}),
            ),
            30 => {
                ("type", "set_control", json!({"label": self.label(), "value": (self.number() % 100) as f64}))
            }
            31 => {
                let nodes = [json!({"id": "out", "type_id": "dac", "controls": {}}), self.raw(), self.raw()];
                let nodes = &nodes[..1 + (self.number() % 3) as usize];
                let wire = json!({"from_node": nodes.last().expect("one")["id"], "from_port": "out", "to_node": "out", "to_port": "in"});
                let wires = if nodes.len() > 1 { vec![wire] } else { vec![] };
                (
                    "type",
                    "load_graph",
                    json!({"nodes": nodes, "connections": wires, "exposed_controls": {"knob": ["r0", "cutoff"]}}),
                )
            }
            32 => ("type", "add_node", self.raw()),
            _ => ("type", "remove_node", json!({"id": self.of(&["r0", "r1", "r2", "nobody"])})),
        }
    }
}

/// The line that a client sends.
pub fn line((family, method, params): &Request, id: u64) -> String {
    if *family == "jsonrpc" {
        return json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
    }
    let mut line = params.clone();
    line[*family] = (*method).into();
    line.to_string()
}

/// Was it accepted?
pub fn accepted(reply: &Value) -> bool {
    if reply.get("jsonrpc").is_some() { reply["error"].is_null() } else { reply["status"] == "Ok" }
}
