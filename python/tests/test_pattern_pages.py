"""docs/patterns.md and docs/pattern-json.md: each example is drawn again from what its pattern plays."""

import ast
import json
import re
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from drawn import LEVELS, redrawn
from hosted import ROOT

from krach import krp

PYTHON, JSON = ((ROOT / f"docs/{page}.md").read_text("utf-8") for page in ("patterns", "pattern-json"))


class Example(NamedTuple):
    """What is written, and what is said of it: a `cycle`, a `curve` or an `error`."""

    code: str
    tag: str
    said: str


def fenced(page: str) -> list[tuple[str, str, str]]:
    """Return the fenced blocks of a page: tag, the other words of its line, text."""
    return re.findall(r"^```(\w+) ?(\w*)\n(.*?)^```$", page, re.S | re.M)


def in_python() -> list[Example]:
    """Return each block of Python with each drawing that stands behind it."""
    examples: list[Example] = []
    code = ""
    for tag, _, text in fenced(PYTHON):
        if tag in ("cycle", "curve", "error"):
            examples.append(Example(code, tag, text))
        else:
            code = text if tag == "python" else ""
    return examples


def in_json() -> list[Example]:
    """Return each pattern of the page of trees, and each of its texts, with the drawing that they share."""
    names: dict[str, str] = {}
    examples: list[Example] = []
    waiting: list[str] = []
    for tag, name, text in fenced(JSON):
        if tag == "pattern":
            for known, meaning in names.items():
                text = re.sub(rf'(?<!["\w]){known}(?!["\w])', lambda _, m=meaning: m, text)  # noqa: PLW2901
            if name:
                names[name] = text.strip()
            waiting.append(text.strip())
        elif tag in ("cycle", "curve", "error"):
            examples += [Example(pattern, tag, text) for pattern in waiting]
            waiting = []
        else:
            waiting = []
    return examples


def told(code: str) -> list[krp.Pattern]:
    """Run a block, and return the patterns that it shows."""
    names: dict[str, Any] = {"krp": krp}
    shown: list[krp.Pattern] = []
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), "<page>", "eval"), names)
            assert isinstance(value, krp.Pattern), ast.unparse(statement)
            shown.append(value)
        else:
            exec(compile(ast.Module([statement], []), "<page>", "exec"), names)
    return shown


def read(text: str) -> krp.Pattern:
    return krp.Pattern.from_dict(json.loads(text)) if text.startswith("{") else krp.p(text)


def lines(text: str) -> list[str]:
    return [re.sub(" +", " ", line.rstrip()) for line in text.splitlines() if line.strip()]


def refused(code: str, said: str) -> None:
    with pytest.raises(krp.PatternError) as error:
        [pattern] = told(code) if "krp." in code else [read(code)]
        pattern.query(0, 1)
    assert [line.rstrip() for line in str(error.value).splitlines()] == [line.rstrip() for line in said.splitlines()]


@pytest.mark.parametrize("example", in_python(), ids=lambda each: each.code.strip())
def test_python_plays_what_the_page_draws(example: Example) -> None:
    if example.tag == "error":
        refused(example.code, example.said)
        return
    shown = told(example.code)
    assert shown
    for pattern in shown:
        assert redrawn(pattern, example.tag, example.said) == lines(example.said)
        # Two ways to write it are the same in what the drawing leaves out, too.
        assert moments(pattern) == moments(shown[0])


def moments(pattern: krp.Pattern) -> list[str]:
    return sorted(f"{each!r} {each.unit}" for cycle in range(-4, 8) for each in pattern.query(cycle, cycle + 1))


# The plugin alone refuses what its numbers have no room for.
OF_A_SIZE = ("time cannot be represented exactly", "too many events per cycle")


@pytest.mark.parametrize(
    "example", [each for each in in_json() if not each.said.startswith(OF_A_SIZE)], ids=lambda each: each.code
)
def test_trees_play_what_the_page_draws(example: Example) -> None:
    if example.tag == "error":
        refused(example.code, example.said)
        return
    assert redrawn(read(example.code), example.tag, example.said) == lines(example.said)


def test_a_misprint_in_a_drawing_is_found() -> None:
    marks = str.maketrans("x.0123456789ABCDEFG▁▂▃▄▅▆▇█", ".x1234567890BCDEFGA█▁▁▁▁▁▁▁")
    tried = 0
    for code, tag, said in in_python():
        if tag == "error":
            continue
        [pattern, *_] = told(code)
        for at, mark in enumerate(said):
            wrong = mark.translate(marks)
            # Another time asks another question, and what stands before the drawing is a name or a cycle.
            asked = tag == "curve" and "|" in said and not re.search(r"\S ", said[: at + 1].rsplit("|", 1)[-1].lstrip())
            if wrong == mark or (asked and mark not in LEVELS) or re.search(r"(^|\n)[^|\n=]*$", said[:at]):
                continue
            misprint = said[:at] + wrong + said[at + 1 :]
            try:
                found = redrawn(pattern, tag, misprint) != lines(misprint)
            except (AssertionError, ValueError):
                found = True
            assert found, misprint
            tried += 1
    assert tried > 1000, tried


def test_python_stands_first_and_no_tree_stands_among_it() -> None:
    tags = [tag for tag, _, _ in fenced(PYTHON)]
    assert tags[0] == "python" and set(tags) <= {"python", "cycle", "curve", "mini", "error"}
    for page, pages in ((PYTHON, in_python()), (JSON, in_json())):
        drawings = [text for tag, _, text in fenced(page) if tag in ("cycle", "curve", "error")]
        assert [each.said for each in pages if each.code] and {each.said for each in pages} == set(drawings)
    assert all(code for code, _, _ in in_python())


def test_the_page_names_every_call() -> None:
    calls = {name for name in dir(krp.Pattern) if not name.startswith("_")}
    calls |= {name for name in krp.__all__ if name[0].islower()}
    # Values of pitches for those who write sounds; a module.
    calls -= {"ftom", "mtof", "parse_note", "serialize", "from_dict", "to_dict", "node"}
    code = "\n".join(text for tag, _, text in fenced(PYTHON) if tag == "python")
    code += " ".join(re.findall(r"`[^`\n]+`", re.sub(r"^```.*?^```$", "", PYTHON, flags=re.S | re.M)))
    unnamed = sorted(name for name in calls if not re.search(rf"\b{name}\b", code))
    assert len(calls) > 90 and not unnamed, unnamed


def test_times_of_a_drawing_are_those_of_the_query() -> None:
    line = krp.p("x . <A2 C3>")
    assert redrawn(line, "cycle", "|. . . |. . . |\n1: 0 a=1\n0 a=1") == [
        "|x . A2 |x . C3 |",
        "1: 1 gate=1 | 7/6 gate=0 | 5/3 freq=130.8128 | 5/3 gate=1 | 11/6 gate=0",
        "1 gate=1 | 7/6 gate=0 | 5/3 freq=130.8128 | 5/3 gate=1 | 11/6 gate=0",
    ]
    assert redrawn(krp.ramp("a", 0, 4).slow(2), "curve", "|▁▁|▁▁|\n0 0 | 1/2 0") == ["|▁▃|▅▇|", "0 0 | 1/2 1"]
    assert krp.p("x").query(0, 1)[0].whole.end == Fraction(1, 2)
