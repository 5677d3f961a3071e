"""Small files in folders that others may write to: nothing there is waited for, and none is read without a bound."""

import os
import shutil
import stat
from pathlib import Path

from krach.error import KrachError

_MOST = 1 << 20


def read_plain(path: Path, most: int = _MOST) -> str:
    """Return the text of a plain file of at most a mebibyte, or of ``most`` bytes.

    A FIFO is not waited for, and a link is not followed.

    Raises:
        OSError: there is none, or it is no plain file.
        ValueError: it is larger, or no UTF-8.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a plain file")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path} is larger than {most} bytes")
    return data.decode("utf-8")


def write_whole(place: Path, text: str, overwrite: bool) -> Path | None:
    """Write a file, whole or not at all; return where the file is now that was there before.

    A file that is there stays, and nothing is written; with ``overwrite`` it is kept as ``.bak``.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "song.py"
    >>> krach.client.files.write_whole(file, "a", False)
    >>> krach.client.files.write_whole(file, "b", True).name, file.read_text()
    ('song.py.bak', 'b')
    """
    if place.exists() and not overwrite:
        hint = "with overwrite=True it is kept as .bak; or take another name"
        raise KrachError(f"there is a file {place}\n{hint}", place=str(place), hint=hint)
    fresh = place.with_name(f".{place.name}.{os.getpid()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    kept = None
    try:
        with os.fdopen(os.open(fresh, flags, 0o644), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            kept = place.with_name(f"{place.name}.bak")
            kept.unlink(missing_ok=True)
            try:
                os.link(place, kept)
            except OSError:  # A system of files without links of this kind.
                shutil.copyfile(place, kept)
        fresh.replace(place)
    finally:
        fresh.unlink(missing_ok=True)
    return kept
