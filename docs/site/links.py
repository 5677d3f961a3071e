"""Looks whether every link, picture and sound of a built site leads somewhere."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_SOURCES = {"a": "href", "link": "href", "img": "src", "audio": "src", "source": "src", "script": "src"}


class Page(HTMLParser):
    """What a page links to, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag says."""
        values = dict(attrs)
        for name in ("id", "name"):
            if values.get(name):
                self.anchors.add(str(values[name]))
        link = values.get(_SOURCES.get(tag, ""))
        if link is not None:
            self.links.append(link)


def broken(site: Path) -> tuple[int, list[str]]:
    """Return how many links there are, and those that lead nowhere, each with its page."""
    pages = {
        page.resolve(): Page(page.read_text("utf-8"))
        for page in sorted(site.rglob("*.html"), key=lambda page: len(page.parts))
    }
    count, found = 0, []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not there.is_file():
                why = "there is no such file"
            elif anchor and there in pages and anchor not in pages[there].anchors:
                why = "there is no such place on that page"
            else:
                continue
            found.append(f"{path.relative_to(site.resolve())}: {link}: {why}")
    return count, found
