"""Where the command looks for ``krach-host`` and the plugin: installed, and run within a checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_session import SRC

HOST = '#!/bin/sh\necho host "$@"\n'


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package where pip puts it: without a checkout around it."""
    shutil.copytree(SRC / "krach", tmp_path / "site" / "krach", ignore=shutil.ignore_patterns("__pycache__", "plugin"))
    return tmp_path / "site"


def command(package: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: text for key, text in os.environ.items() if not key.startswith(("KRACH_", "CARGO_TARGET"))}
    line = [sys.executable, "-m", "krach", *arguments]
    environment = kept | {"PYTHONPATH": str(package)}
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a script")
def test_what_was_built_in_the_checkout_around_this_folder_is_found(package: Path, tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    within = root / "docs" / "images"
    within.mkdir(parents=True)
    (root / "python/src/krach").mkdir(parents=True)
    (root / "python/src/krach/places.py").write_text("")
    program, plugin = root / "target/release/krach-host", root / "target/bundled/krach.clap"
    for each in (program, plugin):
        each.parent.mkdir(parents=True)
        each.write_text(HOST)
        each.chmod(0o755)
    (plugin.with_suffix(".vst3") / "Contents").mkdir(parents=True)
    for folder in (root, within):
        done = command(package, folder, "serve", "--bpm", "90")
        assert done.stdout == f"host serve --bpm 90 --plugin {plugin}\n", done.stderr
    done = command(package, within, "install")
    assert done.returncode == 0 and "krach.vst3" in done.stdout, done.stderr


def test_a_program_that_is_not_found_is_told_with_the_places_and_the_variables(package: Path, tmp_path: Path) -> None:
    # Any folder may be called target: only that of a checkout of krach counts.
    (tmp_path / "target/release").mkdir(parents=True)
    (tmp_path / "target/release/krach-host").write_text(HOST)
    (tmp_path / "Cargo.toml").write_text("")
    song = tmp_path / "song.py"
    song.write_text("")
    for arguments, variable in (
        (("serve",), "KRACH_HOST"),
        (("install",), "KRACH_CLAP"),
        (("render", "song.py"), "KRACH_HOST"),
    ):
        done = command(package, tmp_path, *arguments)
        assert done.returncode == 1 and f"set {variable}" in done.stderr, done.stderr
        assert str(package / "krach/plugin") in done.stderr and "within the checkout" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe that nobody reads is another error there")
def test_who_reads_may_have_enough(package: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    line = [sys.executable, "-m", "krach", "doctor"]
    environment = os.environ | {"PYTHONPATH": str(package)}
    done = subprocess.run(
        line, cwd=tmp_path, env=environment, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writer)
    assert done.stderr == b""
