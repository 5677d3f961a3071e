"""Small files in folders that others may write to: nothing there is waited for, and none is read without a bound."""

import os
import stat
from pathlib import Path

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
