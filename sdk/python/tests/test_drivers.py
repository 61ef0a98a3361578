"""The drivers: whatever happens, an operation is closed and its locks are free."""

import asyncio
from inspect import GEN_CLOSED, getgeneratorstate

import pytest

from aseanbiz import MemoryTokenStore, Request, Response
from aseanbiz._core.commands import Held, Operation, lock, send
from aseanbiz._drive.aio import AsyncDriver
from aseanbiz._drive.blocking import Driver
from sdk.python.tests.scripted import AsyncFakeClock, FakeClock


class Interrupted:
    """A network in which Ctrl-C is pressed."""

    def send(self, request: Request, timeout: float) -> Response:  # noqa: ARG002
        """Never answer."""
        raise KeyboardInterrupt

    def close(self) -> None:
        """Close nothing."""


class Hanging:
    """A network that is silent."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109, ARG002
        """Never answer."""
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def aclose(self) -> None:
        """Close nothing."""


def guarded() -> Operation[None]:
    """Send something under a lock."""
    held = yield from lock("guard", 1.0)
    assert held is not None
    try:
        yield from send(Request("GET", "https://gateway.example"), 1.0)
    finally:
        held.release()


def taken() -> Operation[Held | None]:
    """Take the lock, if it is free at once."""
    return (yield from lock("guard", 0.0))


def test_interrupt_closes_the_operation() -> None:
    """Although somebody still holds the generator, its `finally` has run."""
    driver = Driver(Interrupted(), MemoryTokenStore(), FakeClock())
    operation = guarded()

    with pytest.raises(KeyboardInterrupt):
        driver.run(operation)

    assert getgeneratorstate(operation) == GEN_CLOSED
    assert driver.run(taken()) is not None


async def test_cancellation_closes_the_operation() -> None:
    """It passes through, and the next task finds the lock free."""
    network = Hanging()
    driver = AsyncDriver(network, MemoryTokenStore(), AsyncFakeClock(FakeClock()))
    operation = guarded()
    task = asyncio.create_task(driver.run(operation))
    await network.asked.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert getgeneratorstate(operation) == GEN_CLOSED
    assert await driver.run(taken()) is not None


async def test_lock_that_is_held_is_not_waited_for_longer() -> None:
    """The wait ends with the deadline of the call, in both modes."""

    def both() -> Operation[Held | None]:
        yield from taken()
        return (yield from lock("guard", 0.01))

    blocking = Driver(Interrupted(), MemoryTokenStore(), FakeClock())
    awaited = AsyncDriver(Hanging(), MemoryTokenStore(), AsyncFakeClock(FakeClock()))

    assert blocking.run(both()) is None
    assert await awaited.run(both()) is None


def test_lock_held_at_a_fork_is_free_in_the_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread that would give it back does not exist there."""
    driver = Driver(Interrupted(), MemoryTokenStore(), FakeClock())
    assert driver.run(taken()) is not None

    monkeypatch.setattr("os.getpid", lambda: -1)

    assert driver.run(taken()) is not None
