"""The client's own token: fetched once, renewed early, replaced when refused."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from aseanbiz import (
    AsyncGateway,
    ClientSecret,
    Gateway,
    GrantSetId,
    GrantTokens,
    MemoryTokenStore,
    NotAuthenticated,
    ProtocolViolation,
    Request,
    Response,
    Secret,
)
from sdk.python.tests.scripted import (
    ALLOW,
    EPOCH,
    SECRET,
    URL,
    Scenario,
    answer,
    problem,
    token,
)


async def ask(scenario: Scenario) -> str:
    """Ask one ordinary question; return the reason."""
    scenario.script.replies.append(answer(ALLOW))
    decision = await scenario.of(lambda gw: gw.check("sub_1", "data.x", purpose="p"))
    return decision.reason


def used(scenario: Scenario) -> list[str | None]:
    """Return the Authorization of every call."""
    return [one.header("authorization") for one in scenario.script.requests]


class TestLife:
    async def test_it_is_fetched_once(self, scenario: Scenario) -> None:
        """Many calls, one token; the secret goes in the header alone."""
        for _ in range(3):
            await ask(scenario)

        assert len(scenario.script.token_requests) == 1
        asked = scenario.script.token_requests[0]
        assert (asked.header("authorization") or "").startswith("Basic ")
        assert SECRET.encode() not in asked.body
        assert "Idempotency-Key" not in dict(asked.headers)

    async def test_it_is_renewed_from_80_percent_on(self, scenario: Scenario) -> None:
        """Early, so that no call ever waits for a token again."""
        scenario.script.tokens = [token("one", 100), token("two", 100)]

        await ask(scenario)
        scenario.clock.now += 79.9
        await ask(scenario)
        scenario.clock.now += 5.2  # 80 % and the whole spread of 5 %
        await ask(scenario)

        assert used(scenario) == ["Bearer one", "Bearer one", "Bearer two"]

    async def test_failed_renewal_keeps_the_working_one(
        self, scenario: Scenario
    ) -> None:
        """A token endpoint that is down costs nothing as long as the token lives."""
        scenario.script.tokens = [token("one", 100), *[answer(b"", 503)] * 3]

        await ask(scenario)
        scenario.clock.now += 90
        reason = await ask(scenario)

        assert reason == "granted"
        assert used(scenario) == ["Bearer one", "Bearer one"]

    async def test_failed_renewal_is_not_tried_at_every_call(
        self, scenario: Scenario
    ) -> None:
        """A token endpoint in trouble is left in peace for some seconds."""
        scenario.script.tokens = [token("one", 100), *[answer(b"", 503)] * 3]

        await ask(scenario)
        scenario.clock.now += 86
        await ask(scenario)
        asked = len(scenario.script.token_requests)
        await ask(scenario)

        assert asked == 4
        assert len(scenario.script.token_requests) == asked

    async def test_slow_renewal_leaves_time_for_the_call(
        self, scenario: Scenario
    ) -> None:
        """A token endpoint that hangs may cost half of the deadline, not all."""
        scenario.script.tokens = [token("one", 100)]

        await ask(scenario)
        scenario.clock.now += 90
        scenario.script.token_takes = [60.0]
        reason = await ask(scenario)

        assert reason == "granted"
        assert scenario.script.timeouts[-1] == pytest.approx(2.5)

    async def test_its_life_counts_from_the_send(self, scenario: Scenario) -> None:
        """A slow answer does not make a token live longer than the gateway thinks."""
        scenario.script.tokens = [token("one", 4), *[answer(b"", 503)] * 3]
        scenario.script.token_takes = [3.0]

        await ask(scenario)
        scenario.clock.now += 1.0  # four seconds after the send
        reason = await ask(scenario)

        assert reason == "decision_unavailable"
        assert used(scenario) == ["Bearer one"]

    async def test_expired_one_is_not_used(self, scenario: Scenario) -> None:
        """Past its life a token is worth nothing."""
        scenario.script.tokens = [token("one", 100), *[answer(b"", 503)] * 3]

        await ask(scenario)
        scenario.clock.now += 100
        reason = await ask(scenario)

        assert reason == "decision_unavailable"
        assert used(scenario) == ["Bearer one"]

    async def test_other_types_are_refused(self, scenario: Scenario) -> None:
        """A token of another type than Bearer is refused, not tried."""
        scenario.script.tokens = [
            answer({"access_token": "x", "token_type": "mac", "expires_in": 5})
        ]
        with pytest.raises(ProtocolViolation):
            await scenario.of(lambda gw: gw.subjects.get("sub_1"))


class TestRefused:
    async def test_401_earns_one_new_token(self, scenario: Scenario) -> None:
        """A revoked token is replaced, outside the count of retries."""
        scenario.script.tokens = [token("one"), token("two")]
        scenario.script.replies = [problem(401, "invalid_token")]

        reason = await ask(scenario)

        assert reason == "granted"
        assert used(scenario) == ["Bearer one", "Bearer two"]
        assert scenario.clock.slept == []

    async def test_second_401_raises(self, scenario: Scenario) -> None:
        """Never a loop."""
        scenario.script.replies = [problem(401, "invalid_token")] * 2

        with pytest.raises(NotAuthenticated):
            await scenario.of(lambda gw: gw.check("sub_1", "data.x", purpose="p"))

        assert len(scenario.script.token_requests) == 2

    async def test_late_refusal_spares_a_newer_token(self, scenario: Scenario) -> None:
        """A 401 about the old token says nothing about its successor."""
        scenario.script.tokens = [token("one", 100), token("two", 100)]
        await ask(scenario)
        scenario.clock.now += 90
        await ask(scenario)

        credentials = vars(scenario.gateway)["_token"]
        again = credentials.refused(Secret("Bearer one"))
        await ask(scenario)

        assert again
        assert used(scenario)[-1] == "Bearer two"
        assert len(scenario.script.token_requests) == 2

    async def test_user_token_is_not_replaced(self, scenario: Scenario) -> None:
        """Only the app can bring a user's token."""
        scenario.script.replies = [problem(401, "invalid_token")]

        with pytest.raises(NotAuthenticated):
            await scenario.of(lambda gw: gw.me("user-token").notice())

        assert used(scenario) == ["Bearer user-token"]
        assert scenario.script.token_requests == []


class TestStore:
    def test_only_the_version_that_was_read_is_replaced(self) -> None:
        """Who was slower hears of it, and nothing is lost."""
        one, two = (
            GrantTokens(
                grant=GrantSetId("gst_1"), access=Secret(name), expires_at=EPOCH
            )
            for name in ("one", "two")
        )
        store = MemoryTokenStore()

        assert store.compare_and_set("k", None, one)
        assert not store.compare_and_set("k", None, two)
        found = store.load("k")
        assert found is not None
        assert not store.compare_and_set("k", found.version + 1, two)
        assert found.tokens == one
        assert store.compare_and_set("k", found.version, None)
        assert not store.compare_and_set("k", found.version, two)
        assert store.load("k") is None


class Slow:
    """A gateway whose token endpoint waits until the test lets it go on."""

    def __init__(self) -> None:
        self.tokens = 0
        self.asked = threading.Event()
        self.go = threading.Event()

    def send(self, request: Request, timeout: float) -> Response:
        """Answer; a token only when the test lets go."""
        if request.url.endswith("/oauth/token"):
            self.tokens += 1
            self.asked.set()
            assert self.go.wait(timeout)
            return token()
        return answer(ALLOW)

    def close(self) -> None:
        """Close nothing."""


class AsyncSlow:
    """The same, awaited."""

    def __init__(self) -> None:
        self.tokens = 0
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109, ARG002
        """Answer; a token only when the test lets go."""
        if request.url.endswith("/oauth/token"):
            self.tokens += 1
            self.asked.set()
            await self.go.wait()
            return token()
        return answer(ALLOW)

    async def aclose(self) -> None:
        """Close nothing."""


AUTH = ClientSecret("cli_1", SECRET)


class TestSingleFlight:
    def test_threads_share_one_fetch(self) -> None:
        """64 threads without a token cause one request for it."""
        slow = Slow()
        gw = Gateway(URL, auth=AUTH, transport=slow)
        with ThreadPoolExecutor(64) as pool:
            asked = [
                pool.submit(gw.check, "sub_1", "data.x", purpose="p") for _ in range(64)
            ]
            assert slow.asked.wait(5)
            slow.go.set()
            reasons = {one.result(5).reason for one in asked}

        assert reasons == {"granted"}
        assert slow.tokens == 1

    async def test_tasks_share_one_fetch(self) -> None:
        """64 tasks without a token cause one request for it."""
        slow = AsyncSlow()
        gw = AsyncGateway(URL, auth=AUTH, transport=slow)
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(gw.check("sub_1", "data.x", purpose="p"))
                for _ in range(64)
            ]
            await slow.asked.wait()
            slow.go.set()

        assert {one.result().reason for one in asked} == {"granted"}
        assert slow.tokens == 1

    async def test_cancelling_the_fetch_lets_the_next_one_in(self) -> None:
        """A cancelled task gives the lock back; no other is cancelled with it."""
        slow = AsyncSlow()
        gw = AsyncGateway(URL, auth=AUTH, transport=slow)
        first = asyncio.create_task(gw.check("sub_1", "data.x", purpose="p"))
        await slow.asked.wait()
        second = asyncio.create_task(gw.check("sub_1", "data.x", purpose="p"))
        await asyncio.sleep(0)

        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        slow.go.set()

        assert (await second).reason == "granted"
        assert slow.tokens == 2

    def test_one_client_serves_one_loop_after_the_other(self) -> None:
        """A client made once is usable in every `asyncio.run`."""
        scenario = Scenario("asyncio")

        reasons = [asyncio.run(ask(scenario)) for _ in range(2)]

        assert reasons == ["granted", "granted"]
