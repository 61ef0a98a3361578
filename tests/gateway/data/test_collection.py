"""Data comes in for a purpose that passes the decision, element by element."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from gateway.services import Services
from permissions.acts import CollectData
from permissions.ledger import decode
from permissions.store import rows, tables
from tests.gateway.api.parties import Meeting, make_meeting

IDENTITY = "identity?purpose=order_fulfilment"
ORDERS = "transaction?purpose=order_fulfilment"


@pytest.fixture
async def meeting(services: Services, http: httpx2.AsyncClient) -> Meeting:
    """Give an app and a person who has seen the notice."""
    return await make_meeting(services, http)


async def keep(
    meeting: Meeting, path: str, body: object, *, key: str | None = None
) -> httpx2.Response:
    """Put data of the subject."""
    return await meeting.app.send(
        "PUT", f"/v1/subjects/{meeting.subject}/data/{path}", body, key=key
    )


def held(services: Services) -> dict[str, Any]:
    """Return what is stored, by record."""
    return services.store.near(
        lambda near: {
            row.record: row.elements for row in near.execute(select(tables.data))
        }
    )


class TestCollect:
    async def test_what_the_purpose_covers_is_kept_and_the_rest_is_not(
        self, meeting: Meeting, services: Services
    ) -> None:
        """The answer names the reason; the ledger names elements, no values."""
        response = await keep(
            meeting,
            IDENTITY,
            {"data": {"name": "林小美", "email": "mei@example.com"}},
        )

        told = response.json()
        assert told["stored"] == ["name"]
        assert told["refused"] == [
            {"element": "email", "reason": "element_not_granted"}
        ]
        assert held(services) == {"": {"name": "林小美"}}
        stored = services.store.near(
            lambda near: rows.entries_of(near, meeting.subject, before=None, limit=1)
        )[0]
        act = decode(stored.body).act
        assert isinstance(act, CollectData)
        assert act.elements == ("name",)
        assert "林小美".encode() not in stored.body

    async def test_without_a_yes_nothing_is_kept(
        self, meeting: Meeting, services: Services
    ) -> None:
        """Where consent is the basis, the decision's reason is the answer."""
        path = "profile?purpose=account_registration"
        refused = await keep(meeting, path, {"data": {"avatar": "a"}})
        await meeting.answer(
            await meeting.ticket(
                capability="data.profile", purpose="account_registration", scene="form"
            )
        )

        kept = await keep(meeting, path, {"data": {"avatar": "a"}})

        assert (refused.status_code, refused.json()["code"]) == (403, "not_asked")
        assert kept.status_code == 200
        assert held(services) == {"": {"avatar": "a"}}

    async def test_another_purpose_leaves_what_it_does_not_cover(
        self, meeting: Meeting, services: Services
    ) -> None:
        """Putting replaces the elements that came in, record by record."""
        order = {"id": "o1", "at": "2026-11-18T09:30:00Z"}
        await keep(meeting, ORDERS, {"records": [{**order, "items": "tea"}]})

        await keep(
            meeting,
            "transaction?purpose=payment",
            {"records": [{**order, "paid_at": "2026-11-18T09:31:00Z"}]},
        )

        assert held(services) == {
            "o1": {"items": "tea", "paid_at": "2026-11-18T09:31:00Z"}
        }

    async def test_a_retry_is_recorded_once(
        self, meeting: Meeting, services: Services
    ) -> None:
        """The same key gets the same answer; another body does not."""
        body = {"data": {"name": "Mei"}}
        first = await keep(meeting, IDENTITY, body, key="k")

        again = await keep(meeting, IDENTITY, body, key="k")
        other = await keep(meeting, IDENTITY, {"data": {"name": "Wei"}}, key="k")

        assert again.json() == first.json()
        assert other.json()["code"] == "idempotency_mismatch"
        assert held(services) == {"": {"name": "Mei"}}

    async def test_an_address_may_have_lines(
        self, meeting: Meeting, services: Services
    ) -> None:
        """A text may; one line of a name may not."""
        await keep(meeting, IDENTITY, {"data": {"address": "Road 1\nHouse 2"}})
        refused = await keep(meeting, IDENTITY, {"data": {"name": "a\nb"}})

        assert held(services) == {"": {"address": "Road 1\nHouse 2"}}
        assert refused.json()["code"] == "element_invalid"


ORDER = {"id": "o1", "at": "2026-11-18T09:30:00Z", "order_no": "1"}


class TestBadInput:
    @pytest.mark.parametrize(
        ("path", "body", "status", "code"),
        [
            ("identity", {"data": {"name": "x"}}, 400, "purpose_required"),
            (
                "identity?purpose=advertising",
                {"data": {"name": "x"}},
                422,
                "purpose_unknown",
            ),
            (
                "identity?purpose=payment",
                {"data": {"name": "x"}},
                422,
                "pair_not_declared",
            ),
            ("nothing?purpose=payment", {"data": {}}, 404, "not_found"),
            (IDENTITY, {"data": {"height": 1}}, 400, "element_unknown"),
            (IDENTITY, {"data": {"<b>secret</b>": 1}}, 400, "element_unknown"),
            (IDENTITY, {"data": {"name": 5}}, 400, "element_invalid"),
            (IDENTITY, {"data": {"name": None}}, 400, "element_invalid"),
            (IDENTITY, {"data": {"name": ["x"]}}, 400, "element_invalid"),
            (IDENTITY, {"data": {"name": "x" * 1001}}, 400, "element_invalid"),
            (IDENTITY, {"data": {"phone": "13800138000"}}, 400, "element_invalid"),
            (IDENTITY, {"data": {"email": "mei"}}, 400, "element_invalid"),
            (IDENTITY, {"data": {}}, 400, "invalid_request"),
            (IDENTITY, {}, 400, "invalid_request"),
            (IDENTITY, {"records": [ORDER]}, 400, "invalid_request"),
            (IDENTITY, {"data": {}, "records": []}, 400, "invalid_request"),
            (IDENTITY, {"data": {"name": "x"}, "more": 1}, 400, "unknown_field"),
            (ORDERS, {"data": {"order_no": "1"}}, 400, "invalid_request"),
            (ORDERS, {"records": []}, 400, "invalid_request"),
            (ORDERS, {"records": [5]}, 400, "invalid_request"),
            (ORDERS, {"records": [ORDER, ORDER]}, 400, "invalid_request"),
            (ORDERS, {"records": [{**ORDER, "id": ""}]}, 400, "invalid_request"),
            (ORDERS, {"records": [{**ORDER, "id": 1}]}, 400, "invalid_request"),
            (ORDERS, {"records": [{**ORDER, "at": "now"}]}, 400, "element_invalid"),
            (
                ORDERS,
                {"records": [{**ORDER, "at": "2026-11-18T09:30:00"}]},
                400,
                "element_invalid",
            ),
            (ORDERS, {"records": [{**ORDER, "amount": 59.8}]}, 400, "element_invalid"),
            (
                ORDERS,
                {"records": [{**ORDER, "amount": "1e5"}]},
                400,
                "element_invalid",
            ),
        ],
    )
    async def test_each_is_named_and_nothing_is_kept(
        self,
        *,
        meeting: Meeting,
        services: Services,
        path: str,
        body: object,
        status: int,
        code: str,
    ) -> None:
        """One wrong value refuses the whole call; values are never repeated."""
        response = await keep(meeting, path, body)

        assert (response.status_code, response.json()["code"]) == (status, code)
        assert "secret" not in response.text
        assert held(services) == {}

    async def test_a_mebibyte_is_the_limit(self, meeting: Meeting) -> None:
        """Data may be larger than other bodies, and not without bound."""
        records = [
            {**ORDER, "id": f"o{number}", "items": "x" * 9_000} for number in range(100)
        ]
        fits = await keep(meeting, ORDERS, {"records": records})
        over = await keep(meeting, ORDERS, {"records": records * 2})

        assert fits.status_code == 200
        assert over.status_code == 413

    async def test_strangers_have_no_data(self, meeting: Meeting) -> None:
        """Unknown and malformed subjects are answered alike."""
        for subject in ("sub_" + "a" * 26, "x"):
            response = await meeting.app.send(
                "PUT",
                f"/v1/subjects/{subject}/data/{IDENTITY}",
                {"data": {"name": "x"}},
            )

            assert response.status_code == 404
