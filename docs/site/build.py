"""Builds the documentation site: lays out the pages, runs Sphinx without warnings, looks at every link."""

import argparse
import shutil
import sys
from pathlib import Path

import links
import recipes
import sounds
import stage
from sphinx.cmd.build import build_main


def main() -> int:
    """Build the site into a folder; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="cargo's target folder; the site goes into its folder docs")
    parser.add_argument("--quick", action="store_true", help="read only the pages that are newer than the last site")
    options = parser.parse_args()
    target: Path = options.target.resolve()
    source, site, kept = target / "docs-source", target / "docs", target / "docs-kept"
    if not options.quick:
        for each in (site, kept):
            shutil.rmtree(each, ignore_errors=True)
    stage.stage(source)
    extra = target / "docs-extra"
    sounds.make(recipes.recipes(), target / "docs-wavs", extra / "docs" / "cookbook" / "sounds")
    line = [
        "-W",
        "--keep-going",
        "--quiet",
        "-j",
        "auto",
        "-c",
        str(stage.SITE),
        "-d",
        str(kept),
        "-D",
        f"html_extra_path={extra}",
    ]
    status = build_main([*line, str(source), str(site)])
    if status:
        return status
    count, broken = links.broken(site)
    for each in broken:
        print(each, file=sys.stderr)
    if broken or not count:
        return 1
    print(f"docs: {site / 'index.html'}, {count} links")
    return 0


if __name__ == "__main__":
    sys.exit(main())
