"""What a person sees of their grants, and how they take one back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gateway.services import Services
from permissions.acts import SuspendClient, UseGrant
from tests.conftest import FakeClock
from tests.factories import (
    OFFICER,
    grant,
    register_app,
    register_partner,
)
from tests.gateway.api.parties import Meeting, make_meeting, make_shown

MINE = "/v1/me/grants"


@pytest.fixture
async def meeting(services: Services, http: httpx2.AsyncClient) -> Meeting:
    """Give an app and a person who has seen the notice."""
    return await make_meeting(services, http)


async def take_back(meeting: Meeting, ident: str, key: str = "k") -> httpx2.Response:
    """Let the person withdraw one grant."""
    return await meeting.person.send("POST", f"{MINE}/{ident}/withdraw", key=key)


class TestList:
    async def test_app_and_person_see_the_same(
        self, meeting: Meeting, services: Services
    ) -> None:
        """One list, whoever reads it; newest first, in the words that were asked."""
        held = await grant(services, meeting.subject, meeting.client)

        mine = await meeting.person.get(MINE)
        theirs = await meeting.app.get(f"/v1/subjects/{meeting.subject}/grants")

        assert mine == theirs
        (item,) = mine["items"]
        pair = services.catalogue.pairs["device.camera", "scan_qr"]
        assert (item["id"], item["state"], item["elements"]) == (held.id, "granted", [])
        assert item["text"] == pair.question
        assert item["client"] == {"id": meeting.client.id, "name": meeting.client.name}

    async def test_states_are_derived_now(
        self, meeting: Meeting, services: Services, clock: FakeClock
    ) -> None:
        """Expiry and suspension need no act on the grant."""
        partner, _ = await register_partner(services)
        ending = clock.now + timedelta(hours=1)
        await grant(services, meeting.subject, meeting.client, expires_at=ending)
        await grant(services, meeting.subject, partner, "data.identity", "delivery")
        await services.store.write(
            lambda transaction: transaction.perform(
                SuspendClient(actor=OFFICER, client=partner.id)
            )
        )
        clock.advance(timedelta(hours=1))

        items = (await meeting.person.get(MINE))["items"]

        states = {item["client"]["id"]: item["state"] for item in items}
        assert states == {meeting.client.id: "expired", partner.id: "suspended"}

    async def test_a_one_time_yes_is_granted_until_it_is_used(
        self, meeting: Meeting, services: Services
    ) -> None:
        """Looking at it does not use it."""
        held = await grant(services, meeting.subject, meeting.client, one_time=True)
        before = await meeting.person.get(MINE)
        await services.store.write(
            lambda transaction: transaction.perform(
                UseGrant(actor=OFFICER, subject=meeting.subject, grant=held.id)
            )
        )

        after = await meeting.person.get(MINE)

        assert before["items"][0]["state"] == "granted"
        assert after["items"][0]["state"] == "used"

    async def test_pages_follow_each_other(
        self, meeting: Meeting, services: Services, clock: FakeClock
    ) -> None:
        """Every grant is on exactly one page; filters hold on all of them."""
        made = []
        for _ in range(5):
            app, _ = await register_app(services)
            made.append((await grant(services, meeting.subject, app)).id)
            clock.advance(timedelta(seconds=1))
        seen: list[str] = []
        cursor = ""

        while True:
            page: Any = await meeting.person.get(
                f"{MINE}?limit=2&state=granted{cursor}"
            )
            seen += [item["id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"

        assert seen == list(reversed(made))
        assert (await meeting.person.get(f"{MINE}?state=refused"))["items"] == []

    @pytest.mark.parametrize(
        "query", ["cursor=xx", "cursor=%21", "limit=0", "limit=101", "state=maybe"]
    )
    async def test_odd_queries_are_refused(self, meeting: Meeting, query: str) -> None:
        """A cursor that was never given begins no page."""
        response = await meeting.person.send("GET", f"{MINE}?{query}")

        assert response.status_code == 400


class TestWithdraw:
    async def test_the_next_check_is_no(
        self, meeting: Meeting, services: Services
    ) -> None:
        """Acknowledged means that nobody is answered yes any more."""
        held = await grant(services, meeting.subject, meeting.client)

        told = (await take_back(meeting, held.id)).json()

        assert (told["grant"], told["state"]) == (held.id, "withdrawn")
        assert (await meeting.check())["reason"] == "withdrawn"

    async def test_twice_is_once(self, meeting: Meeting, services: Services) -> None:
        """With the same key or another, the receipt is that of the one act."""
        held = await grant(services, meeting.subject, meeting.client)
        first = await take_back(meeting, held.id)

        again = [await take_back(meeting, held.id, key) for key in ("k", "other")]

        assert [one.json() for one in again] == [first.json()] * 2

    async def test_grants_of_others_do_not_exist(
        self, meeting: Meeting, services: Services, http: httpx2.AsyncClient
    ) -> None:
        """A foreign grant is answered exactly like one that never was."""
        other = await make_meeting(services, http)
        foreign = await grant(services, other.subject, other.client)

        told = [
            await take_back(meeting, ident, f"k{number}")
            for number, ident in enumerate((foreign.id, "gra_" + "a" * 26, "x"))
        ]

        bodies = [
            {name: value for name, value in one.json().items() if name != "request_id"}
            for one in told
        ]
        assert {one.status_code for one in told} == {404}
        assert bodies[0] == bodies[1] == bodies[2]
        assert (await other.check())["effect"] == "allow"

    async def test_a_refusal_cannot_be_taken_back(self, meeting: Meeting) -> None:
        """There was no yes to withdraw."""
        await meeting.answer(await meeting.ticket(), "refused")
        (item,) = (await meeting.person.get(MINE))["items"]

        assert (await take_back(meeting, item["id"])).status_code == 404

    async def test_it_demands_a_key(self, meeting: Meeting) -> None:
        """Without a key a retry could not be told from a second act."""
        response = await meeting.person.send("POST", f"{MINE}/gra_x/withdraw")

        assert response.json()["code"] == "idempotency_key_required"

    async def test_an_app_cannot_do_it_for_them(
        self, meeting: Meeting, services: Services
    ) -> None:
        """Only the person's own token reaches their rights."""
        held = await grant(services, meeting.subject, meeting.client)

        response = await meeting.app.send("POST", f"{MINE}/{held.id}/withdraw", key="k")

        assert response.status_code == 403


class TestNotice:
    async def test_it_is_seen_once(
        self, services: Services, http: httpx2.AsyncClient, clock: FakeClock
    ) -> None:
        """Seeing it again changes nothing, not even the time."""
        meeting = await make_meeting(services, http, notice=False)
        notice = await meeting.person.get("/v1/notice")
        shown = make_shown(notice["sha256"]["en"])
        first = await meeting.person.send("POST", "/v1/notice", shown)
        clock.advance(timedelta(minutes=1))

        again = await meeting.person.send("POST", "/v1/notice", shown)

        assert (notice["seen"], notice["seen_at"]) == (False, None)
        assert first.json()["seen"] is True
        assert again.json() == first.json()

    async def test_another_text_is_not_the_notice(
        self, services: Services, http: httpx2.AsyncClient
    ) -> None:
        """What the gateway did not compose was not the notice."""
        meeting = await make_meeting(services, http, notice=False)

        response = await meeting.person.send(
            "POST", "/v1/notice", make_shown("ab" * 32)
        )

        assert response.json()["code"] == "text_not_published"
        assert (await meeting.check())["reason"] == "notice_missing"
