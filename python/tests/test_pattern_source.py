"""Patterns as the text of the calls that build them."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from random_patterns import CONTROLLED, PLAYED, examples

import krach.pattern as krp
from krach.pattern import ir

NAMES = {"krp": krp, "Fraction": Fraction}

WRITTEN = [
    "krp.hit()",
    'krp.hit("kick/gate", vel=0.5)',
    'krp.note("A2", vel=0.5, cutoff=800)',
    "krp.note(440.5)",
    'krp.chord("A3", "C4", "E4")',
    'krp.seq("A2", "D3", None, "E2").slow(2)',
    "krp.hit() * 4",
    "(krp.hit() * 4).chance(0.2, seed=1)",
    'krp.stack(krp.hit() * 4, krp.hit("hat/gate").fast(8).late(1 / 16))',
    "krp.hit().spread(5, 8, 2).swing(0.6).reverse()",
    'krp.seq("A2", "C3").every(4, lambda p: p.fast(2).every(2, lambda q: q.reverse()))',
    'krp.values("0 2 <4 7>").scale("C:minor").control("note").add("<0 12>")',
    'krp.values("C:m7 F:7").control("chord").inv(1).arp("converge").ply(2)',
    'krp.hit().fast("<2 3>").spread("<3 5>", 8).chance("0.2 0.8")',
    'krp.note("A2").late(Fraction(1, 1000)).zoom(1 / 4, 3 / 4)',
    'krp.sine("cutoff", 200, 400).segment(16).slow(8)',
    'krp.pulse("cutoff", 0, 1, duty=0.25)',
    'krp.custom("cutoff", [0, 1, 0.5], 100, 300)',
    'krp.choose(krp.note("A2"), None, weights=(3, 1), seed=2)',
    'krp.pick("<0 1>", krp.hit(), krp.note("A2"))',
    'krp.turns(krp.note("A2"), krp.hit())',
    'krp.seq("A2", "C3").freeze().shuffle(4, 7).tuned("19edo")',
    'krp.values("1 2").struct("1 0 1").sub(1, "both")',
    'krp.stack(krp.midi_note(36, 100, 0.25, 1), krp.cc(74, 20, 0), krp.osc("/audio/set", "a/b", 1))',
]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_pattern_is_written_as_the_calls_that_build_it(text: str) -> None:
    pattern = eval(text, dict(NAMES))
    assert krp.source(pattern) == text
    assert krp.source(krp.Pattern.from_dict(pattern.to_dict())) == text


def written(pattern: krp.Pattern) -> krp.Pattern:
    made: Any = eval(krp.source(pattern), dict(NAMES))
    return made


def test_what_no_call_makes_is_written_all_the_same() -> None:
    for node in [
        ir.Fast((2, 4), krp.hit().node),
        ir.Fast((1, 0), krp.hit().node),
        ir.Cat(()),
        ir.Warp("swagger", 0.6, 8, krp.hit().node),
        ir.Vary("euclid", (ir.Number(3.0), ir.Number(8.0), ir.Number(0.0)), 0, krp.hit().node),
        ir.Shape("sine", 0.0, 1.0, "a", duty=0.5),
        ir.Name("no word"),
        ir.Atom(ir.Control("a", -0.0)),
        ir.Choose((), 0, (krp.hit().node,)),
    ]:
        assert written(krp.Pattern(node)) == krp.Pattern(node)


def test_a_tree_as_deep_as_the_plugin_takes_is_written() -> None:
    chain, nested = krp.hit(), krp.hit()
    for i in range(200):
        chain = chain.late(Fraction(1, i + 1))
        nested = krp.cat(nested, krp.note("A2"))
    for pattern in (chain, nested):
        assert written(pattern) == pattern


@examples(150)
@given(PLAYED | CONTROLLED)
def test_any_pattern_is_written(node: ir.Node) -> None:
    assert written(krp.Pattern(node)) == krp.Pattern(node)
