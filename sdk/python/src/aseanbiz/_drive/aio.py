"""Carry out an operation's commands on the running event loop."""

import asyncio
from collections import defaultdict
from typing import TypeVar
from weakref import WeakKeyDictionary

from aseanbiz._clock import AsyncClock
from aseanbiz._core.commands import (
    Command,
    Held,
    Load,
    Lock,
    Now,
    Operation,
    Save,
    Send,
    Sleep,
    Today,
)
from aseanbiz._core.token_store import TokenStore
from aseanbiz._errors import GatewayError
from aseanbiz._transport import AsyncTransport

T = TypeVar("T")
Locks = defaultdict[str, asyncio.Lock]


class AsyncDriver:
    """Run operations one command at a time, giving way while they wait."""

    def __init__(
        self, transport: AsyncTransport, store: TokenStore, clock: AsyncClock
    ) -> None:
        self._transport = transport
        self._store = store
        self._clock = clock
        # Per loop: an asyncio lock belongs to the loop that first waited on it.
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, Locks]
        self._locks = WeakKeyDictionary()

    async def run(self, operation: Operation[T]) -> T:
        """Return the operation's result; cancellation closes it and passes on."""
        try:
            command = next(operation)
            while True:
                try:
                    outcome = await self._carry_out(command)
                except GatewayError as error:
                    command = operation.throw(error)
                else:
                    command = operation.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            operation.close()

    async def _carry_out(self, command: Command) -> object:
        match command:
            case Now():
                return self._clock.monotonic()
            case Today():
                return self._clock.today()
            case Send():
                return await self._transport.send(command.request, command.timeout)
            case Sleep():
                await self._clock.sleep(command.seconds)
                return None
            case Lock():
                return await self._take(command)
            case Load():
                return self._store.load(command.key)
            case Save():
                return self._store.compare_and_set(
                    command.key, command.version, command.tokens
                )

    async def _take(self, command: Lock) -> Held | None:
        locks = self._locks.setdefault(
            asyncio.get_running_loop(), defaultdict(asyncio.Lock)
        )
        lock = locks[command.name]
        if command.timeout <= 0 and lock.locked():
            return None
        try:
            # Not 0, which would give up even where nobody is in the way.
            async with asyncio.timeout(max(command.timeout, 0.001)):
                await lock.acquire()
        except TimeoutError:
            return None
        return lock

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()
