"""The privacy centre: everything allowed is there, and goes as easily as it came."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.services import Services
from gateway.web import sessions
from gateway.web.sessions import csrf_token
from permissions.acts import Actor, ReleaseData, SuspendClient
from permissions.decision import Decision, Deny, Question, decide
from permissions.state import Client, ContractPair, Grant
from tests.conftest import FakeClock
from tests.factories import (
    OFFICER,
    grant,
    make_contract,
    register_app,
    register_partner,
    register_subject,
    withdraw,
)
from tests.gateway.web.browser import Browser, Page


async def decision(services: Services, subject: str, held: Grant) -> Decision:
    """Ask what a check would answer now."""
    standing = await services.store.standing(subject, held.client)
    question = Question(
        client=held.client, capability=held.capability, purpose=held.purpose
    )
    return decide(question, standing, services.catalogue, services.clock())


async def partner_with_grants(
    services: Services, subject: str
) -> tuple[Client, list[Grant]]:
    """Let somebody allow a partner two things."""
    client, _ = await register_partner(services)
    return client, [
        await grant(services, subject, client, "data.identity", "delivery"),
        await grant(services, subject, client, "data.transaction", "delivery"),
    ]


class TestTakingBack:
    async def test_one_press_ends_one_grant(self, browser: Browser) -> None:
        """The next check is refused, and the other grant of the partner lives."""
        subject = await register_subject(browser.services)
        client, (one, other) = await partner_with_grants(browser.services, subject)
        await browser.hand_over(subject, client.id)
        page = await browser.page("/me/partners")

        answer = await browser.press(page.form(f"grant-{one.id}-withdraw"))

        answers = [await decision(browser.services, subject, g) for g in (one, other)]
        assert isinstance(answers[0], Deny)
        assert answers[0].reason == "withdrawn"
        assert not isinstance(answers[1], Deny)
        after = await browser.follow(answer)
        assert "Taken back: Identity" in after.text
        assert f"grant-{one.id}-withdraw" not in after.hooks
        assert f"grant-{other.id}-withdraw" in after.hooks

    async def test_pressing_again_changes_nothing(self, browser: Browser) -> None:
        """A repeated form says the same and writes no second act."""
        subject = await register_subject(browser.services)
        client, _ = await register_app(browser.services)
        held = await grant(browser.services, subject, client)
        await browser.hand_over(subject, client.id)
        page = await browser.page("/me/permissions")
        form = page.form(f"grant-{held.id}-withdraw")

        first, again = await browser.press(form), await browser.press(form)

        assert first.headers["location"] == again.headers["location"]
        activity = await browser.page("/me/activity")
        assert activity.text.count("You took it back from") == 1

    async def test_everything_of_one_partner_goes_together(
        self, browser: Browser
    ) -> None:
        """And nothing of another one."""
        subject = await register_subject(browser.services)
        client, _ = await partner_with_grants(browser.services, subject)
        kept, (held, _) = await partner_with_grants(browser.services, subject)
        await browser.hand_over(subject, client.id)
        page = await browser.page("/me/partners")

        answer = await browser.press(page.form(f"partner-{client.id}-withdraw"))

        after = await browser.follow(answer)
        assert "Everything is taken back from Sample Courier" in after.text
        assert f"partner-{client.id}-withdraw" not in after.hooks
        assert f"partner-{kept.id}-withdraw" in after.hooks
        assert not isinstance(await decision(browser.services, subject, held), Deny)

    async def test_somebody_elses_grant_does_not_exist(
        self, browser: Browser, stranger: Browser
    ) -> None:
        """A foreign id answers as one that never was, and stays (BOLA)."""
        client, _ = await register_app(browser.services)
        owner, other = [await register_subject(browser.services) for _ in range(2)]
        held = await grant(browser.services, owner, client)
        await stranger.hand_over(other, client.id)
        services, cookie = browser.services, stranger.cookie
        session = services.store.near(
            lambda near: sessions.find(near, cookie, services.clock())
        )
        assert session is not None

        answers = [
            await stranger.http.post(
                f"/me/grants/{name}/withdraw",
                # The token that a page would hold if it showed such a grant.
                data={"csrf": csrf_token(services.keys, session, "withdraw", name)},
            )
            for name in (held.id, "gra_" + "a" * 26, "x")
        ]

        assert {answer.status_code for answer in answers} == {404}
        assert not isinstance(await decision(services, owner, held), Deny)

    async def test_it_takes_no_more_steps_than_granting(self, browser: Browser) -> None:
        """Granting: a tick and a press. Taking back: a press, and nothing to fill in.

        Counted on the pages themselves (promise 7, PIPL 15, R23).
        """
        subject = await register_subject(browser.services)
        client, (held, _) = await partner_with_grants(browser.services, subject)
        await browser.hand_over(subject, client.id)
        page = await browser.page("/me/partners")
        form = page.form(f"grant-{held.id}-withdraw")

        answer = await browser.press(form)

        granting = 1 + 1  # tick the item, press allow: what the page asks at least
        taking_back = len(form.boxes) + 1
        assert taking_back <= granting
        assert form.boxes == []
        assert set(form.fields) == {"csrf"}
        assert answer.status_code == 303
        assert isinstance(await decision(browser.services, subject, held), Deny)
        assert "withdraw-confirm" not in (await browser.follow(answer)).hooks

    async def test_what_it_costs_stands_beside_the_button(
        self, browser: Browser
    ) -> None:
        """What is lost and what is kept, before the press and without blame."""
        subject = await register_subject(browser.services)
        client, _ = await register_app(browser.services)
        await grant(browser.services, subject, client)
        await browser.hand_over(subject, client.id)

        page = await browser.page("/me/permissions")

        assert "You lose" in page.text
        assert "Pick a picture of the code, or type it in." in page.text


class TestShowing:
    async def test_a_partner_is_shown_with_everything_about_its_grant(
        self, browser: Browser
    ) -> None:
        """Legal name, number, contact, elements, purpose, since, until, how long."""
        subject = await register_subject(browser.services)
        client, _ = await partner_with_grants(browser.services, subject)
        await browser.hand_over(subject, client.id)

        page = await browser.page("/me/partners")

        for text in (
            "Sample Courier Co., Ltd.", "91310000MA1K00000X", "privacy@app.example",
            "Identity", "Name", "Phone number", "Address", "Delivery",
            "November 22, 2026", "you take it back", "30 days",
        ):  # fmt: skip
            assert text in page.text, text

    async def test_a_suspended_partner_reads_as_not_in_use(
        self, browser: Browser
    ) -> None:
        """The page says what a check would say, and taking back still works."""
        subject = await register_subject(browser.services)
        client, (held, _) = await partner_with_grants(browser.services, subject)
        await browser.services.store.write(
            lambda tx: tx.perform(SuspendClient(actor=OFFICER, client=client.id))
        )
        await browser.hand_over(subject, client.id)

        page = await browser.page("/me/partners")

        assert "Not in use: this partner is not allowed to receive" in page.text
        assert f"grant-{held.id}-withdraw" in page.hooks

    async def test_an_expired_grant_is_no_longer_in_force(
        self, browser: Browser, clock: FakeClock
    ) -> None:
        """At its end it moves to what has ended, without any act."""
        subject = await register_subject(browser.services)
        client, _ = await register_app(browser.services)
        end = clock.now + timedelta(minutes=5)
        held = await grant(browser.services, subject, client, expires_at=end)
        await browser.hand_over(subject, client.id)
        before = await browser.page("/me/permissions")
        clock.now = end

        after = await browser.page("/me/permissions")

        assert f"grant-{held.id}-withdraw" in before.hooks
        assert f"grant-{held.id}-withdraw" not in after.hooks
        assert "Taken back or ended (1)" in after.text

    async def test_an_element_the_contract_dropped_is_not_shown_as_shared(
        self, browser: Browser
    ) -> None:
        """Only what would be released now is listed."""
        services = browser.services
        subject = await register_subject(services)
        client, _ = await partner_with_grants(services, subject)
        less = ContractPair(
            capability="data.identity", purpose="delivery", required=("name",)
        )
        await register_partner(
            services, id=client.id, contract=make_contract(services, pairs=(less,))
        )
        await browser.hand_over(subject, client.id)

        page = await browser.page("/me/partners")

        assert "Name" in page.text
        assert "Phone number" not in page.text

    async def test_names_of_outsiders_cannot_act_or_pretend(
        self, browser: Browser
    ) -> None:
        """Markup is text, and what turns the reading direction is gone (A7)."""
        subject = await register_subject(browser.services)
        evil = "Bank\u202eknaB<script>alert(1)</script>\u2066\u200b\u0007'\""
        client, _ = await register_partner(
            browser.services,
            name={"zh-CN": evil, "en": evil},
            legal_name=evil,
            contact=evil,
            registry_number=evil,
        )
        await grant(browser.services, subject, client, "data.identity", "delivery")
        await browser.hand_over(subject, client.id)

        for path in ("/me", "/me/partners", "/me/activity"):
            page = await browser.page(path)
            assert "<script" not in page.html
            assert "BankknaB<script>alert(1)</script>'\"" in page.text
            assert not set("\u202e\u2066\u200b\u0007") & set(page.html)


class TestActivity:
    async def test_it_says_who_received_what_under_which_yes(
        self, browser: Browser
    ) -> None:
        """Partner, category, elements, number of records, time, and the grant."""
        services = browser.services
        subject = await register_subject(services)
        client, (_, held) = await partner_with_grants(services, subject)
        release = ReleaseData(
            actor=Actor(kind="client", id=client.id),
            subject=subject,
            client=client.id,
            release="rel_" + "a" * 26,
            category="transaction",
            purpose="delivery",
            elements=("order_no", "status"),
            withheld={"amount": "element_not_granted"},
            grant=held.id,
            basis="consent",
            records=2,
            body_mac="00" * 32,
        )
        await services.store.write(lambda tx: tx.perform(release))
        await browser.hand_over(subject, client.id)

        page = await browser.page("/me/activity")

        assert "Sample Courier received data of yours" in page.text
        assert "Order number, Order status · 2 records" in page.text
        assert f'href="/me/partners#{held.id}"' in page.html
        assert "November 22, 2026 16:00" in page.text  # in the operator's zone

    async def test_older_entries_are_a_page_away(self, browser: Browser) -> None:
        """Each entry is on exactly one page."""
        services = browser.services
        subject = await register_subject(services)
        client, _ = await register_app(services)
        for _ in range(30):
            held = await grant(services, subject, client)
            await withdraw(services, subject, held.id)
        await browser.hand_over(subject, client.id)

        first = await browser.page("/me/activity")
        older = next(
            found["href"]
            for tag, found in first.tags
            if tag == "a" and "before=" in found["href"]
        )
        second = await browser.page(older)

        rows = [page.text.count("You said yes to") for page in (first, second)]
        assert rows == [25, 5]

    @pytest.mark.parametrize("before", ["x", "0", "-1", "99999999999999999999999"])
    async def test_an_odd_place_is_no_server_error(
        self, browser: Browser, before: str
    ) -> None:
        """It is a page that says that this did not work."""
        await browser.hand_over(await register_subject(browser.services))

        answer = await browser.get(f"/me/activity?before={before}")

        assert answer.status_code == 400
        assert "message-refused" in Page(answer.text).hooks


class TestNobody:
    @pytest.mark.parametrize(
        "path", ["/me", "/me/permissions", "/me/partners", "/me/activity"]
    )
    async def test_a_page_of_somebody_needs_a_log_in(
        self, browser: Browser, path: str
    ) -> None:
        """Without one it leads there, and says nothing."""
        answer = await browser.get(path)

        assert answer.status_code == 303
        assert answer.headers["location"] == "/login"
        assert answer.content == b""
