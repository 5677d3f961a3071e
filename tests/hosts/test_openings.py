"""The window under load: opened again and again in JUCE's host, in four processes beside busy loops.

`KRACH_OPENINGS` and `KRACH_BUSY` say how often and beside how many; 600 and 12 where they are left out.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="its display is X11's"),
]

PROCESSES = 4
# Seconds from a window's being there to its being painted, at most.
PAINTED = 2.0


def test_each_opening_is_painted_at_the_size_it_had(plugin):
    openings = int(os.environ.get("KRACH_OPENINGS", "600"))
    busy = int(os.environ.get("KRACH_BUSY", "12"))
    program = Path(__file__).with_name("openings_in_pedalboard.py")
    each = -(-openings // PROCESSES)
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        hosts = [
            subprocess.Popen(
                [sys.executable, program, plugin, str(each)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(PROCESSES)
        ]
        ended = [(host, *host.communicate(timeout=60 + 60 * each)) for host in hosts]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    seen = []
    for host, out, err in ended:
        assert host.returncode == 0, err
        seen += json.loads(out.splitlines()[-1])
    print(f"{len(seen)} openings, the slowest painted after {max(o['painted'] or 1e9 for o in seen)} s")
    assert len(seen) == each * PROCESSES
    bad = [o for o in seen if o.get("error") or o["painted"] is None or o["painted"] > PAINTED]
    assert not bad, f"{len(bad)} of {len(seen)} were not painted in time: {bad[:5]}"
    other = [o for o in seen if o["size"] != [480, 620]]
    assert not other, f"{len(other)} of {len(seen)} have another size: {other[:5]}"
