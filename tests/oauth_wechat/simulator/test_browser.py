"""The simulator's pages in a real Chromium, and its broken line on a real socket."""

import asyncio
import logging
import os
import random
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from oauth_wechat import (
    Code,
    Identity,
    Secret,
    WeChatApp,
    WeChatUnavailable,
    authorize_url,
    exchange,
    read_callback,
)
from oauth_wechat.simulator import SimulatedApp, SimulatedUser, create_simulator

STATE = "0123456789abcdefghijAB"
TOKEN = "admin-token-1"
CHROMIUM = os.environ.get("GATEWAY_TEST_CHROMIUM") or shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Site:
    """A site that notes each callback it gets and answers with a title."""

    def __init__(self) -> None:
        self.callbacks: list[str] = []
        callbacks = self.callbacks

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Note the callback."""
                if self.path.startswith("/cb"):
                    callbacks.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"<title>Site</title>")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/cb"


class Simulator:
    """A simulator on a port of its own."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.app = WeChatApp(
            name="web",
            appid="wxsim1",
            secret=Secret("sim-secret-1"),
            open_base=base,
            api_base=base,
        )

    def turn(self, **knobs: Any) -> None:  # noqa: ANN401 - any knob
        """Turn knobs."""
        reply = httpx2.post(
            f"{self.base}/sim/knobs",
            json={"values": knobs},
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        assert reply.status_code == 200


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve the site while a test runs."""
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Serve a simulator on a free port while a test runs."""
    asgi = create_simulator(
        apps=[
            SimulatedApp(
                appid="wxsim1",
                secret="sim-secret-1",
                name="AseanBiz",
                domains=("127.0.0.1",),
            )
        ],
        users=[
            SimulatedUser(id="li", nickname="李雷"),
            SimulatedUser(id="han", nickname="韩梅梅"),
        ],
        clock=lambda: datetime.now(UTC),
        random=random.Random(7).randbytes,  # noqa: S311 - repeatable on purpose
        admin_token=TOKEN,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    listening: Any = asgi  # Litestar's own ASGI types are narrower
    server = uvicorn.Server(uvicorn.Config(listening, log_level="critical"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield Simulator(f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start the browser once."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the path, or GATEWAY_TEST_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def window(
    chromium: Browser,
    simulator: Simulator,  # noqa: ARG001 - must outlive the polling page
    site: Site,  # noqa: ARG001 - likewise
) -> Iterator[BrowserContext]:
    """Open a window of a phone's size whose pages must not complain."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []


@pytest.mark.browser
class TestPages:
    def test_phone_in_a_second_tab(
        self, window: BrowserContext, simulator: Simulator, site: Site
    ) -> None:
        """The QR page follows the phone without being touched."""
        screen = self.open(window, simulator, site)
        phone = self.phone(window, screen)

        phone.get_by_test_id("user-select").select_option("han")
        phone.get_by_test_id("btn-scan").click()
        expect(screen.get_by_test_id("status")).to_contain_text("Scanned")
        expect(screen.get_by_test_id("btn-allow")).to_be_enabled()
        phone.get_by_test_id("btn-allow").click()

        expect(screen).to_have_title("Site")
        (callback,) = site.callbacks
        assert f"&state={STATE}" in callback

    def test_cancel_on_the_phone_and_again(
        self, window: BrowserContext, simulator: Simulator, site: Site
    ) -> None:
        """No callback; the page says so, and a refresh starts over."""
        screen = self.open(window, simulator, site)
        self.phone(window, screen).get_by_test_id("btn-cancel").click()
        expect(screen.get_by_test_id("status")).to_contain_text("You cancelled")
        expect(screen.get_by_test_id("btn-scan")).to_be_disabled()

        screen.get_by_test_id("btn-refresh").click()
        screen.get_by_test_id("btn-scan").click()
        screen.get_by_test_id("btn-allow").click()

        expect(screen).to_have_title("Site")
        assert len(site.callbacks) == 1

    @pytest.mark.parametrize(
        ("style", "query"),
        [
            ("state_only", f"?state={STATE}"),
            ("authdeny", f"?code=authdeny&state={STATE}"),
        ],
    )
    def test_refusal_with_a_callback(
        self,
        window: BrowserContext,
        simulator: Simulator,
        site: Site,
        style: str,
        query: str,
    ) -> None:
        """The screen is moved to the site, with the refusal it was told."""
        simulator.turn(deny_style=style)
        screen = self.open(window, simulator, site)

        self.phone(window, screen).get_by_test_id("btn-disallow").click()

        expect(screen).to_have_title("Site")
        assert site.callbacks == [f"/cb{query}"]

    @pytest.mark.parametrize(("style", "codes"), [("same_code", 1), ("second_code", 2)])
    def test_double_callback_reaches_the_site_twice(
        self,
        window: BrowserContext,
        simulator: Simulator,
        site: Site,
        style: str,
        codes: int,
    ) -> None:
        """One unseen and one shown, with one state and one or two codes."""
        simulator.turn(duplicate_callback=style)
        screen = self.open(window, simulator, site)
        phone = self.phone(window, screen)

        phone.get_by_test_id("btn-scan").click()
        phone.get_by_test_id("btn-allow").click()

        expect(screen).to_have_title("Site")
        assert len(site.callbacks) == 2
        assert len(set(site.callbacks)) == codes

    def test_by_keyboard_alone(
        self, window: BrowserContext, simulator: Simulator, site: Site
    ) -> None:
        """Tab reaches the buttons in order, Enter presses them."""
        screen = self.open(window, simulator, site)
        self.tab_to(screen, "btn-scan")
        screen.keyboard.press("Enter")
        expect(screen.get_by_test_id("btn-allow")).to_be_enabled()

        self.tab_to(screen, "btn-allow")
        screen.keyboard.press("Enter")

        expect(screen).to_have_title("Site")

    def test_without_javascript(
        self, chromium: Browser, simulator: Simulator, site: Site
    ) -> None:
        """The forms alone log a user in."""
        context = chromium.new_context(java_script_enabled=False)
        screen = self.open(context, simulator, site)

        screen.get_by_test_id("btn-scan").click()
        screen.get_by_test_id("btn-allow").click()

        expect(screen).to_have_title("Site")
        context.close()

    @pytest.mark.parametrize("page", ["screen", "phone"])
    def test_fits_a_narrow_phone(
        self, window: BrowserContext, simulator: Simulator, site: Site, page: str
    ) -> None:
        """At 320 pixels nothing is cut off or scrolls sideways."""
        shown = self.open(window, simulator, site)
        if page == "phone":
            shown = self.phone(window, shown)
        shown.set_viewport_size({"width": 320, "height": 640})

        boxes = [
            box.bounding_box()
            for box in shown.locator("button, select, img, .status").all()
        ]

        assert boxes
        assert all(
            box and box["x"] >= 0 and box["x"] + box["width"] <= 320 for box in boxes
        )

    @staticmethod
    def open(context: BrowserContext, simulator: Simulator, site: Site) -> Page:
        """Open the QR page, in English."""
        page = context.new_page()
        page.goto(authorize_url(simulator.app, site.url, STATE, "en"))
        return page

    @staticmethod
    def phone(context: BrowserContext, screen: Page) -> Page:
        """Open the phone's page for the code on the screen."""
        uuid = screen.get_by_test_id("status").get_attribute("data-uuid")
        page = context.new_page()
        page.goto(screen.url.split("qrconnect")[0] + f"confirm?uuid={uuid}")
        return page

    @staticmethod
    def tab_to(page: Page, hook: str) -> None:
        """Press Tab until the control has the focus."""
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.get_by_test_id(hook).and_(page.locator(":focus")).count():
                return
        pytest.fail(f"Tab never reaches {hook}")


class TestSocket:
    def test_dropped_line_is_unavailable(self, simulator: Simulator) -> None:
        """On a real socket a reset is an HTTP client error, and is wrapped."""
        simulator.turn(user_action="allow", fault="reset")
        code = self.allowed(simulator)

        with pytest.raises(WeChatUnavailable) as caught:
            self.trade(simulator, code)
        assert caught.value.reason == "RemoteProtocolError"

    def test_nothing_confidential_is_logged(
        self, simulator: Simulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not by the connection below the client either, at its most talkative."""
        simulator.turn(user_action="allow")
        code = self.allowed(simulator)
        caplog.set_level(logging.DEBUG)
        caplog.clear()

        identity = self.trade(simulator, code)

        confidential = ("sim-secret-1", code.reveal(), identity.openid)
        assert "/sns/oauth2/access_token" in caplog.text
        assert [each for each in confidential if each in caplog.text] == []

    @staticmethod
    def allowed(simulator: Simulator) -> Secret:
        """Return the code of a user who allowed at once."""
        url = authorize_url(simulator.app, "http://127.0.0.1/cb", STATE)
        callback = read_callback(
            httpx2.URL(httpx2.get(url).headers["location"]).params.multi_items()
        )
        assert isinstance(callback, Code)
        return callback.code

    @staticmethod
    def trade(simulator: Simulator, code: Secret) -> Identity:
        """Exchange the code on a loop of its own thread: Playwright owns ours."""

        async def call() -> Identity:
            async with httpx2.AsyncClient() as client:
                return await exchange(simulator.app, code, client=client)

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, call()).result()
