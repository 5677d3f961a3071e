"""What clients say to an instance, and what its sound shows of it."""

import json
import math
import re
import socket
import time
from pathlib import Path

import numpy as np


def wire(source: str, target: str) -> dict:
    return {"from_node": source, "from_port": "out", "to_node": target, "to_port": "in"}


# A constant 1 through a gain that is shut; `x/gate` opens it. The sound is the gate's own 10 ms ramp, so
# that its every move is seen to the sample.
GATE = {
    "type": "load_graph",
    "nodes": [
        {"id": "out", "type_id": "dac"},
        {"id": "x", "type_id": "oscillator", "controls": {"freq": 0.01, "waveform": 2, "pulse_width": 0.99}},
        {"id": "x_g", "type_id": "gain", "controls": {"gain": 0.0}},
    ],
    "connections": [wire("x", "x_g"), wire("x_g", "out")],
    "exposed_controls": {"x/gate": ["x_g", "gain"], "x/freq": ["x", "freq"]},
}


def atom(label: str, value: float) -> dict:
    return {"op": "Atom", "value": {"type": "Control", "label": label, "value": value}}


def hits(count: int) -> dict:
    """`count` hits per cycle: the gate is up for the first half of each step."""
    hit = {"op": "Freeze", "child": {"op": "Cat", "children": [atom("x/gate", 1.0), atom("x/gate", 0.0)]}}
    return {"op": "Cat", "children": [hit] * count}


def clicks(count: int) -> list[dict]:
    """A session with a click `count` times per cycle, which is four quarter notes."""
    return [GATE, {"cmd": "SetPattern", "slot": "x", "pattern": hits(count)}]


class Client:
    """A connection to one instance."""

    def __init__(self, address: Path) -> None:
        self.address = address
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.settimeout(10)
        self.stream.connect(str(address))
        self.lines = self.stream.makefile("rw", encoding="utf-8")
        self.hello = json.loads(self.lines.readline())

    def ask(self, request: dict) -> dict:
        print(json.dumps(request), file=self.lines, flush=True)
        return json.loads(self.lines.readline())

    def tell(self, requests: list[dict]) -> None:
        for request in requests:
            reply = self.ask(request)
            assert reply.get("status") != "Error" and "error" not in reply, (request, reply)

    def close(self) -> None:
        self.lines.close()
        self.stream.close()


class Arrivals:
    """Tells which sockets are new since it was made."""

    def __init__(self, registry: Path) -> None:
        self.registry = registry
        self.known = set(registry.glob("*.json"))

    def client(self) -> Client:
        """A connection to the one instance that has come since."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            new = set(self.registry.glob("*.json")) - self.known
            sockets = [entry.with_suffix(".sock") for entry in new if entry.with_suffix(".sock").exists()]
            if sockets:
                assert len(sockets) == 1, sockets
                self.known |= new
                return Client(sockets[0])
            time.sleep(0.01)
        raise AssertionError(f"no socket in {self.registry}")


def gone(address: Path) -> bool:
    """Whether an instance's files go within ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if not address.exists() and not address.with_suffix(".json").exists():
            return True
        time.sleep(0.01)
    return False


# These hosts reset a plugin before each render, after which the gate's source takes as many samples to come
# to rest.
REST = 64


def opens(samples: np.ndarray) -> list[int]:
    """Samples on which the gate begins to open: the sound rises, by more than rounding, and did not on the
    one before. Within `REST` of the start, sound at the very first sample counts as one."""
    rises = np.diff(samples, prepend=np.float32(0)) > 1e-4
    begins = np.flatnonzero(rises & ~np.concatenate(([False], rises[:-1])))
    first = [0] if samples[0] != 0 else []
    return first + begins[begins >= REST].tolist()


def onsets(tempo: float, rate: float, length: int, start: float = 0.0, step: float = 1.0) -> list[int]:
    """First samples at or after every `step` quarter notes from `start` on, where sample 0 is `start`."""
    first = math.ceil(start / step - 1e-9)
    found = []
    for index in range(first, first + 100_000):
        sample = math.ceil((index * step - start) * 60 * rate / tempo - 1e-6)
        if sample >= length:
            return found
        found.append(sample)
    raise AssertionError("too many")


# The alphabet of JUCE's text form of bytes: the length in decimal, a point, six bits per letter, lowest first.
LETTERS = ".ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+"


def vst3_preset(chunk: bytes) -> bytes:
    """A `.vstpreset` file around a component's state, as Steinberg's SDK lays it out."""
    class_id = b"KrachInstrument0".hex().upper().encode("ascii")
    entry = b"Comp" + (48).to_bytes(8, "little") + len(chunk).to_bytes(8, "little")
    head = b"VST3" + (1).to_bytes(4, "little") + class_id + (48 + len(chunk)).to_bytes(8, "little")
    return head + chunk + b"List" + (1).to_bytes(4, "little") + entry


def chunk_in(state: bytes) -> bytes:
    """What the component saved, inside what a JUCE host has wrapped around it."""
    text = re.search(rb"<IComponent>(\d+)\.([^<]*)<", state)
    assert text, state[:80]
    bits = 0
    for at, letter in enumerate(text[2].decode("ascii")):
        bits |= LETTERS.index(letter) << (6 * at)
    length = int(text[1])
    return (bits & ((1 << (8 * length)) - 1)).to_bytes(length, "little")


def request(method: str, **params) -> dict:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def song(scale: float) -> list[dict]:
    """Two scenes of constants and a macro called Cutoff, which moves `pad/cutoff`: all sounds are `scale` times this.

    `verse`, which plays: the pad at 0.25, as its code begins. `chorus`: the same, and a bell of 0.0625.
    """
    pad = f'process = hslider("cutoff", 0.25, 0, 1, 0.0625) * {scale};'
    return [
        request("limiter", on=False),
        request("crossfade", secs=0.01),
        request("define", name="pad", text=pad),
        request("define", name="bell", text=f"process = {0.0625 * scale};"),
        request("node", name="pad", source="faust:pad", gain=1.0),
        request("macro", macro=1, label="pad/cutoff", lo=0, hi=1, name="Cutoff"),
        request("scene_save", name="verse"),
        request("node", name="bell", source="faust:bell", gain=1.0),
        request("scene_save", name="chorus"),
        request("scene_recall", scene="verse"),
        request("sync"),
    ]
