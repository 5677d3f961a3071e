"""Opens the window in pedalboard while it plays, looks, types, closes; prints what it saw as JSON.

A program of its own, since JUCE meets one display per process: `window_in_pedalboard.py PLUGIN SCALE PICTURE`.
"""

import gc
import json
import os
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from krach_display import Display, save, soon
from krach_session import Arrivals, clicks, wire

RATE = 48_000
COOL = (0x58, 0xB4, 0xA2)


def session() -> list[dict]:
    """Clicks, and two voices to be seen."""
    graph, pattern = clicks(8)
    graph = json.loads(json.dumps(graph))
    graph["nodes"] += [
        {"id": "drone", "type_id": "oscillator", "controls": {"freq": 110.0}},
        {"id": "quiet", "type_id": "gain", "controls": {"gain": 0.2}},
    ]
    graph["connections"] += [wire("drone", "quiet"), wire("quiet", "out")]
    return [graph, pattern]


def main(bundle: str, scale: int, picture: Path) -> dict:
    home = Path(tempfile.mkdtemp(prefix="krach-w-"))
    for name in ("HOME", "XDG_RUNTIME_DIR", "TMPDIR"):
        os.environ[name] = str(home)
    screen = Display(home, scale)
    import pedalboard

    arrivals = Arrivals(home / "krach")
    plugin = pedalboard.load_plugin(bundle, plugin_name="krach", initialization_timeout=0.05)
    client = arrivals.client()
    client.tell(session())
    play = lambda: plugin.process([], duration=0.02, sample_rate=RATE, buffer_size=480, reset=False)
    play()
    plugin.free_run = True
    close, done = threading.Event(), threading.Event()
    seen: dict = {"still_open": []}

    def audio() -> None:
        while not done.is_set():
            began = time.monotonic()
            play()
            time.sleep(max(0.0, 0.02 - (time.monotonic() - began)))

    def name() -> str:
        return client.ask({"cmd": "Status"})["name"]

    def meters(window) -> int:
        shown = screen.picture(window).astype(int)
        return int((abs(shown - COOL).max(axis=2) <= 2).sum())

    def hands() -> None:
        try:
            found = soon(lambda: screen.find("krach"))
            assert found, "no window"
            # JUCE puts it in its place after it has opened it.
            time.sleep(1.0)
            window, left, top = screen.find("krach")
            at = window.get_geometry()
            seen["size"] = [at.width, at.height]
            seen["meters"] = bool(soon(lambda: meters(window) > 400 * scale * scale))
            if len(seen["still_open"]) == 0:
                time.sleep(2.0)
                seen["colours"] = len({tuple(row) for row in screen.picture(window)[::4, ::4].reshape(-1, 3).tolist()})
                save(screen.picture(window), picture)
            point = lambda x, y: screen.click(left + x * scale, top + y * scale)
            point(240, 330)
            seen["focus_after_a_click_beside"] = screen.focus() == window.id
            before = name()
            screen.press("space")
            time.sleep(0.3)
            seen["space_typed_into_the_name"] = name() != before
            point(170, 25)
            for letter in "tune":
                screen.press(letter)
            screen.press("Return")
            seen["name"] = soon(lambda: name() == "tune", 5.0) and "tune" or name()
            seen["focus_given_back"] = bool(soon(lambda: screen.focus() != window.id, 5.0))
        except Exception:  # noqa: BLE001
            seen["error"] = traceback.format_exc()
        finally:
            close.set()

    player = threading.Thread(target=audio)
    player.start()
    for _ in range(2):
        close.clear()
        hand = threading.Thread(target=hands)
        hand.start()
        plugin.show_editor(close)
        hand.join()
        seen["still_open"].append(screen.find("krach") is not None)
    done.set()
    player.join()
    client.close()
    del plugin
    gc.collect()
    screen.close()
    return seen


if __name__ == "__main__":
    told = main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
    print(json.dumps(told), flush=True)
