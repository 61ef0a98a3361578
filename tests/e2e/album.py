"""Pictures of what a person saw, in order, as part of the report of a test run."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

REPORT: Final = Path("report") / "e2e"


class Album:
    """The pictures of one telling: ``<folder>/<nn>-<name>.png``, numbered on.

    ``first`` is the number of the first one, so that several tests share a folder;
    what an earlier run left under this telling's numbers is removed.
    """

    def __init__(self, folder: Path, *, first: int = 1, most: int = 40) -> None:
        self._folder = folder
        self._next = first
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("[0-9][0-9]-*.png"):
            if first <= int(old.name[:2]) < first + most:
                old.unlink()

    def add(self, page: Page, name: str) -> None:
        """Take the whole page, below the fold included."""
        page.screenshot(
            path=self._folder / f"{self._next:02}-{name}.png",
            full_page=True,
            animations="disabled",
        )
        self._next += 1


def write_index(report: Path) -> None:
    """Write a page that shows every picture there is, folder by folder."""
    parts = []
    for folder in sorted({picture.parent for picture in report.glob("*/*.png")}):
        parts.append(f"<h2>{escape(folder.name)}</h2>\n<div>")
        parts += [
            f'<figure><a href="{escape(name)}"><img src="{escape(name)}" alt=""></a>'
            f"<figcaption>{escape(picture.stem)}</figcaption></figure>"
            for picture in sorted(folder.glob("*.png"))
            for name in [picture.relative_to(report).as_posix()]
        ]
        parts.append("</div>")
    (report / "index.html").write_text(_INDEX.format("\n".join(parts)), "utf-8")


_INDEX: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>What the browser suite saw</title>
<style>
body {{ font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; }}
div {{ display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }}
figure {{ margin: 0; width: 14rem; }}
img {{ width: 100%; border: 1px solid #ccc; }}
</style>
<h1>What the browser suite saw</h1>
{}
</html>
"""
