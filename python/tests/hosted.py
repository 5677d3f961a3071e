"""The plugin in ``krach-host``: kept running, or rendering a performance."""

import functools
import json
import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import krach

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
UP = 60.0


@functools.cache
def host() -> str:
    """Return the program: ``KRACH_HOST``, or built as the gate builds it, so nothing is built twice."""
    named = os.environ.get("KRACH_HOST")
    if named:
        return named
    chosen = ["--workspace", "--locked", "--features", "krach-plugin/standalone", "--bin", "krach-host"]
    subprocess.run(["cargo", "build", "--quiet", *chosen], cwd=ROOT, check=True)
    return str(TARGET / "debug" / ("krach-host.exe" if os.name == "nt" else "krach-host"))


def bundle() -> str:
    """Return the plugin: ``KRACH_CLAP``, or what `cargo xtask bundle` made."""
    path = os.environ.get("KRACH_CLAP") or str(TARGET / "bundled" / "krach.clap")
    assert Path(path).exists(), f"{path} is missing: run `cargo xtask bundle` first"
    return path


class Served:
    """An instance in ``krach-host serve``, found through the registry."""

    def __init__(self, *options: str, **environment: str) -> None:
        self.options, self.environment = options, environment
        self.before = {each.id for each in krach.client.instances()}
        self.start()

    def start(self) -> None:
        environment = os.environ | self.environment
        command = [host(), "serve", "--plugin", bundle(), *self.options]
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log)
        until = time.monotonic() + UP
        while True:
            mine = [each for each in krach.client.instances() if each.pid == self.process.pid]
            if mine:
                self.instance = mine[0]
                self.socket = mine[0].socket
                return
            assert self.process.poll() is None and time.monotonic() < until, self.said()
            time.sleep(0.01)

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def end(self, kill: bool = False) -> None:
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(30)
        self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def read_wav(path: Path) -> tuple[int, list[list[float]]]:
    """Return the rate and the channels of a WAV with 32-bit floats."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE"
    at, channels, rate, samples = 12, 0, 0, b""
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        body = data[at + 8 : at + 8 + size]
        if kind == b"fmt ":
            _, channels, rate = struct.unpack_from("<HHI", body)
            assert struct.unpack_from("<H", body, 14)[0] == 32
        elif kind == b"data":
            samples = body
        at += 8 + size + size % 2
    values = memoryview(samples).cast("f").tolist()
    return rate, [values[channel::channels] for channel in range(channels)]


def level(samples: list[float]) -> float:
    """Return the root mean square."""
    return (sum(x * x for x in samples) / max(1, len(samples))) ** 0.5


def lines(*requests: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in requests)
