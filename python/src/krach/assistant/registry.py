"""Tools as functions: their parameters are the schema, and are checked before the function is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from krach.error import KrachError
from krach.names import did_you_mean

if TYPE_CHECKING:
    from .desk import Desk

_MOST_NAME = 200

NodeName: TypeAlias = Annotated[
    str,
    Field(description='Name of a node, or of a group: "drums" means "drums/kick" and its kin.', max_length=_MOST_NAME),
]
ControlPath: TypeAlias = Annotated[
    str,
    Field(description='A control as "node/control", such as "bass/cutoff"; "bass/gain" is the fader.', max_length=400),
]
DryRun: TypeAlias = Annotated[bool, Field(description="Only say whether it would be accepted; nothing changes.")]
At: TypeAlias = Annotated[
    Literal["now", "cycle", "bar"] | float | None,
    Field(
        description='When: "now", "cycle" or "bar" (the next one), or a position in cycles from 0. Left out: at once; '
        "a pattern on a silent node at the next cycle."
    ),
]
FileName: TypeAlias = Annotated[
    str,
    Field(
        description='A plain name such as "song"; "/" for folders within. No links, no "..", no other folders.',
        min_length=1,
        max_length=1000,
    ),
]
Overwrite: TypeAlias = Annotated[bool, Field(description="A file of that name is kept as .bak; else it is refused.")]


@dataclass(slots=True)
class Answer:
    """What a tool answers: a text for the reader, the same as data, and pictures as PNG."""

    text: str
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    images: list[bytes] = field(default_factory=list[bytes])


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool."""

    name: str
    description: str
    model: type[BaseModel]
    run: Callable[..., Answer]
    changes: bool
    """It changes the session: its answer says what plays now."""
    destructive: bool
    slow: bool
    """Others may be called while it works."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its parameters.

        >>> from krach.assistant.tools import TOOLS
        >>> TOOLS["gain"].schema()["properties"]["gain"]["maximum"]
        16
        """
        made = self.model.model_json_schema()
        made.pop("title", None)
        for each in made.get("properties", {}).values():
            each.pop("title", None)
        return made

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters. Raises ``ArgumentError`` for what does not fit."""
        try:
            made = self.model.model_validate(dict(arguments))
        except ValidationError as error:
            raise self._error(error) from None
        return {name: getattr(made, name) for name in self.model.model_fields}

    def _error(self, error: ValidationError) -> ArgumentError:
        """Say what does not fit, each parameter once."""
        known, lines, hints = list(self.model.model_fields), dict[str, str](), list[str]()
        for each in error.errors():
            place = str(each["loc"][0]) if each["loc"] else self.name
            said = each["msg"].removeprefix("Input ").removeprefix("Value error, ")
            if each["type"] == "extra_forbidden":
                said = "there is no such parameter"
                near = did_you_mean(place, known)
                hints += [near] if near else []
            lines.setdefault(place, f"{place}: {said}")
        if not hints:
            hints = [f"parameters: {', '.join(known) or 'none'}"]
        return ArgumentError(f"{self.name}: {'; '.join(lines.values())}", place=next(iter(lines)), hint=hints[0])


class ArgumentError(KrachError):
    """Parameters that do not fit.

    >>> from krach.assistant.tools import TOOLS
    >>> TOOLS["gain"].read({"node": "kick", "gain": 17})
    Traceback (most recent call last):
    krach.assistant.registry.ArgumentError: gain: gain: should be less than or equal to 16
    """


def tool(
    tools: dict[str, Tool], *, changes: bool = True, destructive: bool = False, slow: bool = False
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Make a tool of a function: its first parameter is the desk, its text the description."""

    def made(run: Callable[..., Answer]) -> Callable[..., Answer]:
        hints = get_type_hints(run, include_extras=True)
        given = list(inspect.signature(run).parameters.values())[1:]
        fields: dict[str, Any] = {
            each.name: (hints[each.name], ... if each.default is inspect.Parameter.empty else each.default)
            for each in given
        }
        name = run.__name__
        model = create_model(name, __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields)
        text = inspect.cleandoc(run.__doc__ or "")
        tools[name] = Tool(name, text, model, run, changes, destructive, slow)
        return run

    return made


def asked(tools: Mapping[str, Tool], desk: Desk, name: str, arguments: Mapping[str, Any]) -> Answer:
    """Call a tool by its name. Raises ``KrachError``: then nothing has changed."""
    found = tools.get(name)
    if found is None:
        hint = did_you_mean(name, tools) or f"tools: {', '.join(tools)}"
        raise ArgumentError(f"there is no tool {name}", place=name, hint=hint)
    given = found.read(arguments)
    return desk.answer(found, given)
