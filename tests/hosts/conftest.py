"""krach as a VST3 in hosts that others wrote, in this process, with its files in a folder of their own."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Before a plugin is loaded, and short, because a socket's path has to be.
HOME = Path(tempfile.mkdtemp(prefix="krach-h-"))
for name in ("HOME", "USERPROFILE", "XDG_RUNTIME_DIR", "TMPDIR"):
    os.environ[name] = str(HOME)
for name in ("NOISE_SOCKET", "FLATPAK_ID"):
    os.environ.pop(name, None)


def pytest_configure(config) -> None:
    config.addinivalue_line("markers", "soak: takes minutes; run by `pytest -m soak`, left out otherwise")


def pytest_collection_modifyitems(config, items) -> None:
    if "soak" in (config.getoption("-m") or ""):
        return
    soak = [item for item in items if "soak" in item.keywords]
    if soak:
        config.hook.pytest_deselected(items=soak)
        items[:] = [item for item in items if item not in soak]


def pytest_sessionfinish() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def plugin() -> str:
    """The bundle: KRACH_VST3, or what `cargo xtask bundle` made."""
    named = os.environ.get("KRACH_VST3")
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    bundle = Path(named) if named else target / "bundled" / "krach.vst3"
    assert bundle.exists(), f"{bundle} is missing: run `cargo xtask bundle` first"
    return str(bundle)


@pytest.fixture(scope="session")
def registry() -> Path:
    """Where instances leave their sockets and registry files."""
    return HOME / "krach"
