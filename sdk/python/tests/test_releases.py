"""Releases: in time or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from aseanbiz import (
    GrantEnded,
    GrantSetId,
    GrantTokens,
    MemoryTokenStore,
    NotAllowed,
    Release,
    ReleaseExpired,
    Secret,
)
from sdk.python.tests.scripted import EPOCH, Scenario, answer, problem

PAGE = {
    "release": "rel_1",
    "category": "identity",
    "purpose": "delivery",
    "subject": "psn_1",
    "grant_id": "gst_1",
    "data": {"phone": "canary-phone"},
    "next_cursor": None,
    "withheld": [{"element": "name", "reason": "element_not_granted"}],
    "absent": ["email"],
    "policy_version": "7",
    "version": "gst_1.3",
}
VALID = {"X-Consent-Valid-For": "1000", "X-Release-Id": "rel_1"}


@pytest.fixture
def partner(scenario: Scenario) -> Scenario:
    """Make a client that holds a live token of one grant set."""
    tokens = GrantTokens(
        grant=GrantSetId("gst_1"),
        access=Secret("canary-grant-token"),
        expires_at=EPOCH + timedelta(seconds=300),
    )
    store = MemoryTokenStore()
    store.compare_and_set("cli_1:gst_1", None, tokens)
    scenario.gateway = scenario.make(tokens=store)
    return scenario


async def release(scenario: Scenario) -> Release:
    """Ask for one element."""
    return await scenario.of(
        lambda gw: gw.grant("gst_1").release(
            "identity", purpose="delivery", elements=("phone", "name")
        )
    )


class TestRelease:
    async def test_data_and_what_is_withheld(self, partner: Scenario) -> None:
        """What is given, what is not and why, under the grant's own token."""
        partner.script.replies = [answer(PAGE, headers=VALID)]

        given = await release(partner)

        assert given.data == {"phone": "canary-phone"}
        assert given.withheld[0].reason == "element_not_granted"
        assert given.absent == ("email",)
        assert given.release_id == "rel_1"
        assert (
            partner.path()
            == "GET /v1/data/identity?purpose=delivery&elements=phone%2Cname"
        )
        sent = partner.script.requests[0]
        assert sent.header("authorization") == "Bearer canary-grant-token"
        assert sent.header("idempotency-key")
        assert "canary-phone" not in repr(given)

    @pytest.mark.parametrize(("took", "good"), [(0.999, True), (1.0, False)])
    async def test_it_is_good_until_and_not_at_the_end(
        self, partner: Scenario, took: float, *, good: bool
    ) -> None:
        """At the instant at which the promise ends there is no promise."""
        partner.script.replies = [answer(PAGE, headers=VALID)]
        partner.script.takes = [took]

        if good:
            assert (await release(partner)).data
        else:
            with pytest.raises(ReleaseExpired) as caught:
                await release(partner)
            assert caught.value.release_id == "rel_1"
            assert (caught.value.valid_for_ms, caught.value.took_ms) == (1000, 1000)

    @pytest.mark.parametrize("header", [None, "", "-5", "1e9", "1.5", "٣٣٣", "9" * 40])
    async def test_unreadable_promise_is_none(
        self, partner: Scenario, header: str | None
    ) -> None:
        """Missing or odd counts as 0, and the body is not even parsed."""
        headers = {} if header is None else {"X-Consent-Valid-For": header}
        partner.script.replies = [answer(b"not json", headers=headers)]

        with pytest.raises(ReleaseExpired):
            await release(partner)

    async def test_refusal_names_the_reason(self, partner: Scenario) -> None:
        """A withdrawn grant reads like a decision."""
        partner.script.replies = [problem(403, "withdrawn", request_id="req_1")]

        with pytest.raises(NotAllowed) as caught:
            await release(partner)

        assert caught.value.reason == "withdrawn"

    async def test_expired_token_is_not_sent(self, partner: Scenario) -> None:
        """Without a live token only a new consent helps."""
        partner.clock.now += 300

        with pytest.raises(GrantEnded) as caught:
            await release(partner)

        assert caught.value.reason == "token_expired"
        assert partner.script.requests == []

    async def test_refused_token_is_forgotten(self, partner: Scenario) -> None:
        """It is not tried a second time, now or later."""
        partner.script.replies = [problem(401, "invalid_token")]

        reasons = []
        for _ in range(2):
            with pytest.raises(GrantEnded) as caught:
                await release(partner)
            reasons.append(caught.value.reason)

        assert reasons == ["token_refused", "unknown"]
        assert len(partner.script.requests) == 1

    async def test_pages_follow_the_cursor(self, partner: Scenario) -> None:
        """Each page is a release of its own, under a key of its own."""
        first = {**PAGE, "data": None, "records": [{"id": "o1"}], "next_cursor": "c1"}
        last = {**PAGE, "data": None, "records": [{"id": "o2"}]}
        partner.script.replies = [
            answer(first, headers=VALID),
            answer(last, headers=VALID),
        ]
        since = datetime(2026, 1, 1, tzinfo=UTC)

        pages = await partner.all_of(
            lambda gw: gw.grant("gst_1").pages(
                "transaction", purpose="delivery", since=since
            )
        )

        assert [page.records for page in pages] == [({"id": "o1"},), ({"id": "o2"},)]
        assert "since=2026-01-01T00%3A00%3A00Z" in partner.path(0)
        assert partner.path(1).endswith("&cursor=c1")
        assert len(set(partner.keys())) == 2
