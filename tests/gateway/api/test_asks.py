"""Asks: leave to ask once, one answer, and quiet after a no."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gateway.services import Services
from permissions.acts import GiveGrant
from permissions.ledger import decode
from permissions.store import rows
from tests.conftest import FakeClock
from tests.factories import grant, issue_token, withdraw
from tests.gateway.api.parties import Meeting, Party, make_meeting

WINDOW = timedelta(hours=48)


@pytest.fixture
async def meeting(services: Services, http: httpx2.AsyncClient) -> Meeting:
    """Give an app and a person who has seen the notice."""
    return await make_meeting(services, http)


class TestOpen:
    async def test_a_ticket_names_what_is_shown_in_both_languages(
        self, meeting: Meeting, services: Services
    ) -> None:
        """The app shows the policy's own words and answers by their hash."""
        ticket = await meeting.ticket()

        pair = services.catalogue.pairs["device.camera", "scan_qr"]
        assert ticket["text"] == pair.question
        assert set(ticket["sha256"]) == {"zh-CN", "en"}
        assert (ticket["prefer"], ticket["fallback"]) == (
            "scan_picker",
            "type_the_code",
        )

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"subject": "sub_" + "a" * 26}, 404, "not_found"),
            ({"subject": "nobody"}, 400, "invalid_request"),
            ({"capability": "device.microphone"}, 422, "capability_unknown"),
            ({"purpose": "advertising"}, 422, "purpose_unknown"),
            ({"capability": "device.album"}, 422, "pair_not_declared"),
            ({"scene": None}, 422, "scene_required"),
            ({"scene": "publish_form"}, 422, "not_in_scene"),
            (
                {"capability": "data.credit", "purpose": "credit_check"},
                422,
                "not_separate",
            ),
            ({"capability": ["device.camera"]}, 400, "invalid_request"),
            ({"also": "device.album"}, 400, "unknown_field"),
        ],
    )
    async def test_what_cannot_be_asked_is_named(
        self, meeting: Meeting, changes: dict[str, object], status: int, code: str
    ) -> None:
        """Each mistake has its own code; nothing is bundled."""
        response = await meeting.ask(**changes)

        assert (response.status_code, response.json()["code"]) == (status, code)

    async def test_before_the_notice_nothing_is_asked(
        self, services: Services, http: httpx2.AsyncClient
    ) -> None:
        """The first-use notice comes first (R01)."""
        meeting = await make_meeting(services, http, notice=False)

        response = await meeting.ask()

        assert response.status_code == 403
        assert response.json()["code"] == "notice_missing"

    async def test_what_is_granted_is_not_asked_again(
        self, meeting: Meeting, services: Services
    ) -> None:
        """A yes that stands needs no question, used up or not."""
        await grant(services, meeting.subject, meeting.client, one_time=True)

        response = await meeting.ask()

        assert response.status_code == 409
        assert response.json()["code"] == "already_granted"

    async def test_a_repeated_request_gets_the_same_ticket(
        self, meeting: Meeting
    ) -> None:
        """A retry does not open a second ticket."""
        asked = {
            "subject": meeting.subject,
            "capability": "device.camera",
            "purpose": "scan_qr",
            "scene": "scan_screen",
        }
        first = await meeting.app.send("POST", "/v1/asks", asked, key="k")

        again = await meeting.app.send("POST", "/v1/asks", asked, key="k")

        assert again.json() == first.json()


class TestBudget:
    async def test_a_no_keeps_the_scene_quiet_for_two_days(
        self,
        meeting: Meeting,
        services: Services,
        http: httpx2.AsyncClient,
        clock: FakeClock,
    ) -> None:
        """A microsecond before the window ends is too early; its end is not."""
        await meeting.outcome(await meeting.ticket())
        clock.advance(WINDOW - timedelta(microseconds=1))
        # The refusal outlives the token.
        meeting.app = Party(http, await issue_token(services, meeting.client))
        early = await meeting.ask()
        clock.advance(timedelta(microseconds=1))

        late = await meeting.ask()

        assert (early.status_code, early.json()["code"]) == (403, "cooldown")
        assert early.json()["next_ask_at"] == "2026-11-24T08:00:00Z"
        assert late.status_code == 201

    async def test_another_purpose_in_the_same_scene_is_the_same_nagging(
        self, meeting: Meeting
    ) -> None:
        """The budget counts the capability and the scene (R26)."""
        scene = {"scene": "publish_form"}
        await meeting.outcome(await meeting.ticket(purpose="take_photo", **scene))

        response = await meeting.ask(purpose="record_video", **scene)
        elsewhere = await meeting.ask()

        assert response.json()["code"] == "cooldown"
        assert elsewhere.status_code == 201

    async def test_a_dismissed_question_counts_as_a_no(self, meeting: Meeting) -> None:
        """Asking until somebody answers is nagging as well."""
        await meeting.outcome(await meeting.ticket(), "dismissed")

        assert (await meeting.ask()).json()["code"] == "cooldown"

    async def test_the_person_may_reach_for_it_once(
        self, meeting: Meeting, clock: FakeClock
    ) -> None:
        """A tap of their own may ask early, one time in a window."""
        await meeting.outcome(await meeting.ticket())
        clock.advance(timedelta(minutes=1))

        first = await meeting.ask(user_initiated=True)
        second = await meeting.ask(user_initiated=True)

        assert first.status_code == 201
        assert second.json()["code"] == "cooldown"

    async def test_what_was_taken_back_is_asked_only_when_wished(
        self, meeting: Meeting, services: Services, clock: FakeClock
    ) -> None:
        """After a withdrawal only the person's own wish opens a ticket."""
        held = await grant(services, meeting.subject, meeting.client)
        await withdraw(services, meeting.subject, held.id)
        clock.advance(timedelta(minutes=1))

        pushed = await meeting.ask()
        wished = await meeting.ask(user_initiated=True)

        assert (pushed.status_code, pushed.json()["code"]) == (403, "withdrawn")
        assert wished.status_code == 201


class TestAnswer:
    async def test_a_yes_is_in_force_at_once_and_proven(
        self, meeting: Meeting, services: Services
    ) -> None:
        """The decision is allow, and the receipt names the ledger's entry."""
        ticket = await meeting.ticket()

        response = await meeting.answer(ticket)

        told = response.json()
        assert told["decision"]["effect"] == "allow"
        assert (await meeting.check())["effect"] == "allow"
        stored = services.store.near(
            lambda near: rows.entries_of(near, meeting.subject, before=None, limit=1)
        )[0]
        assert told["receipt"]["entry_sha256"] == stored.sha256.hex()
        act = decode(stored.body).act
        assert isinstance(act, GiveGrant)
        assert act.evidence.kind == "app_rendered"
        assert act.evidence.text_sha256 == ticket["sha256"]["en"]

    async def test_a_no_is_remembered(self, meeting: Meeting) -> None:
        """The person's own no is a deny until the scene may ask again."""
        response = await meeting.answer(await meeting.ticket(), "refused")

        assert response.json()["decision"]["reason"] == "refused"
        assert response.json()["receipt"]["act"] == "grant.refuse"

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"text": "ab" * 32}, 422, "text_not_published"),
            ({"locale": "zh-CN"}, 422, "text_not_published"),
            ({"locale": "fr"}, 422, "text_not_published"),
            ({"text": "short"}, 400, "invalid_request"),
            ({"answer": "maybe"}, 400, "invalid_request"),
            ({"shown_at": "2026-11-22T07:59:59"}, 400, "invalid_request"),
            (
                {"control": {"id": "a", "initial": "ticked", "action": "tap"}},
                400,
                "invalid_request",
            ),
            ({"granted_by": "officer"}, 400, "unknown_field"),
        ],
    )
    async def test_a_yes_without_its_proof_is_none(
        self, meeting: Meeting, changes: dict[str, Any], status: int, code: str
    ) -> None:
        """What was not shown, or was ticked before, grants nothing."""
        response = await meeting.answer(await meeting.ticket(), **changes)

        assert (response.status_code, response.json()["code"]) == (status, code)
        assert (await meeting.check())["reason"] == "not_asked"

    async def test_of_many_answers_one_counts(self, meeting: Meeting) -> None:
        """A ticket has one answer, whoever is first, at however many doors."""
        ticket = await meeting.ticket()

        answers = await asyncio.gather(
            *(meeting.answer(ticket, key=f"k{n}") for n in range(10)),
            *(meeting.outcome(ticket, key=f"k{n}") for n in range(10)),
        )

        statuses = [one.status_code for one in answers]
        assert sorted(statuses) == [200] + [409] * 19

    async def test_a_retry_gets_the_same_receipt(self, meeting: Meeting) -> None:
        """A lost answer is had again; the act happened once."""
        ticket = await meeting.ticket()
        first = await meeting.answer(ticket)

        again = await meeting.answer(ticket)

        assert again.json() == first.json()

    async def test_a_retry_decides_again(
        self, meeting: Meeting, services: Services
    ) -> None:
        """The receipt is remembered, the decision never."""
        ticket = await meeting.ticket()
        first = await meeting.answer(ticket)
        await withdraw(services, meeting.subject, first.json()["decision"]["grant"])

        again = await meeting.answer(ticket)

        assert again.json()["receipt"] == first.json()["receipt"]
        assert again.json()["decision"]["reason"] == "withdrawn"

    async def test_acts_demand_a_key(self, meeting: Meeting) -> None:
        """Without a key a retry could act twice."""
        response = await meeting.outcome(await meeting.ticket(), key=None)

        assert response.status_code == 400
        assert response.json()["code"] == "idempotency_key_required"

    async def test_a_ticket_runs_out(self, meeting: Meeting, clock: FakeClock) -> None:
        """After a while nobody can say what was shown."""
        ticket = await meeting.ticket()
        clock.advance(timedelta(minutes=15))

        response = await meeting.answer(ticket)

        assert response.status_code == 410
        assert response.json()["code"] == "ask_expired"

    async def test_tickets_of_others_do_not_exist(
        self, meeting: Meeting, services: Services, http: httpx2.AsyncClient
    ) -> None:
        """A foreign ticket is answered exactly like one that never was."""
        other = await make_meeting(services, http)
        foreign = await other.ticket()
        nothing = {**foreign, "id": "ask_" + "a" * 26}
        malformed = {**foreign, "id": "x"}

        told = [
            *[await meeting.answer(one) for one in (foreign, nothing, malformed)],
            *[await meeting.outcome(one) for one in (foreign, nothing, malformed)],
        ]

        assert {one.status_code for one in told} == {404}
        assert {(one.json()["code"], one.json()["detail"]) for one in told} == {
            ("not_found", "there is no such ask")
        }
        assert (await other.answer(foreign)).status_code == 200
