"""Documents: what is read is written again, and keys are those of the plugin."""

import json
from pathlib import Path

import pytest

from krach.ir.module import Frozen, ModuleIr, Node, Route, SubModule, flatten, prefix_ir
from krach.ir.signal import DspGraph, IrError

CORE = Path(__file__).resolve().parents[2] / "core/tests"
DOCUMENTS = sorted((CORE / "documents").glob("*.json"))
KEYS = (CORE / "vectors/dsp_keys.jsonl").read_text().splitlines()


@pytest.mark.parametrize("line", KEYS)
def test_keys_are_those_of_the_plugin(line: str) -> None:
    vector = json.loads(line)
    graph = DspGraph.from_dict(vector["graph"])
    assert graph.canonical_bytes().hex() == vector["form"]
    assert graph.graph_key() == vector["key"]
    assert graph.canonicalize().graph_key() == vector["key"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.stem)
def test_a_document_is_written_as_it_was_read(path: Path) -> None:
    data = json.loads(path.read_text())
    ir = ModuleIr.from_dict(data)
    written = ir.to_dict()
    assert ModuleIr.from_dict(written) == ir
    assert hash(ModuleIr.from_dict(written)) == hash(ir)
    if "sub_graphs" in data:
        data["sub_modules"] = data.pop("sub_graphs")
    assert set(written) == set(data)
    for section, value in data.items():
        if isinstance(value, list) and value and isinstance(value[0], dict) and section != "sub_modules":
            for given, kept in zip(value, written[section], strict=True):
                assert given.items() <= kept.items() or section == "nodes"


def test_unknown_fields_are_kept_wherever_they_stand() -> None:
    data = {
        "nodes": [{"name": "a", "source": "oscillator", "colour": "red"}],
        "patterns": [{"target": "a", "pattern": {"op": "Silence"}, "mood": 1}],
        "controls": [{"path": "a/freq", "value": 2, "why": [1]}],
        "muted": [{"name": "a", "saved_gain": 1, "x": None}],
        "sub_modules": [{"prefix": "p", "module": {"later": True}, "y": {}}],
        "future": {"a": 1},
    }
    written = ModuleIr.from_dict(data).to_dict()
    assert written["nodes"][0]["colour"] == "red"
    assert written["patterns"][0]["mood"] == 1
    assert written["controls"][0]["why"] == [1]
    assert written["muted"][0]["x"] is None
    assert written["sub_modules"][0]["y"] == {}
    assert written["sub_modules"][0]["module"] == {"later": True}
    assert written["future"] == {"a": 1}


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"nodes": {}}, "$.nodes"),
        ({"nodes": [{"source": "x"}]}, "$.nodes[0]"),
        ({"nodes": [{"name": "a", "source": "x", "gain": "loud"}]}, "$.nodes[0].gain"),
        ({"nodes": [{"name": "a", "source": "x", "count": 1.0}]}, "$.nodes[0].count"),
        ({"nodes": [{"name": "a", "source": {"type": "x"}}]}, "$.nodes[0].source.type"),
        ({"routing": [{"source": "a", "target": "b", "kind": "pipe"}]}, "$.routing[0].kind"),
        ({"patterns": [{"target": "a", "pattern": 1}]}, "$.patterns[0].pattern"),
        ({"outputs": "a"}, "$.outputs"),
        ({"tempo": True}, "$.tempo"),
        ({"sub_modules": [], "sub_graphs": []}, "$.sub_graphs"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_place(data: dict[str, object], place: str) -> None:
    with pytest.raises(IrError) as error:
        ModuleIr.from_dict(data)
    assert error.value.place == place


def test_a_tree_of_any_depth_is_refused_without_a_stack_overflow() -> None:
    data: dict[str, object] = {}
    for _ in range(40):
        data = {"sub_modules": [{"prefix": "p", "module": data}]}
    with pytest.raises(IrError, match="32 deep"):
        ModuleIr.from_dict(data)


def test_modules_within_modules_become_one_flat_module() -> None:
    kit = ModuleIr(nodes=(Node("kick", "faust:kick"),), outputs=("kick",), tempo=140)
    band = ModuleIr(
        nodes=(Node("bass", "faust:bass"),),
        routing=(Route("drums/kick", "bass", level=0.3),),
        sub_modules=(SubModule("drums", kit),),
        outputs=("bass",),
    )
    flat = flatten(ModuleIr(sub_modules=(SubModule("band", band),)))
    assert [n.name for n in flat.nodes] == ["band/bass", "band/drums/kick"]
    assert flat.routing[0].source == "band/drums/kick"
    assert flat.tempo == 140
    assert flat.outputs is None


def test_only_labels_of_the_modules_own_nodes_get_its_prefix() -> None:
    def atom(label: str) -> dict[str, object]:
        return {"op": "Atom", "value": {"type": "Control", "label": label, "value": 1}}

    children = [atom("kick/cutoff"), atom("gate"), atom("other/cutoff")]
    data = {
        "nodes": [{"name": "kick", "source": "faust:kick"}],
        "patterns": [{"target": "kick", "pattern": {"op": "Cat", "children": children}}],
    }
    pattern = prefix_ir(ModuleIr.from_dict(data), "drums").patterns[0].pattern
    labels = [child["value"]["label"] for child in pattern["children"]]
    assert labels == ["drums/kick/cutoff", "gate", "other/cutoff"]


def test_settings_of_an_inner_module_do_not_come_out() -> None:
    inner = ModuleIr(krach=Frozen({"seed": 7, "nodes": {"a": {"solo": True}}, "sources": {"faust:x": {"text": "i"}}}))
    outer = ModuleIr(
        sub_modules=(SubModule("p", inner),), krach=Frozen({"seed": 3, "sources": {"faust:x": {"text": "o"}}})
    )
    krach = flatten(outer).krach
    assert krach is not None
    assert krach["seed"] == 3
    assert krach["nodes"] == {"p/a": {"solo": True}}
    assert krach["sources"] == {"faust:x": {"text": "o"}}


@pytest.mark.parametrize("prefix", ["", "a//b", "/a", "a/", "x" * 257, "a\nb"])
def test_a_prefix_that_is_no_name_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        prefix_ir(ModuleIr(), prefix)
