"""Every page, in both languages: for everybody, on small phones, in the dark."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, Page, ViewportSize, expect

from gateway.demo.stage import Stage
from gateway.web.words import FOLDER
from tests.e2e.album import Album
from tests.e2e.conftest import PHONE, WITHIN_MS
from tests.e2e.legibility import (
    barriers,
    darkness,
    faint_text,
    sideways,
    text_in_language_of,
)
from tests.e2e.visitor import Visitor

pytestmark = pytest.mark.browser

SMALLEST: Final[ViewportSize] = {"width": 320, "height": 640}
HAN: Final = re.compile(r"[\u4e00-\u9fff]+")
PICTURE: Final = Path("docs") / "images" / "privacy-centre.png"
OTHERS: Final = ("shop", "courier", "wechat")
OWN: Final = (
    *("me", "me/permissions", "me/partners", "me/activity"),
    *("policy", "sdks", "contact", "logout", "nowhere"),
)


Look = Callable[[str], None]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong with one page; empty is well."""

    name: str
    barriers: list[str]
    foreign: list[str]
    faint_in_the_dark: list[str]
    sideways: list[str]


@pytest.fixture(
    scope="module", params=[("en", "mei"), ("zh-CN", "wei")], ids=["en", "zh-CN"]
)
def sights(
    request: pytest.FixtureRequest, chromium: Browser, stage: Stage, report: Path
) -> tuple[Sight, ...]:
    """Let somebody allow the camera and some data; look at each page on the way."""
    locale, name = request.param
    found: list[Sight] = []
    with chromium.new_context(viewport=PHONE, locale=locale) as context:
        context.set_default_timeout(WITHIN_MS)
        visitor = Visitor(context.new_page(), stage, name)
        pictures = Album(report / f"{locale}-narrow-dark")

        def look(name: str) -> None:
            found.append(examine(visitor.page, name, locale, pictures))

        log_in(visitor, look)
        use_the_shop(visitor, look)
        use_the_courier(visitor, look)
        for path in OWN:
            visitor.page.goto(f"{stage.gateway}/{path}")
            look(path.replace("/", "-"))
        show_for_the_readme(visitor, report, locale)
    return tuple(found)


def test_has_no_barriers(sights: tuple[Sight, ...]) -> None:
    """No violation of WCAG 2.2 AA that axe-core can see, and one main heading."""
    assert {each.name: each.barriers for each in sights if each.barriers} == {}


def test_fits_a_small_phone(sights: tuple[Sight, ...]) -> None:
    """At 320 pixels, or at 400 % zoom, nothing scrolls sideways (WCAG 1.4.10)."""
    assert {each.name: each.sideways for each in sights if each.sideways} == {}


def test_is_dark_where_dark_is_wanted(sights: tuple[Sight, ...]) -> None:
    """In the dark scheme the ground is dark, and all text stands out from it."""
    faint = {each.name: each.faint_in_the_dark for each in sights}

    assert {name: wrong for name, wrong in faint.items() if wrong} == {}


def test_speaks_one_language(sights: tuple[Sight, ...]) -> None:
    """Each page says which language it is in, and keeps to it."""
    assert {each.name: each.foreign for each in sights if each.foreign} == {}


def log_in(visitor: Visitor, look: Look) -> None:
    """Go through notice, log-in page and simulator."""
    visitor.open_centre()
    look("notice")
    visitor.read_notice()
    expect(visitor.part("wechat-login")).to_be_visible()
    look("login")
    visitor.press("wechat-login")
    expect(visitor.part("btn-scan")).to_be_visible()
    look("wechat")
    visitor.allow_in_wechat()
    visitor.page.wait_for_url("**/me")


def use_the_shop(visitor: Visitor, look: Look) -> None:
    """Allow the camera on the shop's own screen."""
    visitor.page.goto(visitor.stage.app)
    look("shop-door")
    visitor.enter_shop()
    look("shop")
    visitor.press("scan")
    expect(visitor.part("ask-allow")).to_be_visible()
    look("shop-asks")
    visitor.press("ask-allow")
    expect(visitor.part("camera-open")).to_be_visible()
    look("shop-camera")


def use_the_courier(visitor: Visitor, look: Look) -> None:
    """See every face of the consent page; in the end some data is allowed."""
    visitor.page.goto(visitor.stage.partner)
    look("courier-door")
    visitor.connect_courier()
    look("consent")
    visitor.press("consent-allow")
    expect(visitor.part("consent-error")).to_be_visible()
    look("consent-error")
    visitor.press("consent-deny")
    expect(visitor.part("declined")).to_be_visible()
    look("courier-declined")
    visitor.page.goto(visitor.stage.partner)
    visitor.press("connect")
    expect(visitor.part("consent-reconsider")).to_be_visible()
    look("consent-refused")
    visitor.press("consent-reconsider")
    visitor.allow_courier()
    look("courier")
    visitor.page.context.clear_cookies(name="sample-partner")
    visitor.connect_courier()
    look("consent-to-more")


def examine(page: Page, name: str, locale: str, pictures: Album) -> Sight:
    """Look at a page on a phone in the light, then on the smallest in the dark."""
    obstacles = barriers(page)
    words = foreign(page, locale, is_own=not name.startswith(OTHERS))
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(SMALLEST)
    pictures.add(page, name)
    faint = faint_text(page)
    if darkness(page) < 0.8:
        faint.append("light ground")
    wide = sideways(page)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    return Sight(
        name=name,
        barriers=obstacles,
        foreign=words,
        faint_in_the_dark=faint,
        sideways=wide,
    )


def foreign(page: Page, locale: str, *, is_own: bool) -> list[str]:
    """Return what a page says in the other of our languages, and a wrong ``lang``.

    In the samples names and goods are what people wrote; the simulator says what it
    is in both.
    """
    found = []
    tag = page.locator("html").get_attribute("lang")
    if tag != locale:
        found.append(f"lang={tag}")
    if not is_own:
        return found
    text = text_in_language_of(page)
    if locale == "en":
        return [*found, *HAN.findall(text)]
    return [*found, *(one for one in ENGLISH if one in text)]


def show_for_the_readme(visitor: Visitor, report: Path, locale: str) -> None:
    """Take the picture of the README; GATEWAY_TEST_PICTURE=1 puts it in its place."""
    visitor.page.set_viewport_size({"width": 820, "height": 1000})
    visitor.open_centre("/partners")
    pictures = Album(report / f"{locale}-tablet")
    pictures.add(visitor.page, "privacy-centre")
    if os.environ.get("GATEWAY_TEST_PICTURE") == "1" and locale == "en":
        visitor.page.screenshot(path=PICTURE)


def _english() -> tuple[str, ...]:
    """Return the sentences that have a translation; short ones may be names."""
    with (FOLDER / "zh_CN.po").open("rb") as file:
        ours = [str(message.id) for message in read_po(file) if message.id]
    return tuple(one for one in ours if len(one) > 8 and "%" not in one)


ENGLISH: Final = _english()
