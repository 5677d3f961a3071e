"""Mini-notation without quotes: Python takes its words for names that nobody has."""

from __future__ import annotations

import ast

import krach.pattern as krp

from .error import KrachError


def unquoted(error: NameError, source: str) -> KrachError | None:
    """Return what is said of a name that is a word of mini-notation; none if it is another.

    >>> try:
    ...     print(x * 4)
    ... except NameError as error:
    ...     print(krach.unquoted.unquoted(error, 'kick.play(x*4, at="bar")'))
    there is no name x
      kick.play(x*4, at="bar")
                ^
    patterns are text: write "x*4"
    """
    name = error.name or ""
    if not _is_notation(name):
        return None
    found = _piece(source, name)
    text, line, column = found or (name, "", 0)
    mark = f"  {line}\n  {'^'.rjust(column + 1)}" if line else None
    hint = f'patterns are text: write "{text}"'
    lines = [f"there is no name {name}", mark, hint]
    return KrachError("\n".join(each for each in lines if each), place=name, hint=hint)


def _is_notation(text: str) -> bool:
    try:
        krp.p(text)
    except KrachError:
        return False
    return True


def _piece(source: str, name: str) -> tuple[str, str, int] | None:
    """Return the largest expression around a name that is mini-notation, its line, and where it begins in that."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    parents = {child: each for each in ast.walk(tree) for child in ast.iter_child_nodes(each)}
    for each in ast.walk(tree):
        if not (isinstance(each, ast.Name) and each.id == name):
            continue
        text, around = name, each
        outer: ast.AST | None = each
        while isinstance(outer, ast.expr):
            segment = ast.get_source_segment(source, outer)
            if segment is not None and _is_notation(segment):
                text, around = segment, outer
            outer = parents.get(outer)
        # Columns of the tree count bytes.
        line = source.splitlines()[around.lineno - 1]
        return text, line, len(line.encode()[: around.col_offset].decode(errors="ignore"))
    return None
