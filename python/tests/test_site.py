"""What builds the documentation site: links of the pages, and of what was built."""

import sys
from pathlib import Path

from hosted import ROOT

sys.path.insert(0, str(ROOT / "docs/site"))
import links
import stage


def test_a_link_of_the_built_site_that_leads_nowhere_is_named_with_its_page(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "index.html").write_text(
        '<a href="in/one.html#there">x</a><img src="a.png"><a href="https://x.y">z</a>'
    )
    one = tmp_path / "in/one.html"
    one.write_text('<h1 id="there">One</h1><a href="../index.html">up</a><a href="#there">here</a>')
    assert links.broken(tmp_path) == (4, [])
    one.write_text('<a href="#gone">x</a><img src="a.png"><audio src="../a.ogg"></audio><a href="../in">x</a>')
    assert links.broken(tmp_path) == (
        6,
        [
            "index.html: in/one.html#there: there is no such place on that page",
            "in/one.html: #gone: there is no such place on that page",
            "in/one.html: a.png: there is no such file",
            "in/one.html: ../a.ogg: there is no such file",
            "in/one.html: ../in: there is no such file",
        ],
    )


def test_every_page_has_its_place_in_the_contents_of_the_site() -> None:
    contents = (ROOT / "docs/site/pages/index.md").read_text("utf-8")
    pages = [each.stem for each in (ROOT / "docs").glob("*.md")]
    without = [each for each in pages if f"docs/{each}\n" not in contents]
    assert len(pages) > 15 and not without, f"docs/site/pages/index.md does not list {without}"


def test_every_page_is_laid_out_with_what_it_links_to(tmp_path: Path) -> None:
    stage.stage(tmp_path)
    pages = {each.relative_to(tmp_path).as_posix(): each.read_text("utf-8") for each in tmp_path.rglob("*.md")}
    written = {each.relative_to(ROOT).as_posix() for each in (ROOT / "docs").rglob("*.md")}
    assert {each for each in written if not each.startswith("docs/site/")} <= set(pages)
    # A folder is a page with its files; what is linked to alone lies beside the pages.
    assert "(../python/examples/index.md)" in pages["docs/python.md"]
    assert (ROOT / "python/examples/acid.py").read_text("utf-8").rstrip() in pages["python/examples/index.md"]
    assert (tmp_path / "editors/vim/krach.vim").is_file() and "docs/decisions/index.md" in pages
    # What another page says stands there once, with links from its new place.
    [row] = [each for each in pages["README.md"].splitlines() if each.startswith("| the whole [pattern language]")]
    assert row not in pages["docs/status.md"] and row.replace("(docs/", "(") in pages["docs/status.md"]
    assert "The table stands in the" not in pages["docs/status.md"] and "By host" in pages["docs/status.md"]
    # Code is no link: `[a b](3,8)` is a rhythm.
    assert "[a b](3,8)" in pages["docs/patterns.md"]
