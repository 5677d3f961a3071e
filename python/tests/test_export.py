"""The export of a document is a script that makes it again."""

import contextlib
import json
import math
from dataclasses import replace
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
    section: dict[str, Any] = data.get("krach", {})
    if "slots" in section:
        section["slots"] = {slot: entry for slot, entry in section["slots"].items() if entry}
    texts = section.pop("scene_texts", {})
    for scene in section.get("scenes", []):
        for node in scene["module"].get("nodes", []):
            if isinstance(node["source"], str):
                node["source"] = texts.get(node["source"], node["source"])
        scene["module"] = sounding(ModuleIr.from_dict(scene["module"]))
        for setting in ("clock_source", "crossfade", "free_run", "limiter", "seed"):
            scene["module"].get("krach", {}).pop(setting, None)
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
    assert run(script).nodes == (replace(ir.nodes[0], num_inputs=1),)


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


def scale() -> krs.Signal:
    return krs.saw(krs.control("freq", 55, 20, 2000)) * 0.1


def make() -> krs.Signal:
    return krs.saw(krs.control("freq", 110, 20, 2000)) * 0.1


def m() -> krs.Signal:
    return krs.saw(krs.control("freq", 220, 20, 2000)) * 0.1


TEXT = 'freq = hslider("freq", 220, 20, 2000, 1);\nprocess = freq * 0.001 : \\(x).(x); // """ \\n\n'


@krach.module
def odd(proxy: krach.ModuleProxy) -> None:
    proxy.node("a", make)
    proxy.node("b", scale, stereo=True)
    proxy.node("c", m)
    proxy.node("text", TEXT)
    proxy.node("quoted", 'process = 1; // a long line with quotes """ at its end, and a tab\t"""')
    proxy.solo("a")
    proxy.play("a", "A2 . <A3 C4>")
    proxy.hush("a")
    proxy.mod("a/freq", "pulse", 50, 60, secs=0.5, duty=0.25)
    proxy.mod("b/freq", "custom", 50, 60, bars=2, table=[0, 1, 0.5])
    proxy.mod("c/freq", "ramp", 50, 60, bars=1, one_shot=True)


def test_scenes_are_functions_and_texts_stand_once() -> None:
    names = ["make", "scale", "class", "session", "7", "…", "max", "ﬁn", "fin"]
    proxy = krach.ModuleProxy()
    proxy.node("text", TEXT)
    proxy.sub("kit", odd())
    for at, name in enumerate(names):
        inner = odd()
        proxy.save(name, replace(inner, tempo=100.0 + at) if at % 2 else inner, number=127 - at)
    proxy.macro(2, "text/freq", 20, 200, curve="s", name="Pitch", unit="Hz")
    proxy.macro(2, "kit/a/freq", 200, 20)
    proxy.macro(9, name="spare")
    proxy.midi_map(74, "text/freq", 20, 200)
    proxy.midi_map(75, "text/freq", 20, 200, channel=3)
    proxy.midi_route("text")
    proxy.midi_route("kit/a", 4)
    proxy.define("haze", TEXT, imports={"mine.lib": TEXT + "x = 1;"})
    proxy.settings(seed=7, programs="off", crossfade={"seconds": 0.02}, scene=120)
    ir = proxy.build()
    script = krach.export(ir)
    assert script.count("freq = hslider") == 2 and script.count("def scale()") == 1
    for line in ['m.save("make", make_2(), number=127)', 'm.save("ﬁn", fin(), number=120)', "fin_2(), number=119"]:
        assert line in script, script
    assert "krach.Frozen" not in script and "m.krach(" not in script
    again = run(script)
    assert sounding(again) == sounding(ir) and krach.export(again) == krach.export(run(krach.export(again)))


def test_a_document_of_the_plugin_with_scenes_is_exported_whole() -> None:
    """Their texts stand beside them, and they have settings that mean nothing."""
    tone = {"name": "tone", "source": "faust:text-1", "gain": 0.3}
    settings = {"version": 3, "clock_source": "external", "limiter": True, "seed": 0, "slots": {"tone": {}}}
    scenes = [{"number": 4, "name": "verse", "module": {"nodes": [tone], "master": 1.0, "krach": settings}}]
    krach_section = {"version": 3, "scene": 4, "scenes": scenes, "scene_texts": {"faust:text-1": TEXT}, "macros": []}
    ir = ModuleIr.from_dict({"nodes": [tone | {"source": TEXT}], "krach": krach_section})
    script = krach.export(ir)
    assert 'm.save("verse", verse(), number=4)' in script and script.count("process =") == 1
    made = run(script).to_dict()["krach"]
    assert made["scene"] == 4 and made["scenes"][0]["module"]["nodes"][0]["source"] == TEXT
    assert made["scenes"][0]["module"]["krach"] == {"version": 3}


def test_what_a_scene_has_of_later_versions_is_kept() -> None:
    later = {"number": 1, "name": "x", "colour": "red", "module": {"nodes": [], "mood": "blue"}}
    ir = ModuleIr.from_dict({"krach": {"version": 3, "scenes": [later]}})
    assert run(krach.export(ir)).to_dict() == ir.to_dict()
    only_module = {"number": 1, "name": "x", "module": {"mood": "blue"}}
    ir = ModuleIr.from_dict({"krach": {"version": 3, "scenes": [only_module]}})
    assert run(krach.export(ir)).to_dict() == ir.to_dict()
    none = ModuleIr.from_dict({"krach": {"version": 3, "scenes": []}})
    assert run(krach.export(none)).to_dict() == none.to_dict()


def test_of_two_functions_that_are_one_graph_each_is_written_as_itself() -> None:
    def tone() -> krs.Signal:
        return krs.sine_osc(krs.control("freq", 440, 20, 4000)) * 0.2

    first, second = krach.ModuleProxy(), krach.ModuleProxy()
    first.node("tone", tone)
    # As another process has traced it.
    second.node("tone", krs.graph(tone), source_text="def other():\n    return 1\n")
    ours, theirs = krach.export(first.build()), krach.export(second.build())
    assert "def tone() -> krs.Signal:" in ours and "source_text" not in ours
    assert "def tone" not in theirs and "source_text" in theirs
    assert run(theirs) == second.build()
