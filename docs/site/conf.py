"""How Sphinx reads the pages: `cargo xtask docs` calls it through build.py."""

import sys
from pathlib import Path

from pygments import token
from pygments.lexer import RegexLexer, words
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

SITE = Path(__file__).resolve().parent
sys.path[:0] = [str(SITE), str(SITE.parents[1] / "python" / "src")]

import recipes  # noqa: E402

project = "krach"
author = "the authors of krach"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["docs/site"]
# Headings have the anchors that code hosts give them.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

html_theme = "furo"
html_title = "krach"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_copyright = False
# Prompts and what is answered are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ |In \[\d*\]: "
copybutton_prompt_is_regexp = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88

# Blocks that tests read, and that have no grammar of their own.
PLAIN = ("pattern", "cycle", "curve", "mini", "request", "reply", "form", "controls", "error", "doctor")


class Faust(RegexLexer):
    """FAUST, as far as colours want it."""

    name, aliases = "FAUST", ("faust",)
    tokens = {  # noqa: RUF012
        "root": [
            (r"//[^\n]*", token.Comment.Single),
            (r"/\*.*?\*/", token.Comment.Multiline),
            (r'"[^"]*"', token.String),
            (r"\d+\.?\d*([eE][-+]?\d+)?", token.Number),
            (
                words(("import", "library", "component", "process", "with", "letrec", "environment"), r"\b", r"\b"),
                token.Keyword,
            ),
            (
                words(("hslider", "vslider", "nentry", "button", "checkbox", "select2", "select3"), r"\b", r"\b"),
                token.Name.Builtin,
            ),
            (r"[A-Za-z_]\w*(\.\w+)?", token.Name),
            (r"\s+", token.Whitespace),
            (r".", token.Operator),
        ]
    }


def setup(app: Sphinx) -> None:
    """Name the languages of blocks, and put sound and picture behind each recipe."""
    app.add_lexer("faust", Faust)
    for language in PLAIN:
        app.add_lexer(language, TextLexer)
    app.connect("source-read", put_sounds)


def put_sounds(app: Sphinx, page: str, source: list[str]) -> None:
    """Put sound and picture behind each recipe of a page."""
    source[0] = recipes.with_sounds(source[0])
