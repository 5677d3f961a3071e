"""The sessions that come with krach are what `dsp/sessions/make.py` writes."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "dsp" / "sessions"
SPEC = importlib.util.spec_from_file_location("make_sessions", FOLDER / "make.py")
assert SPEC is not None and SPEC.loader is not None
MAKE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MAKE)


@pytest.mark.parametrize("name", sorted(MAKE.SESSIONS))
def test_a_session_is_what_its_function_makes(name: str) -> None:
    written = (FOLDER / f"{name}.krach.json").read_text("utf-8")
    assert written == MAKE.text(name), f"run dsp/sessions/make.py {name}"


def test_there_are_no_others() -> None:
    assert {path.name.removesuffix(".krach.json") for path in FOLDER.glob("*.krach.json")} == set(MAKE.SESSIONS)
