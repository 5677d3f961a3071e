"""Times of the client against a plugin in ``krach-host``: a call, a batch, a file, a traced function.

``python benches/client.py [ROUNDS]``; ``cargo xtask bench`` runs it, too. The round trip of a call stands beside that
of a plain echo of the same line over a socket of the same kind, in the same run. Where other programs want the
processor, which shows in how far the echo's two numbers are apart, the figures are theirs as well.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PYTHON / "src"), str(PYTHON / "tests")]

from hosted import Served  # noqa: E402

import krach  # noqa: E402
import krach.signal as krs  # noqa: E402

ROUNDS = 1000
EDITS = 1000
STEPS = 100
FILES = 10


def times(work: Callable[[], object], rounds: int) -> str:
    """Return milliseconds of several runs: half of them, and nineteen in twenty."""
    found: list[float] = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        found.append((time.perf_counter() - begin) * 1e3)
    found.sort()
    half, most = (found[int(share * (rounds - 1))] for share in (0.5, 0.95))
    return f"{half:.3f} / {most:.3f}"


def echo(path: str) -> None:
    """Answer every line of one client with itself."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def answer() -> None:
        stream, _ = listener.accept()
        with stream, stream.makefile("rwb") as lines:
            for line in lines:
                lines.write(line)
                lines.flush()

    threading.Thread(target=answer, daemon=True).start()


class Line:
    """A socket without a client: a line is sent, and one comes back."""

    def __init__(self, path: str) -> None:
        """Connect."""
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.connect(path)
        self.lines = self.stream.makefile("rwb")

    def ask(self, line: bytes) -> bytes:
        """Send a line and return the one that comes back."""
        self.lines.write(line)
        self.lines.flush()
        return self.lines.readline()


def long_function() -> krs.Signal:
    """A function of a hundred steps."""
    made = krs.saw(krs.control("freq", 220, 20, 2000))
    for step in range(STEPS - 2):
        made = krs.lowpass(made, 200 + step) if step % 3 else made * 0.99
    return made


def main(rounds: int = ROUNDS) -> None:
    """Print a table."""
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "transport", "params": {}}).encode() + b"\n"
    print("| milliseconds | half / nineteen in twenty |\n|---|---|")
    with tempfile.TemporaryDirectory(prefix="krach-b-") as folder, Served() as served:
        session = krach.Session(served.socket, wait=True)
        session.node("bass", "oscillator")
        echo(f"{folder}/echo")
        plain, wire = Line(f"{folder}/echo"), Line(served.socket)
        wire.ask(request)
        print(f"| a plain echo of the same line | {times(lambda: plain.ask(request), rounds)} |")
        print(f"| the line to the plugin, without a client | {times(lambda: wire.ask(request), rounds)} |")
        print(f"| `kr.tempo` | {times(lambda: session.tempo, rounds)} |")

        def batch() -> None:
            with session.batch():
                for edit in range(EDITS):
                    session.set("bass/freq", 100.0 + edit)

        print(f"| {EDITS} edits in a batch | {times(batch, max(3, rounds // 50))} |")
        empty = Path(folder) / "empty.py"
        empty.write_text("")
        line = [sys.executable, "-m", "krach", "run", str(empty)]
        environment = os.environ | {"NOISE_SOCKET": served.socket, "PYTHONPATH": str(PYTHON / "src")}
        run = times(lambda: subprocess.run(line, env=environment, check=True), min(rounds, FILES))
        print(f"| `krach run` of an empty file | {run} |")
        print(
            f"| tracing a function of {STEPS} steps | {times(lambda: krs.graph(long_function), max(3, rounds // 50))} |"
        )
        session.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
