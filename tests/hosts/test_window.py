"""The window in pedalboard's VST3 host, which is JUCE's, under a window manager, while it plays.

The window's pictures in docs/images come from here: KRACH_PICTURES names a folder to leave them in.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its display is X11's")


@pytest.mark.parametrize("scale", [1, 2])
def test_it_opens_plays_is_typed_into_and_closes(plugin, scale, tmp_path):
    folder = Path(os.environ.get("KRACH_PICTURES") or tmp_path)
    program = Path(__file__).with_name("window_in_pedalboard.py")
    picture = folder / ("pedalboard.png" if scale == 1 else f"pedalboard-{scale}00.png")
    # A program of its own: what a JUCE host does not survive ends the process.
    done = subprocess.run(
        [sys.executable, program, plugin, str(scale), picture], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert "error" not in seen, seen["error"]
    assert "panicked" not in done.stderr, done.stderr
    assert seen["size"] == [480 * scale, 620 * scale]
    assert seen["meters"], "the meters stand"
    assert seen["colours"] > 50 and picture.stat().st_size > 10_000
    # Letters reach the name field; outside of it keys are not ours, and the focus goes back after it.
    assert not seen["focus_after_a_click_beside"]
    assert not seen["space_typed_into_the_name"]
    assert seen["name"] == "tune"
    assert seen["focus_given_back"]
    assert seen["still_open"] == [False, False], "it was opened and closed twice"
