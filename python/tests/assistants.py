"""A client of the official SDK that talks to `krach mcp` over standard input and output."""

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any, Self

import mcp_types as types
from hosted import bundle, host
from mcp import Client, StdioServerParameters
from test_session import SRC

PATIENCE = 120.0


class Assistant:
    """A server that runs, and its client."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        known = dict(os.environ) | {"PYTHONPATH": str(SRC), "KRACH_HOST": host(), "KRACH_CLAP": bundle()}
        line = ["-m", "krach", *arguments]
        self._server = StdioServerParameters(command=sys.executable, args=line, env=known | environment)
        self._loop = asyncio.new_event_loop()
        self._started: asyncio.Future[Client] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._main()], daemon=True)

    async def _main(self) -> None:
        try:
            async with Client(self._server, read_timeout_seconds=PATIENCE) as client:
                self._started.set_result(client)
                await self._ended.wait()
        except Exception as error:
            if not self._started.done():
                self._started.set_exception(error)

    def __enter__(self) -> Self:
        self._thread.start()

        async def started() -> Client:
            return await self._started

        self.client = self.wait(started())
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(30)

    def wait(self, what: Coroutine[Any, Any, Any]) -> Any:
        """Wait for what the client is asked."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE)

    def answer(self, tool: str, /, **arguments: Any) -> types.CallToolResult:
        """Call a tool; return what it answers, errors too."""
        return self.wait(self.client.call_tool(tool, arguments))

    def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool that is to succeed; return its data."""
        answer = self.answer(tool, **arguments)
        assert not answer.is_error, said(answer)
        return answer.structured_content

    def refused(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool that is to be refused; return its error."""
        answer = self.answer(tool, **arguments)
        assert answer.is_error, said(answer)
        return answer.structured_content["error"]


def said(answer: types.CallToolResult) -> str:
    """Return the text of an answer."""
    return "\n".join(each.text for each in answer.content if isinstance(each, types.TextContent))
