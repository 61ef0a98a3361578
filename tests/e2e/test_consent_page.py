"""The consent page off the straight way: a no, twice, by keyboard, by others."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Request, expect

from gateway.demo.stage import Stage
from tests.e2e.conftest import OpenAlbum, Sit
from tests.e2e.visitor import NAME_AND_ADDRESS, NUMBERS_AND_STATUS, Visitor, admit

pytestmark = pytest.mark.browser

ALL = (*NAME_AND_ADDRESS, *NUMBERS_AND_STATUS)


class TestNo:
    @pytest.mark.parametrize(("locale", "name"), [("en", "an"), ("zh-CN", "bo")])
    def test_gives_nothing_and_can_be_reconsidered(
        self, sit: Sit, stage: Stage, album: OpenAlbum, locale: str, name: str
    ) -> None:
        """The courier goes on without; asked again too soon, the page says so first."""
        pictures = album(locale, first=51, most=10)
        visitor = guest(sit, stage, name, locale)
        visitor.connect_courier()

        visitor.press("consent-deny")
        expect(visitor.part("declined")).to_be_visible()
        pictures.add(visitor.page, "courier-declined")
        visitor.open_centre("/partners")
        assert visitor.suffixes("grant-") == set()
        pictures.add(visitor.page, "centre-no-partners")

        visitor.page.goto(stage.partner)
        visitor.press("connect")
        expect(visitor.part("consent-reconsider")).to_be_visible()
        pictures.add(visitor.page, "consent-refused-lately")
        visitor.press("consent-reconsider")
        visitor.allow_courier(*ALL)

    def test_detail_without_its_yes_is_asked_again(
        self, sit: Sit, stage: Stage, album: OpenAlbum
    ) -> None:
        """Ticking the name alone gives nothing, and says what is missing."""
        visitor = guest(sit, stage, "cai")
        visitor.connect_courier()

        visitor.tick("element-0-name")
        visitor.press("consent-allow")

        expect(visitor.part("consent-error")).to_contain_text("the yes above it")
        album("en", first=61, most=10).add(visitor.page, "consent-detail-without-yes")
        visitor.open_centre("/partners")
        assert visitor.suffixes("grant-") == set()


class TestLanguage:
    def test_is_one_press_away(self, sit: Sit, stage: Stage) -> None:
        """The same question in the other language; its boxes are empty again."""
        visitor = guest(sit, stage, "bai")
        visitor.connect_courier()
        visitor.tick(*NAME_AND_ADDRESS)

        visitor.press("locale-zh-CN")

        expect(visitor.page.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(visitor.part("consent-allow")).to_have_text("同意勾选的内容")
        expect(visitor.page.get_by_role("checkbox", checked=True)).to_have_count(0)


class TestOnce:
    def test_double_click_is_one_answer(self, sit: Sit, stage: Stage) -> None:
        """Pressed twice in a row: one code, and one act for each item."""
        visitor = guest(sit, stage, "dao")
        codes = watch_codes(visitor)
        visitor.connect_courier()
        visitor.tick(*ALL)

        visitor.part("consent-allow").dblclick()

        expect(visitor.part("parcel").or_(visitor.part("error-code"))).to_be_visible()
        assert len(codes) == 1
        visitor.open_centre("/activity")
        expect(visitor.page.locator(".event.granted")).to_have_count(2)

    def test_back_button_leads_nowhere_new(self, sit: Sit, stage: Stage) -> None:
        """The page gone back to cannot be answered anew."""
        visitor = guest(sit, stage, "eli")
        codes = watch_codes(visitor)
        visitor.connect_courier()
        consent = visitor.page.url
        visitor.allow_courier(*ALL)

        visitor.page.go_back()
        visitor.page.goto(consent)

        assert visitor.page.url.startswith(stage.partner)
        assert len(codes) == 1
        visitor.open_centre("/activity")
        expect(visitor.page.locator(".event.granted")).to_have_count(2)

    @pytest.mark.parametrize("known", [False, True], ids=["stranger", "other-person"])
    def test_another_browser_learns_nothing(
        self, sit: Sit, stage: Stage, *, known: bool
    ) -> None:
        """A copied address names neither the courier nor what it wants."""
        visitor = guest(sit, stage, f"fu-{known}")
        visitor.connect_courier()
        other = guest(sit, stage, f"gao-{known}") if known else sit("nobody")

        other.page.goto(visitor.page.url)

        expect(other.part("message-not_found")).to_be_visible()
        assert "courier" not in other.page.content().lower()


class TestByKeyboard:
    def test_yes_and_its_withdrawal(self, sit: Sit, stage: Stage) -> None:
        """Tab, Space and Enter are enough, and one sees where one is."""
        visitor = guest(sit, stage, "hua")
        visitor.connect_courier()
        for hook in ALL:
            tab_to(visitor, hook)
            visitor.page.keyboard.press("Space")
            expect(visitor.part(hook)).to_be_checked()
        tab_to(visitor, "consent-allow")
        visitor.page.keyboard.press("Enter")
        expect(visitor.part("parcel")).to_be_visible()

        visitor.open_centre("/partners")
        button = visitor.right("data.transaction").get_by_role("button")
        tab_to(visitor, str(button.get_attribute("data-testid")))
        visitor.page.keyboard.press("Enter")

        expect(visitor.part("flash-withdrawn")).to_be_visible()
        expect(visitor.right("data.transaction")).to_have_count(0)


class TestSteps:
    """Withdrawing takes no more steps than granting (R23, PIPL art. 15)."""

    def test_camera_in_the_app(self, sit: Sit) -> None:
        """Both are counted from the shop's own start page."""
        visitor = sit("mei")
        visitor.log_in()
        visitor.enter_shop()
        visitor.clicks = 0
        visitor.press("scan")
        visitor.press("ask-allow")
        expect(visitor.part("camera-open")).to_be_visible()
        to_grant = visitor.clicks

        visitor.page.goto(visitor.stage.app)
        visitor.clicks = 0
        visitor.press("privacy-settings")
        visitor.take_back("device.camera")

        assert visitor.clicks <= to_grant

    def test_partner_item(self, sit: Sit, stage: Stage) -> None:
        """From the courier's page against from the privacy centre's, the least yes."""
        visitor = guest(sit, stage, "ina")
        visitor.clicks = 0
        visitor.connect_courier()
        visitor.allow_courier("capability-data.identity", "element-0-name")
        to_grant = visitor.clicks

        visitor.open_centre()
        visitor.clicks = 0
        visitor.click(visitor.page.get_by_role("link", name="Partners", exact=True))
        visitor.take_back("data.identity")

        assert visitor.clicks <= to_grant


def guest(sit: Sit, stage: Stage, name: str, locale: str = "en") -> Visitor:
    """Seat somebody new who is logged in."""
    admit(stage, name)
    visitor = sit(name, locale)
    visitor.log_in()
    return visitor


def watch_codes(visitor: Visitor) -> set[str]:
    """Return a set that gathers every code the browser carries to the courier."""
    codes: set[str] = set()

    def note(request: Request) -> None:
        if urlsplit(request.url).path == "/callback":
            codes.update(parse_qs(urlsplit(request.url).query).get("code", ()))

    visitor.page.on("request", note)
    return codes


def tab_to(visitor: Visitor, hook: str) -> None:
    """Press Tab until a control has the focus, and see that the focus shows."""
    wanted = visitor.part(hook)
    for _ in range(60):
        visitor.page.keyboard.press("Tab")
        if wanted.and_(visitor.page.locator(":focus-visible")).count():
            break
    else:
        pytest.fail(f"Tab never reaches {hook}")
    line, width = wanted.evaluate(
        "e => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth]"
    )
    assert (line, width) == ("solid", "3px")
