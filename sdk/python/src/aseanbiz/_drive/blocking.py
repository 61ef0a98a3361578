"""Carry out an operation's commands in the calling thread."""

import os
import threading
from typing import TypeVar

from aseanbiz._clock import Clock
from aseanbiz._core.commands import (
    Command,
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
from aseanbiz._transport import Transport

T = TypeVar("T")


class Driver:
    """Run operations one command at a time, blocking."""

    def __init__(self, transport: Transport, store: TokenStore, clock: Clock) -> None:
        self._transport = transport
        self._store = store
        self._clock = clock
        self._locks: dict[tuple[int, str], threading.Lock] = {}

    def run(self, operation: Operation[T]) -> T:
        """Return the operation's result; whatever happens, it is closed."""
        try:
            command = next(operation)
            while True:
                try:
                    outcome = self._carry_out(command)
                except GatewayError as error:
                    command = operation.throw(error)
                else:
                    command = operation.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            operation.close()

    def _carry_out(self, command: Command) -> object:
        match command:
            case Now():
                return self._clock.monotonic()
            case Today():
                return self._clock.today()
            case Send():
                return self._transport.send(command.request, command.timeout)
            case Sleep():
                self._clock.sleep(command.seconds)
                return None
            case Lock():
                # The pid: a lock held by another thread at a fork is never
                # given back in the child. setdefault: two threads get one lock.
                name = (os.getpid(), command.name)
                lock = self._locks.setdefault(name, threading.Lock())
                return lock if lock.acquire(timeout=command.timeout) else None
            case Load():
                return self._store.load(command.key)
            case Save():
                return self._store.compare_and_set(
                    command.key, command.version, command.tokens
                )

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()
