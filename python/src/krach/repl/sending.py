"""Blocks that an editor sends into the running prompt (``krach send``)."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import linecache
import os
import sys
import textwrap
import threading
from collections.abc import Callable
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any, cast

from krach.client import folders
from krach.client.files import read_plain
from krach.error import NothingPlays
from krach.run import told


def evaluate(text: str, file: str, line: int, names: dict[str, Any]) -> tuple[bool, str]:
    """Run a block, and show what its last expression is; return whether it held, and what it printed.

    >>> krach.repl.sending.evaluate("x = 2\\nx + 1", "song.py", 7, {})
    3
    (True, '3\\n')
    >>> krach.repl.sending.evaluate("    x = 2\\n    x + 2", "song.py", 7, {})[0]
    4
    True
    >>> krach.repl.sending.evaluate("x = (", "song.py", 7, {})[0]
    False
    """
    # Lines count as in the file, and what is traced is looked up there. What is selected within a function is indented.
    padded = "\n" * (line - 1) + textwrap.dedent(text)
    linecache.cache[file] = (len(padded), None, padded.splitlines(keepends=True), file)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(_Both(said, sys.stdout)):
            tree = ast.parse(padded, file)
            last = tree.body[-1] if tree.body else None
            if isinstance(last, ast.Expr):
                tree.body.pop()
                exec(compile(tree, file, "exec"), names)
                value: Any = eval(compile(ast.Expression(last.value), file, "eval"), names)
                if value is not None:
                    print(repr(value))
            else:
                exec(compile(tree, file, "exec"), names)
    except (Exception, SystemExit) as error:
        return False, said.getvalue() + told(error, file) + "\n"
    return True, said.getvalue()


class _Both(io.TextIOBase):
    """Writes to the block's sender and to the prompt."""

    def __init__(self, sender: io.StringIO, prompt: Any) -> None:
        self._sender, self._prompt = sender, prompt

    def write(self, text: str, /) -> int:
        self._sender.write(text)
        self._prompt.write(text)
        return len(text)

    def flush(self) -> None:
        self._prompt.flush()


def _folder() -> Path:
    known = folders()
    if not known:
        raise NothingPlays("there is no folder for the prompt's socket", hint="set HOME or XDG_RUNTIME_DIR")
    return known[0] / "repl"


class Receiver:
    """Takes blocks from ``krach send`` and runs them in a namespace, one after another."""

    def __init__(self, names: dict[str, Any], show: Callable[[str], None] = print) -> None:
        """Listen at a socket of this process; its folder is the user's alone."""
        self._names, self._show = names, show
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._entry = folder / f"{os.getpid()}.json"
        address = rf"\\.\pipe\krach-repl-{os.getpid()}" if sys.platform == "win32" else str(folder / f"{os.getpid()}.s")
        if sys.platform != "win32":
            folder.chmod(0o700)
            Path(address).unlink(missing_ok=True)
        self._listener = Listener(address)
        self._entry.write_text(json.dumps({"address": address}), "utf-8")
        threading.Thread(target=self._run, name="krach send", daemon=True).start()

    def close(self) -> None:
        """Take no more."""
        self._entry.unlink(missing_ok=True)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                sender = self._listener.accept()
            except OSError:
                return
            # A sender that dies harms nobody.
            with contextlib.suppress(OSError, EOFError, ValueError), sender:
                self._take(sender)

    def _take(self, sender: Any) -> None:
        block = cast("dict[str, Any]", json.loads(sender.recv_bytes()))
        done, text = evaluate(block["text"], block["file"], block["line"], self._names)
        if not done:
            self._show(text.rstrip())
        sender.send_bytes(json.dumps([done, text]).encode())


def send(text: str, file: str = "<sent>", line: int = 1) -> tuple[bool, str]:
    """Evaluate a block in the newest prompt; return whether it held, and what it said."""
    entries = sorted(_folder().glob("*.json"), key=lambda each: each.stat().st_mtime, reverse=True)
    for entry in entries:
        try:
            address = json.loads(read_plain(entry))["address"]
            with Client(address) as prompt:
                prompt.send_bytes(json.dumps({"text": text, "file": file, "line": line}).encode())
                done, said = json.loads(prompt.recv_bytes())
                return bool(done), str(said)
        except ConnectionRefusedError:
            entry.unlink(missing_ok=True)  # Of a prompt that was killed.
        except (OSError, EOFError, ValueError, KeyError):
            continue
    raise NothingPlays("no prompt is running", hint="start one with `krach`")
