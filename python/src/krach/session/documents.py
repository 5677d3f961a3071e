"""What the plugin is told of documents and files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from krach.error import KrachError
from krach.ir.module import ModuleIr

SUFFIX = ".krach.json"
"""How session files are called."""


def document_of(ir: ModuleIr | Mapping[str, Any] | str | Path) -> dict[str, Any]:
    """Return the JSON form of a document, or of the one in a file."""
    if isinstance(ir, str | Path):
        path = Path(ir).expanduser()
        if not path.is_file():
            hint = f"a session that was saved is opened by kr.open_file({str(ir)!r})"
            raise KrachError(f"{path} is not there, or no file\n{hint}", place=str(path), hint=hint)
        try:
            return json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise KrachError(f"{path}: {error}", place=str(path)) from None
    return ir.to_dict() if isinstance(ir, ModuleIr) else dict(ir)


def session_file(file: str | Path) -> str:
    """Return what the plugin is told: a name as it is, a path as an absolute one with its ending.

    >>> krach.session.documents.session_file("song"), krach.session.documents.session_file("/tmp/song")
    ('song', '/tmp/song.krach.json')
    >>> krach.session.documents.session_file("/tmp/")
    Traceback (most recent call last):
    krach.error.KrachError: /tmp/ names no file
    """
    if isinstance(file, str) and not set(file) & {"/", os.sep}:
        return file
    if not Path(file).name or str(file).endswith(("/", os.sep)):
        raise KrachError(f"{file} names no file", place=str(file), hint="a folder and a name, as in ~/songs/first")
    path = Path(file).expanduser().absolute()
    return str(path if path.name.endswith(SUFFIX) else path.with_name(path.name + SUFFIX))
