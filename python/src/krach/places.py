"""Where programs and bundles are, and where hosts look for them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from .error import NothingPlays

PACKAGED = Path(__file__).parent / "plugin"
"""What the platform's wheel carries."""

FORMATS = ("clap", "vst3")

_OF_A_CHECKOUT = Path("python/src/krach/places.py")


def targets() -> list[Path]:
    """Return the folders that cargo builds into: those of the checkouts that this package and this folder are in.

    >>> any(str(each).endswith("target") for each in krach.places.targets())
    True
    """
    named = os.environ.get("CARGO_TARGET_DIR")
    # A package that was installed has no checkout around it: then the one counts that the command is run in.
    roots = [*Path(__file__).resolve().parents, *_here()]
    found = [Path(named)] if named else []
    return found + [each / "target" for each in dict.fromkeys(roots) if (each / _OF_A_CHECKOUT).is_file()]


def _here() -> list[Path]:
    try:
        here = Path.cwd().resolve()
    except OSError:  # The folder has been taken away.
        return []
    return [here, *here.parents]


def host() -> Path:
    """Return ``krach-host``: ``$KRACH_HOST``, the wheel's, one on PATH, or one that was built here."""
    named = os.environ.get("KRACH_HOST")
    if named:
        return Path(named)
    name = "krach-host.exe" if sys.platform == "win32" else "krach-host"
    on_path = shutil.which(name)
    places = [PACKAGED / name, *([Path(on_path)] if on_path else [])]
    places += [each / kind / name for each in targets() for kind in ("release", "debug")]
    return _first(places, name, "KRACH_HOST", "cargo build --release -p krach-host")


def bundle(kind: str) -> Path:
    """Return the plugin as ``clap`` or ``vst3``: ``$KRACH_CLAP`` (``_VST3``), the wheel's, or what was built here."""
    named = os.environ.get(f"KRACH_{kind.upper()}")
    if named:
        return Path(named)
    name = f"krach.{kind}"
    places = [PACKAGED / name, *(each / "bundled" / name for each in targets())]
    return _first(places, name, f"KRACH_{kind.upper()}", "cargo xtask bundle")


def _first(places: list[Path], name: str, variable: str, how: str) -> Path:
    for each in places:
        if each.exists():
            return each
    lines = [
        f"set {variable} to where {name} is",
        f"or build it in the checkout ({how}), and run this within the checkout",
        "or install the wheel for this system, which carries it",
    ]
    hint = "\n".join(lines)
    looked = "\n".join(f"  {each}" for each in places)
    raise NothingPlays(f"{name} is not there; these were looked at:\n{looked}\n{hint}", place=name, hint=hint)


def plugin_folder(kind: str, environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> Path:
    """Return the folder in which hosts look for plugins of the user.

    >>> str(krach.places.plugin_folder("clap", {"HOME": "/home/mo"}, "linux"))
    '/home/mo/.clap'
    >>> str(krach.places.plugin_folder("vst3", {"HOME": "/Users/mo"}, "darwin"))
    '/Users/mo/Library/Audio/Plug-Ins/VST3'
    """
    if system == "win32":
        home, inside = environment.get("LOCALAPPDATA"), f"Programs/Common/{kind.upper()}"
    else:
        home = environment.get("HOME")
        inside = f"Library/Audio/Plug-Ins/{kind.upper()}" if system == "darwin" else f".{kind}"
    if not home:
        raise NothingPlays("no home folder is set", hint="set HOME (Windows: LOCALAPPDATA)")
    return Path(home) / inside


def install() -> list[Path]:
    """Copy both formats to where hosts look; what was there before is replaced as a whole."""
    done: list[Path] = []
    for kind in FORMATS:
        source, folder = bundle(kind), plugin_folder(kind)
        folder.mkdir(parents=True, exist_ok=True)
        there = folder / source.name
        fresh, old = folder / f".{source.name}.new", folder / f".{source.name}.old"
        for each in (fresh, old):
            remove(each)
        if source.is_dir():
            shutil.copytree(source, fresh)
        else:
            shutil.copy2(source, fresh)
        # A host that has it loaded keeps its file.
        if there.exists():
            there.rename(old)
        fresh.rename(there)
        remove(old)
        done.append(there)
    return done


def uninstall() -> list[Path]:
    """Take away what ``install`` puts there; return what was there."""
    there = [plugin_folder(kind) / f"krach.{kind}" for kind in FORMATS]
    found = [each for each in there if each.exists()]
    for each in found:
        remove(each)
    return found


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
