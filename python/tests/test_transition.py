"""Transitions against the real plugin: lines that arrive on their sample, what is done at the end, one step of undo."""

import struct
import threading
from pathlib import Path

import pytest
from hosted import Served, read_wav
from test_session import until

import krach
from krach import Session, run
from krach.client import Refusal

BEAT = 24_000
SONG = """
kr.node("bass", "process = 0.5, 0.5;", gain=0.25)
kr.node("verb", "process = _, _;", gain=1.0)
kr.node("hat", "process = 0.25, 0.25;", gain=0.5)
kr.node("tone", "process = hslider(\\"level\\", 0.0, 0, 1, 0) <: _, _;", gain=0.5)
kr.connect("bass", "verb", level=0.5)
with kr.transition(beats=8, at=1):
    kr["bass"].gain(0.5)
    kr.connect("bass", "verb", level=0.0)
    kr["hat"].remove()
    kr.node("pad", "process = 0.125, 0.125;", gain=0.5)
    kr["tone/level"] = 0.25
    kr.play("tone/level", "0.5")
    kr.master = 0.5
"""


def test_all_parts_of_a_file_that_is_rendered_arrive_on_their_sample(tmp_path: Path) -> None:
    (tmp_path / "song.py").write_text(SONG)
    run.render(str(tmp_path / "song.py"), str(tmp_path / "out.wav"), bars=4, bpm=120)
    rate, (left, right) = read_wav(tmp_path / "out.wav")
    assert rate == 48_000 and left == right
    begin, end = 4 * BEAT, 12 * BEAT
    assert set(left[4800:begin]) == {0.125 + 0.0625 + 0.125}

    def expected(share: float) -> float:
        bass = 0.5 * (0.25 + 0.25 * share)
        through = bass * 0.5 * (1 - share)
        hat = 0.125 * (1 - share)
        return (bass + through + hat + 0.0625 * share + 0.125 * share) * (1 - 0.5 * share)

    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert left[begin + int(share * (end - begin))] == pytest.approx(expected(share), abs=1e-4)
    # The line of the control is there; the pattern that takes it over begins at the end, too.
    after = (0.25 + 0.0625 + 0.25) * 0.5
    assert left[end - 1] != left[end - 2] and set(left[end + 480 :]) == {struct.unpack("f", struct.pack("f", after))[0]}


def band(kr: Session) -> None:
    kr.node("bass", "process = 0.5;", gain=0.25)
    kr.node("hat", "process = 0.25;", gain=0.5)
    kr.play("hat", "x*4")


def test_what_goes_is_there_until_the_end_and_the_rest_is_known_at_once(kr: Session) -> None:
    band(kr)
    before, steps = kr.capture(), len(kr.history())
    with kr.transition(beats=2) as answers:
        kr["bass"].gain(0.5)
        kr["hat"].remove()
        kr.node("pad", "process = 0.125;", gain=0.4)
        kr.play("pad", "x*8")
    assert answers[1].nodes == ["hat"]
    assert list(kr.nodes) == ["bass", "hat", "pad"] and kr.slots == {"hat": True, "pad": True}
    assert [each.gain for each in kr.describe() if each.name != "hat"] == [0.5, 0.4]
    until(lambda: "hat" not in kr.nodes)
    assert kr.slots == {"pad": True} and len(kr.history()) == steps + 1
    assert kr.undo().undone == "transition: set bass/@gain and 3 more"
    assert kr.capture() == before
    kr.redo()
    assert list(kr.nodes) == ["bass", "pad"]


def test_an_undo_on_the_way_takes_what_is_still_to_come(kr: Session) -> None:
    band(kr)
    before = kr.capture()
    with kr.transition(beats=3):
        kr["hat"].remove()
        kr.play("bass", "x*2")
    kr.undo()
    assert kr.capture() == before
    here = kr.position.cycles
    until(lambda: kr.position.cycles > here + 1)
    assert kr.capture() == before


def test_what_is_set_again_ends_its_part_and_the_rest_goes_on(kr: Session) -> None:
    band(kr)
    with kr.transition(beats=2):
        kr["hat"].remove()
        kr.play("bass", "x*2")
    kr["hat"].gain(0.75)
    until(lambda: kr.slots.get("bass"))
    assert "hat" in kr.nodes and kr.slots["hat"] and kr["hat"].gain_now == 0.75


def test_the_own_tempo_goes_on_a_line(kr: Session) -> None:
    kr.transport(clock="internal", tempo=240)
    until(lambda: kr.position.tempo == 240)
    with kr.transition(beats=8):
        kr.tempo = 120
    assert kr.tempo == 120
    seen: list[float] = []

    def arrived() -> bool:
        seen.append(kr.position.tempo)
        return seen[-1] == 120

    until(arrived)
    falls = [round(each, 6) for each in seen]  # On the line the last digits are rounded.
    assert any(130 < each < 230 for each in falls) and falls == sorted(falls, reverse=True)


def test_a_transition_that_cannot_be_changes_nothing(kr: Session) -> None:
    band(kr)
    before, steps = kr.capture(), kr.history()

    def mute() -> None:
        kr["hat"].mute()

    def remove() -> None:
        kr.remove("nobody")

    def meter() -> None:
        kr.meter = 3

    for change, place, text in (
        (mute, "params.requests[1].method", "mute cannot be part of a transition"),
        (remove, "params.requests[1].params.node", "there is no node nobody"),
        (meter, "params.requests[1].params", "only the tempo goes over time"),
    ):
        with pytest.raises(Refusal, match=text) as refused, kr.transition(bars=8):
            kr["bass"].gain(0.5)
            change()
        assert refused.value.place == place and refused.value.hint
    for bars, beats in ((0, None), (None, -1), (1, 1)):
        with pytest.raises(Refusal), kr.transition(bars, beats):
            kr["bass"].gain(0.5)
    with pytest.raises(RuntimeError), kr.transition():
        kr["bass"].gain(0.5)
        raise RuntimeError
    with pytest.raises(krach.KrachError, match="no part of a batch"), kr.batch(), kr.transition():
        pass
    with kr.transition(bars=8, dry_run=True):
        kr["bass"].gain(0.5)
    with kr.transition():
        pass
    assert (kr.capture(), kr.history()) == (before, steps)


def test_two_threads_do_not_get_into_each_others_transition(kr: Session) -> None:
    band(kr)
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        inside.wait(30)
        kr.gain("hat", 0.125)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with pytest.raises(Refusal), kr.transition():
        inside.set()
        assert done.wait(30)
        kr.remove("nobody")
    thread.join()
    assert kr["hat"].gain_now == 0.125


def test_a_transition_while_time_stands_says_so_and_begins_when_it_moves(capsys: pytest.CaptureFixture[str]) -> None:
    with Served("--stopped") as served:
        kr = krach.Session(served.socket, wait=True)
        kr.node("bass", "process = 0.5;", gain=0.25)
        assert not kr.position.running
        with kr.transition(beats=2, dry_run=True):
            kr["bass"].gain(0.5)
        assert capsys.readouterr().err == ""
        with kr.transition(beats=2):
            kr["bass"].gain(0.5)
            kr.play("bass", "x*4")
        assert capsys.readouterr().err == "time stands: the transition begins when it moves\n"
        assert kr.slots == {}
        kr.free_run = True
        until(lambda: kr.slots == {"bass": True})
        with kr.transition(beats=2):
            kr["bass"].gain(0.25)
        assert capsys.readouterr().err == ""
        kr.close()
