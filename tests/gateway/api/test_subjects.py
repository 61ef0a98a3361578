"""Subjects and sessions: known under the app's own name, handed over once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select

from gateway.services import Services
from gateway.tokens import digest
from permissions.store import tables
from tests.conftest import FakeClock
from tests.factories import issue_token, register_app, register_partner
from tests.gateway.api.parties import Meeting, Party, make_meeting

NOBODY = "sub_" + "a" * 26


@pytest.fixture
async def meeting(services: Services, http: httpx2.AsyncClient) -> Meeting:
    """Give an app and a person who has seen the notice."""
    return await make_meeting(services, http)


async def register(
    app: Party, reference: str = "user-1", *, key: str | None = None
) -> httpx2.Response:
    """Register a person under the app's own name."""
    return await app.send("POST", "/v1/subjects", {"reference": reference}, key=key)


class TestRegister:
    async def test_the_same_name_is_the_same_subject(self, meeting: Meeting) -> None:
        """The first call is 201, every other is 200, also when they race."""
        told = await asyncio.gather(*(register(meeting.app) for _ in range(10)))

        assert sorted(one.status_code for one in told) == [200] * 9 + [201]
        assert len({one.json()["id"] for one in told}) == 1

    async def test_names_belong_to_one_app(
        self, meeting: Meeting, services: Services, http: httpx2.AsyncClient
    ) -> None:
        """Two apps may call different people by the same name."""
        other, _ = await register_app(services)
        first = await register(meeting.app)

        second = await register(Party(http, await issue_token(services, other)))

        assert first.json()["id"] != second.json()["id"]

    async def test_the_name_itself_is_not_kept(
        self, meeting: Meeting, services: Services
    ) -> None:
        """The directory holds a keyed hash: phones are easily guessed."""
        await register(meeting.app, "+8613800138000")

        rows = services.store.near(
            lambda near: near.execute(select(tables.directory)).all()
        )
        assert len(rows) == 1
        assert "13800138000" not in str(rows)

    async def test_a_retry_is_still_new(self, meeting: Meeting) -> None:
        """The retry of the call that registered is answered as that call was."""
        first = await register(meeting.app, key="k")

        again = await register(meeting.app, key="k")
        other = await register(meeting.app, "user-2", key="k")

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert other.status_code == 422

    @pytest.mark.parametrize("reference", ["", "x" * 129, "a\nb", 5, None])
    async def test_odd_names_are_refused(
        self, meeting: Meeting, reference: str
    ) -> None:
        """A name is a text of 1 to 128 characters."""
        assert (await register(meeting.app, reference)).status_code == 400


class TestRead:
    @pytest.mark.parametrize("subject", [NOBODY, "x", "cli_" + "a" * 26, "..%2Fx"])
    async def test_who_does_not_exist_is_not_found(
        self, meeting: Meeting, subject: str
    ) -> None:
        """Unknown and malformed ids are answered alike."""
        for path in ("", "/grants"):
            response = await meeting.app.send("GET", f"/v1/subjects/{subject}{path}")

            assert response.status_code == 404

    async def test_an_app_sees_whether_the_notice_was_seen(
        self, meeting: Meeting
    ) -> None:
        """Nothing else about a person is in this answer."""
        told = await meeting.app.get(f"/v1/subjects/{meeting.subject}")

        assert told == {
            "id": meeting.subject,
            "state": "active",
            "notice_seen": True,
            "created_at": "2026-11-22T08:00:00Z",
        }

    async def test_a_partner_reads_no_subjects(
        self, meeting: Meeting, services: Services, http: httpx2.AsyncClient
    ) -> None:
        """No route names a subject to a partner, whatever its scopes say."""
        partner, _ = await register_partner(services, scopes=("gateway.subjects",))
        party = Party(http, await issue_token(services, partner))

        response = await party.send("GET", f"/v1/subjects/{meeting.subject}")

        assert response.status_code == 403


class TestSession:
    async def test_the_token_speaks_for_the_person(
        self, meeting: Meeting, http: httpx2.AsyncClient
    ) -> None:
        """An app hands its user a token, and a link for a minute."""
        path = f"/v1/subjects/{meeting.subject}/sessions"

        told = (await meeting.app.send("POST", path, {})).json()

        assert (await Party(http, told["token"]).get("/v1/notice"))["seen"] is True
        assert told["handover_url"].startswith("http://127.0.0.1:8400/handover/")
        assert told["handover_expires_at"] == "2026-11-22T08:01:00Z"

    async def test_neither_secret_is_stored(
        self, meeting: Meeting, services: Services
    ) -> None:
        """The store holds hashes, and a seed that is nothing without the key ring."""
        path = f"/v1/subjects/{meeting.subject}/sessions"
        told = (await meeting.app.send("POST", path, {}, key="k")).json()
        ticket = told["handover_url"].rpartition("/")[2]

        held = services.store.near(
            lambda near: [
                str(near.execute(select(table)).all())
                for table in (tables.tokens, tables.handovers, tables.idempotency)
            ]
        )

        assert not any(told["token"] in rows or ticket in rows for rows in held)
        assert digest(ticket) in held[1]

    async def test_a_retry_finds_the_same_secrets_for_ten_minutes(
        self,
        meeting: Meeting,
        services: Services,
        http: httpx2.AsyncClient,
        clock: FakeClock,
    ) -> None:
        """A lost answer is had again; later it is gone, and says so."""
        path = f"/v1/subjects/{meeting.subject}/sessions"
        first = await meeting.app.send("POST", path, {}, key="k")
        again = await meeting.app.send("POST", path, {}, key="k")
        clock.advance(timedelta(minutes=10))
        app = Party(http, await issue_token(services, meeting.client))

        late = await app.send("POST", path, {}, key="k")

        assert again.json() == first.json()
        assert (late.status_code, late.json()["code"]) == (409, "answer_gone")
        count = services.store.near(
            lambda near: len(near.execute(select(tables.handovers)).all())
        )
        assert count == 1

    async def test_nobody_is_handed_over(
        self, meeting: Meeting, services: Services
    ) -> None:
        """For somebody who does not exist nothing is issued."""
        response = await meeting.app.send("POST", f"/v1/subjects/{NOBODY}/sessions", {})

        assert response.status_code == 404
        assert not services.store.near(
            lambda near: near.execute(select(tables.handovers)).all()
        )
