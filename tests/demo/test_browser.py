"""The script's browser does what the page offers, and nothing else."""

from __future__ import annotations

import httpx2
import pytest

from gateway.demo.browser import Browser, NotOnPage, Page

FORM = """
<p data-testid="words">Two <b>bold</b>
 words</p>
<form method="post" action="/go">
  <input type="hidden" name="csrf" value="token">
  <input type="checkbox" name="item" value="0" data-testid="first">
  <input type="checkbox" name="item" value="1" data-testid="second">
  <input type="checkbox" name="item" value="2" data-testid="ticked" checked>
  <select name="user" data-testid="user"><option value="a"><option value="b"></select>
  <input name="off" value="x" disabled>
  <button name="decision" value="deny" data-testid="deny">No</button>
  <button name="decision" value="allow" data-testid="allow">Yes</button>
  <button name="decision" value="never" data-testid="never" disabled>Never</button>
  <button type="button" data-testid="idle">Idle</button>
</form>
<form action="/find"><input name="q" data-testid="q"><button data-testid="find"></form>
"""


class Site:
    """Two sites that note what they are sent."""

    def __init__(self) -> None:
        self.seen: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer; /go leads to another site, which sends the browser back."""
        self.seen.append(request)
        match request.url.path:
            case "/go":
                return httpx2.Response(303, headers={"Location": "http://b.test/back"})
            case "/back":
                return httpx2.Response(
                    302,
                    headers={"Location": "http://a.test/", "Set-Cookie": "seen=1"},
                )
            case "/round":
                return httpx2.Response(303, headers={"Location": "/round"})
            case _:
                return httpx2.Response(200, text=FORM)


@pytest.fixture
def site() -> Site:
    """Give the sites."""
    return Site()


@pytest.fixture
def browser(site: Site) -> Browser:
    """Open a browser on the form."""
    browser = Browser(httpx2.Client(transport=httpx2.MockTransport(site)))
    browser.open("http://a.test/form")
    return browser


class TestForms:
    def test_sends_what_a_browser_would(self, browser: Browser, site: Site) -> None:
        """Ticked boxes and the pressed button alone; lists by their choice."""
        browser.tick("second")

        browser.press("allow")

        sent = site.seen[-1]
        assert sent.method == "POST"
        assert sent.read() == b"csrf=token&item=1&item=2&user=a&decision=allow"
        assert sent.headers["Origin"] == "http://a.test"
        assert sent.headers["Sec-Fetch-Site"] == "same-origin"

    def test_fills_fields_and_lists(self, browser: Browser, site: Site) -> None:
        """What was written is sent; a form without a method asks."""
        browser.fill("q", "a b")

        browser.click("find")

        assert str(site.seen[-1].url) == "http://a.test/find?q=a+b"

    def test_follows_redirects_as_a_person_moves(
        self, browser: Browser, site: Site
    ) -> None:
        """After a form the browser gets, across sites, without the form's origin."""
        browser.click("deny")

        back, home = site.seen[-2:]
        assert [back.method, home.method] == ["GET", "GET"]
        assert "Origin" not in back.headers
        assert browser.page.url == "http://a.test/"

    @pytest.mark.parametrize("name", ["never", "idle", "missing"])
    def test_cannot_press_what_cannot_be_pressed(
        self, browser: Browser, name: str
    ) -> None:
        """A button that is switched off, idle or absent stops the script."""
        with pytest.raises(NotOnPage, match=name):
            browser.press(name)

    def test_cannot_tick_what_is_ticked(self, browser: Browser) -> None:
        """A box that was ticked beforehand is noticed, not ticked again."""
        with pytest.raises(NotOnPage, match="ticked is no unticked box"):
            browser.tick("first", "ticked")

    def test_cannot_choose_what_is_not_offered(self, browser: Browser) -> None:
        """A list has the choices that it has."""
        with pytest.raises(NotOnPage, match="no choice"):
            browser.fill("user", "c")

    def test_redirects_end(self, browser: Browser) -> None:
        """A circle of redirects is a failure, not a wait."""
        with pytest.raises(NotOnPage, match="without end"):
            browser.open("http://a.test/round")


class TestPage:
    def test_text_is_what_is_read(self) -> None:
        """Tags and white space do not matter to who reads."""
        assert Page("http://a.test/", 200, FORM).text("words") == "Two bold words"

    def test_absent_part_names_what_is_there(self) -> None:
        """The message is enough to see what the page has instead."""
        with pytest.raises(NotOnPage, match=r"no grant on / \(200\); it has allow"):
            Page("http://a.test/", 200, FORM).text("grant")
