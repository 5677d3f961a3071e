"""The recipes of the cookbook: blocks of Python that say `recipe`, each under a heading of its own.

A block that says `next bar` is played later.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

COOKBOOK = Path(__file__).resolve().parents[1] / "cookbook"

_BLOCK = re.compile(
    r"^## (?P<title>[^\n]+)$|^```python (?:recipe bars=(?P<bars>\d+)|next bar=(?P<bar>\d+))\n(?P<code>.*?)^```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Recipe:
    """One recipe: what it is called, and what is played."""

    title: str
    page: str
    bars: int
    code: str

    @property
    def name(self) -> str:
        """Return the title as a part of file names."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def of_text(text: str, page: str) -> list[Recipe]:
    """Return the recipes of a page."""
    found, title = [], ""
    for block in _BLOCK.finditer(text):
        if block["title"] is not None:
            title = block["title"]
        elif block["bar"] is not None:
            # What is typed later, at the next bar; the sound has it at a bar of its own.
            later = block["code"].replace('at="bar"', f"at={block['bar']}")
            found[-1] = replace(found[-1], code=f"{found[-1].code}{later}")
        else:
            found.append(Recipe(title, page, int(block["bars"]), block["code"]))
    return found


def recipes() -> list[Recipe]:
    """Return all recipes, in the order of pages' names."""
    return [each for page in sorted(COOKBOOK.glob("*.md")) for each in of_text(page.read_text("utf-8"), page.stem)]


def with_sounds(text: str) -> str:
    """Return a page with sound and picture behind each recipe."""
    found = iter(of_text(text, ""))

    def put(block: re.Match[str]) -> str:
        if block["bars"] is None:
            return block[0]
        recipe = next(found)
        about = f"{recipe.title}: waveform and spectrogram of {recipe.bars} bars"
        return (
            f"{block[0]}\n\n"
            f'<figure class="sound"><img src="sounds/{recipe.name}.png" alt="{about}" width="760" height="190">'
            f'<audio controls preload="metadata" src="sounds/{recipe.name}.ogg"></audio></figure>\n'
        )

    return _BLOCK.sub(put, text)
