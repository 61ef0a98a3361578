"""Decisions: three answers, and no when there is none."""

import pickle
from typing import Any

import pytest

from aseanbiz import (
    Allow,
    Ask,
    AskRequired,
    ConnectFailed,
    Decision,
    Denied,
    Deny,
    Gateway,
    InvalidRequest,
    NotAuthenticated,
    RateLimited,
    Reason,
)
from sdk.python.tests.scripted import ALLOW, Reply, Scenario, answer, broken, problem

ASK = {
    "effect": "ask",
    "reason": "not_asked",
    "fallback": "system_picker",
    "fallback_text": {"en": "Pick one photo."},
    "ask": {
        "capability": "device.album",
        "purpose": "publish_upload",
        "text": {"en": "May we?"},
        "consent_url": None,
    },
    "version": "17.42",
}
DENY = {
    "effect": "deny",
    "reason": "withdrawn",
    "fallback": "type_the_code",
    "fallback_text": {"en": "Type it."},
    "fix": "open_settings",
    "next_ask_at": "2026-11-24T03:00:00Z",
    "version": "17.42",
}


def ask_it(gw: Gateway) -> Decision:
    """Ask one ordinary question."""
    return gw.check("sub_1", "device.album", purpose="publish_upload")


class TestAnswers:
    async def test_allow_is_read_with_its_age(self, scenario: Scenario) -> None:
        """An allow says where it comes from and how old it is at most."""
        scenario.script.replies = [answer(ALLOW)]
        scenario.script.takes = [0.0301]

        decision = await scenario.of(ask_it)

        assert decision == Allow(
            reason="granted",
            grant=decision.grant if isinstance(decision, Allow) else None,
            version="17.42",
            valid_for_ms=1980,
            origin="gateway",
            age_ms=31,
        )
        assert decision.reason == Reason.GRANTED

    async def test_ask_and_deny_carry_the_way_on(self, scenario: Scenario) -> None:
        """Ask says what to ask; deny says what still works and when to ask."""
        scenario.script.replies = [answer(ASK), answer(DENY)]

        first = await scenario.of(ask_it)
        second = await scenario.of(ask_it)

        assert isinstance(first, Ask)
        assert first.ask.text["en"] == "May we?"
        assert first.fallback == "system_picker"
        assert isinstance(second, Deny)
        assert second.fix == "open_settings"
        assert second.next_ask_at is not None
        assert second.next_ask_at.tzinfo is not None

    async def test_only_what_is_set_is_sent(self, scenario: Scenario) -> None:
        """Defaults stay at home: the gateway refuses fields it does not know."""
        scenario.script.replies = [answer(ALLOW), answer(ALLOW)]

        await scenario.of(ask_it)
        await scenario.of(
            lambda gw: gw.check(
                "sub_1",
                "data.identity",
                purpose="delivery",
                client="cli_2",
                elements=["phone"],
                use=True,
                consistency="17.42",
            )
        )

        assert scenario.path() == "POST /v1/check"
        assert scenario.sent(0) == {
            "subject": "sub_1",
            "capability": "device.album",
            "purpose": "publish_upload",
        }
        assert scenario.sent(1) == {
            "subject": "sub_1",
            "capability": "data.identity",
            "purpose": "delivery",
            "client": "cli_2",
            "elements": ["phone"],
            "use": True,
            "consistency": "17.42",
        }
        assert scenario.keys()[0] is None
        assert scenario.keys()[1] is not None  # a use is a write

    async def test_the_wire_cannot_say_where_it_comes_from(
        self, scenario: Scenario
    ) -> None:
        """Origin and age are this side's knowledge, whatever the body claims."""
        body = {**ALLOW, "origin": "cache", "age_ms": -5}
        scenario.script.replies = [answer(body)]

        decision = await scenario.of(ask_it)

        assert (decision.origin, decision.age_ms) == ("gateway", 0)

    async def test_new_reasons_and_fields_break_nothing(
        self, scenario: Scenario
    ) -> None:
        """The list of reasons grows; an old client reads on."""
        scenario.script.replies = [answer({**DENY, "reason": "moon_phase", "x": [1]})]

        decision = await scenario.of(ask_it)

        assert isinstance(decision, Deny)
        assert decision.reason == "moon_phase"

    @pytest.mark.parametrize("kind", ["allow", "ask", "deny"])
    async def test_no_answer_is_true_or_false(
        self, scenario: Scenario, kind: str
    ) -> None:
        """`if decision` would let an ask through, so it is an error."""
        scenario.script.replies = [answer({"allow": ALLOW, "ask": ASK}.get(kind, DENY))]

        decision: Any = await scenario.of(ask_it)

        with pytest.raises(TypeError, match="match"):
            bool(decision)

    async def test_decisions_pickle(self, scenario: Scenario) -> None:
        """A decision may travel to a worker."""
        scenario.script.replies = [answer(ALLOW)]

        decision = await scenario.of(ask_it)

        assert pickle.loads(pickle.dumps(decision)) == decision  # noqa: S301


NONSENSE: dict[str, bytes] = {
    "unknown effect": b'{"effect":"permit","reason":"granted","version":"1.1"}',
    "no effect": b'{"reason":"granted","version":"1.1","valid_for_ms":5}',
    "effect in capitals": b'{"effect":"ALLOW","reason":"granted"}',
    "effect is a list": b'{"effect":["allow"],"reason":"granted"}',
    "no reason": b'{"effect":"allow","version":"1.1","valid_for_ms":5}',
    "reason is no string": b'{"effect":"allow","reason":true}',
    "html": b"<!doctype html><title>Sign in to the hotel</title>",
    "truncated": b'{"effect":"allow","reason":"gran',
    "empty": b"",
    "null": b"null",
    "a list": b'[{"effect":"allow","reason":"granted"}]',
    "not UTF-8": b'{"effect":"allow","reason":"\xff\xfe"}',
    "trailing": b'{"effect":"allow","reason":"granted"} {}',
    "deep": b'{"effect":"deny","reason":"x","a":' + b"[" * 100_000,
}


class TestFailClosed:
    @pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
    async def test_nonsense_is_a_local_deny(
        self, scenario: Scenario, body: bytes
    ) -> None:
        """What cannot be read is no yes, and says that it is not the gateway's no."""
        scenario.script.replies = [answer(body)]

        decision = await scenario.of(ask_it)

        assert isinstance(decision, Deny)
        assert decision.reason == Reason.DECISION_UNAVAILABLE
        assert decision.origin == "local"
        assert (decision.cause or "").startswith("answer_not_understood")

    @pytest.mark.parametrize(
        ("reply", "cause"),
        [
            (broken(), "transport_failed"),
            (ConnectFailed(), "connect_failed"),
            (problem(503, "decision_unavailable"), "decision_unavailable"),
            (problem(500, "internal"), "internal"),
            (answer(b"", 502), "server_fault"),
            (answer(b"", 302, {"Location": "https://evil.example"}), "answer_not"),
        ],
    )
    async def test_no_answer_is_a_local_deny(
        self, scenario: Scenario, reply: Reply, cause: str
    ) -> None:
        """However often it was tried: no answer is a deny, with its cause."""
        scenario.script.replies = [reply] * 3

        decision = await scenario.of(ask_it)

        assert isinstance(decision, Deny)
        assert (decision.reason, decision.origin) == ("decision_unavailable", "local")
        assert (decision.cause or "").startswith(cause)

    async def test_too_late_is_a_local_deny(self, scenario: Scenario) -> None:
        """An answer after the deadline is no answer."""
        scenario.script.takes = [9.0]

        decision = await scenario.of(ask_it)

        assert isinstance(decision, Deny)
        assert (decision.cause or "").startswith("deadline_exceeded")

    async def test_failing_token_is_a_local_deny(self, scenario: Scenario) -> None:
        """Without a token there is no answer either."""
        scenario.script.tokens = [answer(b"", 503)] * 3

        decision = await scenario.of(ask_it)

        assert isinstance(decision, Deny)
        assert decision.origin == "local"

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (problem(400, "unknown_field"), InvalidRequest),
            (problem(429, "too_many", {"Retry-After": "60"}), RateLimited),
        ],
    )
    async def test_errors_of_the_caller_raise(
        self, scenario: Scenario, reply: Reply, kind: type[Exception]
    ) -> None:
        """A malformed question is a bug to see, not a deny to shrug at."""
        scenario.script.replies = [reply]

        with pytest.raises(kind):
            await scenario.of(ask_it)

    async def test_wrong_secret_raises(self, scenario: Scenario) -> None:
        """Nobody should take a wrong secret for a user's no."""
        scenario.script.tokens = [answer({"error": "invalid_client"}, 401)]

        with pytest.raises(NotAuthenticated) as caught:
            await scenario.of(ask_it)

        assert caught.value.code == "invalid_client"


class TestRequire:
    async def test_allow_is_returned(self, scenario: Scenario) -> None:
        """What is allowed goes on."""
        scenario.script.replies = [answer(ALLOW)]

        allow = await scenario.of(
            lambda gw: gw.require("sub_1", "device.album", purpose="publish_upload")
        )

        assert allow.grant == "gra_1"

    async def test_ask_raises_with_the_offer(self, scenario: Scenario) -> None:
        """Who catches it can ask at once."""
        scenario.script.replies = [answer(ASK)]

        with pytest.raises(AskRequired) as caught:
            await scenario.of(
                lambda gw: gw.require("sub_1", "device.album", purpose="p")
            )

        assert caught.value.ask.capability == "device.album"
        assert caught.value.reason == "not_asked"

    async def test_deny_raises_with_the_fallback(self, scenario: Scenario) -> None:
        """Who catches it knows what still works."""
        scenario.script.replies = [answer(DENY)]

        with pytest.raises(Denied) as caught:
            await scenario.of(
                lambda gw: gw.require("sub_1", "device.album", purpose="p")
            )

        assert caught.value.fallback == "type_the_code"
        assert caught.value.next_ask_at is not None

    async def test_no_answer_raises_denied_from_its_cause(
        self, scenario: Scenario
    ) -> None:
        """The cause stays attached, for whoever debugs it."""
        scenario.script.replies = [ConnectFailed()] * 3

        with pytest.raises(Denied) as caught:
            await scenario.of(
                lambda gw: gw.require("sub_1", "device.album", purpose="p")
            )

        assert caught.value.reason == "decision_unavailable"
        assert isinstance(caught.value.__cause__, ConnectFailed)
