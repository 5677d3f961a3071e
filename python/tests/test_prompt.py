"""The prompt as a musician types into it: attaching, completion, magics, what is told between lines, restarts."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pexpect
import pytest
from hosted import Served, read_wav
from test_command import environment
from test_session import until

import krach
from krach import Session
from krach.repl.prompt import completions

# What moves the cursor or changes the colour.
_DRAWING = r"\x1b\[[0-9;?]*[a-zA-Z]"


class Typed:
    """A prompt that is typed into, line by line."""

    def __init__(self, *arguments: str, ready: bool = True) -> None:
        line = ["-m", "krach", *arguments]
        self.prompt: Any = pexpect.spawn(
            sys.executable, line, env=environment(), encoding="utf-8", dimensions=(50, 160), echo=False
        )
        self.number = 1
        self.first = self.wait() if ready else ""

    def wait(self) -> str:
        """Return what was shown until the next prompt."""
        self.prompt.expect(rf"In \[(?:{_DRAWING})*{self.number}(?:{_DRAWING})*\]", timeout=60)
        return re.sub(_DRAWING, "", self.prompt.before)

    def expect(self, text: str) -> None:
        self.prompt.expect(re.escape(text), timeout=60)

    def type(self, statement: str) -> str:
        """Type a statement, pasted as editors and terminals paste; return what was shown until the next prompt."""
        self.prompt.send(f"\x1b[200~{statement}\x1b[201~")
        # The empty line ends a statement of several lines.
        return self.end("\r" if "\n" in statement else "")

    def drawn(self, text: str) -> None:
        """Wait until a text stands there, in whatever pieces it is drawn."""
        self.prompt.expect(rf"(?:{_DRAWING})*".join(map(re.escape, text)), timeout=60)

    def end(self, rest: str) -> str:
        """Type the rest of a line; return what was shown until the next prompt."""
        self.prompt.send(f"{rest}\r")
        self.number += 1
        return self.wait()

    def steps(self) -> list[str]:
        return self.type("%history").split("%history")[-1].split("\r\n")[1:-2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.prompt.close(force=True)


@pytest.fixture
def typed(kr: Session) -> Iterator[Typed]:
    with Typed() as typed:
        yield typed


def test_the_prompt_attaches_to_a_name_and_asks_where_there_are_several(served: Served, kr: Session) -> None:
    with Served() as second:
        other = Session(second.socket)
        other.name = "drums"
        until(lambda: "drums" in {each.name for each in krach.client.instances()})
        with Typed("attach", "drums") as typed:
            assert "<krach drums: 0 nodes" in typed.first
            typed.type("kr.tempo = 99")
            assert (other.tempo, kr.tempo) == (99, 120)
        with Typed(ready=False) as typed:
            typed.expect("which?")
            listed = typed.prompt.before
            assert served.instance.id in listed
            [number] = re.findall(r"^(\d)  drums", listed, re.M)
            typed.prompt.send(f"{number}\r")
            assert "<krach drums" in typed.wait()
        with Typed("attach", "nobody", ready=False) as typed:
            typed.expect("no instance is called nobody")
            typed.prompt.expect(pexpect.EOF, timeout=60)
        other.close()


def test_tab_completes_nodes_controls_types_scenes_and_sessions(typed: Typed, kr: Session) -> None:
    kr.node("bassline", "faust:bass")
    kr.save("verse")
    for begin, whole, end, shown in (
        ('kr["bassl', "bassline", '"].name.upper()', "BASSLINE"),
        ('kr["bassline/cut', "bassline/cutoff", '"] + 0.25', "220.25"),
        ('kr.types("faust:kic', "faust:kick", '")[0].type.upper()', "FAUST:KICK"),
        ('kr.scene("vers', "verse", '").nodes[0].name.upper()', "BASSLINE"),
        ('kr.open_file("factory:hous', "factory:house", '", dry_run=True).file.upper()', "FACTORY:HOUSE"),
        ("kr.set({'bassline/cutof", "bassline/cutoff", "': 330}), kr['bassline/cutoff']", "330.0"),
    ):
        typed.prompt.send(f"{begin}\t")
        typed.drawn(whole)
        answer = typed.end(end)
        assert shown in answer, answer


def test_steps_are_listed_taken_back_and_done_again(typed: Typed, kr: Session) -> None:
    typed.type('kick = kr.node("kick", "faust:kick")')
    typed.type("kick.mute()")
    assert typed.steps()[-2:] == ["node kick", "mute kick"]
    assert "undone: mute kick" in typed.type("%undo") and not kr.is_muted("kick")
    assert typed.steps()[-1] == "node kick"
    assert "redone: mute kick" in typed.type("%redo") and kr.is_muted("kick")
    # What cannot be is told as a mistake is, without a traceback.
    nothing = typed.type("%redo")
    assert "nothing" in nothing and "Traceback" not in nothing, nothing
    scene = typed.type("%scene verse")
    assert "there is no scene verse" in scene and "Traceback" not in scene, scene
    typed.type('kr.save("verse")')
    typed.type("kick.remove()")
    typed.type("%scene verse")
    # The session becomes the scene when the sound has switched to it.
    until(lambda: list(kr.nodes) == ["kick"])
    kr.remove("kick")
    typed.type("%scene 1")
    until(lambda: list(kr.nodes) == ["kick"])


def test_notation_without_quotes_is_told_in_three_lines(typed: Typed, kr: Session) -> None:
    kick = kr.node("kick", "faust:kick")
    for line, name, hint in (
        ("x*4", "x", 'patterns are text: write "x*4"'),
        ("kr.play('kick', x*4)", "x", 'patterns are text: write "x*4"'),
        ("kr['kick'] @ x(3, 8)", "x", 'patterns are text: write "x(3, 8)"'),
        ("kr['kick'] @ A2", "A2", 'patterns are text: write "A2"'),
        ("kick.mute()", "kick", 'the node is kr["kick"]'),
    ):
        shown = typed.type(line)
        assert f"there is no name {name}" in shown and hint in shown, shown
        assert "Traceback" not in shown and "NameError" not in shown, shown
    assert not kick.playing
    # A name that is no notation is Python's to tell.
    assert "NameError" in typed.type("nobody * 4")


def test_a_call_is_answered_in_plain_words(typed: Typed, kr: Session) -> None:
    kr.node("kick", "faust:kick")
    for line, words in (
        ("kr.gain('kick', 0.3)", "kick has gain 0.3"),
        ("kr.mute('kick', at=1000)", "kick is muted from cycle 1000"),
        ("kr.undo()", "undone: mute kick"),
    ):
        shown = typed.type(line)
        assert words in shown and "position" not in shown, shown


def test_texts_and_functions_of_one_node_are_offered_to_no_other(kr: Session) -> None:
    kr.node("text", "process = 1;")
    kr.node("made", lambda: krach.krs.sine_osc(krach.krs.control("freq", 440, 20, 4000)) * 0.2)
    offered = completions(kr, "faust:")
    assert "faust:kick" in offered
    for name in (*offered, *(each.type for each in kr.types()), repr(kr.types()), repr(kr.describe())):
        assert "graph-" not in name and "text-" not in name, name
    [graph] = [each["type"] for each in kr.ask("types")["types"] if "graph-" in each["type"]]
    assert kr.types(graph)[0].type == graph


def test_what_compiles_long_is_told(typed: Typed) -> None:
    # It takes a second or more.
    text = """import("stdfaust.lib");
freq = hslider("freq", 1, 1, 9, 0.1);
voice(i) = os.sawtooth((200 + i) * freq) : fi.lowpass(8, 300 + i) : fi.highpass(8, 200);
process = sum(i, 400, voice(i)) / 400;"""
    typed.prompt.send("\x1b[200~" + f"tone = kr.node('tone', {text!r})" + "\x1b[201~\r")
    typed.expect("compiling tone")
    typed.expect("tone is compiled (")


def test_the_prompt_says_that_the_plugin_has_gone_and_comes_back_with_it(tmp_path: Path) -> None:
    with Served(NOISE_SOCKET=str(tmp_path / "s")) as served, Typed("attach", str(tmp_path / "s")) as typed:
        typed.type('bass = kr.node("bass", "faust:bass")')
        served.end(kill=True)
        typed.expect("the plugin has gone; it is looked for")
        answer = typed.type("kr.tempo")
        assert "has gone" in answer and "Traceback" not in answer, answer
        served.start()
        typed.expect("the plugin is back: <krach")
        typed.type("kr.tempo = 99")
        session = Session(served.socket)
        assert session.tempo == 99 and not session.nodes
        session.close()


def test_serve_is_an_instance_that_ends_with_a_signal(tmp_path: Path) -> None:
    wav = tmp_path / "out.wav"
    line = [sys.executable, "-m", "krach", "serve", "--record", str(wav), "--bpm", "90"]
    process = subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def mine() -> list[krach.client.Instance]:
        assert process.poll() is None, process.stderr and process.stderr.read()
        return [each for each in krach.client.instances() if each.pid == process.pid]

    try:
        [instance] = until(mine)
        session = Session(instance.socket)
        until(lambda: session.position.cycles > 0.1)
        assert session.position.tempo == 90
        session.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)
    rate, (left, right) = read_wav(wav)
    assert rate == 48000 and len(left) == len(right) > 4800
