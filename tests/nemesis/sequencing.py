"""A process that acts and sequences until it is killed; it says what it published.

Run as ``python -m tests.nemesis.sequencing FOLDER FIRST``. It performs acts from the
number FIRST on, and takes them into the log in small batches meanwhile. Each
checkpoint goes to standard output in hex once it can be read back, as anybody who
asks over HTTP would be shown it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from gateway.jobs.sequencer import Sequencer
from permissions.catalogue.load import load
from permissions.store import log
from permissions.store.sqlite import SqliteStore, open_store
from tests.nemesis.acting import Script, once
from tests.permissions.actors import Acts

ORIGIN = "log.example/log"
SEED = bytes(range(32))
BATCH = 3


async def act(store: SqliteStore, script: Script, first: int) -> None:
    """Perform one act after the other."""
    number = first
    while True:
        await store.write(lambda transaction, n=number: once(script, n, transaction))  # type: ignore[misc]
        number += 1


async def sequence(store: SqliteStore) -> None:
    """Sequence without a pause; tell each checkpoint that is published."""
    sequencer = Sequencer(store, SEED, origin=ORIGIN, batch=BATCH)
    told = -1
    while True:
        await sequencer.advance()
        newest = store.near(log.newest)
        if newest is not None and newest.size != told:
            os.write(1, newest.body.encode().hex().encode() + b"\n")
            told = newest.size
        await asyncio.sleep(0)


async def main(folder: Path, first: int) -> None:
    """Do both until the end comes."""
    catalogue = load()
    store = open_store(
        folder, catalogue=catalogue, clock=lambda: datetime.now(UTC), random=os.urandom
    )
    async with store, asyncio.TaskGroup() as group:
        group.create_task(act(store, Script(Acts(catalogue)), first))
        group.create_task(sequence(store))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
