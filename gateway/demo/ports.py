"""Four ports on this machine that are free now."""

from __future__ import annotations

import socket
from typing import Final

import msgspec

from gateway.cli.failure import CommandFailed
from gateway.cli.listening import listen

HOST: Final = "127.0.0.1"
_LAST: Final = 65535


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Where each program listens."""

    gateway: int
    wechat: int
    app: int
    partner: int


def choose(wanted: int | None, before: Ports | None) -> Ports:
    """Return the ports from ``wanted`` on, else those of before, else free ones.

    Raises CommandFailed for a wanted port that is in use.
    """
    if wanted is not None:
        if not 0 < wanted <= _LAST - 3:
            raise CommandFailed(
                f"--port {wanted}: expected 1 to {_LAST - 3}; three more follow it"
            )
        row = _from(wanted)
        _close(_listen(row))
        return row
    if before is not None:
        try:
            _close(_listen(before))
        except CommandFailed:
            pass  # somebody else has one of them now
        else:
            return before
    # From the system, and not from a usual number on: two demos that start together
    # would both find that number free.
    free = [listen(HOST, 0) for _ in range(4)]
    numbers = [listener.getsockname()[1] for listener in free]
    _close(free)
    return Ports(
        gateway=numbers[0], wechat=numbers[1], app=numbers[2], partner=numbers[3]
    )


def _from(first: int) -> Ports:
    return Ports(gateway=first, wechat=first + 1, app=first + 2, partner=first + 3)


def _listen(ports: Ports) -> list[socket.socket]:
    taken: list[socket.socket] = []
    try:
        for port in msgspec.structs.astuple(ports):
            taken.append(listen(HOST, port))  # noqa: PERF401 - to close what was opened
    except CommandFailed:
        _close(taken)
        raise
    return taken


def _close(listeners: list[socket.socket]) -> None:
    for listener in listeners:
        listener.close()
