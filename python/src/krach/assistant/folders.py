"""Where a model may read and write files: below stated folders, by plain names, never through links."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from krach.error import KrachError

SESSION = ".krach.json"
"""How sessions and modules are called."""

SCRIPT = ".py"
"""How scripts are called."""

_LONGEST = 100
_SIGNS = set(" -_.")
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{each}{number}" for each in ("COM", "LPT") for number in range(1, 10))}


class PathError(KrachError):
    """A path that is refused.

    >>> krach.assistant.folders.Folders().place("../song", "sessions", ".krach.json")
    Traceback (most recent call last):
    krach.assistant.folders.PathError: ../song: a name cannot be ".."
    ...
    """


class Folders:
    """The folders: those of the user's krach, and those that were stated beside them."""

    def __init__(self, more: Sequence[str | Path] = (), home: Path | None = None) -> None:
        """Begin with ``~/.krach``; ``more`` are folders for all kinds of files."""
        own = (home or Path.home()) / ".krach"
        stated = [Path(each).expanduser().absolute() for each in more]
        for each in stated:
            if not each.is_dir():
                raise PathError(f"{each} is no folder", place=str(each), hint="--folder names a folder that is there")
        self._roots = {kind: [own / kind, *stated] for kind in ("sessions", "modules")}

    def roots(self, kind: str) -> list[Path]:
        """Return the folders for ``sessions`` or ``modules``; a plain name lies in the first one.

        >>> [each.name for each in krach.assistant.folders.Folders().roots("modules")]
        ['modules']
        """
        return list(self._roots[kind])

    def place(self, file: str, kind: str, suffix: str) -> Path:
        """Return where a file is, which need not be there. Raises ``PathError`` for what is not below a folder."""
        root, names = self._split(file, kind)
        for name in names:
            self._check(file, name, kind)
        names[-1] = names[-1] if names[-1].endswith(suffix) else names[-1] + suffix
        at = root
        for number, name in enumerate(names):
            at /= name
            is_last = number + 1 == len(names)
            try:
                found = at.lstat()
            except FileNotFoundError:
                if is_last:
                    return at
                raise self._error(file, f"there is no folder {at}", kind) from None
            except OSError as error:
                raise self._error(file, f"{at}: {error.strerror}", kind) from None
            if stat.S_ISLNK(found.st_mode):
                raise self._error(file, f"{at} is a link", kind)
            if is_last and not stat.S_ISREG(found.st_mode):
                raise self._error(file, f"{at} is not a plain file", kind)
            if not is_last and not stat.S_ISDIR(found.st_mode):
                raise self._error(file, f"{at} is not a folder", kind)
        return at

    def existing(self, file: str, kind: str, suffix: str) -> Path:
        """Return where a file is that is there."""
        place = self.place(file, kind, suffix)
        if not place.exists():
            there = ", ".join(self.names(kind, suffix)) or "none"
            raise PathError(f"there is no file {place}", place=file, hint=f"files there are: {there}")
        return place

    def names(self, kind: str, suffix: str) -> list[str]:
        """Return the files that there are, without their ending, 50 at most."""
        found: list[str] = []
        for number, root in enumerate(self._roots[kind]):
            if root.is_dir():
                there = sorted(each for each in root.iterdir() if each.name.endswith(suffix) and not each.is_symlink())
                found += [(each.name if number == 0 else str(each)).removesuffix(suffix) for each in there]
        return found[:50]

    def _split(self, file: str, kind: str) -> tuple[Path, list[str]]:
        """Return the folder that a path is below, and the names from there on."""
        for root in self._roots[kind]:
            begin = f"{root}{os.sep}"
            if file.startswith(begin):
                return root, file[len(begin) :].split(os.sep)
        if file.startswith(("/", "~", "\\")) or (len(file) > 1 and file[1] == ":"):
            raise self._error(file, "this is outside of the folders", kind)
        return self._roots[kind][0], file.split("/")

    def _check(self, file: str, name: str, kind: str) -> None:
        """Refuse a name that is none, or that means something else somewhere."""
        if not name.strip(" ."):
            what = f'a name cannot be "{name}"' if name else "a name is empty"
            raise self._error(file, what, kind)
        wrong = next((c for c in name if not (c.isalnum() or c in _SIGNS)), None)
        if wrong is not None:
            called = unicodedata.name(wrong, f"U+{ord(wrong):04X}").lower()
            raise self._error(file, f"a name cannot have the sign {wrong!r} ({called})", kind)
        if unicodedata.normalize("NFKC", name) != name:
            raise self._error(file, "a name has letters that look like others", kind)
        if name[0] in " .-" or name[-1] in " .":
            raise self._error(file, "a name begins with a letter or a digit, and does not end with a point", kind)
        if len(name.encode()) > _LONGEST:
            raise self._error(file, f"a name is longer than {_LONGEST} bytes", kind)
        if name.split(".", maxsplit=1)[0].strip().upper() in _DEVICES:
            raise self._error(file, f"{name} is a device under Windows", kind)

    def _error(self, file: str, what: str, kind: str) -> PathError:
        where = " or ".join(map(str, self._roots[kind]))
        shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in file[:120])
        hint = f'a plain name such as "song" is enough: files lie in {where}, and links are not followed'
        return PathError(f"{shown}: {what}\n{hint}", place=file, hint=hint)
