"""One call from its first attempt to its last: the only retry loop."""

import math
from typing import Protocol

import msgspec

from aseanbiz._core.commands import Operation, Sleep, now, send
from aseanbiz._core.setup import Setup
from aseanbiz._errors import (
    ConnectFailed,
    DeadlineExceeded,
    GatewayError,
    NotAuthenticated,
    TransportFailure,
)
from aseanbiz._policy.backoff import may_repeat, pauses
from aseanbiz._policy.problems import error_of
from aseanbiz._secret import Secret
from aseanbiz._transport import Request, Response
from aseanbiz._version import USER_AGENT

OK = range(200, 300)


class Deadline(msgspec.Struct, frozen=True):
    """The end of a call, in seconds of the clock that only runs forward."""

    total: float
    at: float

    def left(self, moment: float, phase: str) -> float:
        """Return the seconds left; none left is `DeadlineExceeded`."""
        if moment >= self.at:
            raise DeadlineExceeded(deadline=self.total, phase=phase, sent=False)
        return self.at - moment


class Credentials(Protocol):
    """Give the Authorization value of a call."""

    def obtain(self, deadline: Deadline) -> Operation[Secret]:
        """Return the value for one attempt, fetching it if need be."""

    def refused(self, value: Secret) -> bool:
        """Hear that the gateway refused it; True if a new one may be had."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What to send; headers are made anew for each attempt.

    ``key`` is the Idempotency-Key. ``repeatable`` calls happen once however
    often they are sent.
    """

    method: str
    path: str
    credentials: Credentials
    body: bytes = b""
    media_type: str = "application/json"
    key: str | None = None
    repeatable: bool = True
    oauth: bool = False
    timeout: float | None = None

    def __repr__(self) -> str:
        return f"Call({self.method} {self.path.partition('?')[0]})"


class Answer(msgspec.Struct, frozen=True):
    """A 2xx, and when its attempt was sent and complete, in seconds."""

    response: Response
    sent_at: float
    done_at: float


def deadline_of(setup: Setup, timeout: float | None) -> Operation[Deadline]:
    """Start the clock of one call; the shorter of the two timeouts wins."""
    total = min(setup.timeout.total, math.inf if timeout is None else timeout)
    return Deadline(total, (yield from now()) + total)


def exchange(
    setup: Setup, call: Call, deadline: Deadline | None = None
) -> Operation[Answer]:
    """Send the call until it is answered, within its deadline.

    Raises the error of the last attempt. A wait that the gateway demands is
    kept in full or not begun at all. A refused token earns one further
    attempt with a new one, outside the count.
    """
    if deadline is None:
        deadline = yield from deadline_of(setup, call.timeout)
    setup.budget.requested((yield from now()))
    delays = pauses(setup.random)
    attempts, retries, renewed, seen = 0, 0, False, False
    while True:
        try:
            value = yield from call.credentials.obtain(deadline)
        except TransportFailure as failure:
            # Not tried again here: fetching a token has its own attempts.
            _told(failure, call, deadline, attempts, seen=seen)
            raise
        sent_at = yield from now()
        try:
            left = deadline.left(sent_at, "send")
            attempts += 1
            response = yield from send(_request(setup, call, value), left)
        except TransportFailure as failure:
            seen = seen or failure.sent
            error: GatewayError = _told(failure, call, deadline, attempts, seen=seen)
            again = call.repeatable or isinstance(failure, ConnectFailed)
        else:
            seen = True
            done_at = yield from now()
            if response.status in OK:
                return Answer(response, sent_at, done_at)
            error = error_of(response, oauth=call.oauth)
            again = may_repeat(response.status, repeatable=call.repeatable)
            if isinstance(error, NotAuthenticated) and not renewed:
                renewed = True
                if call.credentials.refused(value):
                    continue
        moment = yield from now()
        pause = max(next(delays), error.retry_after or 0.0)
        if (
            not again
            or retries >= setup.retries.limit
            or moment + pause >= deadline.at
            or not setup.budget.take(moment)
        ):
            raise error
        retries += 1
        yield Sleep(pause)


def _request(setup: Setup, call: Call, value: Secret) -> Request:
    """Build one attempt: nothing in it is carried over from the last."""
    headers = [
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", USER_AGENT),
        ("Authorization", value.reveal()),
    ]
    if call.body:
        headers.append(("Content-Type", call.media_type))
    if call.key is not None:
        headers.append(("Idempotency-Key", call.key))
    return Request(call.method, setup.url + call.path, tuple(headers), call.body)


def _told(
    failure: TransportFailure,
    call: Call,
    deadline: Deadline,
    attempts: int,
    *,
    seen: bool,
) -> TransportFailure:
    """Add to a failure what only the call knows."""
    failure.attempts = attempts
    failure.idempotency_key = call.key
    failure.sent = seen
    if isinstance(failure, DeadlineExceeded):
        failure.deadline = deadline.total
    return failure
