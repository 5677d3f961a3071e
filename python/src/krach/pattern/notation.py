"""Mini-notation: a pattern as a line of text. The grammar, by recursive descent.

Words are in ``words.py``, numbers that may be patterns in ``arguments.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from . import ir
from .arguments import Arguments
from .error import PatternError
from .ratio import limited
from .scanner import Step, is_digit, is_space
from .steps import total, weighted

_MAX_NESTING = 40
_MAX_NODES = 1 << 16


def read(text: object, *, values: bool = False) -> ir.Node:
    """Read a line of mini-notation; with ``values`` its words are numbers and names. Raises ``NotationError``."""
    if not isinstance(text, str):
        raise PatternError(f"{text!r} is no text of mini-notation")
    return _Parser(text, values=values).line()


@dataclass(slots=True)
class _Layers:
    """Sequences at once, or with ``choice``, the place of the first ``|``, one of them per cycle."""

    sequences: list[list[Step]] = field(default_factory=lambda: [[]])
    choice: int | None = None


class _Parser(Arguments):
    def line(self) -> ir.Node:
        # A byte order mark says nothing of the music. Places count from the beginning of the text all the same.
        self.eat("\ufeff")
        layers = self._layers()
        following = self.peek()
        if following is not None:
            raise self.error(f'"{following}" closes nothing', "remove it, or open a bracket before")
        node = self._together(layers)
        return node if node.span else replace(node, span=self.span(0))

    def _layers(self) -> _Layers:
        """Read sequences separated by , or |, up to the end or a closing bracket."""
        layers, nodes = _Layers(), 0
        while True:
            self.spaces()
            start, c = self.at, self.peek()
            if c is None or c in "]>)}":
                return layers
            if c in ",|":
                if len(layers.sequences) > 1 and (c == "|") != (layers.choice is not None):
                    hint = "put one of them into brackets of its own, such as [a | b], c"
                    raise self.error('"," and "|" stand side by side', hint)
                if c == "|" and layers.choice is None:
                    layers.choice = start
                self.at += 1
                layers.sequences.append([])
                continue
            nodes += self._steps(layers.sequences[-1])
            if nodes > _MAX_NODES:
                raise self.error(f"more than {_MAX_NODES} steps", "repeat fewer times", start)

    def _steps(self, steps: list[Step]) -> int:
        """Read the next step or steps onto the end of a sequence; return how many nodes they are."""
        start, c = self.at, self.peek()
        if c == "_":
            self.at += 1
            self.apart(start)
            if not steps:
                hint = "_ makes the step before it one longer, such as x _ A2"
                raise self.error('there is no step before this "_"', hint, start)
            n, d = steps[-1].weight
            steps[-1] = replace(steps[-1], weight=(n + d, d))
            return 0
        if c == "!" and steps:
            self.at += 1
            following = self.peek()
            if following is not None and not is_space(following) and following not in "!,|])>}":
                hint = "! by itself is the step before it once more; x!3 is written without a blank"
                raise self.error('this follows a "!" that stands by itself', hint)
            steps.append(steps[-1])
            return steps[-1].size
        found = self.range()
        if found is not None:
            steps += found
            return sum(step.size for step in found)
        step, times = self._step()
        size = step.size * times
        if size <= _MAX_NODES:
            steps += [step] * times
        return size

    def _step(self) -> tuple[Step, int]:
        """Read a step with all that follows it without a space; return it and how often it is repeated."""
        start = self.at
        node, size = self.element()
        step, times = Step(node, (1, 1), size, start), 1
        while True:
            match self.peek():
                case ("*" | "/" | "?" | "(") as sign:
                    step = self.applied(sign, start, step)
                case "!":
                    self.at += 1
                    more = self.whole("how many times") if is_digit(self.peek()) else 2
                    # x!3!2 is four steps: each sign adds to the step it follows. No step is none with any sign.
                    times = 0 if times == 0 or more == 0 else min(times + more - 1, _MAX_NODES + 1)
                case "@":
                    self.at += 1
                    number = self.at
                    length = self.number("how long the step is, such as x@3 or x@1.5")
                    weight = limited(length) if length <= 1e15 else (0, 1)
                    if weight[0] < 1 or length > 1024.0:
                        raise self.error("a step is 1/256 to 1024 long", "such as x@3, x@1.5 or x@0.5", number)
                    step = replace(step, weight=weight)
                case "%":
                    hint = "such as {A2 B2 C3}%4; a part is written with a point, such as 0.25"
                    raise self.error('"%" follows { } only', hint)
                case _:
                    self.apart(start)
                    return step, times

    def bracket(self, opening: str) -> tuple[ir.Node, int]:
        """Read what stands between brackets; return it with the number of its nodes."""
        start, closing = self.at, {"[": "]", "<": ">", "{": "}"}[opening]
        self.at += 1
        self.nesting += 1
        if self.nesting > _MAX_NESTING:
            raise self.error(f"brackets nest deeper than {_MAX_NESTING}", "make several patterns of it", start)
        layers = self._layers()
        if not self.eat(closing):
            other = self.peek()
            if other is None:
                raise self.error(f'this "{opening}" is not closed', f'close it with "{closing}"', start)
            column = start - (self.text.rfind("\n", 0, start) + 1) + 1
            message = f'"{other}" cannot close the "{opening}" at character {column}'
            raise self.error(message, f'close it with "{closing}" first')
        self.nesting -= 1
        if layers.choice is not None and opening != "[":
            hint = "put the choice into [ ] of its own, such as <[a | b] c>"
            raise self.error(f'"|" cannot stand between {opening} and {closing}', hint, layers.choice)
        size = sum(step.size + 2 for steps in layers.sequences for step in steps) + 2
        if opening == "[":
            node = self._together(layers)
        elif opening == "<":
            node = _both([self._turns(steps) for steps in layers.sequences])
        else:
            node, size = self.polymeter(layers.sequences, size, start)
        # A single word in brackets keeps its own place.
        return (node if node.span else replace(node, span=self.span(start))), size

    def _together(self, layers: _Layers) -> ir.Node:
        nodes = [self.sequence(steps) for steps in layers.sequences]
        if layers.choice is None:
            return _both(nodes)
        self.chances += 1
        return ir.Choose(None, self.chances - 1, tuple(nodes))

    def sequence(self, steps: list[Step]) -> ir.Node:
        """Return steps as one pattern."""
        node = weighted([step.node for step in steps], [step.weight for step in steps])
        if node is None:
            # Of several that are as fine the last is named.
            finest = max(reversed(steps), key=lambda step: step.weight[1])
            raise self.too_fine(finest.at)
        return node

    def _turns(self, steps: list[Step]) -> ir.Node:
        """Return one step per cycle, in turn, each going on where it stopped; a weight is a number of cycles."""
        cycles = total([step.weight for step in steps])
        if cycles is None:
            raise self.too_fine(steps[0].at)
        if cycles == 1 or not steps:
            return self.sequence(steps)
        child = ir.Cat((steps[0].node,)) if len(steps) == 1 else self.sequence(steps)
        return ir.Slow((cycles.numerator, cycles.denominator), child)


def _both(nodes: list[ir.Node]) -> ir.Node:
    return nodes[0] if len(nodes) == 1 else ir.Stack(tuple(nodes))
