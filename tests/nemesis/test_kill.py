"""Killed at any moment, the gateway keeps every act that it has acknowledged."""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select as select_rows

from permissions.store import tables
from permissions.store.audit import verify_store
from permissions.store.sqlite import read_only

ROOT = Path(__file__).parent.parent.parent
AHEAD = 8  # acts under way at a time, so that a kill hits a group
# More for a long run: GATEWAY_TEST_KILLS=200 GATEWAY_TEST_ACTS=20000
KILLS = int(os.environ.get("GATEWAY_TEST_KILLS", "20"))
ACTS = int(os.environ.get("GATEWAY_TEST_ACTS", "1000"))


class Life:
    """One life of the acting process, from its start to its sudden end."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "tests.nemesis.acting", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._rest = b""
        self._expect_ready()

    def _expect_ready(self) -> None:
        deadline = time.monotonic() + 30
        while b"ready\n" not in self._rest:
            assert time.monotonic() < deadline, "the process did not start"
            assert self._process.poll() is None, "the process ended by itself"
            self._read(1.0)
        self._rest = self._rest.partition(b"ready\n")[2]

    def _read(self, seconds: float) -> None:
        out = self._process.stdout
        assert out is not None
        if select.select([out], [], [], seconds)[0]:
            self._rest += os.read(out.fileno(), 65536)

    def ask(self, number: int) -> None:
        """Hand in the number of an act."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % number)

    def told(self, seconds: float) -> list[int]:
        """Return the numbers acknowledged within some seconds at most."""
        self._read(seconds)
        *whole, self._rest = self._rest.split(b"\n")
        return [int(line) for line in whole]

    def kill(self) -> list[int]:
        """End it without warning (SIGKILL); return what it still had said."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._rest += self._process.stdout.read()
        self._process.stdin.close()
        self._process.stdout.close()
        return self.told_at_the_end()

    def told_at_the_end(self) -> list[int]:
        """Return the whole lines that were left; half a line says nothing."""
        *whole, _ = self._rest.split(b"\n")
        return [int(line) for line in whole]


@pytest.mark.slow
def test_acknowledged_acts_survive_every_kill(tmp_path: Path) -> None:
    """Each acknowledged act is in the ledger once; chains and tables are whole."""
    chance = random.Random(int(os.environ.get("GATEWAY_TEST_SEED", "1")))  # noqa: S311
    acknowledged: list[int] = []
    pending: list[int] = []
    number = kills = 0
    while kills < KILLS or len(acknowledged) < ACTS:
        life = Life(tmp_path)
        for again in pending:  # nobody knows whether these went through
            life.ask(again)
        ends_at = time.monotonic() + chance.uniform(0.02, 0.5)
        while time.monotonic() < ends_at:
            while len(pending) < AHEAD:
                number += 1
                pending.append(number)
                life.ask(number)
            for told in life.told(max(0.0, ends_at - time.monotonic())):
                pending.remove(told)
                acknowledged.append(told)
        for told in life.kill():
            pending.remove(told)
            acknowledged.append(told)
        kills += 1

    assert_whole(tmp_path, acknowledged, pending)


def assert_whole(folder: Path, acknowledged: list[int], pending: list[int]) -> None:
    """Hold the ledger to what was said, as an auditor finds it."""
    engine = read_only(folder)
    with engine.begin() as connection:
        audit = verify_store(connection)
        keys = tables.idempotency
        through = {
            int(row.key): row.answer
            for row in connection.execute(select_rows(keys.c.key, keys.c.answer))
        }
        entries = Counter(
            f"{row.shard}.{row.seq}"
            for row in connection.execute(
                select_rows(tables.ledger.c.shard, tables.ledger.c.seq)
            )
        )
    engine.dispose()
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) <= through.keys()
    assert through.keys() <= {*acknowledged, *pending}
    places = list(through.values())
    assert len(places) == len(set(places))
    assert entries.keys() >= set(places)
    # Besides the numbered acts there is one: the client's registration.
    assert audit.entries == len(entries) == len(places) + 1
