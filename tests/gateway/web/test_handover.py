"""Handing over: an app brings somebody here, once, within a minute."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import FakeClock
from tests.factories import register_app, register_subject
from tests.gateway.web.browser import Browser, Page, add_ticket


async def path_for(browser: Browser, **named: str) -> str:
    """Make a ticket for a new person, unless one is named."""
    services = browser.services
    subject = named.get("subject") or await register_subject(services)
    return f"/handover/{await add_ticket(services, subject, named.get('client', 'c'))}"


class TestTicket:
    async def test_it_signs_in_and_says_whose_app_it_was(
        self, browser: Browser
    ) -> None:
        """A person can tell a hand-over from a link that somebody sent them."""
        client, _ = await register_app(browser.services)
        path = await path_for(browser, client=client.id)

        page = await browser.follow(await browser.get(path))

        assert "flash-handed_over" in page.hooks
        assert "You came here from Sample App" in page.text

    async def test_it_works_once(self, browser: Browser, stranger: Browser) -> None:
        """Whoever finds it in a history or a log is too late."""
        path = await path_for(browser)
        await browser.get(path)

        answer = await stranger.get(path)

        assert answer.status_code == 410
        assert "message-handover_spent" in Page(answer.text).hooks
        assert (await stranger.get("/me")).headers["location"] == "/login"

    @pytest.mark.parametrize(("seconds", "status"), [(59, 303), (60, 410)])
    async def test_it_lives_for_a_minute(
        self, browser: Browser, clock: FakeClock, seconds: int, status: int
    ) -> None:
        """At the sixtieth second it is over."""
        path = await path_for(browser)
        clock.advance(timedelta(seconds=seconds))

        assert (await browser.get(path)).status_code == status

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"sec-purpose": "prefetch"}, 503),
            ({"sec-purpose": "prefetch;prerender"}, 503),
            ({"purpose": "prefetch"}, 503),
            ({"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
            ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
            ({"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 403),
        ],
    )
    async def test_only_a_visit_uses_it_up(
        self, browser: Browser, headers: dict[str, str], status: int
    ) -> None:
        """Looking ahead, frames and scripts neither sign in nor spend it."""
        path = await path_for(browser)

        ahead = await browser.get(path, **headers)
        head = await browser.http.head(path)

        assert ahead.status_code == status
        assert head.status_code == 405
        assert (await browser.get(path)).status_code == 303

    @pytest.mark.parametrize("ticket", ["x", "A" * 43, "é", "a" * 150])
    async def test_a_made_up_one_is_refused(
        self, browser: Browser, ticket: str
    ) -> None:
        """Unknown, short, odd and long ones end on the same page."""
        assert (await browser.get(f"/handover/{ticket}")).status_code == 410

    @pytest.mark.parametrize("ticket", ["%00", "a" * 4000])
    async def test_what_is_no_path_of_ours_does_not_exist(
        self, browser: Browser, ticket: str
    ) -> None:
        """Controls and endless names are answered before any route looks."""
        assert (await browser.get(f"/handover/{ticket}")).status_code == 404


class TestNotice:
    async def test_who_has_not_seen_it_sees_it_first(self, browser: Browser) -> None:
        """And then it is recorded at once, as their own act."""
        subject = await register_subject(browser.services, notice=False)
        notice = await browser.follow(
            await browser.get(await path_for(browser, subject=subject))
        )

        page = await browser.follow(await browser.press(notice.form("notice-continue")))

        standing = await browser.services.store.standing(subject, "c")
        assert standing.subject is not None
        assert standing.subject.notice_version == "2023-04-07"
        assert "You were shown the first-use notice" in page.text

    async def test_what_somebody_else_read_is_not_theirs(
        self, browser: Browser
    ) -> None:
        """A notice read before one account was there proves nothing for the next."""
        await browser.read_notice()
        await browser.get(await path_for(browser))
        subject = await register_subject(browser.services, notice=False)

        answer = await browser.get(await path_for(browser, subject=subject))

        assert answer.headers["location"].startswith("/notice")
        standing = await browser.services.store.standing(subject, "c")
        assert standing.subject is not None
        assert standing.subject.notice_version is None
