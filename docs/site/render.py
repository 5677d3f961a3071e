"""Plays a recipe through the plugin, offline, as `krach render` does; what has been played once is kept."""

import hashlib
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from recipes import Recipe

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "python" / "src"
sys.path.insert(0, str(CLIENT))

from krach import places  # noqa: E402

BPM = 120
BAR = 2.0
"""Seconds of a bar at that tempo."""
WAIT = 300.0


def keys(found: list[Recipe]) -> list[str]:
    """Return what each recipe's sound depends on: its text, the client, the host and the plugin."""
    common = hashlib.sha256()
    for each in sorted(CLIENT.rglob("*.py")):
        common.update(each.read_bytes())
    for each in (places.host(), places.bundle("clap")):
        is_file = each.is_file()
        inside = [each] if is_file else sorted(inner for inner in each.rglob("*") if inner.is_file())
        for file in inside:
            common.update(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}".encode())
    return [hashlib.sha256(common.digest() + f"{each.bars} {each.code}".encode()).hexdigest() for each in found]


def render(found: list[Recipe], folder: Path) -> list[Path]:
    """Return a WAV of each recipe, made anew where what it depends on has changed."""
    folder.mkdir(parents=True, exist_ok=True)
    # Each render waits for processes of its own.
    with ThreadPoolExecutor(max_workers=2) as workers:
        return list(workers.map(lambda recipe, key: _kept(recipe, key, folder), found, keys(found)))


def _kept(recipe: Recipe, key: str, folder: Path) -> Path:
    wav, note = folder / f"{recipe.name}.wav", folder / f"{recipe.name}.key"
    if not (wav.is_file() and note.is_file() and note.read_text("utf-8") == key):
        note.unlink(missing_ok=True)
        _render(recipe, wav)
        note.write_text(key, "utf-8")
    return wav


def _render(recipe: Recipe, wav: Path) -> None:
    # Short, because a socket's path has to be.
    with tempfile.TemporaryDirectory(prefix="krach-d-") as home:
        file = Path(home) / "recipe.py"
        file.write_text(recipe.code, "utf-8")
        known = {"PYTHONPATH": str(CLIENT), "KRACH_HOST": str(places.host()), "KRACH_CLAP": str(places.bundle("clap"))}
        # Nothing of the user's own: sounds, patches, sessions.
        environment = os.environ | known | {"HOME": home, "TMPDIR": home, "XDG_RUNTIME_DIR": home}
        line = [sys.executable, "-m", "krach", "render", str(file), "-o", str(wav)]
        line += ["--bars", str(recipe.bars), "--bpm", str(BPM)]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=WAIT, check=False)
        if done.returncode:
            raise SystemExit(f"docs/cookbook/{recipe.page}.md: {recipe.title}: {done.stderr}")
