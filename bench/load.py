"""The load generator: prebuilt requests over raw sockets, in a process of its own.

Every answer is compared with what it has to say; one that says anything else drops
the whole cell, so that a fast wrong path is no path.
"""

from __future__ import annotations

import os
import select
import socket
from collections import deque
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Self

import msgspec

from bench.cells import Cell

CONNECTIONS: Final = 32
SAMPLE: Final = 24  # answers compared as JSON, before and after each cell
_PATIENCE: Final = 5.0  # seconds without any answer
_READ: Final = 1 << 16
_OK: Final = b"HTTP/1.1 200 "
_LENGTH: Final = b"content-length: "
_END: Final = b"\r\n\r\n"


class Exchange(msgspec.Struct, frozen=True):
    """A request, bytes that its answer must hold, and members it must have."""

    request: bytes
    marker: bytes
    members: dict[str, Any]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A path of a server: where it listens, its process, what to say to it."""

    name: str
    port: int
    pid: int
    exchanges: list[Exchange]


class CellDropped(Exception):
    """The cell does not count; says which answer was not as it has to be."""


def exchange(path: str, body: bytes, marker: bytes, **more: Any) -> Exchange:  # noqa: ANN401 - members of any JSON type
    """Build a JSON POST with the headers of an app's call."""
    return Exchange(
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\n%b"
        b"Content-Length: %d\r\n\r\n%b"
        % (path.encode(), more.pop("headers", b""), len(body), body),
        marker,
        more.pop("members"),
    )


def closed_loop(target: Target, seconds: float) -> Cell:
    """Keep all connections busy for a while; raises CellDropped."""
    verify(target)
    script = cycle(target.exchanges)
    with _Wires(target.port) as wires:
        for wire in wires:
            wire.say(next(script))
        answers = 0
        began, cpu = perf_counter(), cpu_seconds(target.pid)
        while (now := perf_counter()) - began < seconds:
            for wire in wires.answered(_PATIENCE):
                answers += 1
                wire.say(next(script))
        spent = cpu_seconds(target.pid)
        under_way = CONNECTIONS  # hanging up on them would disturb the next cell
        while under_way:
            under_way -= len(list(wires.answered(_PATIENCE)))
    verify(target)
    return Cell(
        answers=answers,
        seconds=now - began,
        cpu_seconds=None if cpu is None or spent is None else spent - cpu,
    )


def open_loop(target: Target, rate: float, seconds: float) -> list[float]:
    """Send at a constant rate; return each answer's seconds from its scheduled start.

    What waits for a free connection waits on the server's account: a closed loop
    would hide a stall by asking less. Raises CellDropped.
    """
    verify(target)
    script = cycle(target.exchanges)
    planned = [n / rate for n in range(int(rate * seconds))]
    due = deque(planned)
    taken: list[float] = []
    with _Wires(target.port) as wires:
        idle = deque(wires)
        began = perf_counter()
        while len(taken) < len(planned):
            now = perf_counter() - began
            while due and idle and due[0] <= now:
                wire = idle.popleft()
                wire.since = due.popleft()
                wire.say(next(script))
            for wire in wires.answered(0):
                taken.append(perf_counter() - began - wire.since)
                idle.append(wire)
            if now > 2 * seconds + _PATIENCE:
                raise CellDropped("the server cannot keep up with half its capacity")
    return taken


def verify(target: Target) -> None:
    """Compare a spread of answers with what they have to say; raises CellDropped."""
    step = max(1, len(target.exchanges) // SAMPLE)
    with _Wires(target.port, 1) as wires:
        (wire,) = wires
        for said in target.exchanges[::step][:SAMPLE]:
            wire.say(said)
            while not list(wires.answered(_PATIENCE)):
                pass
            told = msgspec.json.decode(wire.answer.partition(_END)[2])
            for name, value in said.members.items():
                if told.get(name) != value:
                    raise CellDropped(f"{name}: not {value!r} but {told.get(name)!r}")


def cpu_seconds(pid: int) -> float | None:
    """Return the user and system time of a process; None where there is no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # a name may hold spaces
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Wire:
    """One connection and the exchange that is under way on it."""

    __slots__ = ("_marker", "_partial", "answer", "since", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = b""
        self.since = 0.0
        self._marker = b""
        self._partial = b""

    def say(self, said: Exchange) -> None:
        self._marker = said.marker
        self.socket.sendall(said.request)

    def hear(self) -> bool:
        """Read what has come; True when the answer is whole, and right."""
        heard = self.socket.recv(_READ)
        if not heard:
            raise CellDropped("the server hung up")
        if self._partial:
            heard = self._partial + heard
        end = heard.find(_END)
        at = heard.find(_LENGTH, 0, end) if end > 0 else -1
        if at < 0 and end > 0:
            raise CellDropped("an answer without content-length")
        if at < 0 or len(heard) < end + 4 + int(
            heard[at + len(_LENGTH) : heard.index(b"\r", at)]
        ):
            self._partial = heard
            return False
        self._partial = b""
        self.answer = heard
        if not heard.startswith(_OK):
            raise CellDropped(f"answered {heard[9:12].decode()}")
        if self._marker not in heard:
            raise CellDropped("an answer that belongs to another question")
        return True


class _Wires:
    """Some connections and the poll over them."""

    def __init__(self, port: int, count: int = CONNECTIONS) -> None:
        self._wires: dict[int, _Wire] = {}
        self._poll = select.poll()
        try:
            for _ in range(count):
                wire = _Wire(port)
                self._wires[wire.socket.fileno()] = wire
                self._poll.register(wire.socket, select.POLLIN)
        except OSError as error:
            self.__exit__()
            raise CellDropped(f"no connection: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self._wires.values():
            wire.socket.close()

    def __iter__(self) -> Iterator[_Wire]:
        return iter(self._wires.values())

    def answered(self, patience: float) -> Iterator[_Wire]:
        """Yield connections whose answer is whole, waiting ``patience`` seconds."""
        ready = self._poll.poll(patience * 1000)
        if not ready and patience:
            raise CellDropped("the server is silent")
        for number, _ in ready:
            wire = self._wires[number]
            if wire.hear():
                yield wire
