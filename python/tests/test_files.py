"""Files in folders that others may write to: nothing there is waited for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_session import SRC

from krach.client.files import read_plain


@pytest.mark.skipif(os.name == "nt", reason="there are no FIFOs")
def test_a_fifo_or_a_link_in_place_of_an_entry_holds_nobody_up(tmp_path: Path) -> None:
    code = """
import krach, sys
from krach.repl.sending import send
assert krach.client.instances() == []
try:
    send("1")
except krach.error.NothingPlays:
    sys.exit(0)
"""
    for folder in ("krach", "krach/repl", ".krach/run", ".krach/run/repl"):
        (tmp_path / folder).mkdir(parents=True)
        os.mkfifo(tmp_path / folder / "a.json")
        (tmp_path / folder / "b.json").symlink_to("/dev/zero")
        (tmp_path / folder / "c.json").mkdir()
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": str(SRC)}
    # The limit is a guard against a hang.
    done = subprocess.run([sys.executable, "-c", code], env=environment, timeout=60, check=False)
    assert done.returncode == 0


def test_what_is_no_small_plain_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b" " * (1 << 21))
    (tmp_path / "text").write_text("{}", "utf-8")
    assert read_plain(tmp_path / "text") == "{}"
    with pytest.raises(ValueError, match="larger"):
        read_plain(tmp_path / "large")
    with pytest.raises(OSError, match=r"plain|directory|denied"):
        read_plain(tmp_path)
