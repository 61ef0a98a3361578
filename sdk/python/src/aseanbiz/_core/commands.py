"""What an operation asks its driver to do, and how it hears the outcome.

An operation is a generator: it yields a command, is sent what came of it, or
has the error thrown in, and returns its result. Closing it runs its `finally`
blocks, which therefore yield nothing.
"""

from collections.abc import Generator
from datetime import datetime
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from aseanbiz._core.token_store import GrantTokens, Versioned
from aseanbiz._transport import Request, Response

T = TypeVar("T")


class Held(Protocol):
    """A lock that is held; giving it back needs no waiting."""

    def release(self) -> None:
        """Let the next one in."""


class Send(msgspec.Struct, frozen=True):
    """Give the request to the transport; the outcome is a `Response`."""

    request: Request
    timeout: float


class Sleep(msgspec.Struct, frozen=True):
    """Wait for some seconds."""

    seconds: float


class Now(msgspec.Struct, frozen=True):
    """Read the clock that only runs forward, in seconds."""


class Today(msgspec.Struct, frozen=True):
    """Read the calendar, as an aware UTC time."""


class Lock(msgspec.Struct, frozen=True):
    """Take the lock of that name; the outcome is `Held`, or None after the wait."""

    name: str
    timeout: float


class Load(msgspec.Struct, frozen=True):
    """Read the tokens kept under that key; the outcome is `Versioned` or None."""

    key: str


class Save(msgspec.Struct, frozen=True):
    """Replace them if the version is still that one; the outcome is a bool."""

    key: str
    version: int | None
    tokens: GrantTokens | None


Command: TypeAlias = Send | Sleep | Now | Today | Lock | Load | Save
Operation: TypeAlias = Generator[Command, Any, T]


def send(request: Request, timeout: float) -> Operation[Response]:
    """Yield `Send`, with a type for what comes of it."""
    response: Response = yield Send(request, timeout)
    return response


def now() -> Operation[float]:
    """Yield `Now`, with a type for what comes of it."""
    seconds: float = yield Now()
    return seconds


def today() -> Operation[datetime]:
    """Yield `Today`, with a type for what comes of it."""
    moment: datetime = yield Today()
    return moment


def lock(name: str, timeout: float) -> Operation[Held | None]:
    """Yield `Lock`, with a type for what comes of it."""
    held: Held | None = yield Lock(name, timeout)
    return held


def load(key: str) -> Operation[Versioned | None]:
    """Yield `Load`, with a type for what comes of it."""
    found: Versioned | None = yield Load(key)
    return found


def save(key: str, version: int | None, tokens: GrantTokens | None) -> Operation[bool]:
    """Yield `Save`, with a type for what comes of it."""
    done: bool = yield Save(key, version, tokens)
    return done
