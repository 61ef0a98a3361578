"""Sessions: whose id it is, how long it lives, what ends it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import msgspec
import pytest
from sqlalchemy import func, select

from gateway.problems import Problem
from gateway.services import Services
from gateway.settings import Settings
from gateway.tokens import digest
from gateway.web import sessions
from gateway.web.visits import _cookie, cookie_name
from permissions.store import tables
from tests.conftest import FakeClock
from tests.factories import register_subject
from tests.gateway.web.browser import COOKIE, Browser


def rows(services: Services) -> int:
    """Count the sessions stored."""
    query = select(func.count()).select_from(tables.web_sessions)
    return services.store.near(lambda near: near.scalar(query)) or 0


class TestId:
    async def test_an_id_that_was_not_made_here_is_never_adopted(
        self, browser: Browser
    ) -> None:
        """A planted cookie is replaced, and stands for nothing afterwards."""
        browser.cookie = planted = "A" * 43

        answer = await browser.get("/notice")

        assert answer.cookies[COOKIE] != planted
        assert (
            browser.services.store.near(
                lambda near: sessions.find(near, planted, browser.services.clock())
            )
            is None
        )

    async def test_it_changes_at_log_in_and_the_old_one_is_dead(
        self, browser: Browser, stranger: Browser
    ) -> None:
        """Whoever knew the id before the log-in has nothing after it (fixation)."""
        await browser.get("/notice")
        stranger.cookie = before = browser.cookie

        await browser.hand_over(await register_subject(browser.services))

        assert browser.cookie != before
        assert (await browser.get("/me")).status_code == 200
        assert (await stranger.get("/me")).headers["location"] == "/login"
        assert rows(browser.services) == 1

    async def test_the_cookie_is_not_stored(self, browser: Browser) -> None:
        """A stolen table opens no session: it holds hashes alone."""
        await browser.get("/notice")

        stored = browser.services.store.near(
            lambda near: near.execute(select(tables.web_sessions)).one()
        )

        assert stored.sha256 == digest(browser.cookie)
        assert browser.cookie not in str(stored)

    async def test_the_browser_stays_the_same_when_the_id_rotates(
        self, services: Services
    ) -> None:
        """What is bound to the browser survives a log-in; nothing else does."""
        _, session = await services.store.write(sessions.open_session)

        _, rotated = await services.store.write(lambda tx: sessions.rotate(tx, session))

        assert rotated.sha256 != session.sha256
        assert rotated.browser == session.browser
        assert rotated.expires_at == session.expires_at

    async def test_rotating_does_not_bring_a_log_out_back(
        self, services: Services
    ) -> None:
        """A session that has ended meanwhile cannot be given a new id."""
        _, session = await services.store.write(sessions.open_session)
        await services.store.write(lambda tx: sessions.end(tx, session))

        with pytest.raises(Problem) as caught:
            await services.store.write(lambda tx: sessions.rotate(tx, session))

        assert caught.value.code == "session_gone"
        assert rows(services) == 0


class TestLife:
    async def test_it_ends_after_half_an_hour_without_use(
        self, browser: Browser, clock: FakeClock
    ) -> None:
        """A microsecond before the half hour it lives, at the half hour it does not."""
        await browser.hand_over(await register_subject(browser.services))
        clock.advance(timedelta(minutes=30, microseconds=-1))
        assert (await browser.get("/me")).status_code == 200

        clock.advance(timedelta(minutes=30))

        assert (await browser.get("/me")).headers["location"] == "/login"

    async def test_it_ends_after_twelve_hours_of_use(
        self, browser: Browser, clock: FakeClock
    ) -> None:
        """Using it does not keep it for ever."""
        await browser.hand_over(await register_subject(browser.services))
        for _ in range(48):
            assert (await browser.get("/me")).status_code == 200
            clock.advance(timedelta(minutes=15))

        assert (await browser.get("/me")).headers["location"] == "/login"

    async def test_logging_out_ends_it_on_the_server(self, browser: Browser) -> None:
        """The old cookie is worth nothing to whoever kept a copy."""
        page = await browser.hand_over(await register_subject(browser.services))
        kept = browser.cookie

        answer = await browser.press(page.form("logout"))

        assert answer.headers["location"] == "/logout"
        assert not browser.cookie
        browser.cookie = kept
        assert (await browser.get("/me")).headers["location"] == "/login"

    async def test_a_form_opens_no_session(self, browser: Browser) -> None:
        """What another site posts must not replace the session of this browser."""
        answer = await browser.http.post("/logout", data={"csrf": ""})

        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert rows(browser.services) == 0

    async def test_public_pages_open_none(self, browser: Browser) -> None:
        """Reading the policy leaves no row and no cookie."""
        for path in ("/policy", "/sdks", "/contact", "/logout", "/static/site.css"):
            answer = await browser.get(path)
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers

        assert rows(browser.services) == 0

    async def test_new_sessions_sweep_old_ones(
        self, services: Services, clock: FakeClock
    ) -> None:
        """Strangers cannot pile up rows for longer than they live."""
        for _ in range(20):
            await services.store.write(sessions.open_session)
        clock.advance(timedelta(hours=1))

        for _ in range(64):
            clock.advance(timedelta(microseconds=1))
            secret, session = await services.store.write(sessions.open_session)
            await services.store.write(partial(sessions.end, session=session))

        assert rows(services) == 0
        assert secret


class TestCookie:
    def test_over_tls_it_is_bound_to_this_host(self, services: Services) -> None:
        """Prefix, Secure, HttpOnly, Lax and the whole site; no domain, no age."""
        secure = msgspec.structs.replace(
            services, settings=Settings(issuer="https://consent.example")
        )

        cookie = _cookie(secure, "x").to_header(header="")

        assert cookie_name(secure.settings) == "__Host-gateway-session"
        assert sorted(cookie.split("; ")) == [
            "HttpOnly",
            "Path=/",
            "SameSite=lax",
            "Secure",
            "__Host-gateway-session=x",
        ]

    async def test_on_loopback_it_has_no_prefix(self, browser: Browser) -> None:
        """Browsers refuse the prefix without TLS; the rest stays."""
        answer = await browser.get("/notice")

        assert answer.headers["set-cookie"].startswith(f"{COOKIE}=")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "Secure" not in answer.headers["set-cookie"]
