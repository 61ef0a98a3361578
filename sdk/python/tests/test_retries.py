"""Retries: inside the deadline, never before Retry-After, under one key."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aseanbiz import (
    ConfigError,
    ConnectFailed,
    DeadlineExceeded,
    GatewayError,
    RateLimited,
    Response,
    Retries,
    ServerFault,
    Timeout,
    TransportFailure,
)
from sdk.python.tests.scripted import (
    Mode,
    Scenario,
    answer,
    broken,
    problem,
    token,
)

SUBJECT = {
    "id": "sub_1",
    "state": "active",
    "notice_seen": False,
    "created_at": "2026-11-22T03:00:00Z",
}


async def register(
    scenario: Scenario,
    timeout: float | None = None,  # noqa: ASYNC109 - handed on
) -> str:
    """Write something."""
    subject = await scenario.of(lambda gw: gw.subjects.register("u1", timeout=timeout))
    return subject.id


class TestAttempts:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    async def test_passing_failures_are_tried_again(
        self, scenario: Scenario, status: int
    ) -> None:
        """A write is sent again under the same key, and then succeeds."""
        scenario.script.replies = [answer(b"", status), broken(), answer(SUBJECT, 201)]

        subject = await register(scenario)

        assert subject == "sub_1"
        assert len(set(scenario.keys())) == 1
        assert scenario.keys()[0]
        assert len(scenario.keys()) == 3

    async def test_two_retries_and_no_more(self, scenario: Scenario) -> None:
        """The third failure is the caller's, with what is needed to repeat the act."""
        scenario.script.replies = [broken(), broken(), broken()]

        with pytest.raises(TransportFailure) as caught:
            await register(scenario)

        assert caught.value.attempts == 3
        assert caught.value.sent
        assert caught.value.idempotency_key == scenario.keys()[0]

    async def test_a_later_failure_to_connect_does_not_unsend(
        self, scenario: Scenario
    ) -> None:
        """If one attempt may have been seen, the call may have been."""
        scenario.script.replies = [broken(), ConnectFailed(), ConnectFailed()]

        with pytest.raises(ConnectFailed) as caught:
            await register(scenario)

        assert caught.value.sent

    async def test_lost_token_does_not_hide_what_was_sent(
        self, scenario: Scenario
    ) -> None:
        """The call may have been seen, although the last failure was the token's."""
        scenario.script.tokens = [token(expires_in=1), *[broken(sent=False)] * 3]
        scenario.script.takes = [2.0]
        scenario.script.replies = [broken()]

        with pytest.raises(TransportFailure) as caught:
            await register(scenario)

        assert caught.value.sent
        assert caught.value.attempts == 1
        assert caught.value.idempotency_key == scenario.keys()[0]

    async def test_own_key_is_sent(self, scenario: Scenario) -> None:
        """Tomorrow's repetition carries yesterday's key."""
        scenario.script.replies = [answer(SUBJECT)]

        await scenario.of(lambda gw: gw.subjects.register("u1", idempotency_key="k1"))

        assert scenario.keys() == ["k1"]

    @pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 422])
    async def test_refusals_are_not_tried_again(
        self, scenario: Scenario, status: int
    ) -> None:
        """What was refused stays refused."""
        scenario.script.replies = [problem(status, "no")]

        with pytest.raises(GatewayError):
            await register(scenario)

        assert len(scenario.script.requests) == 1

    def test_senseless_limits_are_refused(self, scenario: Scenario) -> None:
        """Settings that make no sense are refused at once."""
        with pytest.raises(ConfigError):
            scenario.make(retries=Retries(-1))
        with pytest.raises(ConfigError):
            scenario.make(timeout=Timeout(0))

    async def test_no_retries_if_none_are_wanted(self, scenario: Scenario) -> None:
        """Retries(0) means one attempt."""
        scenario.gateway = scenario.make(retries=Retries(0))
        scenario.script.replies = [broken()]

        with pytest.raises(TransportFailure):
            await register(scenario)

    async def test_budget_stops_a_storm(self, scenario: Scenario) -> None:
        """When everything fails, one retry in ten is left, beyond a floor of 3."""
        scenario.script.replies = [answer(b"", 503)] * 200

        for _ in range(50):
            with pytest.raises(ServerFault):
                await register(scenario)
            scenario.clock.now += 0.01

        assert len(scenario.script.requests) <= 50 + 3 + 5 + 1

    async def test_budget_comes_back(self, scenario: Scenario) -> None:
        """Ten quiet seconds later a retry may be spent again."""
        scenario.script.replies = [*[answer(b"", 503)] * 6]
        for _ in range(2):
            with pytest.raises(ServerFault):
                await register(scenario)
        scenario.clock.now += 11
        scenario.script.replies = [answer(b"", 503), answer(SUBJECT)]

        subject = await register(scenario)

        assert subject == "sub_1"


class TestDeadline:
    async def test_shorter_timeout_of_a_call_wins(self, scenario: Scenario) -> None:
        """A call may be shorter than the client's own timeout, not longer."""
        scenario.script.replies = [answer(SUBJECT), answer(SUBJECT)]

        await register(scenario, timeout=0.5)
        await register(scenario, timeout=60)

        assert scenario.script.timeouts == [0.5, 5.0]

    async def test_token_and_retries_share_it(self, scenario: Scenario) -> None:
        """The second attempt gets what the first one left."""
        scenario.script.takes = [3.0, 3.0]
        scenario.script.replies = [broken()]

        with pytest.raises(DeadlineExceeded) as caught:
            await register(scenario)

        assert scenario.clock.now == pytest.approx(1005.0)
        assert caught.value.deadline == 5.0
        assert caught.value.sent

    async def test_retry_after_that_does_not_fit_raises_at_once(
        self, scenario: Scenario
    ) -> None:
        """Nobody waits in vain: the error says how long, and no time is lost."""
        scenario.script.replies = [problem(429, "too_many", {"Retry-After": "30"})]

        with pytest.raises(RateLimited) as caught:
            await register(scenario)

        assert caught.value.retry_after == 30.0
        assert scenario.clock.slept == []

    async def test_retry_after_is_kept_in_full(self, scenario: Scenario) -> None:
        """The gateway's wait is a minimum, not a proposal."""
        scenario.script.replies = [
            problem(429, "too_many", {"Retry-After": "2"}),
            answer(SUBJECT),
        ]

        await register(scenario)

        assert scenario.clock.slept == [2.0]

    async def test_retry_after_as_a_date_ignores_our_clock(
        self, scenario: Scenario
    ) -> None:
        """It is counted from the answer's own Date."""
        headers = {
            "Date": "Thu, 01 Jan 2015 00:00:00 GMT",
            "Retry-After": "Thu, 01 Jan 2015 00:00:03 GMT",
        }
        scenario.script.replies = [answer(b"", 503, headers), answer(SUBJECT)]

        await register(scenario)

        assert scenario.clock.slept == [3.0]


replies = st.one_of(
    st.sampled_from([429, 500, 502, 503, 504]).map(lambda code: answer(b"", code)),
    st.integers(0, 8).map(
        lambda wait: answer(b"", 503, {"Retry-After": str(wait)}),
    ),
    st.builds(broken, sent=st.booleans()),
    st.just(answer(SUBJECT)),
)


@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
@given(
    script=st.lists(replies, min_size=4, max_size=4),
    takes=st.lists(st.floats(0, 3), min_size=4, max_size=4),
    timeout=st.floats(0.01, 6),
)
async def test_deadline_and_retry_after_hold_over_all_histories(
    mode: Mode,
    script: list[Response | TransportFailure],
    takes: list[float],
    timeout: float,  # noqa: ASYNC109 - the subject of the test
) -> None:
    """Whatever answers come: never late, never too early, never another key."""
    scenario = Scenario(mode)
    scenario.script.replies, scenario.script.takes = list(script), takes
    with contextlib.suppress(GatewayError):
        await register(scenario, timeout)

    assert scenario.clock.now <= 1000 + min(timeout, 5.0) + 1e-6
    assert len(set(scenario.keys())) == 1
    spans = scenario.script.spans
    for (_, ended), (begun, _), reply in zip(spans, spans[1:], script, strict=False):
        demanded = reply.header("retry-after") if isinstance(reply, Response) else None
        assert begun >= ended + float(demanded or 0)
