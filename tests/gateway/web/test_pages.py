"""Every page: its headers, its markup, its language, and how it fails."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, Final

import httpx2
import msgspec
import pytest

from gateway.app import create_app
from gateway.headers import CONTENT_SECURITY_POLICY
from gateway.services import Services
from gateway.web.pages import STATIC, page_headers
from gateway.web.policy import rendered
from tests.factories import grant, register_app, register_partner, register_subject
from tests.gateway.web.browser import COOKIE, Browser, Page

PUBLIC: Final = ("/policy", "/policy/versions/2023-04-07", "/sdks", "/contact")
OWN: Final = ("/me", "/me/permissions", "/me/partners", "/me/activity", "/logout")


class Outline(HTMLParser):
    """What a screen reader goes by: headings, landmarks, labels, ids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.named: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what gives a page its outline."""
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        found = {name: value or "" for name, value in attrs}
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in found:
            self.ids.append(found["id"])
        if "aria-labelledby" in found:
            self.named.append(found["aria-labelledby"])


async def somebody(browser: Browser) -> None:
    """Sign somebody in who has allowed this and that."""
    services = browser.services
    subject = await register_subject(services)
    client, _ = await register_app(services)
    partner, _ = await register_partner(services)
    await grant(services, subject, client)
    await grant(services, subject, partner, "data.identity", "delivery")
    await browser.hand_over(subject, client.id)


@pytest.fixture
async def pages(browser: Browser) -> list[tuple[str, httpx2.Response]]:
    """Give every page, as answered."""
    found = [("/notice", await browser.get("/notice"))]
    await browser.read_notice()
    found.append(("/login", await browser.get("/login")))
    await somebody(browser)
    later = (*PUBLIC, *OWN, "/nothing-here")
    return [*found, *[(path, await browser.get(path)) for path in later]]


class TestMarkup:
    async def test_nothing_is_inline_and_nothing_comes_from_elsewhere(
        self, pages: list[tuple[str, httpx2.Response]]
    ) -> None:
        """No script at all, no style or handler in the page, no foreign file."""
        for path, answer in pages:
            outline = Outline(answer.text)
            assert not {"script", "style", "iframe", "object"} & set(outline.tags), path
            assert "style" not in outline.attributes, path
            assert not [n for n in outline.attributes if n.startswith("on")], path
            files = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', answer.text)
            assert all(name.startswith("/static/") for name in files), path

    async def test_each_has_an_outline(
        self, pages: list[tuple[str, httpx2.Response]]
    ) -> None:
        """One main, one first heading, no level skipped, names that exist once."""
        for path, answer in pages:
            outline = Outline(answer.text)
            assert outline.tags.count("main") == 1, path
            assert outline.headings.count(1) == 1, path
            assert outline.headings[0] == 1, path
            steps = zip(outline.headings, outline.headings[1:], strict=False)
            assert all(after - before <= 1 for before, after in steps), path
            assert len(outline.ids) == len(set(outline.ids)), path
            assert set(outline.named) <= set(outline.ids), path
            assert '<html lang="en">' in answer.text, path

    async def test_every_button_has_a_hook(
        self, pages: list[tuple[str, httpx2.Response]]
    ) -> None:
        """Tests and helpers find each control by a name that stays (design 7)."""
        for path, answer in pages:
            buttons = [f for tag, f in Page(answer.text).tags if tag == "button"]
            assert all(button.get("data-testid") for button in buttons), path


class TestHeaders:
    async def test_each_page_carries_them(
        self, pages: list[tuple[str, httpx2.Response]]
    ) -> None:
        """Strict policy, no sniffing, no storing, own referrer only (security 2)."""
        for path, answer in pages:
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self'" in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert "unsafe" not in policy, path
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["cache-control"] == "no-store", path
            assert answer.headers["referrer-policy"] == "same-origin", path

    @pytest.mark.parametrize(
        ("target", "source"),
        [
            ("https://partner.example/cb?a=1", "https://partner.example"),
            ("https://partner.example:8443/cb", "https://partner.example:8443"),
            ("http://[::1]:9000/cb", "http://[::1]:9000"),
            ("com.example.app:/cb", "com.example.app:"),
            ("https://user@partner.example/", "https://partner.example"),
        ],
    )
    def test_a_form_may_lead_to_one_place_more(self, target: str, source: str) -> None:
        """Exactly the origin of the redirect URI, or the scheme of an app's own."""
        policy = page_headers(target)["Content-Security-Policy"]

        assert policy == CONTENT_SECURITY_POLICY.replace(
            "form-action 'self'", f"form-action 'self' {source}"
        )

    async def test_the_log_in_may_lead_to_wechat_alone(self, browser: Browser) -> None:
        """Its form ends there by redirect, which Chromium counts."""
        await browser.read_notice()

        answer = await browser.get("/login")

        policy = answer.headers["content-security-policy"]
        assert "form-action 'self' http://wechat.test;" in policy

    async def test_files_are_cached_by_their_version(self, browser: Browser) -> None:
        """They hold nothing of anybody."""
        page = await browser.page("/policy")
        style = re.search(r'href="(/static/site\.css\?v=[0-9a-f]{12})"', page.html)
        assert style is not None

        answer = await browser.get(style[1])

        assert answer.headers["content-type"].startswith("text/css")
        assert "public" in answer.headers["cache-control"]


def colours(sheet: str, *, dark: bool) -> dict[str, str]:
    """Return the colours of the style sheet, by name."""
    blocks = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[0]))
    return found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[int(dark)]))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, 1.4.3)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class TestColours:
    @pytest.mark.parametrize("dark", [False, True])
    @pytest.mark.parametrize(
        ("ink", "ground", "least"),
        [
            ("ink", "ground", 4.5),
            ("ink", "card", 4.5),
            ("ink", "accent-soft", 4.5),
            ("ink", "mark-ground", 4.5),
            ("soft", "ground", 4.5),
            ("soft", "card", 4.5),
            ("accent", "ground", 4.5),
            ("accent", "card", 4.5),
            ("accent", "accent-soft", 4.5),
            ("on-accent", "accent", 4.5),
            ("mark", "mark-ground", 4.5),
            ("wrong", "wrong-ground", 4.5),
            ("edge", "card", 3.0),
        ],
    )
    def test_pairs_can_be_read(
        self, ink: str, ground: str, least: float, *, dark: bool
    ) -> None:
        """Text has 4.5:1 and the lines of controls 3:1, in light and dark (AA)."""
        found = colours((STATIC / "site.css").read_text(), dark=dark)

        assert contrast(found[ink], found[ground]) >= least


class TestLanguage:
    async def test_it_is_chosen_once_and_kept(self, browser: Browser) -> None:
        """By a form, through the log-in, on every later page."""
        notice = await browser.page("/notice?request=")
        answer = await browser.press(notice.form("locale-zh-CN"))
        assert answer.headers["location"] == "/notice?request="
        assert "使用前请阅读" in (await browser.follow(answer)).text

        page = await browser.hand_over(await register_subject(browser.services))

        assert "应用可以使用什么" in page.text

    async def test_it_works_where_nobody_has_a_session(self, browser: Browser) -> None:
        """The policy is readable by anybody, in either language."""
        page = await browser.page("/policy")

        answer = await browser.press(page.form("locale-zh-CN"))

        assert answer.headers["location"] == "/policy"
        assert "隐私政策" in (await browser.follow(answer)).text

    async def test_an_unknown_one_is_refused(self, browser: Browser) -> None:
        """The list is the catalogue's."""
        page = await browser.page("/policy")

        answer = await browser.press(page.form("locale-zh-CN"), locale="xx")

        assert answer.status_code == 400
        assert COOKIE not in answer.cookies


class TestMessage:
    async def test_no_link_can_claim_that_something_was_done(
        self, browser: Browser, stranger: Browser
    ) -> None:
        """What is said after an act is bound to the session that acted."""
        await somebody(browser)
        page = await browser.page("/me/permissions")
        hook = next(iter(name for name in page.hooks if name.startswith("grant-")))
        answer = await browser.press(page.form(hook))
        location = answer.headers["location"]
        await stranger.hand_over(await register_subject(browser.services))

        mine = await browser.page(location)
        forged = [
            await stranger.page(location),
            await stranger.page("/me/permissions?done=withdrawn.device.camera.0"),
            await stranger.page("/me/permissions?done=withdrawn"),
            await stranger.page("/me/permissions?done=...&done=x"),
        ]

        assert "flash-withdrawn" in mine.hooks
        assert all("flash-withdrawn" not in page.hooks for page in forged)


class TestErrors:
    async def test_a_person_gets_a_page_and_a_machine_gets_json(
        self, browser: Browser
    ) -> None:
        """By what they accept; the API never answers with a page."""
        page = await browser.get("/nothing-here")
        machine = await browser.http.get(
            "/nothing-here", headers={"accept": "application/json"}
        )
        api = await browser.get("/v1/subjects/sub_x")

        assert "message-not_found" in Page(page.text).hooks
        assert page.headers["x-request-id"] in page.text
        assert machine.headers["content-type"] == "application/problem+json"
        assert api.headers["content-type"] == "application/problem+json"

    async def test_an_unknown_version_of_the_policy_does_not_exist(
        self, browser: Browser
    ) -> None:
        """Versions are found under their own address, and no other (R70)."""
        assert (await browser.get("/policy/versions/1999-01-01")).status_code == 404

    async def test_without_a_way_to_log_in_the_page_says_so(
        self, services: Services
    ) -> None:
        """A gateway that is not set up does not show a dead button."""
        wechat = msgspec.structs.replace(services.settings.wechat, apps={})
        bare = msgspec.structs.replace(
            services,
            settings=msgspec.structs.replace(services.settings, wechat=wechat),
        )
        application: Any = create_app(bare)
        transport = httpx2.ASGITransport(app=application)
        async with httpx2.AsyncClient(
            transport=transport, base_url=bare.settings.issuer
        ) as http:
            page = await Browser(bare, http).read_notice()

        assert "No way to log in is set up here yet." in page.text
        assert "wechat-login" not in page.hooks


class TestPolicy:
    def test_markup_in_a_policy_stays_text(self) -> None:
        """An operator's text cannot smuggle a script or a bad link in."""
        html = rendered("<script>x</script> [a](javascript:alert(1)) **b**")

        assert "<script" not in html
        assert "href" not in html
        assert "<strong>b</strong>" in html

    async def test_it_is_the_catalogues_text(self, browser: Browser) -> None:
        """In the language of the browser, with its version's own address (R01)."""
        page = await browser.page("/policy")

        assert "AseanBiz privacy policy" in page.text
        assert 'href="/policy/versions/2023-04-07"' in page.html

    async def test_the_list_of_sdks_is_complete(self, browser: Browser) -> None:
        """Name, company, purpose, what it holds, link: for each of them (R76)."""
        page = await browser.page("/sdks")

        for sdk in browser.services.catalogue.sdks.values():
            for text in (sdk.name["en"], sdk.company["en"], sdk.link):
                assert text in page.text
        assert "WeChat" in page.text
