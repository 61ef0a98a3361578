"""Whether a page can be read and used by everybody: what is wrong with it, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Page

_EVERYTHING: Final = {
    # WCAG 2.2 AA asks for 24 pixels; axe checks it only when told to.
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
_CONTRAST: Final = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}


def barriers(page: Page) -> list[str]:
    """Return what axe-core finds, and a page without exactly one main heading."""
    found = _axe(page, _EVERYTHING)
    headings = page.locator("h1").count()
    return found if headings == 1 else [*found, f"{headings} main headings"]


def faint_text(page: Page) -> list[str]:
    """Return text with too little contrast (WCAG 1.4.3), in the colours shown now."""
    return _axe(page, _CONTRAST)


def sideways(page: Page) -> list[str]:
    """Return what makes the page scroll sideways at its present width."""
    found: list[str] = page.evaluate(
        """() => {
          const root = document.documentElement;
          if (root.scrollWidth <= root.clientWidth) return [];
          return [...document.body.querySelectorAll("*")]
            .filter(e => e.getBoundingClientRect().right > root.clientWidth)
            .map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 30)}`);
        }"""
    )
    return found


def text_in_language_of(page: Page) -> str:
    """Return the page's text, closed parts included, less parts in other languages."""
    found: str = page.evaluate(
        """() => {
          const body = document.body.cloneNode(true);
          for (const part of body.querySelectorAll("[lang]")) part.remove();
          return document.title + "\\n" + body.textContent;
        }"""
    )
    return found


def darkness(page: Page) -> float:
    """Return how dark the page's ground is: 0 is white, 1 is black."""
    channels: Sequence[int] = page.evaluate(
        "() => getComputedStyle(document.body).backgroundColor"
        ".match(/[0-9]+/g).map(Number)"
    )
    return 1 - sum(channels[:3]) / (3 * 255)


@cache
def _script() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def _axe(page: Page, options: dict[str, Any]) -> list[str]:
    # Over the debugging protocol: the page's own policy would not let it in.
    page.evaluate(_script())
    found: list[str] = page.evaluate(
        f"""async () => (await axe.run({json.dumps(options)})).violations.flatMap(
          v => v.nodes.map(n => `${{v.id}}: ${{n.target.join(" ")}} `
            + n.any.concat(n.all, n.none).map(c => c.message).join("; ")))"""
    )
    return found
