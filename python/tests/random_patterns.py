"""Random patterns, lines of notation and broken trees."""

from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import krach.pattern as krp
from krach.pattern import ir

SMALL = st.integers(0, 6)
SEEDS = st.integers(0, 3) | st.just((1 << 64) - 1)
RATIOS = st.tuples(st.integers(1, 6), st.sampled_from([1, 2, 3, 4]))
OFFSETS = st.tuples(st.integers(-6, 6), st.sampled_from([1, 2, 3, 4]))
SHARES = st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 0.6, 2 / 3, 0.75, 1.0])
AMOUNTS = st.sampled_from([0.25, 0.4, 0.5, 0.6, 2 / 3])
LABELS = st.sampled_from(["gate", "cutoff", "bass/cutoff", "vel", "freq", "a/gate", "trig"])
Nodes = st.SearchStrategy[ir.Node]


def lists(nodes: Nodes, most: int = 4) -> st.SearchStrategy[tuple[ir.Node, ...]]:
    return st.lists(nodes, min_size=1, max_size=most).map(tuple)


NUMBER = st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, 0.5, 4.0, 7.0]).map(ir.Number)
WHOLE = st.integers(-3, 4).map(lambda n: ir.Number(float(n)))
# Numbers by turns: what operators take most.
TURNS = NUMBER | lists(WHOLE, 3).map(ir.Cat) | lists(WHOLE, 3).map(lambda kids: ir.Slow((len(kids), 1), ir.Cat(kids)))


def in_time(below: Nodes, numbers: Nodes) -> Nodes:
    """Operators that stand over anything."""
    pieces = st.sampled_from([((0, 1), (1, 2)), ((1, 4), (3, 4)), ((1, 3), (1, 1)), ((0, 1), (1, 1))])
    return st.one_of(
        st.builds(ir.Cat, lists(below)),
        st.builds(lambda one, two: ir.Cat((one, ir.Silence(), two)), below, below),
        st.builds(ir.Stack, lists(below, 3)),
        st.builds(ir.Fast, RATIOS, below),
        st.builds(ir.Slow, RATIOS, below),
        st.builds(ir.Early, OFFSETS, below),
        st.builds(ir.Late, OFFSETS, below),
        st.builds(ir.Rev, below),
        st.builds(ir.Every, st.integers(1, 3), below, below),
        st.integers(1, 8).flatmap(
            lambda n: st.builds(ir.Euclid, st.integers(0, n), st.just(n), st.integers(-9, 9), below)
        ),
        st.builds(ir.Degrade, SHARES, SEEDS, below),
        st.builds(ir.Chance, SHARES, SEEDS, st.booleans(), below),
        st.builds(ir.Vary, st.sampled_from(["fast", "slow"]), st.tuples(positive(numbers)), st.just(0), below),
        st.builds(ir.Vary, st.sampled_from(["early", "late"]), st.tuples(numbers), st.just(0), below),
        st.builds(ir.Vary, st.just("chance"), st.tuples(st.builds(ir.Number, SHARES)), SEEDS, below),
        st.builds(ir.Vary, st.just("euclid"), st.tuples(numbers, eights()), st.just(0), below),
        st.builds(ir.Vary, st.just("euclid"), st.tuples(numbers, eights(), numbers), st.just(0), below),
        st.builds(ir.Pick, numbers, lists(below, 3)),
        st.builds(ir.Choose, st.none(), SEEDS, lists(below, 3)),
        st.tuples(below, below).flatmap(
            lambda two: st.builds(ir.Choose, st.just((0.5, 2.0)), SEEDS, st.just(tuple(two)))
        ),
        st.builds(every_by, TURNS.filter(counts), below, below),
        pieces.flatmap(lambda piece: st.builds(ir.Zoom, st.just(piece[0]), st.just(piece[1]), below)),
        st.builds(ir.Shuffle, st.sampled_from(ir.SHUFFLE_KINDS), st.integers(1, 5), SEEDS, below),
        st.builds(ir.Warp, st.just("swing"), AMOUNTS, st.sampled_from([2, 4, 8]), below),
    )


def every_by(n: ir.Node, transform: ir.Node, child: ir.Node) -> ir.Node:
    return ir.Vary("every", (n,), 0, child, transform=transform)


def counts(node: ir.Node) -> bool:
    """Return whether all numbers are counts; now and then one that is none is welcome."""
    return all(each.value >= 1 and each.value.is_integer() for each in node.walk() if isinstance(each, ir.Number))


def eights() -> Nodes:
    return st.sampled_from([8.0, 5.0]).map(ir.Number) | st.just(ir.Cat((ir.Number(8.0), ir.Number(7.0))))


def positive(numbers: Nodes) -> Nodes:
    """Numbers above 0."""
    return numbers.map(
        lambda node: (
            ir.Combine("add", "left", ir.Combine("mul", "left", node, node), ir.Number(1.0))
            if not isinstance(node, ir.Number)
            else ir.Number(abs(node.value) + 1.0)
        )
    )


MEETING = st.sampled_from(["add", "sub", "mul", "div", "mod", "set", "keep", "mask"])
STRUCTURES = st.sampled_from(ir.STRUCTURES)
SCALES = st.sampled_from(["minor", "C:dorian", "Eb3:pentatonic", "HARMONIC minor"]).map(ir.Name)


TUNINGS = st.sampled_from(["just", "19edo", "partch", "meantone", "carlosAlpha", "three\n3\n9/8\n701.955\n2/1\n"])


def meeting(below: Nodes) -> Nodes:
    """Operators that stand over values."""
    return st.one_of(
        st.builds(ir.Combine, MEETING, STRUCTURES, below, below),
        st.builds(ir.Combine, st.just("scale"), STRUCTURES, below, SCALES),
        st.builds(ir.Combine, st.sampled_from(["inv", "inv_stack", "inv_stack"]), STRUCTURES, below, WHOLE),
        st.builds(ir.Combine, st.just("voicing"), STRUCTURES, below, st.sampled_from([ir.Number(60.5), ir.Name("C5")])),
        st.builds(ir.Segment, st.integers(1, 5), below),
        st.builds(ir.Tune, TUNINGS, st.none(), below),
        st.builds(ir.Split, st.just("ply"), st.integers(1, 3), below),
        in_time(below, TURNS),
    )


# Shapes whose values operators take in steps.
STEPPED = st.builds(
    lambda kind, label, n, factor: ir.Segment(
        n, ir.Slow(factor, ir.Shape(kind, -1.0, 7.0, label, 0.3, None, (0.0, 1.0)))
    ),
    st.sampled_from(ir.SHAPE_KINDS),
    st.sampled_from(["", "", "a"]),
    st.integers(1, 6),
    RATIOS,
)
NUMBERS: Nodes = st.recursive(NUMBER | STEPPED | st.just(ir.Silence()), meeting, max_leaves=6)
NOTES = st.sampled_from(["A2", "C#4", 60, 52.0]).map(lambda pitch: krp.note(pitch).node) | st.just(krp.hit().node)
CHORDS = st.sampled_from(["C:m7", "A2:m", "five"]).map(lambda name: ir.Label("chord", ir.Name(name)))
LABELLED = st.builds(ir.Label, st.sampled_from(["note", "cutoff", "a/note", "legato", "vel"]), NUMBERS)
PLAIN = st.builds(
    ir.Label, st.sampled_from(["freq", "a/gate", "note", "chord", "cutoff"]), NUMBERS | SCALES, st.just(True)
)
CONTROLLED: Nodes = st.recursive(
    LABELLED | NOTES | CHORDS,
    lambda below: st.one_of(
        meeting(below),
        st.builds(ir.Combine, MEETING, STRUCTURES, below, TURNS),
        st.builds(ir.Split, st.sampled_from(ir.SPLIT_KINDS), st.integers(1, 2), below),
    ),
    max_leaves=5,
)
ATOMS: Nodes = st.one_of(
    st.builds(ir.Atom, st.builds(ir.Control, LABELS, st.sampled_from([0.0, 1.0, 0.1, 440.5]))),
    st.just(ir.Atom(ir.Note(1, 36, 100, 0.25))),
    st.just(ir.Atom(ir.Cc(0, 74, 3))),
    st.just(ir.Atom(ir.Osc("/x", (1.5, 2, "three")))),
    st.builds(
        ir.Shape,
        st.sampled_from(ir.SHAPE_KINDS),
        st.just(-1.0),
        st.just(3.0),
        LABELS,
        SHARES,
        SEEDS,
        st.just((0.0, 1.0)),
    ),
)
PLAYED: Nodes = st.recursive(
    st.one_of(ATOMS, NOTES, NOTES, CONTROLLED, PLAIN),
    lambda below: in_time(below, TURNS) | in_time(below, NUMBERS) | st.builds(ir.Freeze, below),
    max_leaves=12,
)
WINDOWS = st.tuples(
    st.integers(-3, 9).map(Fraction) | st.fractions(-3, 9, max_denominator=12),
    st.sampled_from([Fraction(1), Fraction(2), Fraction(5, 4), Fraction(1, 3)]),
).map(lambda at: (at[0], at[0] + at[1]))


def examples(count: int) -> Any:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=slow)


# Lines

SIGNS = st.sampled_from(
    [
        *[
            "x",
            "A2",
            "C#4",
            "eb3",
            "60",
            "440.0",
            "0.3",
            "-2",
            "minor",
            "C:m7",
            "H9",
            "é",
            "~",
            ".",
            "-",
            "_",
            "!",
            "$",
        ],
        *[
            "[",
            "]",
            "<",
            ">",
            "{",
            "}",
            "(",
            ")",
            ",",
            "|",
            "..",
            "\n",
            "\t",
            "*",
            "*0",
            "*2",
            "/3",
            "!3",
            "@3",
            "@1.5",
        ],
        *["%4", "?", "?0.2", "(3,8)", "(3,8,-2)", "(-3,8)", "60 .. 63", "3 .. 1"],
        *["*<2 3>", "(<3 -5>,8)", "?[0.2 0.8]", "{x A2}%<4 5>"],
    ]
)
LINES = st.lists(st.tuples(SIGNS, st.sampled_from([" ", " ", " ", ""])), max_size=12).map(
    lambda words: "".join(word + blank for word, blank in words)
)
# What means something, with signs that belong there.
STEPS = st.sampled_from(
    ["x", "A2", "C#4", "60", "~", ".", "[x A2]", "<A2 C3 x>", "{x A2, C3 x x}%4", "[x | A2]", "x(3,8)"]
)
TAILS = st.sampled_from(
    ["", "", "", "*2", "/3", "!3", "@3", "@1.5", "?", "?0.2", "(3,8,1)", "*<2 3>", "(<3 -5>,8)", " _", " !"]
)
WRITTEN = st.lists(st.tuples(STEPS, TAILS), min_size=1, max_size=6).map(lambda w: " ".join(map("".join, w)))


# Trees of any numbers

WILD = st.integers(0, 12) | st.sampled_from([-1, 97, 257, 5000, (1 << 32) - 1, (1 << 63) - 1, -(1 << 63)])
FLOATS = SHARES | st.sampled_from([-0.5, 1.5, 1e300, 5e-324, 3.5e38])
KINDS = st.sampled_from(
    [*ir.VARY_KINDS, *ir.COMBINE_KINDS, *ir.SPLIT_KINDS, *ir.SHUFFLE_KINDS, *ir.SHAPE_KINDS, "swing"]
)
FIELDS: dict[str, Any] = {
    **dict.fromkeys(["n", "pulses", "steps", "grid", "rotation", "seed"], WILD),
    **dict.fromkeys(["factor", "offset", "from", "to"], st.lists(WILD, min_size=2, max_size=2)),
    **dict.fromkeys(["prob", "amount", "lo", "hi", "duty"], FLOATS),
    **dict.fromkeys(["kind", "structure"], KINDS | STRUCTURES),
    **dict.fromkeys(["weights", "table"], st.none() | st.lists(FLOATS, max_size=3)),
    "tuning": TUNINGS | st.sampled_from(["moon", "", "a\nb", "a\n1\n-3/2\n", "a\n1\n1e5.0\n", "0edo"]),
    "map": st.none() | st.sampled_from(["x", "0\n0\n127\n60\n60\n440.0\n19\n", "2\n0\n127\n60\n61\n440\n1\n0\nx\n"]),
    "label": LABELS | st.sampled_from(["", "x" * 2050, "note", "chord"]),
    "name": st.sampled_from(["minor", "C:m", "H", "f"]),
    **dict.fromkeys(["invert", "plain"], st.booleans() | st.none()),
    "span": st.none() | st.just([1, 3]) | st.just("no span"),
}
VALUES = st.one_of(
    st.builds(lambda label, value: {"type": "Control", "label": label, "value": value}, FIELDS["label"], FLOATS),
    st.builds(
        lambda *n: dict(zip(["type", "channel", "note", "velocity", "dur"], ["Note", *n], strict=True)),
        SMALL,
        WILD,
        WILD,
        FLOATS,
    ),
    st.builds(
        lambda *n: dict(zip(["type", "channel", "controller", "value"], ["Cc", *n], strict=True)), WILD, WILD, SMALL
    ),
    st.just({"type": "Osc", "address": "/a", "args": [{"Int": 1}, {"Str": "b"}]}),
    st.just({"type": "Osc"}),
)


def wild(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def node(kind: type[ir.Node]) -> st.SearchStrategy[Any]:
        parts: dict[str, Any] = {"op": st.just(kind.__name__), "span": FIELDS["span"]}
        for name in kind.__match_args__:
            field = name.rstrip("_")
            if name in ("children", "by"):
                parts[field] = st.lists(below, max_size=3)
            elif name in ir.BELOW[kind]:
                parts[field] = below
            elif name == "value":
                parts[field] = VALUES if kind is ir.Atom else FLOATS
            else:
                parts[field] = FIELDS[field]
        if kind is ir.Vary:
            parts["transform"] = st.none() | below
        return st.fixed_dictionaries(parts)

    return st.sampled_from(list(ir.OPERATORS.values())).flatmap(node)


WILD_TREES = st.recursive(
    st.sampled_from([krp.hit().to_dict(), krp.number(2).to_dict(), krp.rest().to_dict()]), wild, max_leaves=5
)
