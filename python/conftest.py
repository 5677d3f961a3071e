"""The names that examples in docstrings use, and a plugin in ``krach-host`` for those that are online."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hosted import Served

import krach
import krach.pattern as krp
import krach.signal as krs

# Before anything looks for instances, and short, because a socket's path has to be.
KEPT = (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"), ("PIP_CACHE_DIR", ".cache/pip"))
for variable, folder in KEPT:
    os.environ.setdefault(variable, str(Path.home() / folder))
HOME = Path(tempfile.mkdtemp(prefix="krach-p-"))
for variable in ("HOME", "USERPROFILE", "XDG_RUNTIME_DIR", "TMPDIR"):
    os.environ[variable] = str(HOME)
for variable in ("NOISE_SOCKET", "NOISE_DSP_DIR", "FLATPAK_ID", "KRACH_INSTANCE"):
    os.environ.pop(variable, None)


def pytest_sessionfinish() -> None:
    """Take the folder away."""
    shutil.rmtree(HOME, ignore_errors=True)


LONG = 800
"""Steps after which another instance takes the tests: the longest history is 1,000, and tests count steps."""


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """An instance that is there for all tests."""
    with Served() as served:
        yield served


def empty(session: krach.Session) -> None:
    """Leave nothing, not even what ``clear`` leaves."""
    session.clear()
    for name in session.scenes:
        session.delete_scene(name)
    for each in session.macros:
        session.unmacro(each["macro"])
    session.midi_learn(None)
    session.macro_learn()
    midi = session.ask("midi_list")
    for each in midi["maps"]:
        session.midi_unmap(each["cc"], each["label"], each["channel"])
    for each in midi["routes"]:
        session.midi_route(None, each["channel"])


@pytest.fixture
def kr(served: Served) -> Iterator[krach.Session]:
    """An empty session that waits for compiles."""
    session = krach.Session(served.socket, wait=True)
    if len(session.history()) > LONG:
        session.close()
        served.end()
        served.start()
        session = krach.Session(served.socket, wait=True)
    empty(session)
    session.transport(tempo=120, meter=4, clock="external", free_run=False, seed=0, start="restart")
    session.master = 1.0
    session.name = served.instance.id
    yield session
    empty(session)
    session.name = served.instance.id
    session.close()


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Leave the environment to the next test as it was."""
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


ONLINE = ("krach.session", "krach.client", "krach.run", "krach.repl", "krach.command", "krach.sounding")


@pytest.fixture(autouse=True)
def names(request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]) -> None:
    """Give them to each example."""
    doctest_namespace |= {"krach": krach, "krp": krp, "krs": krs, "Fraction": Fraction}
    if request.node.name.startswith(ONLINE):
        doctest_namespace["kr"] = request.getfixturevalue("kr")
