"""Nodes that are removed: what waits for them goes with them, and whoever calls them is told."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hosted import ROOT
from test_session import until

import krach
from krach import Session
from krach.session.answers import WORDS


@pytest.fixture
def moving(kr: Session) -> Session:
    """A session whose time moves."""
    kr.transport(free_run=True, tempo=300)
    until(lambda: kr.position.running)
    return kr


def passed(kr: Session, cycles: float) -> None:
    until(lambda: kr.position.cycles > cycles)
    kr.sync()


def test_what_waits_for_a_node_goes_with_it(moving: Session) -> None:
    kr = moving
    before = len(kr.history())
    kick, hat = kr.node("kick", "faust:kick"), kr.node("hat", "faust:hat")
    verb = kr.node("drums/verb", "faust:reverb")
    at = kr.position.cycles + 2
    with kr.at(at):
        kick.play("x*4")
        kick @ ("tune", "50 60")
        kick["tune"] = 60
        kick.mute()
        kick.fade("gain", 0)
        kick.mod("tune", "sine", 40, hi=60)
        kick >> (verb, 0.5)
        verb.gain(0.1)
        kr["drums/verb/mix"] = 0.1
        hat.play("x*8")
        with kr.batch():
            kick.gain(0.1)
            hat.gain(0.2)
    kick.remove()
    kr.remove("drums")
    passed(kr, at + 0.1)
    assert kr.slots == {"hat": True}
    assert list(kr.nodes) == ["hat"] and hat.gain_now == 0.2
    document = kr.ask("capture")["module"]
    assert not document.get("automations"), document
    assert all(each["path"].startswith("hat") for each in document.get("controls", ())), document
    assert not kr.problems, kr.problems
    assert not any("kick" in step and "remove" not in step and "node" not in step for step in kr.history()[before:])
    # What is asked for after it is for the next one of its name.
    at = kr.position.cycles + 2
    hat.remove(at=at)
    hat = kr.node("hat", "faust:hat", at=at + 0.1)
    hat.play("x", at=at + 0.1)
    passed(kr, at + 0.2)
    assert kr.slots == {"hat": True} and list(kr.nodes) == ["hat"]


def test_a_node_takes_the_patterns_of_its_controls_with_it_and_an_undo_brings_them_back(kr: Session) -> None:
    kick = kr.node("kick", "faust:kick") @ ("tune", "50 60") @ "x*4"
    kr.node("kick_2", "faust:kick") @ ("tune", "50 60")
    kick.remove()
    assert list(kr.slots) == ["kick_2/tune"]
    assert kr.undo().undone == "remove kick"
    assert sorted(kr.slots) == ["kick", "kick/tune", "kick_2/tune"]


CALLS: list[Callable[[Any], Any]] = [
    lambda x: x.__setitem__("tune", 3),
    lambda x: x["tune"],
    lambda x: x.gain(0.3),
    lambda x: x.stem(1),
    lambda x: x.mute(),
    lambda x: x.unmute(),
    lambda x: x.solo(),
    lambda x: x.unsolo(),
    lambda x: x.play("x*4"),
    lambda x: x @ "x*4",
    lambda x: x @ ("tune", "50"),
    lambda x: x.fade("tune", 3),
    lambda x: x.fade("gain", 0),
    lambda x: x.mod("tune", "sine"),
    lambda x: x.remove(),
    lambda x: x >> "verb",
    lambda x: "verb" and x._session.handle("verb") >> x,
    lambda x: x.type,
    lambda x: x.controls,
    lambda x: x.settings["steps"],
    lambda x: x.gain_now,
    lambda x: x.peak,
    lambda x: x.playing,
    lambda x: x.error,
]


def test_calls_of_a_node_that_is_gone_say_so_and_what_brings_it_back(kr: Session) -> None:
    kr.node("verb", "faust:reverb")
    x = kr.node("x", "faust:kick")
    x.remove()
    for number, call in enumerate(CALLS):
        with pytest.raises(krach.KrachError) as raised:
            call(x)
        assert str(raised.value) == "x is gone: remove x\nkr.undo() brings it back", number
    assert repr(x) == "<x: x is gone: remove x>"
    kr.node("y", "faust:kick")
    with pytest.raises(krach.KrachError, match=r'x is gone: remove x\nkr\.node\("x", …\) makes it again'):
        kr.set("x/tune", 3)
    kr.remove("y")
    assert kr.undo().undone == "remove y"
    assert kr.undo().undone == "node y"
    assert kr.undo().undone == "remove x"
    x["tune"] = 60
    assert kr.undo().undone == "set x/tune" and kr.undo().undone == "node x"
    with pytest.raises(krach.KrachError, match=r"x is gone: it was undone\nkr\.redo\(\) brings it back"):
        x.gain(0.3)
    kr.redo()
    kr.clear()
    with pytest.raises(krach.KrachError, match=r"x is gone: clear\nkr\.undo\(\) brings it back"):
        x.gain(0.3)
    with pytest.raises(krach.KrachError, match="there is no node nobody"):
        kr.gain("nobody", 0.3)


def test_a_fader_is_told_where_it_is_and_where_it_goes(moving: Session) -> None:
    kick = moving.node("kick", "faust:kick", gain=0.2)
    kick.fade("gain", 1, secs=1000)
    until(lambda: kick.gain_now > 0.2)
    assert kick.gain_now < 0.9
    assert " to 1>" in repr(kick) and " to 1" in repr(moving.describe()), repr(kick)
    assert moving.describe("kick")[0].gain == 1
    kick.gain(1)
    assert kick.gain_now == 1 and repr(kick) == "<kick: faust:kick, gain 1>"
    with moving.transition(bars=1000):
        kick.gain(0.5)
    assert 0.9 < kick.gain_now <= 1
    moving.undo()
    assert kick.gain_now == 1


def test_no_name_of_the_lowered_graph_is_told(kr: Session) -> None:
    told: list[str] = []
    kr.listen(lambda topic, event: told.append(str(event)) if topic == "session" else None, "session")
    kick, verb = kr.node("kick", "faust:kick"), kr.node("verb", "faust:reverb")
    kick >> (verb, 0.4)
    kick.gain(0.3)
    kr.set("kick/@send/verb", 0.1)
    with kr.batch():
        kick.gain(0.1)
        verb.gain(0.2)
    with kr.transition(1):
        kick.gain(0.7)
        kr.send("kick", "verb", 0.9)
    kick.gain(0.2, at=100_000)
    assert kr.undo().undone == "set kick/@gain"
    for name in ("kick_g", "kick_send_verb", "_master"):
        with pytest.raises(krach.KrachError, match=f"the name {name} is taken\nkrach calls faders, sends"):
            kr.node(name, "faust:kick")
    with pytest.raises(krach.KrachError, match="no control is called kick_g/x"):
        kr.set("kick_g/x", 1)
    until(lambda: any("transition" in each for each in told))
    time.sleep(0.05)
    for each in (*kr.history(), *told):
        assert not any(internal in each for internal in ("_g/", "_send_", "_master", "_ctrl_")), each


def test_a_change_says_what_has_happened(kr: Session) -> None:
    kr.transport(free_run=True)
    until(lambda: kr.position.running)
    kick, verb = kr.node("kick", "faust:kick"), kr.node("verb", "faust:reverb")
    for change, words in (
        (kick.gain(0.3), "kick has gain 0.3"),
        (kr.set("kick/tune", 60), "kick/tune is 60"),
        (kick.fade("tune", 50), "kick/tune goes to 50"),
        (kr.send(kick, verb, 0.4), "kick goes into verb with level 0.4"),
        (kr.disconnect(kick, verb), "kick goes into verb no more"),
        (kick.mute(at=1000), "kick is muted from cycle 1000"),
        (kick.mute(dry_run=True), "nothing is changed; it would be: kick is muted"),
        (kr.undo(), "undone: mute kick"),
        (kr.save("verse"), "scene verse is saved as number 1"),
        (kr.recall("verse", at=1000), "scene verse plays from cycle 1000"),
        (kr.transport(tempo=99), "tempo is 99"),
        (kr.macro(1, "kick/tune"), "macro 1 moves kick/tune"),
        (kr.midi_learn(None), "no controller is waited for"),
        (kr.stop(), "all patterns are silent"),
        (kick.remove(), "kick is gone"),
        (kr.clear(), "the session is empty"),
    ):
        assert repr(change) == words
    kick = kr.node("kick", "faust:kick")
    assert repr(kick.play("x*4")).startswith("kick plays from cycle ")
    with kr.batch() as answers:
        assert repr(kick.gain(0.3)) == "part of one change"
    assert repr(answers) == "[kick has gain 0.3]"
    with kr.transition(1) as answers:
        kick.gain(0.5)
    assert repr(answers) == "[kick has gain 0.5]"


def test_every_change_has_words() -> None:
    page = (ROOT / "docs/protocol.md").read_text("utf-8")
    changes = re.findall(r"^#### `(\w+)`\n\n(?:(?!^####)[^\n]*\n)*?.*Takes `at` and `dry_run`", page, re.M)
    assert "play" in changes and len(changes) > 30, changes
    # These are asked for by name alone, through `kr.change`.
    bare = {"adopt", "scene_duplicate", "scene_order"}
    assert set(changes) - set(WORDS) == bare
