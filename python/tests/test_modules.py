"""Modules as functions: what calls record, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

import krach
import krach.pattern as krp
import krach.signal as krs
from krach.ir.module import Automation, ControlValue, ModuleIr, Muted, Node, Route, flatten, prefix_ir


def bass() -> krs.Signal:
    freq, gate = krs.control("freq", 55, 20, 2000), krs.control("gate", 0, 0, 1)
    return krs.saw(freq) * krs.adsr(0.005, 0.1, 0.6, 0.2, gate)


def reverb(x: krs.Signal) -> krs.Signal:
    return krs.reverb(x)


@krach.module
def kit(m: krach.ModuleProxy) -> None:
    m.node("kick", "faust:kick", gain=0.8)
    m.node("hat", "faust:hat", gain=0.3)
    m.outputs("kick", "hat")


@krach.module
def full_band(m: krach.ModuleProxy) -> None:
    m.node("bass", "faust:bass", gain=0.5)
    drums = m.sub("drums", kit())
    m.send(drums.output("kick"), "bass", level=0.3)
    m.outputs("bass")


def test_modules_within_modules_are_flattened_with_their_prefixes() -> None:
    flat = flatten(prefix_ir(full_band(), "band"))
    assert [node.name for node in flat.nodes] == ["band/bass", "band/drums/kick", "band/drums/hat"]
    assert flat.routing == (Route("band/drums/kick", "band/bass", "send", 0.3),)
    assert kit(), "a module is made anew at each call"


def test_what_is_recorded_is_what_was_called() -> None:
    m = krach.ModuleProxy()
    m.node("bass", bass, 0.3, count=4, init={"freq": 110}, gate=1)
    m.node("verb", reverb, stereo=True, to_master=False, legato=False, stem=3)
    m.node("acid", "patch:acid", settings={"seq/steps": ("A1", "-"), "title": "x"})
    m.send("bass", "verb", level=0.4)
    m.send("bass", "verb", level=0.5)
    m.connect("bass", "verb", port="in1")
    m.play("bass", "A2 D3 ~ E2", from_zero=True, swing=0.6)
    m.set("bass/freq", 50)
    m.set({"verb/damp": 0.2, "bass/freq": 60})
    m.fade("verb/room", 0.9)
    m.mod("bass/freq", "sine", lo=50, hi=60, bars=2)
    m.mod("verb/damp", "tri", secs=3, one_shot=True)
    m.mute("bass")
    m.tempo, m.meter, m.master = 128, 3, 0.5
    m.inputs("verb")
    ir = m.build()
    first, second, _ = ir.nodes
    assert (first.gain, first.count, first.init, first.num_inputs) == (0.3, 4, (("freq", 110), ("gate", 1)), 0)
    assert first.source == krs.graph(bass) and "def bass" in first.source_text
    assert second.num_inputs == 1
    assert ir.routing == (Route("bass", "verb", "send", 0.5), Route("bass", "verb", "wire", 1.0, "in1"))
    assert ir.controls == (
        ControlValue("bass/freq", 60),
        ControlValue("verb/damp", 0.2),
        ControlValue("verb/room", 0.9),
    )
    assert ir.automations == (Automation("bass/freq", "sine", 50, 60, 2),)
    assert ir.muted == (Muted("bass", 0.3),)
    assert (ir.tempo, ir.meter, ir.master, ir.inputs, ir.outputs) == (128, 3, 0.5, ("verb",), None)
    assert ir.patterns[0].swing == 0.6
    assert krp.Pattern.from_dict(ir.patterns[0].pattern) == krp.seq("A2", "D3", None, "E2")
    assert ir.krach is not None and ir.krach.to_dict() == {
        "version": 3,
        "nodes": {
            "verb": {"stereo": True, "off_master": True, "stem": 3, "legato": False},
            "acid": {"settings": {"seq/steps": ["A1", "-"], "title": "x"}},
        },
        "slots": {"bass": {"from_zero": True}},
        "automations": {
            "verb/damp": {
                "label": "verb/damp",
                "shape": "tri",
                "lo": 0.0,
                "hi": 1.0,
                "period_secs": 3,
                "one_shot": True,
            }
        },
    }
    assert ModuleIr.from_dict(ir.to_dict()) == ir


def test_a_control_has_a_pattern_of_its_own() -> None:
    m = krach.ModuleProxy()
    m.node("bass", "faust:bass")
    m.play("bass/cutoff", krp.values("400 <800 1200>"))
    m.play("bass", "x x")
    cutoff = krp.Pattern.from_dict(m.build().patterns[0].pattern)
    assert [str(event) for event in cutoff.query()] == ["(0>1/2)|bass/cutoff=400", "(1/2>1)|bass/cutoff=800"]


def proxy() -> krach.ModuleProxy:
    m = krach.ModuleProxy()
    m.node("kick", "faust:kick")
    m.node("verb", "faust:reverb")
    return m


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.node("kick", "faust:kick"), "a node kick already"),
        (lambda m: m.node("a//b", "faust:kick"), "is no name"),
        (lambda m: m.node("x", lambda s: None), "return a Signal"),
        (lambda m: m.send("kick", "vreb"), "no node vreb .did you mean verb"),
        (lambda m: m.wire("kcik", "verb"), "did you mean kick"),
        (lambda m: m.play("kick", "x [x"), "not closed"),
        (lambda m: m.play("kick", krp.values("1")), "plays nothing by itself"),
        (lambda m: m.play("kick", krp.hit().spread(9, 8)), "pulses must be"),
        (lambda m: m.set("kcik/freq", 1), "did you mean kick"),
        (lambda m: m.set("kick/freq"), "set to a number"),
        (lambda m: m.fade("kick/freq", 1, bars=0), "longer than 0"),
        (lambda m: m.mod("kick/freq", "sine", bars=1, secs=1), "not both"),
        (lambda m: m.mod("hat/freq", "sine"), "no node hat"),
        (lambda m: m.mute("hat"), "no node hat"),
        (lambda m: m.outputs("kick", "vreb"), "did you mean verb"),
        (lambda m: (m.sub("d", kit()), m.sub("d", kit())), "module d already"),
        (lambda m: m.sub("d", kit()).output("kik"), "no output d/kik .did you mean d/kick"),
        (lambda m: m.sub("d", kit()).input("kick"), "no input d/kick$"),
        (lambda m: (m.sub("d", kit()), m.send("d/kcik", "verb")), "did you mean d/kick"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_traced(call: Callable[[Any], object], message: str) -> None:
    m = proxy()
    with pytest.raises((krach.KrachError, ValueError), match=message):
        call(m)
    assert [node.name for node in m.build().nodes] == ["kick", "verb"]


def test_a_source_is_a_type_a_text_a_graph_or_a_function() -> None:
    m = krach.ModuleProxy()
    text = "process = _ * 0.5;"
    for name, source in {"a": "faust:kick", "b": text, "c": krs.graph(bass), "d": bass}.items():
        m.node(name, source)
    a, b, c, d = m.build().nodes
    assert (a.source, b.source, c.source) == ("faust:kick", text, d.source)
    assert c == Node("c", krs.graph(bass))


def test_what_is_wrong_with_a_pattern_on_a_control_is_told_as_it_is() -> None:
    for wrong in (krp.p("x") * 9000, krp.values("red") * 9000):
        with pytest.raises(krp.PatternError) as told:
            krach.modules.labelled(wrong, "bass/cutoff")
        with pytest.raises(krp.PatternError) as plainly:
            wrong.query(0, 1)
        assert str(told.value) == str(plainly.value)
    assert krach.modules.labelled(krp.values("red"), "a/b").query(0, 1)[0].value.label == "a/b"


def test_scenes_are_recorded_under_numbers_of_their_own() -> None:
    tick = {"faust:tick": {"text": "process = 1;", "own": True}}
    inner = krach.ModuleIr(
        nodes=(krach.Node("a", "faust:tick"),), tempo=90, krach=krach.Frozen({"sources": tick, "seed": 3})
    )
    m = krach.ModuleProxy()
    m.save("verse", krach.ModuleIr(sub_modules=(krach.ir.module.SubModule("kit", inner),)), number=2)
    m.save("chorus", inner)
    m.save("drop", inner)
    m.save("verse", inner)
    section = m.build().krach
    assert section is not None
    assert [(each["number"], each["name"]) for each in section["scenes"]] == [(2, "verse"), (1, "chorus"), (3, "drop")]
    assert section["sources"] == tick and "seed" not in section["scenes"][0]["module"]["krach"]
    other = krach.ModuleIr(krach=krach.Frozen({"sources": {"faust:tick": {"text": "process = 2;"}}}))
    for call, text in [
        (lambda: m.save("x", other), "faust:tick is another text in this module"),
        (lambda: m.save("x", inner, number=128), "128 is no number of a scene"),
        (lambda: m.save("verse", inner, number=3), "scene 2 has the name verse already"),
        (lambda: m.macro(65, "a/b"), "there is no macro 65"),
        (lambda: m.settings(sed=1), "there is no setting sed"),
    ]:
        with pytest.raises(krach.ModuleError, match=text):
            call()
    assert m.build().krach == section
