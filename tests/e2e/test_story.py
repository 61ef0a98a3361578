"""The whole story, with clicks: a yes in three places, and two of them taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.album import Album
from tests.e2e.conftest import OpenAlbum, Sit
from tests.e2e.visitor import Visitor

pytestmark = pytest.mark.browser

TELLINGS = [
    pytest.param("en", "mei", True, id="en"),
    pytest.param("zh-CN", "wei", True, id="zh-CN"),
    pytest.param("en", "siti", False, id="en-without-scripts"),
]


@pytest.mark.parametrize(("locale", "name", "scripts"), TELLINGS)
def test_yes_and_back_again(
    sit: Sit, album: OpenAlbum, locale: str, name: str, *, scripts: bool
) -> None:
    """What a person allows works, and stops at once when they take it back."""
    visitor = sit(name, locale, java_script_enabled=scripts)
    pictures = album(locale if scripts else f"{locale}-without-scripts")

    read_the_notice(visitor, pictures)
    cancel_and_refuse_in_wechat(visitor, pictures)
    log_in_with_wechat(visitor, pictures)
    open_the_camera(visitor, pictures)
    connect_the_courier(visitor, pictures)
    see_what_is_allowed(visitor, pictures)
    take_the_camera_back(visitor, pictures)
    take_the_orders_back(visitor, pictures)
    look_back_and_log_out(visitor, pictures)


def read_the_notice(visitor: Visitor, pictures: Album) -> None:
    """Read the notice, which comes first, whatever was asked for."""
    visitor.open_centre()
    expect(visitor.page).to_have_url(f"{visitor.stage.gateway}/notice")
    pictures.add(visitor.page, "notice")
    visitor.read_notice()
    expect(visitor.part("wechat-login")).to_be_visible()
    pictures.add(visitor.page, "login")


def cancel_and_refuse_in_wechat(visitor: Visitor, pictures: Album) -> None:
    """Cancel, then refuse: neither leads anywhere, and the way stays open."""
    visitor.press("wechat-login")
    expect(visitor.part("banner")).to_be_visible()
    pictures.add(visitor.page, "wechat-code")
    visitor.press("btn-cancel")
    expect(visitor.part("btn-scan")).to_be_disabled()
    pictures.add(visitor.page, "wechat-cancelled")

    visitor.open_centre()
    expect(visitor.page).to_have_url(f"{visitor.stage.gateway}/login")
    visitor.press("wechat-login")
    visitor.part("deny-style").select_option("authdeny")
    visitor.press("btn-scan")
    visitor.press("btn-disallow")
    expect(visitor.part("flash-wechat_cancelled")).to_be_visible()
    pictures.add(visitor.page, "login-after-a-refusal")


def log_in_with_wechat(visitor: Visitor, pictures: Album) -> None:
    """Scan and allow: there is the privacy centre, with nothing in it yet."""
    visitor.press("wechat-login")
    visitor.part("user-select").select_option(visitor.name)
    visitor.press("btn-scan")
    expect(visitor.part("btn-allow")).to_be_enabled()
    pictures.add(visitor.page, "wechat-scanned")
    visitor.press("btn-allow")
    expect(visitor.page).to_have_url(f"{visitor.stage.gateway}/me")
    assert visitor.suffixes("grant-") == set()
    pictures.add(visitor.page, "centre-empty")


def open_the_camera(visitor: Visitor, pictures: Album) -> None:
    """Say yes on the shop's own screen; then the camera opens."""
    visitor.page.goto(visitor.stage.app)
    pictures.add(visitor.page, "shop-door")
    visitor.press(f"person-{visitor.name}")
    expect(visitor.part("kept")).to_contain_text("element_not_granted")
    pictures.add(visitor.page, "shop")
    visitor.press("scan")
    expect(visitor.part("ask-question")).to_be_visible()
    pictures.add(visitor.page, "shop-asks")
    visitor.press("ask-allow")
    expect(visitor.part("camera-open")).to_be_visible()
    pictures.add(visitor.page, "camera-open")


def connect_the_courier(visitor: Visitor, pictures: Album) -> None:
    """Find nothing ticked; allow without a tick in vain; tick, and that arrives."""
    visitor.page.goto(visitor.stage.partner)
    pictures.add(visitor.page, "courier")
    visitor.press("connect")
    expect(visitor.part("consent-allow")).to_be_visible()
    boxes = visitor.page.get_by_role("checkbox")
    expect(boxes).to_have_count(9)
    assert [box for box in boxes.all() if box.is_checked()] == []
    pictures.add(visitor.page, "consent")

    visitor.press("consent-allow")
    expect(visitor.part("consent-error")).to_be_visible()
    pictures.add(visitor.page, "consent-without-a-tick")
    visitor.tick("capability-data.identity", "element-0-name", "element-0-address")
    visitor.tick("capability-data.transaction")
    visitor.tick("element-1-order_no", "element-1-status")
    pictures.add(visitor.page, "consent-ticked")
    visitor.press("consent-allow")

    expect(visitor.part("parcel")).to_be_visible()
    assert visitor.suffixes("value-") == {
        *("identity-name", "identity-address"),
        *("transaction-order_no", "transaction-status"),
    }
    missing = {"identity-phone", "transaction-placed_at", "transaction-amount"}
    assert visitor.suffixes("withheld-") == missing
    for element in missing:
        expect(visitor.part(f"withheld-{element}")).to_have_text("element_not_granted")
    pictures.add(visitor.page, "courier-has-data")


def see_what_is_allowed(visitor: Visitor, pictures: Album) -> None:
    """Find each yes in the privacy centre."""
    visitor.open_centre()
    pictures.add(visitor.page, "centre")
    visitor.open_centre("/permissions")
    expect(visitor.right("device.camera")).to_be_visible()
    pictures.add(visitor.page, "centre-app")


def take_the_camera_back(visitor: Visitor, pictures: Album) -> None:
    """Press once; the next scan is refused, with the reason and another way."""
    visitor.take_back("device.camera")
    assert visitor.suffixes("grant-") == set()
    pictures.add(visitor.page, "camera-taken-back")

    visitor.page.goto(visitor.stage.app)
    visitor.press("scan")
    expect(visitor.part("reason")).to_have_text("withdrawn")
    expect(visitor.part("fallback")).not_to_be_empty()
    pictures.add(visitor.page, "camera-closed")
    number = {"mei": "SO-20261", "wei": "SO-20259", "siti": "SO-20255"}[visitor.name]
    visitor.part("code-number").fill(number)
    visitor.press("code-find")
    expect(visitor.part("code-result")).to_be_visible()
    pictures.add(visitor.page, "found-by-number")


def take_the_orders_back(visitor: Visitor, pictures: Album) -> None:
    """Take one item of two back: the courier's live token gets only the other."""
    visitor.open_centre("/partners")
    pictures.add(visitor.page, "centre-partners")
    visitor.take_back("data.transaction")
    pictures.add(visitor.page, "orders-taken-back")

    visitor.page.goto(visitor.stage.partner)
    visitor.press("fetch-again")
    expect(visitor.part("reason-transaction")).to_have_text("withdrawn")
    assert visitor.suffixes("value-") == {"identity-name", "identity-address"}
    pictures.add(visitor.page, "courier-is-refused")


def look_back_and_log_out(visitor: Visitor, pictures: Album) -> None:
    """Read everything that happened; after the log-out nothing is told."""
    visitor.open_centre("/activity")
    expect(visitor.page.locator(".event.withdrawn")).to_have_count(2)
    pictures.add(visitor.page, "activity")
    visitor.press("logout")
    expect(visitor.page).to_have_url(f"{visitor.stage.gateway}/logout")
    pictures.add(visitor.page, "logged-out")
    visitor.open_centre("/activity")
    expect(
        visitor.part("wechat-login").or_(visitor.part("notice-continue"))
    ).to_be_visible()
