"""README.md and docs/python.md, as they stand there: typed into the prompt, run, and held to what they say."""

import doctest
import inspect
import linecache
import re
from pathlib import Path
from typing import Any

import pytest
from hosted import ROOT, Served, level, read_wav
from test_prompt import Typed
from test_session import until

import krach
from krach import Session, krp, krs


def blocks(path: str, heading: str) -> list[tuple[str, str]]:
    """Return language and text of each block of code below a heading of the second level."""
    text = (ROOT / path).read_text("utf-8")
    section = re.split(r"^## ", text, flags=re.M)
    [found] = [each for each in section if each.startswith(heading + "\n")]
    return re.findall(r"^```(\w+)\n(.*?)^```$", found, re.S | re.M)


def statements(text: str) -> list[str]:
    """Split a block before each line that begins at the margin, as it is typed."""
    return [each.rstrip() for each in re.split(r"\n(?=\S)", text) if each.strip()]


def test_the_first_minute_is_typed_as_it_stands(tmp_path: Path) -> None:
    wav = tmp_path / "minute.wav"
    codes = blocks("README.md", "The first minute")
    nodes, patterns, moves, growl, mistake = [text for language, text in codes if language == "python"]
    [told] = [text for language, text in codes if language == "text"]
    with Served("--record", str(wav), "--bpm", "240") as served:
        session = Session(served.socket, wait=True)

        def cycle() -> float:
            return session.position.cycles

        def after(cycles: float) -> float:
            begin = cycle()
            until(lambda: cycle() > begin + cycles)
            return begin

        with Typed("attach", served.instance.id) as typed:
            for each in statements(nodes):
                typed.type(each)
            assert list(session.nodes) == ["kick", "hat", "bass", "verb", "pad"]
            assert session.routing == [("pad", "verb", "send", 0.5, None)]
            silent = after(0.5)
            for each in statements(patterns):
                typed.type(each)
            assert [name for name, each in session.nodes.items() if each.playing] == ["kick", "hat", "bass"]
            until(lambda: session["pad"].playing)  # At the bar.
            playing = after(1.0)
            *shown, undone = [typed.type(each) for each in statements(moves)]
            assert "undone: mute kick" in undone and not session.is_muted("kick"), (shown, undone)
            [cutoff] = [each for each in session["bass"].controls if each.name == "cutoff"]
            assert cutoff.moved_by == {"automation": "bass/cutoff"}
            for each in statements(growl):
                typed.type(each)
            until(lambda: session["bass"].type == "graph" and session["bass"].error is None)
            [answer] = [typed.type(each) for each in statements(mistake)]
            lines = [each.strip() for each in answer.splitlines() if each.strip()]
            wanted = [each.strip() for each in told.splitlines()]
            begin = lines.index(wanted[0])  # What has been compiled may be told behind it.
            assert lines[begin : begin + len(wanted)] == wanted, answer
            assert session["bass"].playing
            own = after(1.0)
            typed.type("kr.stop()")
            assert not any(session.slots.values())
        session.close()
    rate, (left, _) = read_wav(wav)

    def loud(begin: float, cycles: float) -> float:
        """At 240 bpm a cycle is a second, and the recording begins with the first."""
        return level(left[int(begin * rate) : int((begin + cycles) * rate)])

    assert loud(silent, 0.4) < 1e-4, loud(silent, 0.4)
    assert loud(playing, 0.9) > 0.05 and loud(own, 0.9) > 0.05, (loud(playing, 0.9), loud(own, 0.9))


GUIDE = (ROOT / "docs/python.md").read_text("utf-8")
SECTIONS = [each.split("\n", 1) for each in re.split(r"^## ", GUIDE, flags=re.M)[1:] if "```python\n" in each]
SHOWN = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)


@pytest.mark.parametrize(("heading", "text"), SECTIONS, ids=[heading for heading, _ in SECTIONS])
def test_the_guide_runs(kr: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heading: str, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    run_code(kr, "docs/python.md", heading, text)


def run_code(kr: Session, page: str, heading: str, text: str) -> None:
    """Run each block of Python of a section, one after the other, and compare what it shows."""
    names: dict[str, Any] = {"kr": kr, "krs": krs, "krp": krp, "krach": krach}
    for code in re.findall(r"^```python\n(.*?)^```$", text, re.S | re.M):
        # What functions are is looked up by their lines.
        file = f"<{heading} {hash(code)}>"
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        if not code.startswith(">>>"):
            exec(compile(code, file, "exec"), names)
            continue
        told: list[str] = []
        examples = doctest.DocTestParser().get_doctest(code, names, heading, page, 0)
        SHOWN.run(examples, out=told.append, clear_globs=False)
        assert not told, "".join(told)


def test_the_page_of_patterns_says_in_python_what_can_be_called() -> None:
    page = (ROOT / "docs/patterns.md").read_text("utf-8")
    section = page.split("### In Python\n")[1].split("\n### ")[0]
    names = {"krp": krp, "line": krp.p("x x x x"), "keys": krp.p("A2 C3 E3 A3")}
    rows = [each.split(" | ", 1)[1] for each in section.splitlines() if each.startswith("| `")]
    calls = [call for row in rows for call in re.findall(r"`([^`]+)`", row) if "(" in call]
    calls += re.findall(r"`(krp\.[^`]+)`", section.split("\n| ")[0])
    assert len(rows) == 20 and len(calls) > 25
    for call in calls:
        made = eval(call, names)
        assert isinstance(made, krp.Pattern) and made.query(0, 4), call
    # What is left out there is left out here: three of ten.
    [degrade] = re.findall(r"^\| `degradeBy 0.3` \| `([^`]+)`", section, re.M)
    left = eval(degrade, {"line": krp.p("x*8")}).query(0, 200)
    assert 0.65 < sum(event.value.value == 1 for event in left) / 1600 < 0.75, degrade


def public(holder: Any, place: str, found: dict[int, tuple[str, Any]]) -> dict[int, tuple[str, Any]]:
    """Gather the functions and classes that a module or a class gives out, each under one name."""
    for name in getattr(holder, "__all__", None) or [each for each in dir(holder) if not each.startswith("_")]:
        given = inspect.getattr_static(holder, name)
        given = given.fget if isinstance(given, property) else getattr(given, "__func__", given)
        is_ours = str(getattr(given, "__module__", "")).startswith("krach.")
        if is_ours and callable(given) and inspect.getdoc(given) is not None and id(given) not in found:
            found[id(given)] = f"{place}.{name}", given
            if inspect.isclass(given):
                public(given, f"{place}.{name}", found)
    return found


def test_every_public_name_has_an_example_that_runs() -> None:
    found: dict[int, tuple[str, Any]] = {}
    for module in (krach, krs, krp, krach.client, krach.session, krach.ir.module, krach.ir.signal):
        public(module, module.__name__, found)
    assert len(found) > 370, len(found)
    without = [name for name, given in found.values() if ">>>" not in (inspect.getdoc(given) or "")]
    assert not without, without
