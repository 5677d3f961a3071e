"""One instance, two Python sessions and its window: what each of the three changes, the others show."""

import os
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python/src"), str(ROOT / "python/tests")]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its display is X11's")

# In points from the window's corner: what is clicked, and regions by rows and columns.
NAME, KEEP_SCENE = (170, 25), (445, 248)
NAME_FIELD, SCENES = (slice(10, 40), slice(75, 330)), (slice(225, 272), slice(70, 425))
NODES = (slice(290, 414), slice(15, 240))


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[object]:
    from krach_display import Display

    before = dict(os.environ)
    shown = Display(tmp_path)
    yield shown
    shown.close()
    os.environ.clear()
    os.environ.update(before)


def still(look: Callable[[], np.ndarray]) -> np.ndarray:
    """A picture of which the next one is no other."""
    from krach_display import soon

    seen = [look()]

    def same() -> bool:
        time.sleep(0.1)
        seen.append(look())
        return np.array_equal(seen[-1], seen[-2])

    assert soon(same), "the window does not come to rest"
    return seen[-1]


def test_two_prompts_and_the_window_see_what_the_others_change(screen) -> None:
    from hosted import Served
    from krach_display import soon

    from krach import Session

    with Served("--window") as served:
        one, two = Session(served.socket, wait=True), Session(served.socket, wait=True)
        heard = [queue.Queue(), queue.Queue()]
        for session, events in zip((one, two), heard, strict=True):
            session.listen(lambda topic, event, events=events: events.put((topic, event)), "log", "session")
        found = soon(lambda: screen.find("krach-host"))
        assert found, served.said()
        time.sleep(1.0)
        window, left, top = screen.find("krach-host")
        nodes, name, scenes = (lambda part=part: screen.picture(window)[part] for part in (NODES, NAME_FIELD, SCENES))

        def told(events: queue.Queue, wanted: Callable[[dict], bool]) -> dict:
            """The next entry of the log that is wanted."""
            end = time.monotonic() + 30
            while True:
                topic, event = events.get(timeout=max(0.01, end - time.monotonic()))
                if topic == "log" and wanted(event):
                    return event

        # A prompt: the other one has it, is told whose it was, and the window lists the node.
        empty = still(nodes)
        one.node("kick", "oscillator", gain=0.0)
        assert list(two.nodes) == ["kick"]
        said = [told(events, lambda event: event["method"] == "node") for events in heard]
        assert said[0] == said[1] and said[0]["family"] == "jsonrpc" and said[0]["client"] is not None
        assert soon(lambda: not np.array_equal(nodes(), empty)), "the window does not show the node"
        two.remove("kick")
        assert not one.nodes
        assert told(heard[0], lambda event: event["method"] == "remove")["client"] != said[0]["client"]
        assert soon(lambda: np.array_equal(nodes(), empty)), "the window still shows the node"

        # The window: both prompts have it, and are told that it was the window.
        before = still(name)
        screen.click(left + NAME[0], top + NAME[1])
        for letter in "duo":
            screen.press(letter)
        screen.press("Return")
        assert soon(lambda: one.name == "duo"), one.name
        assert two.name == "duo"
        for events in heard:
            entry = told(events, lambda event: event["family"] == "window")
            assert entry["client"] is None and entry["params"] is None
        assert soon(lambda: not np.array_equal(name(), before))

        # A prompt again: the other one and the window have the name.
        typed = still(name)
        two.name = "trio"
        assert one.name == "trio"
        assert soon(lambda: not np.array_equal(name(), typed)), "the window shows the old name"
        two.name = "duo"
        assert soon(lambda: np.array_equal(name(), typed)), "the window shows another name"

        # A scene that the window keeps is a step that a prompt takes back, for all three.
        without = still(scenes)
        screen.click(left + KEEP_SCENE[0], top + KEEP_SCENE[1])
        assert soon(lambda: one.scenes == ["Scene 1"]) and two.scenes == ["Scene 1"]
        assert soon(lambda: not np.array_equal(scenes(), without))
        assert two.undo().undone == "save scene Scene 1"
        assert not one.scenes
        assert soon(lambda: np.array_equal(scenes(), without)), "the window still shows the scene"
        one.close()
        two.close()
