"""A partner gets what was allowed, with a reason for the rest, on the record."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gateway.services import Services
from permissions.acts import ReleaseData
from permissions.evidence import Evidence
from permissions.ledger import decode
from permissions.state import Client, Grant
from permissions.store import rows
from permissions.texts import item_text
from tests.conftest import FakeClock
from tests.factories import (
    grant,
    issue_token,
    make_evidence,
    register_app,
    register_partner,
    register_subject,
    withdraw,
)
from tests.gateway.api.parties import Party

ORDERS = "/v1/data/transaction?purpose=delivery"
AT = "2026-11-18T09:30:00Z"


def make_order(number: int, **changes: str) -> dict[str, str]:
    """Make one order as the shop keeps it."""
    return {
        "id": f"o{number}",
        "at": AT,
        "order_no": f"SO-{number}",
        "items": "tea",
        "amount": "59.80",
        "status": "shipped",
        **changes,
    }


class Shop:
    """A shop that has collected, a courier, and the person between them."""

    def __init__(self, services: Services, http: httpx2.AsyncClient) -> None:
        self.services, self.http = services, http
        self.subject = ""
        self.app: Party
        self.courier: Client

    async def open(self) -> Shop:
        """Register everybody."""
        client, _ = await register_app(self.services)
        self.app = Party(self.http, await issue_token(self.services, client))
        self.courier, _ = await register_partner(self.services)
        self.subject = await register_subject(self.services)
        return self

    async def keep(self, *orders: dict[str, str]) -> None:
        """Collect orders under the contract."""
        path = f"/v1/subjects/{self.subject}/data/transaction?purpose=order_fulfilment"
        response = await self.app.send("PUT", path, {"records": orders})
        assert response.status_code == 200, response.text

    async def allow(
        self,
        *elements: str,
        capability: str = "data.transaction",
        **changes: object,
    ) -> Grant:
        """Let the person allow the courier some elements, as the page shows them."""
        taken: dict[str, object] = {"elements": elements} if elements else {}
        if changes:
            taken["evidence"] = self._shown(capability, **changes)
        return await grant(
            self.services,
            self.subject,
            self.courier,
            capability,
            "delivery",
            **{**taken, **changes},
        )

    def _shown(self, capability: str, **limits: Any) -> Evidence:  # noqa: ANN401
        catalogue, contract = self.services.catalogue, self.courier.contract
        part = None if contract is None else contract.pair(capability, "delivery")
        assert part is not None
        shown = item_text(
            catalogue,
            self.courier,
            catalogue.pairs[capability, "delivery"],
            "en",
            required=part.required,
            optional=part.optional,
            retention_days=part.retention_days,
            **limits,
        )
        return make_evidence(
            catalogue, "", kind="gateway_page", text_sha256=shown.sha256
        )

    async def token(self, *grants: Grant) -> Party:
        """Issue the courier's access token for some grants."""
        secret = await issue_token(
            self.services,
            self.courier,
            kind="access",
            subject=self.subject,
            grant_set=grants[0].grant_set,
            epoch=max(one.seq for one in grants),
            rights={one.id: tuple(one.elements) for one in grants},
        )
        return Party(self.http, secret)

    def recorded(self) -> list[ReleaseData]:
        """Return the releases in the ledger, newest first."""
        stored = self.services.store.near(
            lambda near: rows.entries_of(near, self.subject, before=None, limit=50)
        )
        acts = [decode(row.body).act for row in stored]
        return [act for act in acts if isinstance(act, ReleaseData)]


@pytest.fixture
async def shop(services: Services, http: httpx2.AsyncClient) -> Shop:
    """Give a shop with two orders."""
    opened = await Shop(services, http).open()
    await opened.keep(make_order(1), make_order(2))
    return opened


class TestRelease:
    async def test_what_was_allowed_goes_out_and_the_rest_has_a_reason(
        self, shop: Shop
    ) -> None:
        """Only the granted elements, never those that were merely collected."""
        held = await shop.allow("order_no", "status")
        courier = await shop.token(held)

        told = await courier.get(ORDERS)

        assert told["records"] == [
            {"id": f"o{n}", "at": AT, "order_no": f"SO-{n}", "status": "shipped"}
            for n in (1, 2)
        ]
        assert told["withheld"] == [
            {"element": "amount", "reason": "element_not_granted"}
        ]
        assert told["subject"].startswith("psn_")
        assert shop.subject not in str(told)
        assert told["version"] == f"{held.grant_set}.1"

    async def test_it_is_on_the_record_before_it_is_sent(
        self, shop: Shop, services: Services
    ) -> None:
        """The ledger names elements and a keyed hash of the very bytes, no values."""
        courier = await shop.token(await shop.allow("order_no", "status"))

        response = await courier.send("GET", ORDERS)

        (act,) = shop.recorded()
        assert act.release == response.headers["x-release-id"]
        assert act.body_mac == services.keys.mac("release", response.content)
        assert (act.elements, act.records) == (("order_no", "status"), 2)
        assert act.withheld == {"amount": "element_not_granted"}
        assert "SO-1" not in str(act)

    async def test_the_person_can_see_it(self, shop: Shop, services: Services) -> None:
        """Each release is an entry of the person's own list, the newest first."""
        courier = await shop.token(await shop.allow("order_no", "status"))
        await courier.get(ORDERS)
        await courier.get(f"{ORDERS}&elements=status")

        newest = services.store.near(
            lambda near: rows.entries_of(near, shop.subject, before=None, limit=2)
        )

        acts = [decode(row.body).act for row in newest]
        assert [act.elements for act in acts if isinstance(act, ReleaseData)] == [
            ("status",),
            ("order_no", "status"),
        ]

    async def test_it_is_valid_for_the_lease(self, shop: Shop) -> None:
        """The receiver learns for how long the answer may be believed."""
        courier = await shop.token(await shop.allow("order_no", "status"))

        response = await courier.send("GET", ORDERS)

        assert response.headers["x-consent-valid-for"] == "1980"
        assert response.headers["cache-control"] == "no-store"

    async def test_an_object_goes_out_as_one(self, shop: Shop) -> None:
        """What is granted and not held is absent, not withheld."""
        path = f"/v1/subjects/{shop.subject}/data/identity?purpose=order_fulfilment"
        await shop.app.send("PUT", path, {"data": {"name": "林小美"}})
        courier = await shop.token(await shop.allow(capability="data.identity"))

        told = await courier.get("/v1/data/identity?purpose=delivery")

        assert told["data"] == {"name": "林小美"}
        assert told["absent"] == ["phone", "address"]
        assert "records" not in told


class TestWithdrawal:
    async def test_the_same_token_is_refused_at_once(self, shop: Shop) -> None:
        """The next request says withdrawn; other grants of the token live on."""
        orders = await shop.allow("order_no", "status")
        identity = await shop.allow(capability="data.identity")
        courier = await shop.token(orders, identity)
        await withdraw(shop.services, shop.subject, orders.id)

        refused = await courier.send("GET", ORDERS)
        other = await courier.send("GET", "/v1/data/identity?purpose=delivery")

        assert (refused.status_code, refused.json()["code"]) == (403, "withdrawn")
        assert refused.json()["version"].startswith("gst_")
        assert other.status_code == 200
        assert [act.category for act in shop.recorded()] == ["identity"]

    async def test_it_wins_every_race(self, shop: Shop) -> None:
        """Whatever is asked after the acknowledgement is refused."""
        held = await shop.allow("order_no", "status")
        courier = await shop.token(held)

        async def take_back() -> list[int]:
            await withdraw(shop.services, shop.subject, held.id)
            after = [courier.send("GET", ORDERS) for _ in range(5)]
            return [one.status_code for one in await asyncio.gather(*after)]

        before = [courier.send("GET", ORDERS) for _ in range(10)]
        _, late = await asyncio.gather(asyncio.gather(*before), take_back())

        assert late == [403] * 5

    async def test_a_release_in_hand_is_decided_again(
        self, shop: Shop, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A withdrawal between the record and the first byte stops the bytes."""
        held = await shop.allow("order_no", "status")
        courier = await shop.token(held)
        standing = type(services.store).standing
        calls: list[str] = []

        async def slow(store: Any, subject: str, client: str) -> Any:  # noqa: ANN401
            if not calls:
                calls.append(subject)
                await withdraw(services, shop.subject, held.id)
            return await standing(store, subject, client)

        monkeypatch.setattr(type(services.store), "standing", slow)

        response = await courier.send("GET", ORDERS)

        assert (response.status_code, response.json()["code"]) == (403, "withdrawn")
        assert len(shop.recorded()) == 1

    async def test_a_new_yes_revives_no_old_token(self, shop: Shop) -> None:
        """What the token held was taken back; the new yes needs a new token."""
        held = await shop.allow("order_no", "status")
        courier = await shop.token(held)
        await withdraw(shop.services, shop.subject, held.id)
        await shop.allow("order_no", "status")

        assert (await courier.send("GET", ORDERS)).status_code == 403


class TestOneTime:
    async def test_it_is_released_once(self, shop: Shop) -> None:
        """Of many that race, one gets the data."""
        held = await shop.allow("order_no", "status", one_time=True)
        courier = await shop.token(held)

        told = await asyncio.gather(*(courier.send("GET", ORDERS) for _ in range(10)))

        assert sorted(one.status_code for one in told) == [200] + [403] * 9
        assert len(shop.recorded()) == 1

    async def test_a_lost_answer_is_had_again_within_a_minute(
        self, shop: Shop, clock: FakeClock
    ) -> None:
        """The same key gets the same release, and it counts once."""
        held = await shop.allow("order_no", "status", one_time=True)
        courier = await shop.token(held)
        first = await courier.send("GET", ORDERS, key="k")

        again = await courier.send("GET", ORDERS, key="k")
        clock.advance(timedelta(seconds=60))
        late = await courier.send("GET", ORDERS, key="k")

        assert again.content == first.content
        assert (late.status_code, late.json()["code"]) == (403, "used")
        assert len(shop.recorded()) == 1

    async def test_a_retry_of_what_has_changed_is_recorded(
        self, shop: Shop, clock: FakeClock
    ) -> None:
        """Other bytes go out under the same id: the ledger has both."""
        courier = await shop.token(await shop.allow("order_no", "status"))
        await courier.send("GET", ORDERS, key="k")
        clock.advance(timedelta(seconds=1))
        await shop.keep(make_order(1, status="delivered"))

        await courier.send("GET", ORDERS, key="k")

        second, first = shop.recorded()
        assert second.release == first.release
        assert second.body_mac != first.body_mac


class TestPages:
    async def test_pages_hold_every_record_once(
        self, shop: Shop, clock: FakeClock
    ) -> None:
        """In the order in which they were written, each page a release."""
        clock.advance(timedelta(seconds=1))
        await shop.keep(*(make_order(n) for n in range(3, 8)))
        courier = await shop.token(await shop.allow("order_no", "status"))
        seen: list[str] = []
        cursor = ""

        while True:
            page = await courier.get(f"{ORDERS}&limit=3{cursor}")
            seen += [item["id"] for item in page["records"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"

        assert seen == [f"o{n}" for n in range(1, 8)]
        assert len({act.release for act in shop.recorded()}) == 3

    async def test_a_page_is_at_most_a_mebibyte(self, shop: Shop) -> None:
        """Large records make short pages, and none is lost."""
        big = [make_order(n, items="茶" * 10_000) for n in range(10, 40)]
        for number in range(0, 30, 10):
            await shop.keep(*big[number : number + 10])
        partner, _ = await register_partner(shop.services)
        shop.courier = partner
        held = await shop.allow("order_no", "status")
        courier = await shop.token(held)

        first = await courier.send("GET", f"{ORDERS}&limit=500")

        assert len(first.content) <= 1024 * 1024
        assert len(first.json()["records"]) == 32

    async def test_since_gives_what_changed(self, shop: Shop, clock: FakeClock) -> None:
        """A partner polls for what is new."""
        courier = await shop.token(await shop.allow("order_no", "status"))
        clock.advance(timedelta(seconds=1))
        await shop.keep(make_order(2, status="delivered"))

        told = await courier.get(f"{ORDERS}&since=2026-11-22T08:00:01Z")

        assert [item["id"] for item in told["records"]] == ["o2"]

    async def test_a_grant_of_one_record_reaches_no_other(self, shop: Shop) -> None:
        """A yes to one order is for that order, asked for by name or not."""
        held = await shop.allow("order_no", "status", records=("o2",))
        courier = await shop.token(held)

        every = await courier.get(ORDERS)
        named = await courier.get(f"{ORDERS}&record=o2")
        other = await courier.send("GET", f"{ORDERS}&record=o1")

        assert [item["id"] for item in every["records"]] == ["o2"]
        assert named["records"] == every["records"]
        assert other.json()["code"] == "record_not_granted"

    async def test_one_record_can_be_asked_for(self, shop: Shop) -> None:
        """A record that is not held is an empty list, not an error."""
        courier = await shop.token(await shop.allow("order_no", "status"))

        one = await courier.get(f"{ORDERS}&record=o2")
        none = await courier.get(f"{ORDERS}&record=o9")

        assert [item["id"] for item in one["records"]] == ["o2"]
        assert none["records"] == []


class TestBadRequests:
    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("transaction", 400, "purpose_required"),
            ("transaction?purpose=", 400, "purpose_required"),
            ("transaction?purpose=advertising", 403, "purpose_unknown"),
            ("transaction?purpose=loyalty_points", 403, "purpose_mismatch"),
            ("transaction?purpose=trip_insurance", 403, "purpose_mismatch"),
            ("identity?purpose=delivery", 403, "not_asked"),
            ("nothing?purpose=delivery", 404, "not_found"),
            ("transaction?purpose=delivery&elements=name", 400, "element_unknown"),
            ("transaction?purpose=delivery&elements=", 400, "element_unknown"),
            (
                "transaction?purpose=delivery&elements=amount",
                403,
                "element_not_granted",
            ),
            ("transaction?purpose=delivery&cursor=xx", 400, "cursor_invalid"),
            ("transaction?purpose=delivery&cursor=W10", 400, "cursor_invalid"),
            ("transaction?purpose=delivery&limit=0", 400, "invalid_request"),
            ("transaction?purpose=delivery&limit=501", 400, "invalid_request"),
            ("transaction?purpose=delivery&since=now", 400, "invalid_request"),
            (
                "transaction?purpose=delivery&since=2026-11-22T08:00:00",
                400,
                "invalid_request",
            ),
            ("identity?purpose=delivery&record=o1", 400, "invalid_request"),
            (
                "transaction?purpose=delivery&purpose=delivery",
                400,
                "repeated_parameter",
            ),
        ],
    )
    async def test_each_has_its_code_and_leaves_no_record(
        self, shop: Shop, path: str, status: int, code: str
    ) -> None:
        """Nothing that was refused is recorded as a release."""
        courier = await shop.token(await shop.allow("order_no", "status"))

        response = await courier.send("GET", f"/v1/data/{path}")

        assert (response.status_code, response.json()["code"]) == (status, code)
        assert shop.recorded() == []

    async def test_unknown_category_names_the_known_ones(self, shop: Shop) -> None:
        """A slip of the finger is mended by the message alone."""
        courier = await shop.token(await shop.allow("order_no", "status"))

        problem = (
            await courier.send("GET", "/v1/data/transactions?purpose=delivery")
        ).json()

        assert problem["field"] == "category"
        assert "transaction" in problem["detail"]
        assert "transactions" not in problem["detail"]

    async def test_only_partners_fetch(self, shop: Shop) -> None:
        """The app's token is of another kind."""
        assert (await shop.app.send("GET", ORDERS)).status_code == 403
