//! What is wrong with a request, where, and what would work.

use serde_json::json;

use super::wire_client::{Home, client_of};
use super::{band, refused};

#[test]
fn what_is_wrong_says_where_and_what_would_work() {
    let home = Home::new("wrong");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    for (method, params, place, message, hint) in [
        (
            "node",
            json!({"name": "a", "source": "faust:bas"}),
            "params.source",
            "faust:bas",
            "did you mean faust:bass?",
        ),
        ("node", json!({"name": "a/", "source": "gain"}), "params.name", "is not a name", "letters"),
        ("node", json!({"name": "a", "source": "gain", "count": 65}), "params.count", "", "64"),
        ("node", json!({"name": "a", "source": "gain", "gian": 1}), "params.gian", "unknown field", ""),
        ("node", json!({"name": "a", "source": {"type": "dsp_graph"}}), "params.source", "missing field", ""),
        (
            "connect",
            json!({"source": "bas", "target": "verb"}),
            "params.source",
            "no node bas",
            "did you mean bass?",
        ),
        ("connect", json!({"source": "bass", "target": "verb", "level": -1}), "params.level", "", "0 to 16"),
        (
            "connect",
            json!({"source": "bass", "target": "verb", "port": "in", "level": 1}),
            "params.level",
            "a wire has no level",
            "leave",
        ),
        ("connect", json!({"source": "verb", "target": "verb"}), "", "cycle", ""),
        ("connect", json!({"source": "bass", "target": "verb", "port": "side"}), "verb", "unknown port", ""),
        ("disconnect", json!({"source": "verb", "target": "bass"}), "params", "is not routed", ""),
        ("remove", json!({"node": "drum"}), "params.node", "no node drum", ""),
        ("mute", json!({"node": "bess"}), "params.node", "no node bess", "did you mean bass?"),
        ("gain", json!({"node": "bass", "gain": 17}), "params.gain", "17", "0 to 16"),
        (
            "set",
            json!({"values": {"bass/cutof": 1}}),
            "params.values[\"bass/cutof\"]",
            "no control",
            "did you mean cutoff?",
        ),
        ("set", json!({"values": {"bess/cutoff": 1}}), "params.values[\"bess/cutoff\"]", "no control", ""),
        (
            "play",
            json!({"target": "bas", "pattern": "x"}),
            "params.target",
            "no node bas",
            "did you mean bass?",
        ),
        (
            "play",
            json!({"target": "bas", "pattern": "x", "dry_run": true}),
            "params.target",
            "no node bas",
            "",
        ),
        ("play", json!({"target": "zither", "pattern": "A2"}), "params.target", "no node zither", "free"),
        (
            "fade",
            json!({"label": "bass/cutof", "value": 1, "secs": 1}),
            "params.label",
            "no control",
            "did you mean cutoff?",
        ),
        (
            "automate",
            json!({"label": "bass/cutof", "shape": "tri", "lo": 0, "hi": 1, "secs": 1}),
            "params.label",
            "no control",
            "did you mean cutoff?",
        ),
        (
            "automate",
            json!({"label": "bess/cutoff", "shape": "tri", "lo": 0, "hi": 1, "secs": 1}),
            "params.label",
            "no control",
            "did you mean bass?",
        ),
        (
            "set",
            json!({"values": {"bass/cutoff": "loud"}}),
            "params.values.bass/cutoff",
            "not understood",
            "",
        ),
        (
            "load",
            json!({"module": {"nodes": [{"name": "a"}]}}),
            "params.module",
            "missing field `source`",
            "",
        ),
        (
            "load",
            json!({"module": {"nodes": [{"name": "a", "source": "gain"}, {"name": "a", "source": "gain"}]}}),
            "params.module.nodes[1]",
            "",
            "",
        ),
        (
            "load",
            json!({"module": {"routing": [{"source": "a", "target": "b"}]}}),
            "params.module.routing[0].source",
            "",
            "",
        ),
        (
            "load",
            json!({"module": {"krach": {"version": 99}}}),
            "params.module.krach.version",
            "newer",
            "update",
        ),
        ("instantiate", json!({"prefix": "", "module": {}}), "params.prefix", "is not a name", ""),
        (
            "instantiate",
            json!({"prefix": "drums", "module": {"nodes": [{"name": "kick", "source": "gain"}]}}),
            "params.prefix",
            "already",
            "another prefix",
        ),
        ("crossfade", json!({}), "params", "one length", "beats or secs"),
        (
            "batch",
            json!({"requests": [{"method": "gain", "params": {"node": "bass", "gain": 1}}, {"method": "gain", "params": {"node": "bess", "gain": 1}}]}),
            "params.requests[1].params.node",
            "no node bess",
            "did you mean bass?",
        ),
        (
            "batch",
            json!({"requests": [{"method": "capture"}]}),
            "params.requests[0].method",
            "cannot be part",
            "",
        ),
        (
            "batch",
            json!({"requests": [{"method": "clear", "params": {"at": 4}}]}),
            "params.requests[0].params.at",
            "whole batch",
            "",
        ),
        ("undo", json!({"at": "later"}), "params.at", "not a time", ""),
        ("clear", json!({"dry_run": 1}), "params.dry_run", "", ""),
        ("describe", json!({"node": "bess"}), "params.node", "no node", "did you mean bass?"),
    ] {
        let (at, text, help) = refused(&mut client, method, params.clone());
        assert!(at.starts_with(place), "{method} {params}: place {at}");
        assert!(text.contains(message), "{method} {params}: {text}");
        assert!(help.contains(hint), "{method} {params}: {help}");
        // Of a document the place says where; what would work there is known in part only.
        assert!(method == "load" || !help.is_empty(), "{method} {params}: {text}: what would work?");
    }
}
