"""How long it takes from a wheel to the first sound, without Rust and with an empty home.

`python -m benches.first_sound WHEEL`. Beside the seconds stand those that processors worked: another load changes them
less. The lines are those of docs/getting-started.md, typed in its order; what each printed last stands beside it.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
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
PAGE = Path(__file__).resolve().parents[2] / "docs/getting-started.md"
ENTER = ". ~/krach-env/bin/activate"


def of_the_page(language: str) -> list[str]:
    """Return the lines that the page has in a language, in its order, each once."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M)
    return list(dict.fromkeys(line for block in blocks for line in block.splitlines() if line))


@dataclass(frozen=True)
class Step:
    """A step, how long it took, how long processors worked for it, and what it said last."""

    what: str
    seconds: float
    worked: float
    said: str

    def __str__(self) -> str:
        """Write it as a line of a table."""
        return f"{self.seconds:6.1f} s {self.worked:6.1f} s worked  {self.what}: {self.said}"


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


def ran(line: str, home: Path, env: dict[str, str], status: int = 0) -> str:
    """Run a line of the shell, and return the last line that it printed."""
    done = subprocess.run(["bash", "-c", line], env=env, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode != status:
        raise SystemExit(f"{line}: {done.stdout}{done.stderr}")
    return (done.stdout.strip().splitlines() or ["nothing"])[-1]


def measured(wheel: Path, home: Path) -> list[Step]:
    """Return each step with its seconds, and what it said last."""
    env, found = bare(home), list[Step]()
    shutil.copy2(wheel, home)
    venv, enter, pip, install, serve, krach = of_the_page("sh")
    if enter != ENTER or "krach_plugin" not in pip or not serve.startswith("krach serve") or krach != "krach":
        raise SystemExit(f"{PAGE} has other steps now")
    pip = re.sub(r"krach_plugin-[^\[]*\.whl", wheel.name, pip)
    wav = home / serve.split()[-1]

    def step(what: str, work: Callable[[], str]) -> None:
        begin, worked = time.monotonic(), _worked()
        said = work()
        found.append(Step(what, time.monotonic() - begin, _worked() - worked, said))
        print(found[-1], flush=True)

    step(venv, lambda: ran(venv, home, env))
    step(pip, lambda: ran(f"{enter} && {pip}", home, env))
    step(install, lambda: ran(f"{enter} && {install}", home, env))
    step("krach doctor", lambda: ran(f"{enter} && krach doctor", home, env, 1))
    line = f"{enter} && exec {serve}"
    served = subprocess.Popen(
        ["bash", "-c", line], env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert served.stdout is not None
    prompt: Any = None
    try:
        lines = served.stdout
        step(f"{serve}, to its first line", lambda: lines.readline().strip())
        prompt = pexpect.spawn(
            "bash", ["-c", f"{enter} && exec {krach}"], env=env, cwd=str(home), encoding="utf-8", echo=False
        )

        def opened() -> str:
            prompt.expect(re.escape("In ["), timeout=60)
            return "the prompt"

        step("krach, to the prompt", opened)
        at = max(44, wav.stat().st_size // 4 * 4 if wav.exists() else 0)

        def sounds() -> str:
            level, place, until = 0.0, at, time.monotonic() + 60
            for each in of_the_page("python")[:2]:
                prompt.send(each + "\r")
            while level < LOUD:
                if time.monotonic() > until:
                    raise SystemExit(f"no sound within a minute: {prompt.before}")
                time.sleep(0.01)
                level, place = loudest(wav, place)
            return f"peak {level:.2f}"

        step("two lines, to the first sound in the file", sounds)
    finally:
        if prompt is not None:
            prompt.close(force=True)
        served.terminate()
        served.wait(30)
    return found


def main() -> None:
    """Measure, and print a table."""
    wheel = Path(sys.argv[1]).resolve()
    # Short, because a socket's path has to be.
    with tempfile.TemporaryDirectory(prefix="krach-f-") as home:
        steps = measured(wheel, Path(home))
    print(f"{sum(each.seconds for each in steps):.1f} s, {sum(each.worked for each in steps):.1f} s worked: all")


if __name__ == "__main__":
    main()
