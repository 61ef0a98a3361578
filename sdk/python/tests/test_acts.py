"""Subjects, asks and what a user does: each call as the gateway expects it."""

from datetime import UTC, datetime

import pytest

from aseanbiz import (
    AskOffer,
    Conflict,
    Control,
    Deny,
    Gone,
    IdempotencyMismatch,
    NotAllowed,
    NotFound,
    ProtocolViolation,
    Secret,
)
from sdk.python.tests.scripted import ALLOW, Reply, Scenario, answer, problem

SUBJECT = {
    "id": "sub_1",
    "state": "active",
    "notice_seen": True,
    "created_at": "2026-11-22T03:00:00Z",
}
GRANT: dict[str, object] = {
    "id": "gra_1",
    "client": {"id": "cli_1", "name": {"en": "Shop"}},
    "capability": "device.album",
    "purpose": "publish_upload",
    "elements": [],
    "state": "granted",
    "since": "2026-11-22T03:00:00Z",
    "until": None,
    "expires_at": None,
    "policy_version": "7",
    "text": {"en": "May we?"},
}
RECEIPT = {
    "id": "rcp_1",
    "version": "17.43",
    "entry_sha256": "0" * 64,
    "act": "granted",
    "at": "2026-11-22T03:00:01Z",
}
SHOWN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TAP = Control(id="allow", initial="button", action="tap")


class TestSubjects:
    async def test_register_and_get(self, scenario: Scenario) -> None:
        """Known or new, the same subject comes back."""
        scenario.script.replies = [answer(SUBJECT, 201), answer(SUBJECT)]

        made = await scenario.of(lambda gw: gw.subjects.register("user-1"))
        found = await scenario.of(lambda gw: gw.subjects.get("sub_1"))

        assert made == found
        assert scenario.path(0) == "POST /v1/subjects"
        assert scenario.sent(0) == {"reference": "user-1"}
        assert scenario.path(1) == "GET /v1/subjects/sub_1"
        assert scenario.keys()[0]
        assert scenario.keys()[1] is None

    async def test_session_hides_what_signs_in(self, scenario: Scenario) -> None:
        """The token and the link are as good as the user: both are secrets."""
        scenario.script.replies = [
            answer(
                {
                    "token": "canary-user-token",
                    "expires_at": "2026-11-22T15:00:00Z",
                    "handover_url": "https://gateway.example/handover/canary-ticket",
                    "handover_expires_at": "2026-11-22T03:01:00Z",
                },
                201,
            )
        ]

        session = await scenario.of(lambda gw: gw.subjects.session("sub_1"))

        assert session.token == Secret("canary-user-token")
        assert "canary" not in repr(session)
        assert session.handover_url.reveal().endswith("canary-ticket")
        assert scenario.path() == "POST /v1/subjects/sub_1/sessions"
        assert scenario.sent() == {}

    async def test_put_data_names_what_was_refused(self, scenario: Scenario) -> None:
        """One purpose, one object; the rest is said by element."""
        scenario.script.replies = [
            answer(
                {
                    "category": "identity",
                    "purpose": "delivery",
                    "stored": ["name"],
                    "records": None,
                    "refused": [{"element": "phone", "reason": "refused"}],
                    "version": "17.44",
                }
            )
        ]

        stored = await scenario.of(
            lambda gw: gw.subjects.put_data(
                "sub_1", "identity", purpose="delivery", data={"name": "A"}
            )
        )

        assert stored.refused[0].element == "phone"
        assert (
            scenario.path() == "PUT /v1/subjects/sub_1/data/identity?purpose=delivery"
        )
        assert scenario.sent() == {"data": {"name": "A"}}

    async def test_data_and_records_exclude_each_other(
        self, scenario: Scenario
    ) -> None:
        """A category is one object or a list."""
        with pytest.raises(ValueError, match="either"):
            await scenario.of(
                lambda gw: gw.subjects.put_data("sub_1", "identity", purpose="p")
            )

    async def test_grants_come_page_by_page(self, scenario: Scenario) -> None:
        """The list goes on until there is no cursor."""
        scenario.script.replies = [
            answer({"items": [GRANT], "next_cursor": "c1"}),
            answer({"items": [{**GRANT, "id": "gra_2"}], "next_cursor": None}),
        ]

        grants = await scenario.all_of(lambda gw: gw.subjects.grants("sub_1"))

        assert [grant.id for grant in grants] == ["gra_1", "gra_2"]
        assert scenario.path(1) == "GET /v1/subjects/sub_1/grants?cursor=c1"

    async def test_list_that_stands_still_ends(self, scenario: Scenario) -> None:
        """The same cursor again would go on for ever."""
        scenario.script.replies = [answer({"items": [], "next_cursor": "c1"})] * 3

        with pytest.raises(ProtocolViolation):
            await scenario.all_of(lambda gw: gw.subjects.grants("sub_1"))

    @pytest.mark.parametrize("subject", ["", ".", ".."])
    async def test_id_that_is_no_id_stays_here(
        self, scenario: Scenario, subject: str
    ) -> None:
        """It would name another route."""
        with pytest.raises(ValueError, match="path"):
            await scenario.of(lambda gw: gw.subjects.get(subject))

    async def test_id_cannot_leave_its_place(self, scenario: Scenario) -> None:
        """Whatever an id holds, it stays one segment."""
        scenario.script.replies = [answer(SUBJECT)]

        await scenario.of(lambda gw: gw.subjects.get("../../oauth?x#y%2e/\u4e2d"))

        assert (
            scenario.path()
            == "GET /v1/subjects/..%2F..%2Foauth%3Fx%23y%252e%2F%E4%B8%AD"
        )


class TestAsks:
    async def test_open_and_outcome(self, scenario: Scenario) -> None:
        """A ticket to ask, and the no that came of it."""
        deny = {"effect": "deny", "reason": "refused", "version": "17.45"}
        scenario.script.replies = [
            answer(
                {
                    "id": "ask_1",
                    "subject": "sub_1",
                    "capability": "device.camera",
                    "purpose": "scan_qr",
                    "scene": "scan",
                    "prefer": "scan_picker",
                    "fallback": "type_the_code",
                    "text": {"en": "May we?"},
                    "sha256": {"en": "0" * 64},
                    "policy_version": "7",
                    "expires_at": "2026-11-22T03:10:00Z",
                },
                201,
            ),
            answer(deny),
        ]

        ticket = await scenario.of(
            lambda gw: gw.asks.open(
                "sub_1", "device.camera", purpose="scan_qr", scene="scan"
            )
        )
        decision = await scenario.of(lambda gw: gw.asks.outcome(ticket.id, "refused"))

        assert ticket.prefer == "scan_picker"
        assert scenario.sent(0) == {
            "subject": "sub_1",
            "capability": "device.camera",
            "purpose": "scan_qr",
            "scene": "scan",
        }
        assert isinstance(decision, Deny)
        assert scenario.path() == "POST /v1/asks/ask_1/outcome"
        assert scenario.sent() == {"answer": "refused"}
        assert all(scenario.keys())

    async def test_too_early_says_when(self, scenario: Scenario) -> None:
        """R26: nobody is asked again before the window has passed."""
        scenario.script.replies = [
            problem(403, "cooldown", next_ask_at="2026-11-24T03:00:00Z")
        ]

        with pytest.raises(NotAllowed) as caught:
            await scenario.of(
                lambda gw: gw.asks.open(
                    "sub_1", "device.camera", purpose="p", scene="s"
                )
            )

        assert caught.value.reason == "cooldown"
        assert caught.value.next_ask_at == datetime(2026, 11, 24, 3, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (problem(409, "ask_answered"), Conflict),
            (problem(410, "ask_expired"), Gone),
            (problem(404, "not_found"), NotFound),
            (problem(422, "idempotency_mismatch"), IdempotencyMismatch),
        ],
    )
    async def test_refused_outcomes_have_types(
        self, scenario: Scenario, reply: Reply, kind: type[Exception]
    ) -> None:
        """Answered, expired, unknown: the caller tells them apart."""
        scenario.script.replies = [reply]

        with pytest.raises(kind):
            await scenario.of(lambda gw: gw.asks.outcome("ask_1", "dismissed"))

    async def test_recorded_outcome_without_readable_decision_is_a_deny(
        self, scenario: Scenario
    ) -> None:
        """The act is done; raising would have it done again."""
        scenario.script.replies = [answer({"effect": "permit"})]

        decision = await scenario.of(lambda gw: gw.asks.outcome("ask_1", "dismissed"))

        assert isinstance(decision, Deny)
        assert decision.origin == "local"


class TestMe:
    async def test_notice_is_read_and_seen(self, scenario: Scenario) -> None:
        """Under the user's own token."""
        notice = {
            "policy_version": "7",
            "seen": False,
            "seen_at": None,
            "text": {"en": "We ask first."},
            "sha256": {"en": "0" * 64},
        }
        scenario.script.replies = [answer(notice), answer({**notice, "seen": True})]

        shown = await scenario.of(lambda gw: gw.me("user-token").notice())
        seen = await scenario.of(
            lambda gw: gw.me(Secret("user-token")).see_notice(
                text=shown.sha256["en"], locale="en", shown_at=SHOWN, control=TAP
            )
        )

        assert seen.seen
        assert scenario.path() == "POST /v1/notice"
        assert scenario.sent() == {
            "text": "0" * 64,
            "locale": "en",
            "shown_at": "2026-11-22T03:00:00Z",
            "control": {"id": "allow", "initial": "button", "action": "tap"},
        }
        sent = scenario.script.requests[-1]
        assert sent.header("authorization") == "Bearer user-token"

    async def test_answer_brings_decision_and_receipt(self, scenario: Scenario) -> None:
        """The yes, and the proof of it."""
        scenario.script.replies = [answer({"decision": ALLOW, "receipt": RECEIPT})]

        result = await scenario.of(
            lambda gw: gw.me("user-token").answer(
                "ask_1",
                "granted",
                text="0" * 64,
                locale="en",
                shown_at=SHOWN,
                control=TAP,
            )
        )

        assert result.decision.reason == "granted"
        assert result.receipt.id == "rcp_1"
        assert scenario.path() == "POST /v1/me/asks/ask_1/answer"
        assert scenario.sent()["answer"] == "granted"
        assert scenario.keys()[0]

    async def test_unknown_effect_costs_no_receipt(self, scenario: Scenario) -> None:
        """The user's act is proven even where the decision is not understood."""
        reply = {"decision": {"effect": "permit"}, "receipt": RECEIPT}
        scenario.script.replies = [answer(reply)]

        result = await scenario.of(
            lambda gw: gw.me("user-token").answer(
                "ask_1",
                "granted",
                text="0" * 64,
                locale="en",
                shown_at=SHOWN,
                control=TAP,
            )
        )

        assert isinstance(result.decision, Deny)
        assert result.receipt.id == "rcp_1"

    async def test_time_without_zone_is_refused(self, scenario: Scenario) -> None:
        """It would move the evidence by hours, silently."""
        with pytest.raises(ValueError, match="zone"):
            await scenario.of(
                lambda gw: gw.me("user-token").see_notice(
                    text="0" * 64,
                    locale="en",
                    shown_at=SHOWN.replace(tzinfo=None),
                    control=TAP,
                )
            )

    async def test_grants_and_withdrawal(self, scenario: Scenario) -> None:
        """What was given is listed, and taken back in one step."""
        scenario.script.replies = [
            answer({"items": [GRANT], "next_cursor": None}),
            answer(
                {
                    "grant": "gra_1",
                    "state": "withdrawn",
                    "version": "17.46",
                    "receipt": RECEIPT,
                }
            ),
        ]

        grants = await scenario.all_of(
            lambda gw: gw.me("user-token").grants(state="granted")
        )
        withdrawal = await scenario.of(
            lambda gw: gw.me("user-token").withdraw(grants[0].id)
        )

        assert withdrawal.state == "withdrawn"
        assert scenario.path(0) == "GET /v1/me/grants?state=granted"
        assert scenario.path(1) == "POST /v1/me/grants/gra_1/withdraw"
        assert scenario.keys()[1]


class TestOthers:
    async def test_introspection(self, scenario: Scenario) -> None:
        """Active or not; the token goes in the body, the client in the header."""
        scenario.script.replies = [answer({"active": False})]

        seen = await scenario.of(lambda gw: gw.introspect("some-token"))

        assert not seen.active
        assert scenario.path() == "POST /oauth/introspect"
        assert scenario.form() == {"token": "some-token"}
        sent = scenario.script.requests[0]
        assert (sent.header("authorization") or "").startswith("Basic ")
        assert sent.header("idempotency-key") is None

    async def test_live_token_shows_its_effective_rights(
        self, scenario: Scenario
    ) -> None:
        """What the grants leave of the token now, and for how long."""
        right = {
            "type": "consented_data",
            "identifier": "gra_1",
            "capability": "data.transaction",
            "purpose": "delivery",
            "elements": ["status"],
            "records": ["o1"],
        }
        scenario.script.replies = [
            answer(
                {
                    "active": True,
                    "scope": "data.transaction",
                    "grant_id": "gst_1",
                    "version": "gst_1.3",
                    "valid_for_ms": 900,
                    "authorization_details": [right],
                }
            )
        ]

        seen = await scenario.of(lambda gw: gw.introspect(Secret("some-token")))

        assert seen.authorization_details[0].records == ("o1",)
        assert (seen.version, seen.valid_for_ms) == ("gst_1.3", 900)

    async def test_raw_request(self, scenario: Scenario) -> None:
        """A route without a method is reached with the same care."""
        scenario.script.replies = [answer({"x": 1}, headers={"X-Request-Id": "req_1"})]

        reply = await scenario.of(
            lambda gw: gw.raw.request("post", "/v1/new", {"a": 1})
        )

        assert (reply.status, reply.body, reply.request_id) == (
            200,
            b'{"x": 1}',
            "req_1",
        )
        assert scenario.keys()[0]

    @pytest.mark.parametrize(
        "path",
        ["v1/x", "//evil.example/x", "/v1/../admin", "/v1/%2E%2e/x", "/a\\b", "/a b"],
    )
    async def test_raw_request_stays_on_the_gateway(
        self, scenario: Scenario, path: str
    ) -> None:
        """A path from elsewhere must not send our token elsewhere."""
        with pytest.raises(ValueError, match="slash"):
            await scenario.of(lambda gw: gw.raw.request("GET", path))

    async def test_closing_closes_the_transport(self, scenario: Scenario) -> None:
        """Once, by `with` or by hand."""
        if scenario.mode == "blocking":
            with scenario.make() as gateway:  # type: ignore[union-attr]
                assert "gateway.example" in repr(gateway)
        else:
            async with scenario.make() as gateway:  # type: ignore[union-attr]
                assert "gateway.example" in repr(gateway)

        assert scenario.script.closed == 1


def test_an_offer_is_a_value() -> None:
    """Equal offers are equal, so they can be compared in the app's tests."""
    one, two = (AskOffer(capability="a", purpose="b") for _ in range(2))

    assert one == two
