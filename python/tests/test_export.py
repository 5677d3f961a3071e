"""The export of a document is a script that makes it again."""

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest

import krach
import krach.pattern as krp
import krach.signal as krs
from krach.ir.module import Frozen, ModuleIr, Node, PatternEntry

DOCUMENTS = sorted((Path(__file__).resolve().parents[2] / "core/tests/documents").glob("*.json"))


def bass() -> krs.Signal:
    freq, gate = krs.control("freq", 55, 20, 2000), krs.control("gate", 0, 0, 1)
    return krs.saw(freq) * krs.adsr(0.005, 0.1, 0.6, 0.2, gate) * math.sqrt(0.5)


def run(script: str) -> ModuleIr:
    made: dict[str, Any] = {}
    exec(compile(script, "session.py", "exec"), made)
    return made["session"]


def sounding(ir: ModuleIr) -> dict[str, Any]:
    """Return a document without what does not sound: texts of functions, spans, what a number looks like."""
    data = ir.to_dict()
    for node in data.get("nodes", []):
        node.pop("source_text", None)
        node.pop("num_inputs", None)
    for entry in data.get("patterns", []):
        with contextlib.suppress(krp.PatternError):
            entry["pattern"] = krp.source(krp.Pattern.from_dict(entry["pattern"]))
    for sub in data.get("sub_modules", []):
        sub["module"] = sounding(ModuleIr.from_dict(sub["module"]))
    return data


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.stem)
def test_the_export_of_a_document_makes_it_again(path: Path) -> None:
    ir = ModuleIr.from_dict(json.loads(path.read_text()))
    script = krach.export(ir)
    made = run(script)
    assert sounding(made) == sounding(ir)
    assert krach.export(made) == krach.export(run(krach.export(made)))


def test_a_session_is_exported_as_calls() -> None:
    m = krach.ModuleProxy()
    m.node("bass", bass, gain=0.3, count=4, stereo=True)
    m.node("verb", "faust:reverb", to_master=False)
    m.node("kick", "faust:kick", stem=2)
    m.send("bass", "verb", level=0.4)
    m.connect("bass", "verb", port="in1")
    m.play("bass", krp.seq("A2", None).every(4, lambda p: p.fast(2)), from_zero=True, swing=0.6)
    m.set("verb/damp", 0.3)
    m.mod("bass/freq", "sine", lo=50, hi=60, bars=8)
    m.mute("verb")
    m.tempo = 128
    m.outputs("bass")
    script = krach.export(m.build())
    assert "math.sqrt(0.5)" in script and "replace(" not in script.split("def make")[1]
    for line in [
        "def bass() ",
        'm.node("bass", bass, gain=0.3, count=4, stereo=True)',
        'm.node("verb", "faust:reverb", to_master=False)',
        'm.node("kick", "faust:kick", stem=2)',
        'm.send("bass", "verb", level=0.4)',
        'm.connect("bass", "verb", port="in1")',
        'm.play("bass", krp.seq("A2", None).every(4, lambda p: p.fast(2)), from_zero=True, swing=0.6)',
        'm.set("verb/damp", 0.3)',
        'm.mod("bass/freq", "sine", lo=50, hi=60, bars=8)',
        'm.mute("verb")',
        "m.tempo = 128",
        'm.outputs("bass")',
    ]:
        assert line in script, script
    assert sounding(run(script)) == sounding(m.build())


def test_a_function_of_a_document_is_not_run() -> None:
    text = "def evil(x):\n    raise SystemExit\n"
    ir = ModuleIr(nodes=(Node("a", krs.graph(lambda x: x * 0.25), source_text=text),))
    script = krach.export(ir)
    assert "\n    # def evil(x):\n" in script and "\ndef evil" not in script
    assert run(script).nodes[0].source == ir.nodes[0].source


def test_a_function_that_needs_more_than_krs_is_its_graph() -> None:
    level = 0.125

    def scaled(x: krs.Signal) -> krs.Signal:
        return x * level

    m = krach.ModuleProxy()
    m.node("a", scaled)
    script = krach.export(m.build())
    assert "krach.DspGraph.from_dict" in script
    assert run(script).nodes[0].source == krs.graph(scaled)


def test_what_no_call_says_is_kept_as_it_is() -> None:
    later = {"op": "Later", "child": {"op": "Silence"}}
    ir = ModuleIr(
        nodes=(Node("a", "oscillator", other=Frozen({"colour": "red"})),),
        patterns=(PatternEntry("a", Frozen(later)),),
        tempo=90,
        krach=Frozen({"version": 2, "seed": 7, "nodes": {"a": {"solo": True}}}),
        other=Frozen({"future": [1, {"x": None}]}),
    )
    assert run(krach.export(ir)) == ir
