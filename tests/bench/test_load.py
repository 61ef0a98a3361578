"""The load generator believes no answer that it has not compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.load import CellDropped, Exchange, Target, closed_loop, open_loop
from bench.processes import Server, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run a server that answers ``{}`` to everything."""
    with serving("static", tmp_path, core=None) as server:
        yield server


def make_target(server: Server, marker: bytes, **members: object) -> Target:
    """Make a target whose answers have to hold something."""
    said = Exchange(b"GET / HTTP/1.1\r\n\r\n", marker, members)
    return Target(name="static", port=server.port, pid=server.pid, exchanges=[said])


def test_right_answers_are_counted(server: Server) -> None:
    """Closed loops count answers, open loops time each of them."""
    target = make_target(server, b"{}")

    assert closed_loop(target, 0.1).answers > 0
    assert len(open_loop(target, 100, 0.1)) == 10


def test_wrong_answer_drops_the_cell(server: Server) -> None:
    """Neither other bytes nor other members pass for an answer."""
    with pytest.raises(CellDropped, match="another question"):
        closed_loop(make_target(server, b"allow"), 0.1)
    with pytest.raises(CellDropped, match="effect"):
        closed_loop(make_target(server, b"{}", effect="allow"), 0.1)
