"""Where programs and bundles are, and where hosts look for them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from .error import KrachError

PACKAGED = Path(__file__).parent / "plugin"
"""What the platform's wheel carries."""

FORMATS = ("clap", "vst3")


def targets() -> list[Path]:
    """Return the folders that cargo builds into, if this is a checkout.

    >>> any(str(each).endswith("target") for each in krach.places.targets())
    True
    """
    named = os.environ.get("CARGO_TARGET_DIR")
    root = Path(__file__).resolve().parents[3]
    found = [Path(named)] if named else []
    return found + ([root / "target"] if (root / "Cargo.toml").exists() else [])


def host() -> Path:
    """Return ``krach-host``: ``$KRACH_HOST``, the wheel's, one on PATH, or one that was built here."""
    named = os.environ.get("KRACH_HOST")
    if named:
        return Path(named)
    name = "krach-host.exe" if sys.platform == "win32" else "krach-host"
    on_path = shutil.which(name)
    places = [PACKAGED / name, *([Path(on_path)] if on_path else [])]
    places += [each / kind / name for each in targets() for kind in ("release", "debug")]
    return _first(places, name, "cargo build --release -p krach-host")


def bundle(kind: str) -> Path:
    """Return the plugin as ``clap`` or ``vst3``: ``$KRACH_CLAP`` (``_VST3``), the wheel's, or what was built here."""
    named = os.environ.get(f"KRACH_{kind.upper()}")
    if named:
        return Path(named)
    name = f"krach.{kind}"
    return _first([PACKAGED / name, *(each / "bundled" / name for each in targets())], name, "cargo xtask bundle")


def _first(places: list[Path], name: str, how: str) -> Path:
    for each in places:
        if each.exists():
            return each
    looked = ", ".join(map(str, places))
    raise KrachError(
        f"{name} is not there (looked at {looked})",
        place=name,
        hint=f"the wheel for this system carries it; in a checkout: {how}",
    )


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
        raise KrachError("no home folder is set", hint="set HOME (Windows: LOCALAPPDATA)")
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
