"""The stage, a Chromium, and people who sit down in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    ViewportSize,
    expect,
    sync_playwright,
)

from gateway.demo.folder import Folder
from gateway.demo.stage import Stage, set_stage
from tests.e2e.album import REPORT, Album, write_index
from tests.e2e.visitor import Visitor

FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
WITHIN_MS: Final = 15_000  # a machine that tests much else at once is slow

Sit = Callable[..., Visitor]
OpenAlbum = Callable[..., Album]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Find the browser; without one, skip, or fail where one is required."""
    named = os.environ.get("GATEWAY_TEST_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        missing = "needs Chromium on the path, or GATEWAY_TEST_CHROMIUM"
        if os.environ.get("GATEWAY_TEST_REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory,
    chromium_path: str,  # noqa: ARG001 - no processes for nobody
) -> Iterator[Stage]:
    """Run simulator, gateway, shop and courier as processes, anew for each module."""
    folder = Folder(tmp_path_factory.mktemp("stage") / "data")
    with set_stage(folder, None, os.environ, lambda _: None) as stage:
        yield stage


@pytest.fixture(scope="module")
def chromium(stage: Stage, chromium_path: str) -> Iterator[Browser]:
    """Start the browser once a module, after the stage: Playwright keeps the loop."""
    assert stage.children
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def sit(chromium: Browser, stage: Stage) -> Iterator[Sit]:
    """Give a way to put somebody in front of a new browser of a phone's size.

    Whatever a page complains about in the console, a broken rule of its own
    Content-Security-Policy included, fails the test.
    """
    expect.set_options(timeout=WITHIN_MS)
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if not _is_status_of_page(message):
            complaints.append(f"{message.page and message.page.url}: {message.text}")

    def sit_down(name: str, locale: str = "en", **options: Any) -> Visitor:  # noqa: ANN401
        context: BrowserContext = closing.enter_context(
            chromium.new_context(**{"viewport": PHONE, "locale": locale, **options})
        )
        context.set_default_timeout(WITHIN_MS)
        context.on("console", note)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        return Visitor(context.new_page(), stage, name)

    with ExitStack() as closing:
        yield sit_down
    assert complaints == []


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Iterator[Path]:
    """Give the folder of the report; at the end it gets its index."""
    folder = pytestconfig.rootpath / REPORT
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    write_index(folder)


@pytest.fixture
def album(report: Path) -> OpenAlbum:
    """Give a way to open an album in the report."""

    def open_album(folder: str, *, first: int = 1, most: int = 40) -> Album:
        return Album(report / folder, first=first, most=most)

    return open_album


def _is_status_of_page(message: ConsoleMessage) -> bool:
    """Say whether Chromium merely notes a page's own 4xx; a missing file is no page."""
    name = urlsplit(message.location["url"]).path.rpartition("/")[2]
    return "the server responded with a status of 4" in message.text and (
        "." not in name
    )
