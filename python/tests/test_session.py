"""``kr`` against the real plugin: all or nothing, errors with their place, the way back, several clients."""

import json
import math
import queue
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, cast

import pytest
from hosted import Served, level, read_wav

import krach
from krach import Session, krp, krs
from krach.client import Connection, Gone, NoInstance, Refusal, Unsupported

SRC = Path(krach.__file__).parents[1]


def until(what: Any, seconds: float = 30.0) -> Any:
    """Wait until something is true; a hang guard, no measure."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, "it has not come about"
        time.sleep(0.02)


# Errors


def test_a_mistake_in_a_text_is_marked_and_changes_nothing(kr: Session) -> None:
    kr.node("bass", "faust:bass") @ "A2 D3"
    before = kr.history()
    with pytest.raises(Refusal) as caught:
        kr.play("bass", "A2 D3\n ~ [H2 x]")
    message, line, mark, hint = str(caught.value).split("\n")
    assert message == 'unknown word "H2"' and line[mark.index("^") :] == "H2 x]"
    assert caught.value.place == "params.pattern" and caught.value.span == (10, 12) and hint == caught.value.hint
    assert kr.history() == before and kr["bass"].playing


def test_the_nearest_name_is_a_hint(kr: Session) -> None:
    kr.node("bass", "faust:bass")
    for call in (lambda: kr["bas"], lambda: kr["bass/cutof"], lambda: kr.play("bas", "A2")):
        with pytest.raises(krach.KrachError) as caught:
            call()
        assert caught.value.hint in ("did you mean bass?", "did you mean bass/cutoff?"), caught.value.hint


def test_a_sound_that_does_not_compile_raises_with_its_line_and_the_old_one_plays_on(kr: Session) -> None:
    bass = kr.node("bass", "faust:bass")
    good = kr.node("tone", 'import("stdfaust.lib");\nprocess = os.osc(440);\n')
    assert good.error is None
    with pytest.raises(krach.KrachError) as caught:
        kr.node("tone", 'import("stdfaust.lib");\nprocess = os.osc(440) + foo;\n')
    text = str(caught.value)
    assert (
        text.startswith("tone, line 2: `foo` is not defined") and "process = os.osc(440) + foo;" in text and "^" in text
    )
    assert kr["tone"].error is not None and "is not defined" in repr(kr["tone"])
    assert bass.error is None
    kr.node("tone", "process = 1;")
    assert kr["tone"].error is None


def test_all_mistakes_of_a_program_are_told_each_with_its_mark(kr: Session) -> None:
    program = "process = first\n  + second;"
    marked = [
        "line 1: `first` is not defined",
        "  process = first",
        "            ^^^^^",
        "say what it is (first = ...;), or import the file that does",
        "line 2: `second` is not defined",
        "    + second;",
        "      ^^^^^^",
        "say what it is (second = ...;), or import the file that does",
    ]
    with pytest.raises(krach.KrachError) as caught:
        kr.define("two", program)
    assert str(caught.value).splitlines() == marked
    assert (caught.value.line, caught.value.column, caught.value.span) == (1, 11, (10, 15))
    with pytest.raises(krach.KrachError) as caught:
        kr.node("two", program)
    whole = [line.replace("line ", "two, line ", 1) if line.startswith("line ") else line for line in marked]
    assert str(caught.value).splitlines() == whole


def test_a_sound_that_does_not_compile_is_told_later_where_nobody_waits(served: Served, kr: Session) -> None:
    session = Session(served.socket, wait=False)
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    session.listen(lambda topic, event: events.put(event), "errors")
    session.node("tone", "process = nothing;")
    assert "is not defined" in events.get(timeout=30)["message"]
    with pytest.raises(krach.KrachError, match="is not defined"):
        session.sync()
    session.close()


def test_what_the_plugin_has_not_is_its_own_answer(kr: Session) -> None:
    with pytest.raises(Unsupported, match="has no `colour` of `node`"):
        kr.connection.call("node", {"name": "kick", "source": "faust:kick", "colour": "red"})
    assert not kr.nodes


def test_scenes_are_saved_recalled_renamed_and_forgotten(kr: Session) -> None:
    bass = kr.node("bass", "faust:bass", gain=0.4)
    kr.node("own", "process = 0.125;")
    kr.play("bass", "A2 D3")
    assert kr.save("verse").number == 1
    kr.remove("own")
    bass.gain(0.2)
    kr.play("bass", "A2*4")
    assert kr.save("chorus", number=7, transport=True).number == 7
    assert kr.scenes == ["verse", "chorus"]
    verse = kr.scene("verse")
    assert [node.name for node in verse.nodes] == ["bass", "own"]
    assert verse.nodes[1].source == "process = 0.125;"
    kr.recall("verse", fade=0.01)
    kr.sync()
    assert sorted(kr.nodes) == ["bass", "own"]
    assert kr.describe("bass")[0].gain == pytest.approx(0.4)
    kr.recall(7)
    kr.sync()
    assert sorted(kr.nodes) == ["bass"]
    kr.recall("verse", groups=["own"])
    kr.sync()
    assert sorted(kr.nodes) == ["bass", "own"] and kr.describe("bass")[0].gain == pytest.approx(0.2)
    kr.recall("chorus")
    kr.sync()
    for groups in ("own", kr.handle("own"), ["own", kr.handle("own")]):
        kr.recall("verse", groups=groups)
        kr.sync()
        assert "own" in kr.nodes and kr.undo().undone is not None
    assert kr.scene(7) == kr.scene("chorus") != verse
    kr.rename_scene("chorus", "hook")
    with pytest.raises(krach.KrachError, match="there is no scene chorus"):
        kr.recall("chorus")
    with pytest.raises(krach.KrachError, match="there is no scene chorus"):
        kr.scene("chorus")
    kr.delete_scene(7)
    assert kr.scenes == ["verse"]
    # A capture holds the scenes; what is loaded without any leaves them.
    document = kr.capture()
    kr.clear()
    assert kr.scenes == ["verse"]
    kr.delete_scene("verse")
    kr.load(document)
    assert kr.scenes == ["verse"]


def test_the_document_of_a_scene_has_the_sounds_of_its_own(kr: Session) -> None:
    kr.define("tick", "process = 0.25;")
    kr.node("tick", "faust:tick")
    kr.node("bass", "faust:bass")
    kr.save("verse")
    kr.remove("bass")
    kr.save("chorus")
    chorus = kr.scene("chorus")
    assert chorus.krach is not None and list(chorus.krach["sources"]) == ["faust:tick"]
    kr.clear()
    for name in kr.scenes:
        kr.delete_scene(name)
    kr.define("tick", None)
    kr.load(chorus)
    assert kr["tick"].error is None and kr.source("faust:tick") == "process = 0.25;"
    kr.clear()
    kr.define("tick", None)


def test_a_node_moves_to_a_stem_and_nothing_else_of_it_changes(kr: Session) -> None:
    kick = kr.node("kick", "faust:kick", gain=0.8, count=2, tune=60)
    before = kr.describe("kick")[0]
    kick["tune"] = 70
    kr.node("kick", stem=2)
    after = kr.describe("kick")[0]
    assert (before.stem, after.stem, kick["tune"]) == (0, 2, 70)
    assert (after.type, after.gain, after.count) == (before.type, before.gain, before.count)
    kick.stem(0)
    assert kr.describe("kick")[0].stem == 0
    with pytest.raises(krach.KrachError, match="there is no stem 9"):
        kick.stem(9)
    with pytest.raises(krach.KrachError, match="there is no node snare yet"):
        kr.node("snare", stem=1)


def test_a_load_keeps_what_is_equal(kr: Session) -> None:
    kr.node("kick", "faust:kick")
    ir = kr.capture()
    _ = kr.load(ir, keep=True)
    assert kr.capture() == ir


def test_numbers_that_json_has_not_are_refused_here(kr: Session) -> None:
    kr.node("kick", "faust:kick")
    with pytest.raises(krach.KrachError, match="gain: "):
        kr.gain("kick", float("nan"))
    with pytest.raises(krach.KrachError):
        kr.node("\ud800", "faust:kick")
    assert kr["kick"].gain_now == 0.5


# Batches and times


def test_a_batch_is_one_step_and_an_exception_sends_nothing(kr: Session) -> None:
    steps = len(kr.history())
    with kr.batch() as answers:
        bass = kr.node("bass", "faust:bass", gain=0.3)
        bass @ "A2 D3"
        bass @ ("cutoff", krp.values("<400 800>"))
        kr.tempo = 140
    assert len(answers) == 4 and len(kr.history()) == steps + 1 and kr.tempo == 140
    with pytest.raises(ZeroDivisionError), kr.batch():
        kr.gain("bass", 0.9)
        raise ZeroDivisionError
    with pytest.raises(Refusal) as caught, kr.batch():
        kr.gain("bass", 0.9)
        kr.play("bass", "A2 [")
    assert "\n  A2 [\n" in str(caught.value)
    assert bass.gain_now == 0.3 and len(kr.history()) == steps + 1


def test_at_gives_all_changes_within_a_time_and_dry_run_makes_none(kr: Session) -> None:
    kick = kr.node("kick", "faust:kick")
    with kr.at(4000):
        assert kr.gain("kick", 0.1).position == 4000 and kick.mute().position == 4000
        with kr.batch():
            kr.gain("kick", 0.2)
    assert kr.gain("kick", 0.9, at=5000).position == 5000
    assert kr.gain("kick", 0.9, dry_run=True) == {"dry_run": True, "nodes": ["kick"]}
    kr.node("hat", "faust:hat", dry_run=True)
    assert list(kr.nodes) == ["kick"] and kick.gain_now == 0.5 and not kr.is_muted("kick")


def test_numbers_on_a_control_are_its_values(kr: Session) -> None:
    kr.node("bass", "faust:bass")
    kr.play("bass/cutoff", "<400 800>")
    played = [event["value"] for event in kr.query("bass/cutoff", 0, 2).events]
    assert [(each["label"], each["value"]) for each in played] == [("bass/cutoff", 400), ("bass/cutoff", 800)]
    assert kr["bass"].controls[3].moved_by == {"pattern": "bass/cutoff"}
    kr.mod("bass/resonance", krp.values("0.2 0.4")).stop()
    assert kr.slots["bass/resonance"] is False


def test_a_control_takes_values_by_number_and_name(kr: Session) -> None:
    osc = kr.node("osc", "oscillator")

    def drawn(target: str) -> list[Any]:
        return [each["value"]["value"] for each in kr.query(target, 0, 1).events]

    kr.play("osc/waveform", "saw <pulse sine> 0")
    assert drawn("osc/waveform") == ["saw", "pulse", 0.0]
    osc @ ("waveform", "sine*2")
    assert drawn("osc/waveform") == ["sine", "sine"]
    # A frequency that is played by itself opens no gate, as a text and as a pattern of numbers.
    for pattern in ("200 400.5 [60 .. 61]", kr.values("200 400.5 [60 .. 61]")):
        kr.play("osc/freq", pattern)
        assert drawn("osc/freq") == [200.0, 400.5, 60.0, 61.0]
    with kr.batch():
        kr.node("b", "gain")
        kr.play("b/gain", "0 <0.5 1>")
    assert drawn("b/gain") == [0.0, 0.5]
    with pytest.raises(Refusal, match=r"osc/waveform takes sine, .* not the name pusle") as refused:
        kr.play("osc/waveform", "saw pusle")
    assert refused.value.hint == "did you mean pulse?"
    chord = kr.p("[C3,E3,G3]").inv_stack("<0 1>")
    osc @ chord
    hz = [each["value"]["value"] for each in kr.query("osc", 1, 2).events if each["value"]["label"] == "freq"]
    assert sorted(round(12 * math.log2(each / 440) + 69) for each in hz) == [52, 55, 60]


def test_a_session_is_captured_cleared_loaded_and_exported_to_the_same(kr: Session, tmp_path: Path) -> None:
    def lead() -> krs.Signal:
        freq, gate = krs.control("freq", 220, 20, 4000), krs.control("gate", 0, 0, 1)
        return krs.saw(freq) * krs.adsr(0.005, 0.1, 0.6, 0.2, gate) * 0.3

    bass, verb = kr.node("bass", "faust:bass", gain=0.3), kr.node("verb", "faust:reverb", gain=0.3)
    kr.node("lead", lead, count=4) @ krp.p("<A3 C4>")
    bass >> (verb, 0.4)
    bass @ kr.seq("A2", "D3", None, "E2").over(2)
    kr.mod("bass/cutoff", "tri", 200, 2000)
    kr.mute("verb")
    kr.tempo = 128
    ir = kr.capture()
    script = tmp_path / "song.py"
    kr.export(script)
    kr.clear()
    assert kr.capture() != ir
    kr.load(ir)
    assert kr.capture() == ir
    for _ in range(2):
        environment = {"NOISE_SOCKET": kr.connection.address, "PYTHONPATH": str(SRC)}
        subprocess.run([sys.executable, script], check=True, env=environment, timeout=60)
        assert plain(kr.capture()) == plain(ir)


def plain(ir: krach.ModuleIr) -> dict[str, Any]:
    """Return a document without the texts of patterns, which make no sound."""
    return without_spans(ir.to_dict())


def without_spans(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_spans(each) for key, each in value.items() if key not in ("span", "spans", "text")}
    return [without_spans(each) for each in value] if isinstance(value, list) else value


# Handles


def test_modules_in_the_session(kr: Session) -> None:
    @kr.module
    def kit(m: krach.ModuleProxy) -> None:
        m.node("kick", "faust:kick", gain=0.8)
        m.node("hat", "faust:hat", gain=0.3)
        m.outputs("kick", "hat")

    @kr.module
    def one(m: krach.ModuleProxy) -> None:
        m.node("bell", "faust:bell")

    verb, bass = kr.node("verb", "faust:reverb"), kr.node("bass", "faust:bass")
    d = kr.instantiate(kit(), "drums")
    assert (d.prefix, list(d.nodes), d.input.name, d.output.name) == (
        "drums",
        ["kick", "hat"],
        "drums/kick",
        "drums/kick",
    )
    assert d >> verb is verb and bass >> verb
    d @ "x . x ."
    d["kick/tune"] = 60
    assert d["kick/tune"] == kr["drums/kick/tune"] == 60 and kr["drums/kick"].playing
    assert "input kick (not declared)" in repr(d) and "output kick" in repr(d)
    kr["drums"].gain(0.1)
    assert [each.gain_now for each in d.nodes.values()] == [0.1, 0.1] and "2 nodes" in repr(kr["drums"])
    bell = kr.instantiate(one(), "solo")
    assert bell.input == bell.output == kr["solo/bell"]


def test_a_handle_says_how_loud_it_is(kr: Session) -> None:
    tone = kr.node("tone", 'import("stdfaust.lib"); process = os.osc(440);', gain=0.5)
    peak = until(lambda: tone.peak if (tone.peak or -99) > -6.2 else None)  # Once it has faded in.
    assert peak < -5.9 and "dBFS" in repr(tone)


# The connection


def test_many_threads_call_at_once_and_each_has_its_own_answer(kr: Session) -> None:
    kr.node("bass", "faust:bass")
    wrong: list[Any] = []

    def ask(number: int) -> None:
        for index in range(50):
            cycles = kr.query(krp.hit("bass/gate"), number, number + 1)["from"]
            if cycles != [number, 1]:
                wrong.append((number, index, cycles))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert not wrong


def test_two_clients_see_each_others_changes(served: Served, kr: Session) -> None:
    other = Session(served.socket)
    kr.node("bass", "faust:bass")
    assert list(other.nodes) == ["bass"]
    other["bass/cutoff"] = 900
    assert kr["bass/cutoff"] == 900
    assert other.undo().undone == "set bass/cutoff" and kr["bass/cutoff"] == 220
    other.close()


def test_a_client_that_dies_in_a_line_changes_nothing(served: Served, kr: Session) -> None:
    kr.node("bass", "faust:bass")
    half = socket.socket(socket.AF_UNIX)
    half.connect(served.socket)
    half.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "clear", "params": {}}).encode())
    half.close()
    assert list(kr.nodes) == ["bass"]


def test_the_plugin_goes_and_comes_back(tmp_path: Path) -> None:
    runtime = tmp_path / "s"  # Its own socket name, so that it is found at the same place.
    with Served(NOISE_SOCKET=str(runtime)) as first:
        session = Session(str(runtime), wait=True)
        events: queue.Queue[str] = queue.Queue()
        session.listen(lambda topic, event: events.put(topic), "session")
        session.node("bass", "faust:bass")
        assert events.get(timeout=30) == "session"
        first.end(kill=True)
        while events.get(timeout=30) != "gone":
            pass
        with pytest.raises(Gone, match="has gone"):
            session.ask("status")
        first.start()
        while events.get(timeout=30) != "back":
            pass
        assert session.nodes == {}
        session.tempo = 99
        assert events.get(timeout=30) == "session"  # What was subscribed to is so again.
        session.close()


def test_a_request_in_flight_when_the_plugin_goes_is_told(tmp_path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s"))
    server.listen()

    def serve() -> None:
        client, _ = server.accept()
        client.sendall(b'{"protocol":1,"engine":"krach-engine","instance":"i"}\n')
        client.recv(1000)
        client.close()
        server.close()

    thread = threading.Thread(target=serve)
    thread.start()
    connection = Connection(str(tmp_path / "s"))
    with pytest.raises(Gone, match="whether it has carried out `clear` is not known"):
        connection.call("clear", timeout=30)
    thread.join(10)
    connection.close()


def test_names_of_instances(served: Served, kr: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for spec in (served.instance.id, served.instance.id[:8], served.socket):
        assert Session(spec).id == served.instance.id
    kr.name = "drums"
    until(lambda: krach.client.instances()[0].name == "drums")
    assert krach.attach("drums").id == served.instance.id
    with Served() as second:
        with pytest.raises(NoInstance, match="2 instances are there") as caught:
            krach.attach()
        assert "krach attach " + second.instance.id in str(caught.value)
        monkeypatch.setenv("KRACH_INSTANCE", second.instance.id)
        assert krach.attach().id == second.instance.id
        kr.attach(second.instance.id)
        assert kr.id == second.instance.id
        with pytest.raises(NoInstance):
            kr.attach("nobody")
        assert kr.id == second.instance.id
        kr.attach(served.instance.id)
    kr.name = served.instance.id


def test_the_music_plays(tmp_path: Path) -> None:
    wav = tmp_path / "out.wav"
    served = Served("--record", str(wav))
    session = krach.attach(served.instance.id, wait=True)
    session.node("kick", "faust:kick", gain=0.8)
    session.play("kick", "x*8", at="now")
    until(lambda: session.position.cycles > 0.6)
    session.close()
    served.end()
    rate, channels = read_wav(wav)
    assert rate == 48000 and level(channels[0]) > 0.01


def test_what_a_handle_or_the_session_does_not_have_is_refused_and_not_lost(kr: Session) -> None:
    kick = kr.node("kick", "faust:kick", gain=0.5)
    kit = kr.instantiate(krach.ModuleIr(nodes=(krach.Node("hat", "faust:hat"),)), "kit")
    m = krach.ModuleProxy()
    before = kr.capture()
    for what, name, value, hint in (
        (kick, "tune", 70, 'kick["tune"] = 70'),
        (kick, "tun", 70, 'kick["tune"] = 70'),
        (kick, "gain", 0.2, "kick.gain(0.2)"),
        (kick, "stem", 2, "kick.stem(2)"),
        (kick, "mute", True, "kick.mute()"),
        (kick, "name", "snare", None),
        (kick, "playing", True, None),
        (kit, "tune", 1, 'kit["node/tune"] = 1'),
        (kr.mod("kick/tune", "tri", 40, 60), "lo", 3, None),
        (kr, "tempoo", 99, "did you mean tempo?"),
        (kr, "gain", 0.3, "kr.gain(0.3)"),
        (kr, "nodes", {}, None),
        (kr.transport(), "tempo", 99, None),
        (m, "tempoo", 99, "did you mean tempo?"),
    ):
        with pytest.raises(krach.KrachError) as refused:
            setattr(what, name, value)
        assert refused.value.hint == hint, (name, str(refused.value))
    kr.unmod("kick/tune")
    assert kr.capture() == before and kr.tempo == 120
    kr.tempo, m.tempo = 99, 99
    assert (kr.tempo, m.build().tempo) == (99, 99)


def test_a_name_that_is_not_there_has_the_nearest_one(kr: Session) -> None:
    kick = kr.node("kick", "faust:kick")
    pattern = krp.p("x x")
    for what, name, hint in (
        (kr, "nod", "did you mean node?"),
        (kr, "kick", 'kr["kick"]'),
        (kick, "tune", 'kick["tune"]'),
        (kick, "unmut", "did you mean unmute?"),
        (krs, "sawtooth", "did you mean saw?"),
        (krp, "rev", "did you mean the method rev of patterns?"),
        (krp, "timeCat", "did you mean timecat?"),
        (pattern, "revers", "did you mean reverse?"),
        (pattern, "sometimesBy", "did you mean sometimes_by?"),
        (pattern, "degradeBy", "degradeBy is .chance(0.3) here"),
        (pattern, "qqq", None),
    ):
        with pytest.raises(krach.KrachError) as refused:
            getattr(what, name)
        assert refused.value.hint == hint, (name, str(refused.value))
        assert not hasattr(what, name) and not hasattr(what, "_qqq")
    with pytest.raises(krach.KrachError, match=r"one after the other"):
        _ = pattern + 12  # pyright: ignore[reportOperatorIssue]


# What a prompt shows


def test_what_is_long_is_shown_short(kr: Session, tmp_path: Path) -> None:
    for each in ("kick", "bass", "pad"):
        kr.node(each, f"faust:{each}")
    kr.node("own", lambda: krs.saw(krs.control("freq", 55, 20, 2000)))
    kr.play("bass", "A1 A2")
    kr.save("verse")
    session = kr.capture()
    assert repr(session) == "<session: 4 nodes, 1 pattern, 1 scene>"
    assert repr(kr.scene("verse")) == "<session: 4 nodes, 1 pattern>" and repr(krach.ModuleIr()) == "<session: empty>"
    assert krach.ModuleIr.from_dict(session.to_dict()) == session
    script = kr.export(tmp_path / "song.py")
    assert repr(script) == f"<{tmp_path / 'song.py'}: {len(script.splitlines())} lines>"
    assert script == kr.export() == (tmp_path / "song.py").read_text("utf-8")
    for value, most in ((kr.export(), 1), (kr.types(), 60), (kr.describe(), 4), (session.nodes[3], 1)):
        shown = repr(value).splitlines()
        assert len(shown) <= most and all(len(line) < 400 for line in shown), shown
    assert [each.type for each in kr.types() if each.origin == "builtin"]
    assert [line.split()[0] for line in repr(kr.describe()).splitlines()] == list(kr.nodes)


def test_a_problem_is_told_once_with_its_line(kr: Session) -> None:
    assert not (Path(kr.connection.greeting["dsp_dir"])).exists()
    before = list(kr.problems)  # What went wrong lately, in other tests.
    with pytest.raises(krach.KrachError):
        kr.node("z", "process = foo;")
    [problem] = [each for each in kr.problems if each not in before]
    assert problem.splitlines()[:3] == ["z, line 1: `foo` is not defined", "  process = foo;", "            ^^^"]
    assert repr(kr.problems) == "\n".join([*before, problem]) and not any("not there yet" in each for each in before)


# Patches

TONE = """nodes:
  osc: {module: SineOscillator, params: {frequency: 300.0}}
  out: {module: AudioOut}
cables:
  - {from: osc, output: out, to: out, input: left}
"""


def test_a_patch_is_a_node_by_its_name_its_text_and_its_file(kr: Session, tmp_path: Path) -> None:
    acid = kr.node("acid", "patch:acid", gain=0.2)
    assert acid.error is None and acid["filter/cutoff"] == 220.0
    acid["filter/cutoff"] = 400
    assert acid["filter/cutoff"] == 400.0
    kr.mod("acid/filter/cutoff", "tri", lo=100, hi=2000, bars=4)
    assert kr.node("tone", TONE).type == "patch"
    file = tmp_path / "tone.yaml"
    file.write_text(TONE.replace("300.0", "440.0"), "utf-8")
    assert kr.node("tone", file)["osc/frequency"] == kr.node("tone", str(file))["osc/frequency"] == 440.0


def test_a_mistake_in_a_patch_is_refused_with_line_and_column_and_the_old_one_plays_on(kr: Session) -> None:
    kr.node("tone", TONE)
    before = kr.history()
    with pytest.raises(Refusal) as caught:
        kr.node("tone", TONE.replace("frequency", "frequncy"))
    assert "line 2, column" in str(caught.value) and "did you mean `frequency`" in str(caught.value)
    assert kr.history() == before and kr["tone"]["osc/frequency"] == 300.0
    assert kr.compile(TONE).controls[0]["name"] == "osc/frequency"
    assert kr.define("patch:mine", TONE).type == "patch:mine"
    assert kr.source("patch:mine") == TONE


def test_the_lists_of_a_patch_are_settings_of_its_node(kr: Session, tmp_path: Path) -> None:
    acid = kr.node("acid", "patch:acid", settings={"seq/steps": ("A1", "-", "A2")})
    assert acid.settings == {"seq/steps": ["A1", "-", "A2"]} and "seq/steps" in acid.settings
    acid.gain(0.2)
    kr.node("acid", "patch:acid", count=2)
    assert acid.settings["seq/steps"] == ["A1", "-", "A2"], "what is not given stays"
    acid.settings["seq/steps"] = ["C3"]
    with pytest.raises(Refusal) as caught:
        acid.settings["seq/steps"] = ["C3", "H3"]
    assert "found `H3`" in str(caught.value) and caught.value.place == 'params.settings["seq/steps"][1]'
    with pytest.raises(Refusal, match=r"did you mean seq/steps\?"):
        kr.node("acid", settings={"seq/step": []})
    with pytest.raises(KeyError, match="acid has no setting seq/step"):
        acid.settings["seq/step"]
    assert acid.settings["seq/steps"] == ["C3"]
    script = tmp_path / "acid.py"
    kr.export(str(script))
    assert "settings={'seq/steps': ['C3']}" in script.read_text("utf-8").replace('"', "'")
    kr.undo()
    assert acid.settings["seq/steps"] == ["A1", "-", "A2"]
    del acid.settings["seq/steps"]
    assert len(acid.settings["seq/steps"]) == 16, "as the patch itself has them"
    assert kr.node("kick", "faust:kick").settings == {}


# What is accepted, and may not be what was meant


def test_what_a_change_does_not_reach_is_noted(kr: Session, capsys: pytest.CaptureFixture[str]) -> None:
    bass = kr.node("bass", "faust:bass") @ "A1 A2"
    kr.instantiate(krach.ModuleIr(nodes=(krach.Node("hat", "faust:hat"),)), "kit")
    for call, noted in (
        (lambda: kr.macro(2, "bass/cutof", 200, 4000), "there is no bass/cutof now: did you mean bass/cutoff?"),
        (lambda: kr.unmacro(2, "bass/cutof"), ""),
        (lambda: kr.midi_map(74, "bass/cutof", 200, 4000), "there is no bass/cutof now: did you mean bass/cutoff?"),
        (lambda: kr.midi_unmap(74, "bass/cutof"), ""),
        (lambda: kr.unmod("bass/cutof"), "there is no bass/cutof now: did you mean bass/cutoff?"),
        (lambda: kr.hush("bas"), "there is no bas now: did you mean bass?"),
        (lambda: kr.hush("qqq"), "there is no qqq now"),
        (lambda: kr.macro(1, "bass/cutoff"), ""),
        (lambda: kr.macro(1, "bass/gain"), ""),
        (lambda: kr.macro(1, name="One"), ""),
        (lambda: kr.unmacro(1), ""),
        (lambda: kr.unmod("bass/cutoff"), ""),
        (lambda: kr.hush("kit"), ""),
        (lambda: kr.hush("bass/cutoff"), ""),
        (bass.hush, ""),
        (lambda: kr.transport(seed=1), ""),
    ):
        call()
        assert capsys.readouterr().err.strip() == noted


def test_a_tempo_that_the_hosts_clock_overrides_is_noted(kr: Session, capsys: pytest.CaptureFixture[str]) -> None:
    until(lambda: kr.position.running)
    kr.tempo = 100
    said = 'the host\'s clock counts: 120 plays; kr.transport(clock="internal") takes 100\n'
    assert capsys.readouterr().err == said
    kr.tempo = 120  # It is what plays.
    kr.transport(clock="internal", tempo=100)
    until(lambda: kr.position.tempo == 100)
    kr.tempo = 90
    assert capsys.readouterr().err == ""


def test_a_name_of_another_family_is_found(kr: Session) -> None:
    with pytest.raises(Refusal) as refused:
        kr.node("x", "kick")
    assert str(refused.value) == "there is no node type kick\ndid you mean faust:kick?"
    with pytest.raises(Refusal, match="did you mean faust:kick"), kr.batch():
        kr.node("x", "kick")
    with pytest.raises(krach.KrachError) as refused:
        kr.load("mysong")
    assert refused.value.hint == "a session that was saved is opened by kr.open_file('mysong')"


def test_a_session_that_comes_with_krach_is_opened_by_its_key(kr: Session) -> None:
    folder = SRC.parents[1] / "dsp/sessions"
    names = sorted(each.name.removesuffix(".krach.json") for each in folder.glob("*.krach.json"))
    assert [each for each in kr.session_files() if ":" in each] == [f"factory:{name}" for name in names]
    with pytest.raises(Refusal) as refused:
        kr.open_file("acid")
    assert refused.value.hint == "acid comes with krach: factory:acid"
    kr.open_file(folder / "acid.krach.json")
    by_path = kr.capture()
    kr.clear()
    assert kr.open_file("factory:acid").file == "factory:acid"
    assert kr.capture() == by_path
    assert kr.undo().undone == "open acid" and not kr.nodes
    with pytest.raises(Refusal, match="did you mean acid"):
        kr.open_file("factory:acit")
    with pytest.raises(Refusal) as refused:
        kr.open_file("mysong")
    assert "comes with krach" not in str(refused.value)


def test_unit_and_scale_of_a_control_reach_describe_controllers_and_macros(kr: Session) -> None:
    def sound() -> krs.Signal:
        cutoff = krs.control("cutoff", 800, 20, 20000, unit="Hz", scale="log")
        depth, level = krs.control("depth", 0.5, 0, 1, scale="exp"), krs.control("level", -6, -60, 6, unit="dB")
        return (cutoff + depth + level) * 1e-5

    kr.node("tone", sound)
    told = {each.name: (each.unit, each.scale) for each in kr.node_controls("tone")}
    assert told == {"cutoff": ("Hz", "log"), "depth": ("", "exp"), "level": ("dB", "linear")}
    kr.macro(1, "tone/cutoff")
    assert kr.macros[0]["targets"][0]["curve"] == "auto"
    document = kr.capture()
    graph = document.nodes[0].source
    assert isinstance(graph, krach.DspGraph) and graph == krs.graph(sound)
    kr.load(document)
    assert kr.capture() == document


def test_what_waits_for_its_time_is_gone_after_a_clear(kr: Session) -> None:
    kr.node("bass", "faust:bass")
    begin = math.ceil(kr.position.cycles) + 1
    kr.play("bass", "x*4", at=begin)
    kr.clear()
    kick = kr.node("kick", "faust:kick")
    until(lambda: kr.position.cycles > begin + 0.1)
    assert kr.slots == {}
    assert kr.undo().undone == "node kick" and kr.redo().redone == "node kick"
    assert kick.error is None


def test_the_first_levels_are_measured(kr: Session) -> None:
    kr.node("tone", "process = 0.5;", gain=0.5)
    kr.sync()
    for _ in range(3):
        session = krach.Session(kr.connection.address, wait=True)
        assert session.levels()["tone"]["peak"] == 0.25
        session.close()


def test_a_wrong_setting_is_said_by_its_name(kr: Session) -> None:
    wrong: Any = {"a": 1}
    with pytest.raises(krach.KrachError) as refused:
        kr.node("acid", "patch:acid", settings={"seq/steps": wrong})
    assert str(refused.value).splitlines() == [
        "kr.node: settings['seq/steps'] cannot be {'a': 1}",
        "settings is a dict from texts to texts or lists of texts or nothing",
    ]
    acid = kr.node("acid", "patch:acid")
    with pytest.raises(krach.KrachError, match=r"acid\.settings\['seq/steps'\] cannot be 3"):
        acid.settings["seq/steps"] = cast(Any, 3)
    with pytest.raises(krach.KrachError, match=r"kr\.gain: gain cannot be nan"):
        kr.gain("acid", math.nan)
    assert kr.history()[-1] == "node acid"
