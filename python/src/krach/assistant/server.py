"""The server: tools and resources over standard input and output."""

from __future__ import annotations

import base64
import functools
import importlib.metadata
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.stdio import stdio_server

from krach.client import NoInstance, instances
from krach.error import KrachError

from .desk import Desk
from .folders import Folders
from .registry import Answer, Tool, asked
from .resources import RESOURCES
from .tools import TOOLS

INSTRUCTIONS = """\
krach is an instrument in a DAW that plays patterns on nodes. You change its session while it plays; a musician hears
each change, and may change it beside you.

Way: start; node (a sound); play (a pattern on it); set_control, gain, connect, mod, fade; listen (what it sounds like:
levels, onsets, a spectrogram); correct; save a scene; export_session. undo takes any step back.
Time is counted in cycles: one cycle is one bar of 4/4. Faders are linear, 1 is unity; keep the peak that listen
says below 0 dBFS.
Every change is all or nothing: an error has changed nothing, says where, and how it would work.
Resources: krach://patterns (the pattern language), krach://sounds (types with their controls, also list_controls with
node="sounds"), krach://session.
"""


def declared(tool: Tool) -> types.Tool:
    """Return a tool as clients see it."""
    hints = types.ToolAnnotations(
        read_only_hint=not tool.changes,
        destructive_hint=tool.destructive if tool.changes else None,
        open_world_hint=False,
    )
    return types.Tool(name=tool.name, description=tool.description, input_schema=tool.schema(), annotations=hints)


def refused(error: KrachError) -> types.CallToolResult:
    """Return an error as an answer: what, where, and what would work."""
    if isinstance(error, NoInstance):
        error = _to_choose(error)
    text = str(error)
    data: dict[str, Any] = {"message": text.split("\n", 1)[0], "place": error.place, "hint": error.hint}
    if error.line is not None:
        data |= {"line": error.line, "column": error.column}
        text += f"\nline {error.line}, column {error.column}"
    if error.hint and error.hint not in text:
        text += f"\nhint: {error.hint}"
    if error.still_playing:
        text += "\nnothing has changed, and what played plays on"
    return types.CallToolResult(
        content=[types.TextContent(text=text)], structured_content={"error": data}, is_error=True
    )


def _to_choose(error: NoInstance) -> NoInstance:
    """Return the error of an instance that is not there, with what the tool ``start`` would take."""
    live = instances()
    if not live:
        return error
    listed = "; ".join(f'instance="{each.id}": {each}' for each in live)
    return NoInstance(str(error).split("\n", 1)[0], place=error.place, hint=f"the tool start takes one: {listed}")


def answered(answer: Answer) -> types.CallToolResult:
    """Return what a tool answers."""
    content: list[Any] = [types.TextContent(text=answer.text)]
    content += [
        types.ImageContent(data=base64.b64encode(each).decode(), mime_type="image/png") for each in answer.images
    ]
    # What JSON has no form for, such as a level of silence, is null.
    data = json.loads(json.dumps(answer.data, default=str), parse_constant=lambda _: None)
    return types.CallToolResult(content=content, structured_content=data)


def server(desk: Desk) -> Server[Any]:
    """Return the server of a desk."""

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[declared(each) for each in TOOLS.values()])

    async def call_tool(_: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            call = functools.partial(asked, TOOLS, desk, params.name, params.arguments or {})
            return answered(await anyio.to_thread.run_sync(call, abandon_on_cancel=False))
        except KrachError as error:
            return refused(error)
        except Exception as error:
            logging.exception("%s", params.name)
            fault = f"krach mcp has a fault in {params.name}: {type(error).__name__}: {error}"
            return refused(KrachError(fault, hint="status says what there is now; this is to be reported"))

    async def list_resources(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        listed = [
            types.Resource(uri=each.uri, name=each.name, description=each.description, mime_type=each.mime_type)
            for each in RESOURCES.values()
        ]
        return types.ListResourcesResult(resources=listed)

    async def read_resource(
        _: ServerRequestContext[Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        found = RESOURCES.get(uri)
        if found is None:
            raise ValueError(f"there is no resource {uri}: {', '.join(RESOURCES)}")
        text = await anyio.to_thread.run_sync(found.read, desk)
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type=found.mime_type, text=text)]
        )

    return Server(
        "krach",
        version=_version(),
        title="krach",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
    )


def _version() -> str:
    try:
        return importlib.metadata.version("krach-plugin")
    except importlib.metadata.PackageNotFoundError:
        return "0"


def serve(instance: str | None = None, folders: Sequence[str | Path] = ()) -> None:
    """Serve until standard input ends."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    desk = Desk(instance, Folders(folders))
    made = server(desk)

    async def run() -> None:
        async with stdio_server() as (read, write):
            await made.run(read, write, made.create_initialization_options())

    try:
        anyio.run(run)
    finally:
        desk.close()
