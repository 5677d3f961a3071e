"""Sounds of one's own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from krach.assistant.desk import Desk
from krach.assistant.registry import Answer, DryRun, Tool, tool
from krach.error import KrachError

TOOLS: dict[str, Tool] = {}

Name = Annotated[
    str,
    Field(
        description="Its name, letters, digits, _ and - only, without a prefix.",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$",
        max_length=64,
    ),
]


@tool(TOOLS)
def define_sound(
    desk: Desk,
    *,
    name: Name,
    text: Annotated[
        str | None,
        Field(
            description='FAUST, with import("stdfaust.lib"); and process = …; Sliders are controls: '
            'hslider("cutoff[unit:Hz]", 900, 50, 8000, 1). "freq", "gate" and "vel" are what notes move; process with '
            "inputs is an effect. Left out: the name means what it meant before.",
            max_length=1 << 18,
        ),
    ] = None,
    dry_run: DryRun = False,
) -> Answer:
    """Give a FAUST text a name in this session: nodes play it as "faust:<name>", those that do at once.

    What does not compile changes nothing and is answered with line, column and hint.
    """
    return _defined(desk, f"faust:{name}", name, text, dry_run)


@tool(TOOLS)
def define_patch(
    desk: Desk,
    *,
    name: Name,
    text: Annotated[
        str | None,
        Field(
            description="YAML with nodes (name: {module, params}) and cables ({from, output, to, input}); a MidiIn is "
            "what notes play, an AudioOut is heard. Left out: the name means what it meant before.",
            max_length=1 << 18,
        ),
    ] = None,
    dry_run: DryRun = False,
) -> Answer:
    """Give a modular patch a name in this session: nodes play it as "patch:<name>", those that do at once.

    What is no patch changes nothing and is answered with line, column and hint.
    """
    return _defined(desk, f"patch:{name}", f"patch:{name}", text, dry_run)


def _defined(desk: Desk, type_id: str, name: str, text: str | None, dry_run: bool) -> Answer:
    if text is None:
        if not dry_run:
            desk.session.define(name, None)
        return Answer(f"{type_id} means what it meant before", {"type": type_id})
    if not text.strip():
        raise KrachError(f"the text of {type_id} is empty", place="text", hint="process = …; makes a sound")
    made: Any = desk.session.compile(text, name) if dry_run else desk.session.define(name, text)
    controls = [_control(each) for each in made.get("controls") or ()]
    inputs = sum(each["channels"] for each in made.get("inputs") or ())
    kind = f"an effect with {inputs} input channels" if inputs else "an instrument"
    data = {"type": type_id, "controls": controls, "input_channels": inputs}
    return Answer(f"{type_id} is {kind}; controls: {'; '.join(controls) or 'none'}", data)


def _control(control: dict[str, Any]) -> str:
    unit = f" {control['unit']}" if control.get("unit") else ""
    return f"{control['name']} {control['min']:g} to {control['max']:g}{unit} ({control['default']:g})"
