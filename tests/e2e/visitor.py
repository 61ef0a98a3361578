"""One person in front of one browser, who knows what they want."""

from __future__ import annotations

from typing import Final

import httpx2
from playwright.sync_api import Locator, Page, expect

from gateway.demo.stage import Stage
from permissions.catalogue.load import load

NAME_AND_ADDRESS: Final = (
    "capability-data.identity",
    "element-0-name",
    "element-0-address",
)
NUMBERS_AND_STATUS: Final = (
    "capability-data.transaction",
    "element-1-order_no",
    "element-1-status",
)


class Visitor:
    """Follows the pages by what is on them; ``clicks`` counts every press and tick.

    ``name`` is who they are in WeChat and, for the demo's three people, in the shop.
    """

    def __init__(self, page: Page, stage: Stage, name: str) -> None:
        self.page, self.stage, self.name = page, stage, name
        self.clicks = 0

    def part(self, hook: str) -> Locator:
        """Return the part of the page with this hook."""
        return self.page.get_by_test_id(hook)

    def press(self, hook: str) -> None:
        """Click one control."""
        self.click(self.part(hook))

    def click(self, what: Locator) -> None:
        """Click what has no hook of its own, such as a link of the navigation."""
        self.clicks += 1
        what.click()

    def tick(self, *hooks: str) -> None:
        """Tick boxes."""
        for hook in hooks:
            self.clicks += 1
            self.part(hook).check()

    # --- the gateway ------------------------------------------------------------------

    def open_centre(self, page: str = "") -> None:
        """Type the address of the privacy centre, or of one of its pages."""
        self.page.goto(f"{self.stage.gateway}/me{page}")

    def read_notice(self) -> None:
        """Go past the first-use notice."""
        self.press("notice-continue")

    def allow_in_wechat(self) -> None:
        """Scan the code and allow, as the person one is."""
        self.part("user-select").select_option(self.name)
        self.press("btn-scan")
        self.press("btn-allow")

    def log_in(self) -> None:
        """Read the notice and log in, from the privacy centre's address."""
        self.open_centre()
        self.read_notice()
        self.press("wechat-login")
        self.allow_in_wechat()
        expect(self.page).to_have_url(f"{self.stage.gateway}/me")

    def right(self, capability: str) -> Locator:
        """Return the card of one right in force on the page."""
        locale = self.page.locator("html").get_attribute("lang")
        title = load().capabilities[capability].title[str(locale)]
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.get_by_role("article").filter(has=heading)

    def take_back(self, capability: str) -> None:
        """Press the one button of one right."""
        self.click(self.right(capability).get_by_role("button"))
        expect(self.part("flash-withdrawn")).to_be_visible()

    # --- the samples ------------------------------------------------------------------

    def enter_shop(self) -> None:
        """Be oneself in the shop, which stores what the order needs."""
        self.page.goto(self.stage.app)
        self.press(f"person-{self.name}")
        expect(self.part("kept")).to_be_visible()

    def connect_courier(self) -> None:
        """Let the courier ask; ends on the consent page."""
        self.page.goto(self.stage.partner)
        self.press("connect")
        expect(self.part("consent-allow")).to_be_visible()

    def allow_courier(self, *hooks: str) -> None:
        """Tick, allow, and arrive at the courier."""
        self.tick(*(hooks or (*NAME_AND_ADDRESS, *NUMBERS_AND_STATUS)))
        self.press("consent-allow")
        expect(self.part("parcel")).to_be_visible()

    def suffixes(self, prefix: str) -> set[str]:
        """Return what follows a prefix in the hooks on the page."""
        hooks = self.page.locator(f'[data-testid^="{prefix}"]').all()
        return {
            str(hook.get_attribute("data-testid")).removeprefix(prefix)
            for hook in hooks
        }


def admit(stage: Stage, *names: str) -> None:
    """Let people into the simulated WeChat."""
    for name in names:
        httpx2.post(
            f"{stage.wechat}/sim/users",
            json={"id": name, "nickname": name.capitalize()},
            headers={"Authorization": f"Bearer {stage.wechat_token}"},
            trust_env=False,
        ).raise_for_status()
