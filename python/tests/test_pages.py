"""The pages for musicians, as they stand there: their code runs, and what they quote is what is said."""

import importlib.metadata
import re
from pathlib import Path
from typing import Any

import pytest
from hosted import ROOT
from test_docs import run_code
from test_session import until

import krach
from krach import Session, command, krp, sounding

# docs/python.md and the README's first minute have tests of their own, and so have recipes.
PAGES = (
    "docs/getting-started.md",
    "docs/coming-from.md",
    "docs/hosts.md",
    "docs/patches.md",
    "docs/patterns.md",
    "docs/song.md",
    "python/README.md",
)


def sections() -> list[tuple[str, str, str]]:
    """Return page, heading and text of each section with code."""
    found: list[tuple[str, str, str]] = []
    for page in PAGES:
        for text in re.split(r"^## ", (ROOT / page).read_text("utf-8"), flags=re.M):
            if "```python\n" in text:
                found.append((page, text.split("\n", 1)[0].lstrip("# "), text))
    return found


SECTIONS = sections()


@pytest.mark.parametrize("section", SECTIONS, ids=[f"{Path(page).stem}: {heading}" for page, heading, _ in SECTIONS])
def test_the_code_of_a_page_runs(
    kr: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: tuple[str, str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = list(kr.problems)  # What went wrong lately, in other tests.
    run_code(kr, *section)
    new = [each for each in kr.problems if each not in before]
    # On a busy machine what has a time may act late.
    assert not [each for each in new if not re.search("(acted|began) late", each)], new


def test_no_page_with_code_is_left_out() -> None:
    run = {*PAGES, "docs/python.md", "README.md"}
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/cookbook").glob("*.md"), ROOT / "README.md"]
    pages += [ROOT / "python/README.md", *(ROOT / "dsp").rglob("README.md")]
    left = [page for page in pages if "```python\n" in page.read_text("utf-8")]
    assert {page.relative_to(ROOT).as_posix() for page in left} == run


PAGE = (ROOT / "docs/troubleshooting.md").read_text("utf-8")


def quoted(name: str) -> list[str]:
    """Return the lines of the block of that name that the page quotes of the doctor."""
    [block] = re.findall(rf"^```doctor{name}\n(.*?)^```$", PAGE, re.S | re.M)
    return block.splitlines()


def said(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    capsys.readouterr()
    status = command.doctor()
    return status, [re.sub(r"^ {12}", "", line) for line in capsys.readouterr().out.splitlines()]


def test_while_all_is_well_the_doctor_says_what_the_page_quotes(
    kr: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    kick = kr.node("kick", "faust:kick") @ "x*4"
    until(lambda: kick.peak is not None and kick.peak > -60)
    status, lines = said(capsys)
    first = [line.split(" ", 1)[0] for line in quoted("") if not line.startswith(" ")]
    assert status == 0 and [line.split(" ", 1)[0] for line in lines if re.match(r"[\w-]+ {2,}", line)] == first
    forms = [re.escape(line.strip()) for line in quoted("") if line.startswith(" ")][1:]
    for form in (re.sub(r"\d+(\\\.\d+)?", r"\\d+(\\.\\d+)?", each) for each in forms):
        assert any(re.fullmatch(form, line) for line in lines), (form, lines)


def test_where_nobody_is_the_doctor_says_what_the_page_quotes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for each in ("XDG_RUNTIME_DIR", "HOME", "TMPDIR"):
        monkeypatch.setenv(each, str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sounding, "_USUAL", ())
    monkeypatch.delenv("FAUST_LIB_PATH", raising=False)
    status, lines = said(capsys)
    assert status == 1 and quoted(" nobody")[0] in lines and quoted(" own-libraries")[0] in lines, lines

    def version(name: str) -> str:
        assert name == "krach"
        return "0.3.1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert quoted(" older")[0] in said(capsys)[1]


def test_of_a_broken_sound_the_doctor_says_what_the_page_quotes(
    kr: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(kr.connection.greeting["dsp_dir"])
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bad.dsp").write_text("process = os.osc(440) * levle;\n", "utf-8")
    try:
        until(lambda: any("bad" in each for each in kr.problems))
        _, lines = said(capsys)
        begin = lines.index(quoted(" broken")[0])
        assert lines[begin : begin + len(quoted(" broken"))] == quoted(" broken")
    finally:
        (folder / "bad.dsp").unlink()
        until(lambda: not any("bad" in each for each in kr.problems))
        if made:
            folder.rmdir()


class Silent:
    """A session that says what it is made to say."""

    slots: dict[str, bool] = {}  # noqa: RUF012

    def __init__(self, status: dict[str, Any], overruns: int = 0) -> None:
        transport = {"running": True, "master": 1.0} | status
        self.status = {"stopped": False, "silenced": [], "transport": transport} | status
        self.load = {"mean": 0.5, "worst": 1.5, "overruns": overruns}

    def ask(self, _: str) -> dict[str, Any]:
        return self.status

    def describe(self) -> list[Any]:
        return []

    def meters(self) -> dict[str, Any]:
        return {"master": [{"peak": 0.0, "rms": 0.0}], "load": self.load}


def test_each_reason_for_silence_that_the_page_lists_is_one_that_is_said(
    kr: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounding, "_LISTENS", 0.05)
    told: list[str] = []
    for status in ({"stopped": True}, {"silenced": ["bass"]}, {"running": False}, {"master": 0.0}):
        made: Any = Silent(status, overruns=3)
        told += sounding.sounding(made)
    kick = kr.node("kick", "faust:kick")
    kick.mute()
    told += sounding.sounding(kr)
    waits: Any = Silent({})
    waits.describe = lambda: [krach.session.Info({"name": "bass", "state": "pending"})]
    waits.is_muted = lambda _: False
    told += sounding.sounding(waits)
    rows = re.findall(r"^\| `([^`]+)` \|", PAGE, re.M)
    assert len(rows) == 9
    for row in rows[:-1]:
        assert any(each.startswith(row.removesuffix("…").rstrip()) for each in told), (row, told)
    assert quoted(" late")[0] in told


def test_the_message_about_fausts_libraries_is_the_plugins() -> None:
    [quote] = re.findall(r"^```text\n(.*krach's own physmodels.lib.*)\n```$", PAGE, re.M)
    remedy = quote.split("(", 1)[1].removesuffix(")").replace("physmodels.lib", "{name}")
    assert f'"{remedy}"' in (ROOT / "faust/lang/src/own.rs").read_text("utf-8")


def test_the_errors_of_a_patch_are_those_that_the_page_quotes(kr: Session) -> None:
    page = (ROOT / "docs/patches.md").read_text("utf-8")
    [file] = re.findall(r"^```yaml\n(.*?)^```$", page, re.S | re.M)
    [quotes] = re.findall(r"^```error\n(.*?)^```$", page, re.S | re.M)
    wrong = (("SawtoothOscillator", "SawOscillator"), ("{rate: 0.5}", "{rate: 200}"))
    for (right, given), quote in zip(wrong, quotes.rstrip("\n").split("\n\n"), strict=True):
        with pytest.raises(krach.KrachError) as refused:
            kr.compile(file.replace(right, given))
        assert str(refused.value) == quote


def test_names_that_are_the_same_in_tidal_are_there() -> None:
    page = (ROOT / "docs/coming-from.md").read_text("utf-8")
    [row] = re.findall(r"^\| (.*) \| the same names \|$", page, re.M)
    names = re.findall(r"`([^`]+)`", row)
    assert len(names) > 20 and all(hasattr(krp.Pattern, each) for each in names), names
