"""A process that acts until it is killed; it says only what is acknowledged.

Run as ``python -m tests.nemesis.acting FOLDER``. It reads act numbers from its
standard input, one to a line, and performs each under that number's own key; the
number goes to standard output once the write has returned, never before.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert, select

from permissions.acts import Act, Actor
from permissions.catalogue.load import load
from permissions.state import Grant, Subject
from permissions.store import tables
from permissions.store.sqlite import SqliteStore, open_store
from permissions.store.transaction import Transaction
from tests.permissions.actors import APP, CAMERA, Acts

PEOPLE = 16


class Script:
    """What act each number stands for: register, see the notice, then yes and no."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    def act(self, number: int, transaction: Transaction) -> Act | None:
        """Return the act of a number, or None where the world has it already."""
        if transaction.client(APP.id) is None:
            transaction.perform(self._acts.client(APP))
        person = f"sub_{number % PEOPLE}"
        state = transaction.subject(person)
        if state is None:
            return self._acts.register(person)
        if state.notice_version is None:
            return self._acts.notice(person)
        return self._turn(number, person, state, transaction)

    def _turn(
        self, number: int, person: str, state: Subject, transaction: Transaction
    ) -> Act:
        grant: Grant | None = state.grant_for((APP.id, *CAMERA))
        if grant is not None and grant.state == "granted":
            act = self._acts.withdraw(grant.id, person)
            return type(act)(
                actor=Actor(kind="subject", id=person),
                subject=person,
                grant=grant.id,
                receipt=f"rcp_{number}",
            )
        return self._acts.give(
            subject=person,
            grant=transaction.new_id("gra"),
            grant_set=transaction.new_id("gst"),
            pairwise=transaction.new_id("psn"),
            receipt=f"rcp_{number}",
        )


def once(script: Script, number: int, transaction: Transaction) -> None:
    """Perform the act of a number unless an earlier try got through."""
    key = {"shard": number % 64, "principal": "acting", "route": "", "key": str(number)}
    known = tables.idempotency.c
    if transaction.connection.scalar(
        select(known.at).where(known.shard == key["shard"], known.key == key["key"])
    ):
        return
    act = script.act(number, transaction)
    seq = ""
    if act is not None:
        done = transaction.perform(act)
        assert done is not None, "the script only chooses acts that change something"
        seq = done.entry.version
    transaction.connection.execute(
        insert(tables.idempotency).values(
            **key, fingerprint="", status=200, answer=seq, at=transaction.now
        )
    )


async def act_and_tell(store: SqliteStore, script: Script, number: int) -> None:
    """Perform one act; tell its number only after the store has acknowledged it."""
    await store.write(lambda transaction: once(script, number, transaction))
    os.write(1, b"%d\n" % number)


async def main(folder: Path) -> None:
    """Take numbers until the input ends, several at a time."""
    catalogue = load()
    store = open_store(
        folder,
        catalogue=catalogue,
        clock=lambda: datetime.now(UTC),
        random=os.urandom,
    )
    os.write(1, b"ready\n")
    script = Script(Acts(catalogue))
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async with store, asyncio.TaskGroup() as group:
        while line := await lines.readline():
            group.create_task(act_and_tell(store, script, int(line)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
