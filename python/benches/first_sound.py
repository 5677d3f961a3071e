"""How long it takes from a wheel to the first sound, without Rust and with an empty home.

`python -m benches.first_sound WHEEL`. Beside the seconds stand those that processors worked: another load changes them
less. Each step is what docs/getting-started.md says, and its line tells what was on the screen while it was waited for.
"""

from __future__ import annotations

import os
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect

LOUD = 0.01
"""The level that counts as sound: -40 dBFS."""
MINUTE = (
    'kick = kr.node("kick", "faust:kick", gain=0.8)',
    'kick @ "x*4"',
)


@dataclass(frozen=True)
class Step:
    """A step, how long it took, how long processors worked for it, and what it said last."""

    what: str
    seconds: float
    worked: float
    said: str


def _worked() -> float:
    """Return the seconds that processors have worked for children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def bare(home: Path) -> dict[str, str]:
    """Return an environment with an empty home and no Rust; where pip looks for packages stays."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name in ("LANG", "LC_ALL")}
    kept.pop("PIP_CACHE_DIR", None)
    folders = [each for each in os.environ["PATH"].split(os.pathsep) if "cargo" not in each and "rust" not in each]
    known = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(home), "TERM": "xterm"}
    return kept | known | {"PATH": os.pathsep.join(folders), "PROMPT_TOOLKIT_NO_CPR": "1"}


def loudest(wav: Path, seen: int) -> tuple[float, int]:
    """Return the largest sample behind a place of a growing WAV with 32-bit floats, and the next place."""
    if not wav.exists():
        return 0.0, seen
    with wav.open("rb") as file:
        file.seek(seen)
        data = file.read()
    data = data[: len(data) // 4 * 4]
    return max((abs(each[0]) for each in struct.iter_unpack("<f", data)), default=0.0), seen + len(data)


def measured(wheel: Path, home: Path) -> list[Step]:
    """Return each step with its seconds, and what it said last while it was waited for."""
    env, found = bare(home), list[Step]()
    programs = home / "krach-env" / "bin"
    wav = home / "minute.wav"

    def step(what: str, work: Callable[[], str]) -> None:
        begin, worked = time.monotonic(), _worked()
        said = work()
        found.append(Step(what, time.monotonic() - begin, _worked() - worked, said))

    def run(*line: str) -> Callable[[], str]:
        def work() -> str:
            done = subprocess.run(line, env=env, cwd=home, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{' '.join(line)}: {done.stdout}{done.stderr}")
            return (done.stdout.strip().splitlines() or ["nothing"])[-1]

        return work

    step("python3 -m venv krach-env", run("python3", "-m", "venv", "krach-env"))
    step("pip install WHEEL[repl]", run(str(programs / "pip"), "install", f"{wheel}[repl]"))
    step("krach install", run(str(programs / "krach"), "install"))
    step("krach doctor (nothing runs yet)", lambda: _doctor(str(programs / "krach"), env, home))
    line = [str(programs / "krach"), "serve", "--record", str(wav)]
    served = subprocess.Popen(line, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert served.stdout is not None
    prompt: Any = None
    try:
        lines = served.stdout
        step("krach serve, to its first line", lambda: lines.readline().strip())
        prompt = pexpect.spawn(str(programs / "krach"), env=env, cwd=str(home), encoding="utf-8", echo=False)

        def opened() -> str:
            prompt.expect(re.escape("In ["), timeout=60)
            return "the prompt"

        step("krach, to the prompt", opened)
        seen = wav.stat().st_size if wav.exists() else 44

        def sounds() -> str:
            at, level, until = max(seen, 44), 0.0, time.monotonic() + 60
            for each in MINUTE:
                prompt.send(each + "\r")
            while level < LOUD:
                if time.monotonic() > until:
                    raise SystemExit(f"no sound within a minute: {prompt.before}")
                time.sleep(0.01)
                level, at = loudest(wav, at // 4 * 4)
            return f"peak {level:.2f}"

        step("two lines, to the first sound", sounds)
    finally:
        if prompt is not None:
            prompt.close(force=True)
        served.terminate()
        served.wait(30)
    return found


def _doctor(krach: str, env: dict[str, str], home: Path) -> str:
    done = subprocess.run([krach, "doctor"], env=env, cwd=home, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[-1]


def main() -> None:
    """Measure, and print a table."""
    wheel = Path(sys.argv[1]).resolve()
    # Short, because a socket's path has to be.
    with tempfile.TemporaryDirectory(prefix="krach-f-") as home:
        steps = measured(wheel, Path(home))
    for each in steps:
        print(f"{each.seconds:6.1f} s {each.worked:6.1f} s worked  {each.what:34} {each.said}")
    print(f"{sum(each.seconds for each in steps):6.1f} s {sum(each.worked for each in steps):6.1f} s worked  all")


if __name__ == "__main__":
    main()
