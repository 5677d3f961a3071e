"""The command ``krach`` and its prompt, as a musician runs them, with the real plugin."""

import json
import math
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pexpect
import pytest
from hosted import ROOT, Served, bundle, host, level, read_wav
from test_session import SRC, until

import krach
from krach import Session
from krach.run import Made, rerun
from krach.saving import looks_at, saves

EXAMPLES = ROOT / "python/examples"


def environment(**more: str) -> dict[str, str]:
    known = {"PYTHONPATH": str(SRC), "KRACH_HOST": host(), "KRACH_CLAP": bundle(), "TERM": "xterm"}
    # Nobody answers where the cursor is, and a second of waiting for it is a second per line.
    known["PROMPT_TOOLKIT_NO_CPR"] = "1"
    return dict(os.environ) | known | more


def command(*arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "krach", *arguments]
    return subprocess.run(
        line, input=stdin, capture_output=True, text=True, env=environment(**more), timeout=120, check=False
    )


def test_a_file_runs_with_the_three_names_and_an_error_ends_with_1(kr: Session, tmp_path: Path) -> None:
    song = tmp_path / "song.py"
    song.write_text('import sys\nkr.node("bass", "faust:bass") @ krp.seq("A2", None)\nprint(sys.argv[1:])\n')
    done = command("run", str(song), "a", "b")
    assert (done.returncode, done.stdout) == (0, "['a', 'b']\n"), done.stderr
    assert kr["bass"].playing
    song.write_text('kr.play("bass", "A2 [H2 x")\n')
    done = command("run", str(song))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    where, what, line, mark, *_, last = done.stderr.splitlines()
    assert where == f'{song}, line 1: kr.play("bass", "A2 [H2 x")' and what == 'unknown word "H2"'
    assert line[mark.index("^")] == "H" and last == "what played plays on"
    assert command("run", "-", stdin='kr.hush("bass")').returncode == 0 and not kr["bass"].playing
    assert "ZeroDivisionError" in command("run", "-", stdin="1 / 0").stderr
    assert command("run", str(tmp_path / "none.py")).returncode == 1


def test_an_instance_is_chosen_by_name(served: Served) -> None:
    assert served.instance.id in command("instances").stdout
    done = command("--instance", "nobody", "run", "-", stdin="kr.tempo")
    assert done.returncode == 1 and f"krach attach {served.instance.id}" in done.stderr


def test_where_nothing_plays_nothing_is_said_to_play_on(kr: Session, tmp_path: Path) -> None:
    song = tmp_path / "song.py"
    song.write_text('kr.node("bass", "faust:bass")\nkr.play("bass", "A2 [H2 x")\n')
    nowhere = {each: str(tmp_path) for each in ("XDG_RUNTIME_DIR", "HOME", "TMPDIR")}
    for arguments, more, what in (
        (("run", str(song)), nowhere, "no instance of krach is running"),
        (("--instance", "nobody", "run", str(song)), {}, "no instance is called nobody"),
        (("send",), nowhere, "no prompt is running"),
        (("serve",), {"PATH": "/nowhere", "KRACH_HOST": "/nowhere/krach-host"}, "No such file"),
        (("render", str(tmp_path / "none.py")), {}, "is not there"),
        (("render", str(song), "-o", str(tmp_path / "x.wav")), {}, 'unknown word "H2"'),
    ):
        done = command(*arguments, **more)
        assert done.returncode == 1 and what in done.stderr and "plays on" not in done.stderr, done.stderr
    done = command("run", str(song))
    assert done.returncode == 1 and done.stderr.endswith("what played plays on\n")


def test_with_two_instances_a_file_is_told_how_to_choose_one(kr: Session) -> None:
    with Served() as second:
        done = command("run", "-", stdin="kr.tempo")
        lines = done.stderr.splitlines()
        assert done.returncode == 1 and lines[0] == "2 instances are there: say which", lines
        assert any(second.instance.id in line for line in lines)
        [help_of_run] = [line for line in lines if "--instance" in line]
        chosen = help_of_run.split("`krach ")[1].split(" FILE`")[0].split()
        assert command(*chosen, "-", stdin="print(kr.id)").stdout.strip() == chosen[1]


def test_a_file_is_run_again_as_one_change_and_what_it_has_no_more_goes(kr: Session, tmp_path: Path) -> None:
    song = tmp_path / "song.py"
    kr.node("mine", "faust:bell")
    song.write_text(
        'a, b = kr.node("a", "faust:bass"), kr.node("b", "faust:bass")\n'
        'v = kr.node("v", "faust:reverb")\na @ "A2"\nb @ "A3"\na >> v\n'
        'kr.mute("v")\nkr.mod("a/cutoff", "tri", 200, 900)\n'
    )
    made = rerun(kr, str(song))
    steps = len(kr.history())
    song.write_text('kr.node("a", "faust:bass")\nv = kr.node("v", "faust:reverb")\n')
    made = rerun(kr, str(song), made)
    assert len(kr.history()) == steps + 1 and list(kr.nodes) == ["mine", "a", "v"]
    assert kr.slots.get("a") is False and not kr.routing and not kr.is_muted("v")
    assert all(each.moved_by is None for each in kr["a"].controls)
    song.write_text('kr.remove("a")\nkr.play("v", "[")\n')
    before = kr.capture()
    with pytest.raises(krach.KrachError):
        rerun(kr, str(song), made)
    assert kr.capture() == before and made.nodes == {"a", "v"} and Made([]).nodes == set()


def test_a_watched_file_plays_at_each_save(kr: Session, tmp_path: Path) -> None:
    song = tmp_path / "song.py"
    song.write_text('kr.node("bass", "faust:bass")\n')
    line = [sys.executable, "-m", "krach", "watch", str(song)]
    process = subprocess.Popen(line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stderr is not None
        assert "played" in process.stdout.readline() and list(kr.nodes) == ["bass"]
        song.write_text('kr.node("bass", "faust:bass"\n')
        until(lambda: "never closed" in process.stderr.readline())
        song.write_text('kr.node("lead", "faust:lead")\n')
        assert "played" in process.stdout.readline() and list(kr.nodes) == ["lead"]
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.skipif(sys.platform != "linux", reason="no other system says who has a file open")
def test_a_file_that_is_being_written_is_not_played(tmp_path: Path) -> None:
    song = tmp_path / "song.py"
    song.write_text("first = 1\n")
    looks = looks_at(str(song))
    seen = [next(looks), next(looks)]
    with song.open("wb", buffering=0) as writer:  # It stays empty for long, then half of it is there for long.
        seen += [next(looks) for _ in range(4)]
        writer.write(b"second = 1\n")
        seen += [next(looks) for _ in range(4)]
        writer.write(b"third = 1\n")
        seen.append(next(looks))
    seen += [next(looks), next(looks)]
    assert list(saves(seen)) == [b"first = 1\n", b"second = 1\nthird = 1\n"], seen
    # Whoever opens it while it is looked at waits no longer than the look.
    for count in range(3):
        song.write_text(f"count = {count}\n")
        assert next(looks) == (f"count = {count}\n".encode(), False)


TONE = """import("stdfaust.lib");
process = sin(2 * ma.PI * os.phasor(1, 220)) * 0.5;
"""


def saved(tmp_path: Path, saves: int) -> list[float]:
    """Return what a tone sounds like while the file that has it is saved again and again, each second time broken."""
    song, wav = tmp_path / "song.py", tmp_path / "out.wav"
    good = f'kr.node("tone", {TONE!r}, gain=0.5)\n'
    with Served("--record", str(wav)) as served:
        session = Session(served.socket, wait=True)
        song.write_text(good)
        line = [sys.executable, "-m", "krach", "--instance", served.instance.id, "watch", str(song)]
        process = subprocess.Popen(line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        try:
            assert "played" in process.stdout.readline()
            begin = session.position.cycles
            for save in range(saves):
                broken = save % 2 == 1
                # What is broken would take the tone away, if any of it acted.
                rest = f'kr.node("n{save}", "faust:bass", gain=0.0) @ "A{save % 5}"\n'
                song.write_text('kr.remove("tone")\nkr.play("tone", "A2 [")\n' if broken else good + rest)
                wanted = "what played plays on" if broken else "played"
                until(lambda wanted=wanted: process.stdout.readline().strip().endswith(wanted))
                assert list(session.nodes) == ["tone", f"n{save - broken}"]
            end = session.position.cycles
        finally:
            process.terminate()
            process.communicate(timeout=30)
        session.close()
    rate, (left, _) = read_wav(wav)
    # At 120 bpm; a tenth of a second after what was measured first the tone has faded in.
    return left[int((2 * begin + 0.1) * rate) : int(2 * end * rate)]


def plays_on(samples: list[float]) -> None:
    """A tone of 220 Hz that nothing touches: each sample follows from the two before."""
    turn = 2 * math.cos(2 * math.pi * 220 / 48000)
    worst = max(
        abs(after - turn * now + before) for before, now, after in zip(samples, samples[1:], samples[2:], strict=False)
    )
    assert worst < 1e-5, worst
    assert level(samples) > 0.1 and len(samples) > 4800, len(samples)


def test_a_tone_plays_on_while_its_file_is_saved(tmp_path: Path) -> None:
    plays_on(saved(tmp_path, 12))


@pytest.mark.soak
def test_a_tone_plays_on_through_two_hundred_saves(tmp_path: Path) -> None:
    plays_on(saved(tmp_path, 200))


HALF = """
import socket, sys, time
half = socket.socket(socket.AF_UNIX)
half.connect(sys.argv[1])
half.sendall(sys.argv[2].encode())
print("sent", flush=True)
time.sleep(600)
"""


def test_a_client_that_is_killed_in_a_line_does_nothing_to_the_sound(tmp_path: Path) -> None:
    wav = tmp_path / "out.wav"
    whole = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "clear", "params": {}})
    with Served("--record", str(wav)) as served:
        session = Session(served.socket, wait=True)
        session.node("tone", TONE, gain=0.5)
        begin = session.position.cycles
        for length in (1, 20, len(whole)):  # All of it, but for the end of the line, is no request either.
            line = [sys.executable, "-c", HALF, served.socket, whole[:length]]
            process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None and process.stdout.readline() == "sent\n"
            process.kill()
            process.communicate(timeout=30)
            assert list(session.nodes) == ["tone"]
        until(lambda: session.position.cycles > begin + 0.25)
        end = session.position.cycles
        session.close()
    rate, (left, _) = read_wav(wav)
    plays_on(left[int((2 * begin + 0.1) * rate) : int(2 * end * rate)])


def test_the_plugin_is_installed_and_taken_away(tmp_path: Path) -> None:
    vst3 = Path(bundle()).with_suffix(".vst3")
    for _ in range(2):
        done = command("install", HOME=str(tmp_path), KRACH_VST3=str(vst3))
        assert done.returncode == 0 and "Reaper" in done.stdout, done.stderr
        assert (tmp_path / ".clap/krach.clap").stat().st_size == Path(bundle()).stat().st_size
        assert (tmp_path / ".vst3/krach.vst3/Contents").is_dir()
    done = command("uninstall", HOME=str(tmp_path))
    assert done.returncode == 0 and not any(
        (tmp_path / each).exists() for each in (".clap/krach.clap", ".vst3/krach.vst3")
    )


def test_the_doctor_says_why_nothing_sounds(kr: Session, served: Served) -> None:
    def said() -> str:
        done = command("doctor")
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "nothing is in the session" in said() and "the output is silent" in said()
    kick = kr.node("kick", "faust:kick", gain=0.8)
    assert "no pattern plays" in said() and "nothing is in the session" not in said()
    kick @ "x*16"
    until(lambda: max(each["peak"] for each in kr.meters()["master"]) > 0.1)
    sounds = said()
    assert (
        re.search(r"a block takes \d+ % of its time", sounds)
        and re.search(r"the output peaks at -?\d+\.\d dBFS", sounds)
        and "muted" not in sounds
    ), sounds
    kick.mute()
    kr.master = 0
    silent = said()
    assert "muted: kick" in silent and "the master is at 0" in silent, silent
    assert "time stands" not in silent  # krach-host plays; a host that stands is in the tests of the plugin.


def test_the_doctor_tries_a_round_trip(served: Served) -> None:
    done = command("doctor")
    assert done.returncode == 0 and "answers in" in done.stdout and served.instance.id in done.stdout
    empty = command("doctor", XDG_RUNTIME_DIR="/nowhere", HOME="/nowhere", TMPDIR="/nowhere")
    assert empty.returncode == 1 and "krach serve" in empty.stdout


# Examples


def rendered(name: str, tmp_path: Path, bars: int, *arguments: str) -> tuple[int, list[list[float]]]:
    out = tmp_path / "out.wav"
    done = command("render", str(EXAMPLES / name), "-o", str(out), "--bars", str(bars), *arguments)
    assert done.returncode == 0, done.stderr
    return read_wav(out)


def beats(rate: int, samples: list[float], count: int, per_beat: int = 2) -> list[float]:
    """Return the level of each half beat at 120 bpm."""
    frames = rate // (2 * per_beat)
    return [level(samples[index * frames : (index + 1) * frames]) for index in range(count * per_beat)]


def test_hello_is_four_kicks_to_the_bar(tmp_path: Path) -> None:
    rate, (left, _) = rendered("hello.py", tmp_path, 2)
    levels = beats(rate, left, 8)
    assert len(left) == 4 * rate
    assert all(on > 3 * off and on > 0.05 for on, off in zip(levels[::2], levels[1::2], strict=True)), levels


def test_the_drum_kit_has_snares_on_two_and_four(tmp_path: Path) -> None:
    rate, (left, right) = rendered("drums.py", tmp_path, 2)
    # What a snare has above the kick: differences of neighbours.
    bright = [b - a for a, b in pairwise(left)]
    levels = beats(rate, bright, 8)[::2]
    assert min(levels[1::2]) > 2 * max(levels[0::2]), levels
    assert level(right) > 0.02


def test_the_acid_line_opens_over_two_bars(tmp_path: Path) -> None:
    rate, (left, _) = rendered("acid.py", tmp_path, 4)
    bright = [b - a for a, b in pairwise(left)]
    ratio = [
        level(bright[bar * 2 * rate : (bar + 1) * 2 * rate]) / level(left[bar * 2 * rate :][: 2 * rate])
        for bar in range(4)
    ]
    # The triangle rises for two bars and falls for two.
    assert ratio[1] > 1.3 * ratio[0] and ratio[2] > 1.3 * ratio[3], ratio
    assert level(left) > 0.02


def test_the_looper_plays_the_bar_that_it_has_heard(tmp_path: Path) -> None:
    rate, (left, _) = rendered("looper.py", tmp_path, 3)
    bar = 2 * rate
    # What was sent is what was heard, so the loop is the first bar to the sample; where they meet the fader fades.
    first, second, third = (left[number * bar + rate // 4 : (number + 1) * bar - 10] for number in range(3))
    assert level(first) > 0.02
    apart = level([a - b for a, b in zip(first, second, strict=True)])
    assert apart < 0.01 * level(first), (apart, level(first))
    assert level([a - b for a, b in zip(second, third, strict=True)]) < 1e-6


def test_a_seed_is_a_piece(tmp_path: Path) -> None:
    one, again, other = (rendered("generative.py", tmp_path, 2, seed)[1] for seed in ("7", "7", "8"))
    assert one == again
    rate = 48000
    # An eighth is a window: most of them sound, and not the same ones.
    levels = [[level(left[at : at + rate // 4]) for at in range(0, len(left), rate // 4)] for left, _ in (one, other)]
    assert all(sum(each > 0.01 for each in some) > 8 for some in levels), levels
    assert sum(abs(a - b) > 0.01 for a, b in zip(*levels, strict=True)) > 4, levels


def bass_and_treble(rate: int, samples: list[float]) -> list[tuple[float, float]]:
    """Return how loud each bar at 120 bpm is below some 150 Hz, and how loud the differences of neighbours are."""
    bars: list[tuple[float, float]] = []
    for begin in range(0, len(samples) - 2 * rate + 1, 2 * rate):
        bar = samples[begin : begin + 2 * rate]
        low, lows = 0.0, list[float]()
        for sample in bar:
            low += (sample - low) * 2 * math.pi * 150 / rate
            lows.append(low)
        bars.append((level(lows), level([b - a for a, b in pairwise(bar)])))
    return bars


def test_modules_become_scenes_that_are_recalled(tmp_path: Path) -> None:
    rate, (left, _) = rendered("modules.py", tmp_path, 4)
    # The break has no kick from its second half on, as the crossfade takes a second.
    halves = [level(left[begin : begin + rate]) for begin in range(0, len(left), rate)]
    kicks = [level(left[begin : begin + rate // 8]) for begin in range(0, len(left), rate // 2)]
    assert min(kicks[:8]) > 0.1 and min(kicks[12:]) > 0.1, kicks
    assert max(kicks[10:12]) < 0.5 * min(kicks[:8]), kicks
    assert halves[5] < 0.5 * halves[1] < halves[7], halves


def test_the_song_has_four_parts_and_two_macros(kr: Session, tmp_path: Path) -> None:
    rate, (left, right) = rendered("song.py", tmp_path, 8, "play")
    bars = bass_and_treble(rate, left)
    low, high = [bar[0] for bar in bars], [bar[1] for bar in bars]
    assert max(low[:2]) < 0.2 * min(low[2:6]), low  # The intro has no kick and no bass.
    assert min(high[4:6]) > 2 * max(high[2:4]), high  # The chorus has hats and snares.
    assert max(high[7:]) < 0.4 * min(high[4:6]) and level(left[-rate:]) > 0.005, (high, level(left[-rate:]))
    assert left != right
    for _ in range(2):
        assert command("run", str(EXAMPLES / "song.py"), NOISE_SOCKET=kr.connection.address).returncode == 0
        assert kr.scenes == ["intro", "verse", "chorus", "ending"]
    scenes = kr.ask("scenes")["scenes"]
    assert [each["number"] for each in scenes] == [1, 2, 3, 4] and all(each["transport"] for each in scenes)
    targets = [[target["label"] for target in macro["targets"]] for macro in kr.macros]
    assert [macro["name"] for macro in kr.macros] == ["Open", "Room"]
    assert targets == [["strings/bright", "bass/cutoff"], ["room/@gain"]]
    assert not any(target["dormant"] for macro in kr.macros for target in macro["targets"])


def test_two_instances_play_what_is_theirs(tmp_path: Path) -> None:
    files = [tmp_path / "drums.wav", tmp_path / "bass.wav"]
    with Served("--record", str(files[0])) as drums, Served("--record", str(files[1])) as bass:
        sessions = [Session(each.socket) for each in (drums, bass)]
        for session, name in zip(sessions, ("drums", "bass"), strict=True):
            session.name = name
        until(lambda: {"drums", "bass"} <= {each.name for each in krach.client.instances()})
        done = command("run", str(EXAMPLES / "two_instances.py"))
        assert done.returncode == 0, done.stderr
        assert [list(each.nodes) for each in sessions] == [["kick", "hat"], ["line"]]
        start = max(each.position.cycles for each in sessions)
        until(lambda: min(each.position.cycles for each in sessions) > start + 1.5)
        for each in sessions:
            each.close()
    assert all(level(read_wav(each)[1][0]) > 0.01 for each in files)


# The prompt


def expect(prompt: Any, text: str) -> None:
    prompt.expect(re.escape(text), timeout=60)


@pytest.fixture
def prompt(kr: Session) -> Any:
    shell = ["-m", "krach"]
    child = pexpect.spawn(sys.executable, shell, env=environment(), encoding="utf-8", dimensions=(40, 160), echo=False)
    child.expect(r"In \[", timeout=60)
    yield child
    child.close(force=True)


def test_the_prompt_plays_and_marks_mistakes_in_a_few_lines(prompt: Any, kr: Session) -> None:
    prompt.sendline('bass = kr.node("bass", "faust:bass")')
    until(lambda: "bass" in kr.nodes)
    prompt.sendline('bass @ "A2 D3"')
    expect(prompt, "<bass: faust:bass")
    prompt.sendline('bass @ "A2 [H2 x"')
    for each in ('unknown word "H2"', "^", "a hit is x", "what played plays on"):
        expect(prompt, each)
    assert kr["bass"].playing
    prompt.sendline("%undo")
    expect(prompt, "undone: play bass")
    prompt.sendline('tone = kr.node("tone", "process = nothing;")')
    expect(prompt, "is not defined")
    expect(prompt, "what played plays on")


def test_an_editor_sends_a_block_into_the_prompt(prompt: Any, kr: Session) -> None:
    done = command("send", "--file", "song.py", "--line", "7", stdin='hat = kr.node("hat", "faust:hat")\n1 + 1\n')
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
    assert list(kr.nodes) == ["hat"]
    done = command("send", "--file", "song.py", "--line", "7", stdin='\nkr.gain("nobody", 1)\n')
    assert done.returncode == 1 and 'song.py, line 8: kr.gain("nobody", 1)' in done.stderr
    prompt.sendline("hat.name.upper()")
    expect(prompt, "HAT")


def test_a_rendering_writes_its_stems_or_says_that_there_are_some(tmp_path: Path) -> None:
    file, out, stems = tmp_path / "two.py", tmp_path / "mix.wav", tmp_path / "stems"
    file.write_text('kr.node("kick", "faust:kick", stem=1) @ "x*4"\nkr.node("hat", "faust:hat") @ "x*8"\n', "utf-8")
    line = ["render", str(file), "-o", str(out), "--bars", "1"]
    done = command(*line)
    assert done.returncode == 0, done.stderr
    assert f"what leaves at stems is not in {out}: --stems DIR writes each of them into a file" in done.stderr
    mix = read_wav(out)[1][0]
    done = command(*line, "--stems", str(stems))
    assert done.returncode == 0 and "--stems" not in done.stderr, done.stderr
    [stem] = stems.glob("*.wav")
    kick, main = read_wav(stem)[1][0], read_wav(out)[1][0]
    assert stem.name == "stem-1.wav" and level(kick) > 0.001 and level(main) > 0.001
    assert len(kick) == len(main) and main == mix
    file.write_text('kr.node("kick", "faust:kick") @ "x*4"\n', "utf-8")
    assert "--stems" not in command(*line).stderr
