"""Patterns: what builders and methods make, what they play, what is refused."""

import dataclasses
import inspect
import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import krach
import krach.pattern as krp
from krach.pattern import ir
from krach.pattern.serialize import dict_to_pattern_node, pattern_node_to_dict

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "patterns/tests/vectors"
CALLS = [json.loads(line) for topic in sorted(VECTORS.glob("calls/*.jsonl")) for line in topic.read_text().splitlines()]
RECORDED = [json.loads(line) for line in (VECTORS / "patterns.jsonl").read_text().splitlines()]

# The calls of the shared files. Of a list as the first argument see `method`.

Build = Callable[..., krp.Pattern]
BUILDERS: dict[str, Build] = {
    **{
        name: getattr(krp, name)
        for name in ["p", "values", "hit", "chord", "rest", "number", "name", "ctrl", "seq", "irand"]
    },
    **{
        name: getattr(krp, name)
        for name in ["cat", "stack", "turns", "timecat", "arrange", "choose", "wchoose", "note"]
    },
    "shape": lambda kind, label, lo, hi, options: (
        krp.custom(label, options["table"], lo, hi)
        if kind == "custom"
        else getattr(krp, kind)(label, lo, hi, **options)
    ),
    "note_with": lambda pitch, vel, params: krp.note(pitch, vel, **params),
}
METHODS: dict[str, Build] = {
    "add": lambda a, b: a + b,
    "or": lambda a, b: a | b,
    "times": lambda a, n: a * n,
    "combine": lambda a, kind, b, structure: a.combine(kind, b, structure),
    **{f"{name}_by": getattr(krp.Pattern, name) for name in ["every", "fast", "slow", "early", "late"]},
    "jux": lambda a, change, label: a.jux(change, label),
    "echo": lambda a, n, cycles, factor, label: a.echo(n, cycles, factor, label),
}
SEVERAL = {"cat", "stack", "turns", "timecat", "arrange", "choose", "wchoose"}
CHANGED = {"every", "every_by", "when", "chunk", "superimpose", "off", "jux"} | {
    "sometimes_by",
    "rarely",
    "often",
    "almost_always",
    "sometimes",
    "almost_never",
}


def build(call: Any, hole: krp.Pattern | None = None) -> Any:
    """Return what a call makes; what is no call is itself."""
    if call == "_":
        assert hole is not None
        return hole
    if not isinstance(call, list):
        return call
    name, *args = call
    if name in {"timecat", "arrange", "wchoose"}:
        return BUILDERS[name](*((length, build(part, hole)) for length, part in args))
    is_method = bool(args) and (isinstance(args[0], list) or args[0] == "_") and name not in SEVERAL
    if not is_method:
        return BUILDERS[name](*(build(arg, hole) for arg in args))
    on, *args = args
    changed = False
    made: list[Any] = []
    for arg in args:
        if name in CHANGED and not changed and "_" in json.dumps(arg):
            changed = True
            made.append(lambda pattern, arg=arg: build(arg, pattern))
        else:
            made.append(build(arg, hole))
    method = METHODS.get(name) or getattr(krp.Pattern, name)
    return method(build(on, hole), *made)


def short(event: krp.Event) -> list[Any]:
    """Return an event as the shared file has it."""
    data: list[Any] = [*(str(t) for t in (*event.whole, *event.part)), event.unit]
    if isinstance(event.value, ir.Control):
        data += [event.value.label, event.value.value]
    else:
        assert not isinstance(event.value, float | str)
        data.append(pattern_node_to_dict(ir.Atom(event.value))["value"])
    return data if event.moving is None else [*data, [event.moving.value(0.0), event.moving.value(1.0)]]


def said(events: list[list[Any]]) -> tuple[list[str], list[list[str]]]:
    """Return what events say, and which of them belong together."""
    units: dict[int, list[str]] = {}
    for *times, unit, label, value in (event if len(event) > 6 else [*event, None] for event in map(rounded, events)):
        units.setdefault(unit, []).append(json.dumps([times, label, value], sort_keys=True))
    alone = units.pop(0, [])
    return sorted(alone), sorted(sorted(unit) for unit in units.values())


def rounded(event: list[Any]) -> list[Any]:
    """Join the values of a shape with the value of its control; the last digits of a sine are its library's."""
    if isinstance(event[-1], list):
        return [*event[:-2], [event[-2], *(f"{value:.9g}" for value in event[-1])]]
    return event


@pytest.mark.parametrize("line", CALLS, ids=lambda line: json.dumps(line["call"])[:60])
def test_calls_make_what_is_written_down_for_all_clients(line: dict[str, Any]) -> None:
    try:
        pattern = build(line["call"])
        assert pattern.to_dict() == line["pattern"]
        assert krp.Pattern.from_dict(line["pattern"]) == pattern
        events = pattern.query(0, 2)
    except krp.PatternError as error:
        assert str(error) == line["error"]
        assert (None if error.span is None else list(error.span)) == line["span"]
        assert isinstance(error, krp.NotationError) or error.place == line["place"]
        return
    assert said(list(map(short, events))) == said(line["events"])


@pytest.mark.parametrize("line", RECORDED, ids=lambda line: str(RECORDED.index(line)))
def test_recorded_patterns_give_the_events_that_were_recorded(line: dict[str, Any]) -> None:
    pattern = krp.Pattern.from_dict(line["pattern"])
    for cycle, recorded in enumerate(line["cycles"]):
        told = sorted(json.dumps([e["whole"], e["part"], e["onset"], e["value"]], sort_keys=True) for e in recorded)
        said = [
            [
                [[t.numerator, t.denominator] for t in event.whole],
                [[t.numerator, t.denominator] for t in event.part],
                event.has_onset,
                pattern_node_to_dict(ir.Atom(event.value))["value"],  # pyright: ignore[reportArgumentType]
            ]
            for event in pattern.query(cycle, cycle + 1)
        ]
        assert sorted(json.dumps(event, sort_keys=True) for event in said) == told


# Values


def test_patterns_are_immutable_values() -> None:
    beat = krp.p("x . [x x]")
    with pytest.raises(dataclasses.FrozenInstanceError):
        beat.node = ir.Silence()  # pyright: ignore[reportAttributeAccessIssue]
    same = krp.cat(krp.hit(), None, krp.hit() * 2)
    assert beat == same and hash(beat) == hash(same) and len({beat, same}) == 1
    assert beat != krp.p("x . x") and beat != krp.p("x . [x, x]") and beat != "x . [x x]"
    before = beat.to_dict()
    assert beat.fast(2).every(2, krp.Pattern.rev) != beat
    assert beat.to_dict() == before


def test_a_tree_as_deep_as_the_plugin_takes_is_read_compared_drawn_and_played() -> None:
    node: ir.Node = krp.hit().node
    for i in range(ir.MAX_DEPTH - 2):
        node = ir.Rev(node) if i % 2 else ir.Cat((node, ir.Silence())) if i % 16 == 0 else ir.Fast((1, 1), node)
    pattern = krp.Pattern(node)
    assert krp.Pattern(dict_to_pattern_node(pattern.to_dict())) == pattern
    assert hash(pattern) and len(pattern.query(0, 1)) == 2 and "gate=1" in repr(pattern)
    with pytest.raises(krp.PatternError, match="maximum depth of 256"):
        krp.Pattern(ir.Rev(node)).query()
    values = krp.Pattern(ir.Number(1.0))
    for _ in range(250):
        values = values.add(1)
    assert values.control("a").query()[0].value == ir.Control("a", 251.0)


def test_a_pattern_of_too_many_events_ends_and_says_so() -> None:
    for pattern in (
        krp.hit().fast(5000),
        krp.rest().every(2, lambda p: p | krp.hit()).fast(10**12),
        krp.hit() * 64 * 64,
    ):
        with pytest.raises(krp.PatternError, match="too many events per cycle"):
            pattern.query(0, 1)
    assert "refused" in repr(krp.hit().fast(5000))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: krp.note("H2"), 'unknown pitch "H2"'),
        (lambda: krp.note(float("nan")), "no pitch"),
        (lambda: krp.seq("x"), "unknown pitch"),
        (lambda: krp.p("x [x"), "not closed"),
        (lambda: krp.hit() * 0, "play nothing"),
        (lambda: krp.hit().every(2, lambda p: None), "returns a pattern"),
        (lambda: krp.hit().every(1.5, krp.Pattern.rev), "whole number"),
        (lambda: krp.hit().fast(None), "no number"),
        (lambda: krp.hit().fast(float("inf")), "no number of cycles"),
        (lambda: krp.hit().fast("<2 x"), "not closed"),
        (lambda: krp.hit().thin("<0.5>"), "one probability"),
        (lambda: krp.hit().chance("<0.5 0>", invert=True), "invert"),
        (lambda: krp.hit().compress(0.5, 0.5), "no piece"),
        (lambda: krp.timecat((0, "x")), "above 0"),
        (lambda: krp.timecat((Fraction(1, 16777213), "x"), (Fraction(1, 16777199), "x")), "no common measure"),
        (lambda: krp.sine(1, 2), "no label"),
        (lambda: krp.ftom(0), "no frequency"),
        (lambda: krp.values("1 2").query(), "plays nothing by itself"),
    ],
)
def test_what_cannot_be_says_what_would_work(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(krp.PatternError, match=message) as error:
        make()
    assert isinstance(error.value, krach.KrachError)


def test_numbers_may_be_patterns_and_exact_fractions() -> None:
    x = krp.hit()
    assert x.fast(krp.values("<2 3>")) == x.fast("<2 3>") == krp.p("x*<2 3>")
    assert x.slow("<2 3>") == krp.p("x/<2 3>")
    assert x.spread("<3 5>", 8) == krp.p("x(<3 5>,8)") and x.spread(-3, 8) == krp.p("x(-3,8)")
    assert x.chance("<0 1>") == krp.p("x?<0 1>")
    assert x.late(Fraction(1, 1000)).node == ir.Late((1, 1000), x.node)
    assert x.late("0 0.5").node == ir.Vary("late", (krp.values("0 0.5").node,), 0, x.node)


def test_a_piece_of_an_event_is_drawn_with_what_is_missing() -> None:
    assert repr(krp.hit().query(Fraction(1, 4), 1)[0]) == "0-(1/4>1/2)|gate=1"
    assert repr(krp.p("x*16")).endswith("… 8 more")


def test_the_names_of_the_design_are_there() -> None:
    names = (
        "note hit seq rest cat stack struct p sine tri ramp ramp_down square exp rand midi_note cc osc ctrl freeze "
        "mtof ftom parse_note scale chord arp"
    )
    assert set(names.split()) <= set(krp.__all__)
    methods = "over fast slow shift early late reverse every spread thin swing mask sometimes"
    assert all(callable(getattr(krp.Pattern, name)) for name in methods.split())
    assert krach.pattern.pattern.Pattern is krp.Pattern and krach.krp is krp


def test_every_public_name_has_an_example() -> None:
    things: dict[str, Any] = {name: getattr(krp, name) for name in krp.__all__ if name != "serialize"}
    things |= {f"Pattern.{name}": m for name, m in inspect.getmembers(krp.Pattern) if not name.startswith("_")}
    things |= {name: getattr(krp.serialize, name) for name in ("dict_to_pattern_node", "pattern_node_to_dict")}
    things["KrachError"] = krach.KrachError
    assert len(things) > 90
    without = [name for name, thing in things.items() if name != "Pattern.node" and ">>>" not in (thing.__doc__ or "")]
    assert without == []


def test_the_examples_of_the_readme_run(capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "python/README.md").read_text(), re.S)
    assert len(examples) >= 3
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})
    assert "(0>1/8)|gate=1" in capsys.readouterr().out


BEYOND: list[Callable[[krp.Pattern], object]] = [
    lambda p: krp.note(10**400),
    lambda p: krp.note(60, 10**400),
    lambda p: krp.number(10**400),
    lambda p: krp.ftom(10**400),
    lambda p: krp.wchoose((10**400, p), (1, p)),
    lambda p: p.fast(10**400),
    lambda p: p.chance(10**400),
    lambda p: p.thin(10**400),
    lambda p: p.swing(10**400, 8),
    lambda p: p.swing(0.6, 1 << 32),
    lambda p: p.every(1 << 32, lambda q: q),
    lambda p: p.chance(0.5, -1),
    lambda p: p.shuffle(4, 1 << 64),
    lambda p: p * 10**9,
    lambda p: p.iter(10**9),
    lambda p: p.chunk(10**9, lambda q: q),
    lambda p: p.echo(10**9, 0.25, 0.5),
    lambda p: p.linger(Fraction(1, 10**9)),
    lambda p: p.echo(3, 0.25, -1e300).query(),
    lambda p: krp.irand(10**9),
    lambda p: krp.p(60),  # type: ignore[arg-type]
    lambda p: krp.values(b"1"),  # type: ignore[arg-type]
    lambda p: krp.Pattern.from_dict({"op": "Number", "value": 10**400}),
]


@pytest.mark.parametrize("make", BEYOND, ids=map(str, range(len(BEYOND))))
def test_what_no_document_holds_is_refused_where_it_is_made(make: Callable[[krp.Pattern], object]) -> None:
    with pytest.raises(krp.PatternError):
        make(krp.p("x"))


def test_a_key_beyond_every_frequency_has_none() -> None:
    assert krp.mtof(10**400) == krp.mtof(1e6) == float("inf")


@pytest.mark.parametrize("words", ["minor pentatonic", "harmonic minor", "Hungarian major", "double harmonic"])
def test_a_scale_of_several_words_is_one_name_and_no_line_of_two(words: str) -> None:
    named = "".join(each.capitalize() for each in words.split())
    degrees = krp.values("0 1 2 3 4 5 6")
    one = degrees.scale(f"C4:{words}").control("note").query(0, 4)
    assert one == degrees.scale(f"C4:{named}").control("note").query(0, 4)
    assert min(event.value.value for event in one if event.value.label == "freq") > 261
    # Two scales are still a line of two.
    assert degrees.scale("C4:minor C5:dorian") == degrees.scale(krp.values("C4:minor C5:dorian"))
