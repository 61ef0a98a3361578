"""Forgery: a form counts only as shown, to this session, from this site."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.web.pages import own_path
from permissions.state import Client, Grant
from tests.conftest import ISSUER
from tests.factories import grant, register_app, register_subject
from tests.gateway.web.browser import Browser, Form, Page


class Case:
    """Somebody with two grants, on the page where they take them back."""

    def __init__(
        self,
        browser: Browser,
        subject: str,
        client: Client,
        grants: tuple[Grant, Grant],
    ) -> None:
        self.browser = browser
        self.subject = subject
        self.client = client
        self.one, self.other = grants

    async def form(self, held: Grant | None = None) -> Form:
        """Return the form that takes one of the grants back."""
        page = await self.browser.page("/me/permissions")
        return page.form(f"grant-{(held or self.one).id}-withdraw")

    async def live(self) -> set[str]:
        """Return the grants in force."""
        standing = await self.browser.services.store.standing(
            self.subject, self.client.id
        )
        assert standing.subject is not None
        return {
            held.id
            for held in standing.subject.grants.values()
            if held.state == "granted"
        }

    async def untouched(self) -> bool:
        """Say whether nothing has been taken back."""
        return await self.live() == {self.one.id, self.other.id}


@pytest.fixture
async def case(browser: Browser) -> Case:
    """Sign somebody in who has allowed two things."""
    client, _ = await register_app(browser.services)
    subject = await register_subject(browser.services)
    one = await grant(browser.services, subject, client)
    other = await grant(
        browser.services, subject, client, "device.album", "publish_upload"
    )
    await browser.hand_over(subject, client.id)
    return Case(browser, subject, client, (one, other))


class TestToken:
    async def test_the_form_as_shown_counts(self, case: Case) -> None:
        """The positive case, so that the refusals below mean something."""
        answer = await case.browser.press(await case.form())

        assert answer.status_code == 303
        assert await case.live() == {case.other.id}

    @pytest.mark.parametrize("token", ["", "0" * 64, "ä", "x" * 5000])
    async def test_a_made_up_token_does_not(self, case: Case, token: str) -> None:
        """Missing, guessed, odd and long ones are all the same 403."""
        answer = await case.browser.press(await case.form(), csrf=token)

        assert answer.status_code == 403
        assert "message-csrf_failed" in Page(answer.text).hooks
        assert await case.untouched()

    async def test_the_token_of_another_grant_does_not(self, case: Case) -> None:
        """Each form is good for what it was shown for."""
        foreign = (await case.form(case.other)).fields["csrf"]

        answer = await case.browser.press(await case.form(), csrf=foreign)

        assert answer.status_code == 403
        assert await case.untouched()

    async def test_the_token_of_another_form_does_not(self, case: Case) -> None:
        """A token that logs out takes nothing back."""
        page = await case.browser.page("/me")
        foreign = page.form("logout").fields["csrf"]

        answer = await case.browser.press(await case.form(), csrf=foreign)

        assert answer.status_code == 403
        assert await case.untouched()

    async def test_the_token_of_another_session_does_not(
        self, case: Case, stranger: Browser
    ) -> None:
        """An attacker's own valid form is of no use in the victim's browser."""
        await stranger.hand_over(case.subject, case.client.id)
        page = await stranger.page("/me/permissions")
        foreign = page.form(f"grant-{case.one.id}-withdraw").fields["csrf"]

        answer = await case.browser.press(await case.form(), csrf=foreign)

        assert answer.status_code == 403
        assert await case.untouched()

    async def test_an_altered_value_does_not(self, browser: Browser) -> None:
        """The token covers the values: another text was never shown."""
        notice = await browser.page("/notice")

        answer = await browser.press(
            notice.form("notice-continue"), shown_at="2020-01-01T00:00:00+00:00"
        )

        assert answer.status_code == 403


class TestOrigin:
    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": "http://127.0.0.1:8401"},
            {"origin": f"{ISSUER}.evil.example"},
            {"sec-fetch-site": "cross-site"},
            {"origin": ISSUER, "sec-fetch-site": "cross-site"},
        ],
    )
    async def test_another_site_cannot_press(
        self, case: Case, headers: dict[str, str]
    ) -> None:
        """Even with the right token."""
        form = await case.form()

        answer = await case.browser.http.post(
            form.action, data=form.fields, headers=headers
        )

        assert answer.status_code == 403
        assert "message-cross_origin" in Page(answer.text).hooks
        assert await case.untouched()

    async def test_without_either_header_the_token_decides(self, case: Case) -> None:
        """A client that is no browser follows the forms and gets through."""
        form = await case.form()

        answer = await case.browser.http.post(form.action, data=form.fields)

        assert answer.status_code == 303


class TestShape:
    @pytest.mark.parametrize(
        ("kind", "body", "status"),
        [
            ("text/plain", "csrf={csrf}", 415),
            ("application/json", '{{"csrf": "{csrf}"}}', 415),
            ("multipart/form-data; boundary=x", "csrf={csrf}", 415),
            ("application/x-www-form-urlencoded", "csrf={csrf}&csrf={csrf}", 400),
            ("application/x-www-form-urlencoded", "csrf={csrf}&more=1", 400),
            ("application/x-www-form-urlencoded", "", 400),
            ("application/x-www-form-urlencoded", "csrf=%ff", 400),
            ("application/x-www-form-urlencoded", "csrf=" + "x" * 70_000, 413),
        ],
    )
    async def test_other_bodies_are_refused(
        self, case: Case, kind: str, body: str, status: int
    ) -> None:
        """Each by its own status, never a 500, and nothing is done."""
        form = await case.form()

        answer = await case.browser.http.post(
            form.action,
            content=body.format(**form.fields).encode("latin-1"),
            headers={"content-type": kind, "origin": ISSUER},
        )

        assert answer.status_code == status
        assert await case.untouched()

    async def test_looking_takes_nothing_back(self, case: Case) -> None:
        """A GET of the address that acts is no act."""
        form = await case.form()

        answer = await case.browser.get(form.action)

        assert answer.status_code == 405
        assert await case.untouched()


class TestOwnPath:
    @pytest.mark.parametrize(
        "path",
        [
            "https://evil.example", "//evil.example", "/\\evil.example",
            "\\\\evil.example", "javascript:alert(1)", "evil", "", " /me",
            "/me\nSet-Cookie: a=b", "/\t/evil.example", "/me\u202e", "///evil.example",
        ],
    )  # fmt: skip
    def test_what_could_lead_away_leads_home(self, path: str) -> None:
        """Anything but a plain path of ours becomes the start page (R33)."""
        assert own_path(path) == "/me"

    @pytest.mark.parametrize("path", ["/me", "/login?request=req_x", "/policy#part"])
    def test_our_own_paths_stay(self, path: str) -> None:
        """With their query and fragment."""
        assert own_path(path) == path

    async def test_the_language_form_does_not_lead_away(self, browser: Browser) -> None:
        """On a page without a session nothing covers the value but this check."""
        changes: dict[str, Any] = {"back": "//evil.example"}
        page = await browser.page("/policy")

        answer = await browser.press(page.form("locale-zh-CN"), **changes)

        assert answer.headers["location"] == "/me"
