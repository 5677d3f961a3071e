"""A display for windows of hosts: a virtual X server, a window manager, and hands on pointer and keys.

JUCE wants a window manager and somebody who owns the desktop's settings: it looks for their window and ends
the process where there is none.
"""

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
from PIL import Image
from Xlib import XK, X, display
from Xlib.error import BadDrawable, BadWindow
from Xlib.ext import xtest

PR_SET_PDEATHSIG = 1


def _dies_with_us() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Display:
    """The server, and a connection to it."""

    def __init__(self, home: Path, scale: int = 1) -> None:
        reading, writing = os.pipe()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "preexec_fn": _dies_with_us}
        server = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1800x24", "-nolisten", "tcp", "-noreset"]
        self.processes = [subprocess.Popen(server, pass_fds=[writing], **quiet)]
        os.close(writing)
        with os.fdopen(reading) as told:
            self.name = f":{told.readline().strip()}"
        os.environ["DISPLAY"] = self.name
        os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
        os.environ.pop("WAYLAND_DISPLAY", None)
        self.x = display.Display(self.name)
        self.root = self.x.screen().root
        if scale != 1:
            # What desktops tell programs of their scale, in both of the usual ways.
            text = f"Xft.dpi:\t{96 * scale}\n".encode("latin-1")
            self.root.change_property(self.x.intern_atom("RESOURCE_MANAGER"), self.x.intern_atom("STRING"), 8, text)
            self.x.sync()
        settings = home / f"xsettings{scale}"
        settings.write_text(f"Gdk/WindowScalingFactor {scale}\nXft/DPI {96 * 1024 * scale}\n", encoding="utf-8")
        self.processes.append(subprocess.Popen(["xsettingsd", "-c", str(settings)], **quiet))
        self.processes.append(subprocess.Popen(["openbox"], **quiet))
        ready = lambda: self._owner("_XSETTINGS_S0") and self._property(self.root, "_NET_SUPPORTING_WM_CHECK")
        assert soon(ready), "no window manager (openbox, xsettingsd: cargo xtask setup)"

    def _owner(self, selection: str) -> int:
        owner = self.x.get_selection_owner(self.x.intern_atom(selection))
        return 0 if owner == X.NONE else owner.id

    def _property(self, window, name: str):
        return window.get_full_property(self.x.intern_atom(name), X.AnyPropertyType)

    def close(self) -> None:
        self.x.close()
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def find(self, title: str):
        """The window of that title, and its place on the screen; None if it is not shown."""
        waiting = [(self.root, 0, 0)]
        while waiting:
            window, left, top = waiting.pop()
            for child in window.query_tree().children:
                try:
                    at, name = child.get_geometry(), child.get_wm_name()
                    shown = child.get_attributes().map_state == X.IsViewable
                except (BadDrawable, BadWindow):
                    continue
                place = (child, left + at.x, top + at.y)
                if name == title and shown:
                    return place
                waiting.append(place)
        return None

    def picture(self, window) -> np.ndarray:
        """What a window shows: height × width × red, green, blue."""
        at = window.get_geometry()
        image = window.get_image(0, 0, at.width, at.height, X.ZPixmap, 0xFFFFFFFF)
        pixels = np.frombuffer(image.data, dtype=np.uint8).reshape(at.height, at.width, 4)
        return pixels[:, :, 2::-1]

    def fake(self, event: int, detail: int = 0, x: int = 0, y: int = 0) -> None:
        xtest.fake_input(self.x, event, detail, x=x, y=y)
        self.x.sync()

    def click(self, x: int, y: int) -> None:
        self.fake(X.MotionNotify, x=x, y=y)
        time.sleep(0.1)
        self.fake(X.ButtonPress, 1)
        self.fake(X.ButtonRelease, 1)
        time.sleep(0.3)

    def press(self, name: str) -> None:
        code = self.x.keysym_to_keycode(XK.string_to_keysym(name))
        self.fake(X.KeyPress, code)
        self.fake(X.KeyRelease, code)

    def focus(self) -> int:
        return self.x.get_input_focus().focus.id


def soon(holds, limit: float = 20.0):
    """Waits until it holds; what it came to."""
    end = time.monotonic() + limit
    while True:
        found = holds()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def save(picture: np.ndarray, path: Path) -> None:
    Image.fromarray(np.ascontiguousarray(picture)).save(path, optimize=True)
