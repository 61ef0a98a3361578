"""A gateway that says what a test wrote down, in a time that only tests move."""

import json
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar, cast
from urllib.parse import parse_qs

from aseanbiz import (
    AsyncGateway,
    ClientSecret,
    DeadlineExceeded,
    Gateway,
    Request,
    Response,
    TransportFailure,
)

T = TypeVar("T")
Mode = Literal["blocking", "asyncio"]
URL = "https://gateway.example"
SECRET = "canary-client-secret"
TOKEN = "canary-client-token"
EPOCH = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def answer(
    body: object = None, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Make an answer; ``body`` is bytes as they are, or anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, tuple((headers or {}).items()), raw)


def problem(
    status: int, code: str, headers: dict[str, str] | None = None, **more: object
) -> Response:
    """Make a problem (RFC 9457)."""
    return answer({"code": code, "status": status, **more}, status, headers)


def token(value: str = TOKEN, expires_in: int = 600) -> Response:
    """Make a client-credentials answer."""
    return answer(
        {"access_token": value, "token_type": "Bearer", "expires_in": expires_in}
    )


ALLOW = {
    "effect": "allow",
    "reason": "granted",
    "grant": "gra_1",
    "version": "17.42",
    "valid_for_ms": 1980,
    "expires_at": None,
}


class FakeClock:
    """Time that stands still until somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return seconds."""
        return self.now

    def today(self) -> datetime:
        """Return the time of day that goes with them."""
        return EPOCH + timedelta(seconds=self.now - 1000.0)

    def sleep(self, seconds: float) -> None:
        """Note the wait and jump."""
        self.slept.append(seconds)
        self.now += seconds


class AsyncFakeClock:
    """The same time, for the async driver."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.monotonic = clock.monotonic
        self.today = clock.today

    async def sleep(self, seconds: float) -> None:
        """Note the wait and jump."""
        self._clock.sleep(seconds)


Reply = Response | Exception


class Script:
    """Answer calls in the order written; client tokens are a script of their own.

    ``takes`` and ``token_takes`` are how long the next ones need, in seconds.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.replies: list[Reply] = []
        self.tokens: list[Reply] = []
        self.takes: list[float] = []
        self.token_takes: list[float] = []
        self.requests: list[Request] = []
        self.token_requests: list[Request] = []
        self.timeouts: list[float] = []
        self.spans: list[tuple[float, float]] = []
        self.closed = 0

    def send(self, request: Request, timeout: float) -> Response:
        """Note the request and give the next answer."""
        if b"grant_type=client_credentials" in request.body:
            self.token_requests.append(request)
            self._pass(self.token_takes.pop(0) if self.token_takes else 0.0, timeout)
            return self._give(self.tokens.pop(0) if self.tokens else token())
        self.requests.append(request)
        self.timeouts.append(timeout)
        begun = self._clock.now
        try:
            self._pass(self.takes.pop(0) if self.takes else 0.0, timeout)
        finally:
            self.spans.append((begun, self._clock.now))
        assert self.replies, f"the script has no answer left for {request}"
        return self._give(self.replies.pop(0))

    def _pass(self, takes: float, timeout: float) -> None:
        self._clock.now += min(takes, timeout)
        if takes >= timeout:
            raise DeadlineExceeded

    def _give(self, reply: Reply) -> Response:
        if isinstance(reply, Exception):
            raise reply
        return reply

    def close(self) -> None:
        """Count the closing."""
        self.closed += 1


class AsyncScript:
    """The same script, for the async driver."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109
        """Note the request and give the next answer."""
        return self._script.send(request, timeout)

    async def aclose(self) -> None:
        """Count the closing."""
        self._script.close()


class Scenario:
    """One client in one mode over one script; calls read alike in both."""

    def __init__(self, mode: Mode, **settings: Any) -> None:  # noqa: ANN401
        self.mode = mode
        self.clock = FakeClock()
        self.script = Script(self.clock)
        self.gateway = self.make(**settings)

    def make(self, **settings: Any) -> Gateway | AsyncGateway:  # noqa: ANN401
        """Make another client over the same script, as after a restart."""
        settings = {"auth": ClientSecret("cli_1", SECRET), **settings}
        if self.mode == "blocking":
            return Gateway(URL, transport=self.script, clock=self.clock, **settings)
        clock = AsyncFakeClock(self.clock)
        script = AsyncScript(self.script)
        return AsyncGateway(URL, transport=script, clock=clock, **settings)

    async def of(self, call: Callable[[Gateway], T]) -> T:
        """Return what the call returns, in either mode."""
        result = call(cast("Gateway", self.gateway))
        if self.mode == "asyncio":
            return await cast("Awaitable[T]", result)
        return result

    async def all_of(self, call: Callable[[Gateway], Iterable[T]]) -> list[T]:
        """Return all that the call iterates over, in either mode."""
        result = call(cast("Gateway", self.gateway))
        if self.mode == "asyncio":
            return [item async for item in cast("AsyncIterable[T]", result)]
        return list(result)

    def sent(self, index: int = -1) -> dict[str, Any]:
        """Return the JSON body of one request."""
        body: dict[str, Any] = json.loads(self.script.requests[index].body)
        return body

    def form(self, index: int = -1) -> dict[str, str]:
        """Return the form of one request."""
        fields = parse_qs(self.script.requests[index].body.decode())
        return {name: values[0] for name, values in fields.items()}

    def path(self, index: int = -1) -> str:
        """Return method and path with query of one request."""
        request = self.script.requests[index]
        return f"{request.method} {request.url.removeprefix(URL)}"

    def keys(self) -> list[str | None]:
        """Return the Idempotency-Key of every request."""
        return [one.header("idempotency-key") for one in self.script.requests]


def broken(*, sent: bool = True) -> TransportFailure:
    """Make a connection that breaks."""
    return TransportFailure(sent=sent)
