"""The wheels: built, installed into fresh environments without Rust, and played from the prompt."""

import configparser
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pexpect
from hosted import ROOT, bundle, host, level, read_wav
from test_command import environment
from test_session import until

import krach
from krach import Session

PYTHON = ROOT / "python"


def built(folder: Path, **more: str) -> Path:
    """Return the wheel that the backend makes, as pip would ask it."""
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(line, cwd=PYTHON, env=environment(**more), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("*.whl")
    return wheel


def installed(folder: Path, *what: str) -> Path:
    """Return the programs of a fresh environment with packages, in the versions that the tests pin."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    line = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder),
        "install",
        "--quiet",
        "--no-compile",
        "--only-binary",
        ":all:",
    ]
    pins = ["--constraint", str(PYTHON / "requirements.txt")]
    done = subprocess.run([*line, *pins, *what], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder / ("Scripts" if os.name == "nt" else "bin")


def test_the_pure_wheel_is_the_client_alone(tmp_path: Path) -> None:
    wheel = built(tmp_path / "one")
    assert wheel.name == "krach_plugin-0.1.0-py3-none-any.whl"
    assert wheel.read_bytes() == built(tmp_path / "two").read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    sources = {each.relative_to(PYTHON / "src").as_posix() for each in (PYTHON / "src/krach").rglob("*.py")}
    about = "krach_plugin-0.1.0.dist-info"
    carried = {name for name in inside if not name.startswith(about)}
    assert carried == sources | {"krach/py.typed", "krach/LICENSE-MIT", "krach/LICENSE-APACHE"}
    assert b"Root-Is-Purelib: true" in inside[f"{about}/WHEEL"]
    points = configparser.ConfigParser()
    points.read_string(inside[f"{about}/entry_points.txt"].decode())
    assert dict(points["console_scripts"]) == {"krach": "krach.command:main"}
    # Nothing but what Python has is needed to run it.
    programs = installed(tmp_path / "venv", str(wheel))
    done = subprocess.run(
        [programs / "krach", "install"], env=bare(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "install the wheel for this system, which carries it" in done.stderr, done.stderr


def bare(home: Path) -> dict[str, str]:
    """Return an environment with an empty home, without Rust, and without a word about where anything is."""
    kept = {name: os.environ[name] for name in ("LANG", "SYSTEMROOT") if name in os.environ}
    folders = [each for each in os.environ["PATH"].split(os.pathsep) if "cargo" not in each and "rust" not in each]
    # Short, because a socket's path has to be.
    runtime = os.environ["XDG_RUNTIME_DIR"]
    known = {"HOME": str(home), "PATH": os.pathsep.join(folders), "XDG_RUNTIME_DIR": runtime, "TMPDIR": runtime}
    return kept | known | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}


def test_the_wheel_of_this_system_plays_where_there_is_no_rust(tmp_path: Path) -> None:
    folder, home = Path(bundle()).parent, tmp_path / "home"
    home.mkdir()
    wheel = built(tmp_path / "wheels", KRACH_WHEEL_BUNDLED=str(folder), KRACH_WHEEL_HOST=host())
    assert re.fullmatch(r"krach_plugin-0\.1\.0-py3-none-(manylinux_2_\d+|macosx|win)_\w+\.whl", wheel.name), wheel.name
    programs = installed(tmp_path / "venv", f"{wheel}[repl]")
    env = bare(home)

    def run(*arguments: str) -> str:
        line = [str(programs / "krach"), *arguments]
        done = subprocess.run(line, env=env, cwd=home, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    put = [Path(each) for each in run("install").splitlines()[:2]]
    assert [each.name for each in put] == ["krach.clap", "krach.vst3"] and all(home in each.parents for each in put)
    assert put[0].read_bytes() == Path(bundle()).read_bytes() and any(
        each.is_file() and each.stat().st_mode & 0o111 for each in put[1].rglob("*")
    )
    wav = tmp_path / "out.wav"
    # What was installed, by the host that the wheel brings.
    line = [str(programs / "krach"), "serve", "--plugin", str(put[0]), "--record", str(wav), "--bpm", "240"]
    served = subprocess.Popen(line, env=env, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        [mine] = until(lambda: [each for each in krach.client.instances() if each.pid == served.pid])
        prompt: Any = pexpect.spawn(
            str(programs / "krach"), ["attach", mine.id], env=env, cwd=str(home), encoding="utf-8", echo=False
        )
        prompt.expect(re.escape("%undo"), timeout=60)
        prompt.send('kr.node("kick", "faust:kick", gain=0.8) @ "x*4"\r')
        prompt.expect(re.escape("<kick: faust:kick"), timeout=60)
        prompt.close(force=True)
        session = Session(mine.socket)
        begin = session.position.cycles
        until(lambda: session.position.cycles > begin + 2)
        session.close()
        assert "answers in" in run("doctor")
    finally:
        served.terminate()
        served.wait(30)
    assert level(read_wav(wav)[1][0]) > 0.01
    assert {each for each in map(Path, run("uninstall").splitlines())} == set(put) and not any(map(Path.exists, put))
