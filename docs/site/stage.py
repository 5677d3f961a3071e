"""Lays out what the site is built of: the pages where they stand in the repository, and what they link to."""

import os
import re
import shutil
from pathlib import Path

SITE = Path(__file__).resolve().parent
ROOT = SITE.parents[1]

# Pages outside of docs/.
ELSEWHERE = ("README.md", "python/README.md", "dsp/README.md", "dsp/sessions/README.md")

_LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?![a-z]+:)([^)#\s]+)(#[^)\s]*)?\)")
_SECTION = re.compile(r"<!-- section (?P<page>\S+): (?P<heading>[^\n]+?) -->.*?<!-- end -->", re.S)
_FENCE = re.compile(r"^(`{3,}).*?^\1$|`[^`\n]+`", re.M | re.S)
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".dsp": "faust", ".json": "json"}


def stage(to: Path) -> None:
    """Fill a folder, anew, with all that Sphinx reads."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(ROOT / "docs", to / "docs", ignore=shutil.ignore_patterns("site"))
    for each in ELSEWHERE:
        _copy(ROOT / each, to / each)
    shutil.copytree(SITE / "pages", to, dirs_exist_ok=True)
    for index in ("docs/cookbook/index.md",):
        _contents(to / index)
    for page in sorted(to.rglob("*.md")):
        text, times = _with_sections(page.read_text("utf-8"), page, to), page.stat()
        page.write_text(_linked(text, page, to), "utf-8")
        # As old as its source: Sphinx reads again what is newer than what it keeps.
        os.utime(page, ns=(times.st_atime_ns, times.st_mtime_ns))


def _contents(index: Path) -> None:
    """Give a page that links to the others of its folder a table of contents of them, for the side of the site."""
    text, times = index.read_text("utf-8"), index.stat()
    pages = dict.fromkeys(re.findall(r"\]\(([\w-]+)\.md\)", text))
    index.write_text(f"{text}\n```{{toctree}}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n", "utf-8")
    os.utime(index, ns=(times.st_atime_ns, times.st_mtime_ns))


def _with_sections(text: str, page: Path, to: Path) -> str:
    """Put in the sections of other pages that a page names; what stands there for a code host goes."""

    def put(found: re.Match[str]) -> str:
        other = ROOT / found["page"]
        section = re.search(
            rf"^## {re.escape(found['heading'])}\n(.*?)(?=^## |\Z)", other.read_text("utf-8"), re.M | re.S
        )
        if section is None:
            raise SystemExit(f"{page}: {found['page']} has no heading {found['heading']}")
        here = page.relative_to(to).parent

        def moved(link: re.Match[str]) -> str:
            label, target, anchor = link.groups()
            return f"{label}({os.path.relpath(Path(found['page']).parent / target, here)}{anchor or ''})"

        return _LINK.sub(moved, section[1].strip())

    return _SECTION.sub(put, text)


def _linked(text: str, page: Path, to: Path) -> str:
    """Return a page whose links lead to what is laid out, and lay out what they lead to."""
    blocks: list[str] = []

    def away(block: re.Match[str]) -> str:
        blocks.append(block[0])
        return f"\x00{len(blocks) - 1}\x00"

    def back(text: str) -> str:
        return re.sub(r"\x00(\d+)\x00", lambda block: blocks[int(block[1])], text)

    def link(found: re.Match[str]) -> str:
        label, target, anchor = found.groups()
        there = (page.parent / target).resolve()
        if not there.is_relative_to(to.resolve()):
            return found[0]
        source = ROOT / there.relative_to(to.resolve())
        if source.is_dir():
            _folder(source, there)
            return f"{label}({target.rstrip('/')}/index.md{anchor or ''})"
        if source.is_file() and not there.exists():
            _copy(source, there)
        return found[0]

    return back(_LINK.sub(link, _FENCE.sub(away, text)))


def _folder(source: Path, there: Path) -> None:
    """Make a page of a folder: the list of its pages, or its files as they are."""
    index = there / "index.md"
    if index.exists():
        return
    name = source.relative_to(ROOT).as_posix()
    pages = sorted(source.glob("*.md"))
    if len(pages) > 1:
        text = f"# {name.rsplit('/', 1)[-1].capitalize()}\n\n```{{toctree}}\n:glob:\n\n*\n```\n"
    else:
        files = sorted(each for each in source.iterdir() if each.suffix in _LANGUAGES)
        parts = [f"# `{name}`\n"]
        for each in files:
            _copy(each, there / each.name)
            code = each.read_text("utf-8").rstrip("\n")
            parts.append(f"## {each.name}\n\n[Download]({each.name})\n\n````{_LANGUAGES[each.suffix]}\n{code}\n````\n")
        text = "\n".join(parts)
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(text, "utf-8")


def _copy(source: Path, there: Path) -> None:
    there.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, there)
