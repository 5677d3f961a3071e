"""A document as a readable script that makes it again."""

from __future__ import annotations

from typing import Self

from krach.arguments import checked
from krach.ir.module import ModuleIr

_TITLE = '"""Made by krach.export: run it with `krach run`, or import `session` from it."""\n'
_IMPORTS = {
    "json.": "import json\n",
    "math.": "import math\n",
    "replace(": "from dataclasses import replace\n",
    "Fraction(": "from fractions import Fraction\n",
}
_OURS = {"krp.": "krp", "krs.": "krs"}


class Script(str):
    """The text of a script; a prompt shows how long it is, and not the text.

    >>> script = krach.export(krach.ModuleIr(tempo=140))
    >>> script, script.splitlines()[-1]
    (<script: 11 lines; print it to read it>, 'session = make()')
    """

    __slots__ = ("file",)

    def __new__(cls, text: str, file: str | None = None) -> Self:
        """Make it of its text; ``file`` is what it was written into."""
        made = super().__new__(cls, text)
        made.file = file
        return made

    file: str | None

    def __repr__(self) -> str:
        """Say how long it is."""
        size = f"{self.count(chr(10))} lines"
        return f"<script: {size}; print it to read it>" if self.file is None else f"<{self.file}: {size}>"


@checked("krach.export")
def export(ir: ModuleIr) -> Script:
    """Return a Python script whose ``session`` is the document.

    Patterns are the calls that build them, scenes and modules within are functions. A traced function is its text, if
    it was traced in this process and needs nothing but ``krs``; else it is its graph, and the text that a document has
    of it stays a text, which is not run. What no call holds (fields of later versions) is put in as it is.

    >>> m = krach.ModuleProxy()
    >>> m.node("kick", "faust:kick", gain=0.8)
    >>> m.play("kick", krp.hit() * 4)
    >>> m.tempo = 128
    >>> script = krach.export(m.build())
    >>> print(script[script.index("@") :])
    @krach.module
    def make(m):
        m.node("kick", "faust:kick", gain=0.8)
        m.play("kick", krp.hit() * 4)
        m.tempo = 128
    <BLANKLINE>
    <BLANKLINE>
    session = make()
    <BLANKLINE>
    >>> made = {}
    >>> exec(script, made)
    >>> made["session"] == m.build()
    True
    """
    from .export_calls import Calls  # noqa: PLC0415
    from .export_names import Names  # noqa: PLC0415

    names = Names(ir)
    modules: list[str] = []
    whole = Calls(names, modules).expression(ir, "make")
    blocks = [*(text.rstrip() + "\n" for text in names.functions.values()), *modules]
    body = "".join(f"\n\n{block}" for block in blocks)
    if names.constants:
        body += "\n\n# Texts and graphs of its sounds.\n" + "\n".join(f"{text}\n" for text in names.constants.values())
    body += f"\n\nsession = {whole}\n"
    needed = "".join(line for use, line in _IMPORTS.items() if use in body)
    ours = ", ".join(name for use, name in _OURS.items() if use in body)
    ours = f"from krach import {ours}\n" if ours else ""
    needed += "\n" if needed else ""
    return Script(f"{_TITLE}\n{needed}import krach\n{ours}{body}")
