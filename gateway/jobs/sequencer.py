"""The sequencer: puts the ledger's new entries into the Merkle log and signs its size.

Two steps, each of which may be the last before a crash: a batch of leaves, nodes and
the new size in one transaction; then the checkpoint of what was committed, stored
once for each size. Only what is stored is ever published, so whoever stops between
the steps leaves nothing behind that could be signed differently later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, NoReturn
from urllib.parse import urlsplit

import structlog

from gateway.logs import frames
from gateway.services import Services
from permissions.merkle.audit import LogBroken
from permissions.merkle.checkpoint import sign
from permissions.merkle.note import Signer
from permissions.store import log as merkle
from permissions.store.sqlite import SqliteStore

Sleep = Callable[[float], Awaitable[None]]

EVERY: Final = 1.0  # seconds; an entry is provable within five
BATCH: Final = 1000  # leaves in one transaction: others wait for the writer meanwhile
_LONGEST: Final = 60.0  # seconds between two tries of what keeps failing
_DOUBLINGS: Final = 6

log = structlog.get_logger("gateway")


class Sequencer:
    """Moves one store's log on, a batch at a time.

    ``origin`` names the log if none was begun here yet; ``seed`` is its private key.
    """

    def __init__(
        self, store: SqliteStore, seed: bytes, *, origin: str, batch: int = BATCH
    ) -> None:
        self._store = store
        self._seed = seed
        self._origin = origin
        self._batch = batch

    async def advance(self) -> bool:
        """Take one batch and publish its checkpoint; say whether more is waiting.

        Raises LogBroken where ledger, log and the last checkpoint do not fit each
        other: then nothing is signed, and a person has to look.
        """
        if not self._store.near(merkle.is_behind):
            return False
        taken = await self.take()
        await self.publish()
        return taken == self._batch

    async def take(self) -> int:
        """Put at most one batch of entries into the log; return how many."""
        return await self._store.write(
            lambda transaction: merkle.append(
                transaction.connection, self._origin, limit=self._batch
            )
        )

    async def publish(self) -> None:
        """Sign and store the checkpoint of the committed size, where it has none."""
        checkpoint = self._store.near(merkle.unsigned)
        if checkpoint is None:
            return
        body = sign(checkpoint, Signer(checkpoint.origin, self._seed))
        await self._store.write(
            lambda transaction: merkle.publish(transaction.connection, checkpoint, body)
        )


def origin_of(issuer: str) -> str:
    """Return the name under which a gateway begins its log: a schema-less URL."""
    return f"{urlsplit(issuer).netloc}/log"


def pause(every: float, failures: int) -> float:
    """Return the seconds to the next try: doubled with each failure, up to a minute."""
    return min(every * 2.0 ** min(failures, _DOUBLINGS), max(every, _LONGEST))


async def keep_sequencing(
    sequencer: Sequencer, sleep: Sleep, *, every: float
) -> NoReturn:
    """Sequence until cancelled; ``every`` is in seconds.

    A failure is logged and tried again; acts and decisions do not depend on it.
    """
    failures = 0
    while True:
        more = False
        try:
            more = await sequencer.advance()
        except Exception as error:  # noqa: BLE001 - the loop outlives it, and tells
            failures += 1
            _note_failure(error, failures)
        else:
            failures = 0
        if not more:
            await sleep(pause(every, failures))


def _note_failure(error: Exception, attempt: int) -> None:
    log.error(
        "sequencing_failed",
        error=type(error).__name__,
        reason=str(error) if isinstance(error, LogBroken) else "",
        attempt=attempt,
        where=frames(error),
    )


@asynccontextmanager
async def sequencing(
    services: Services, *, every: float = EVERY, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[None]:
    """Sequence in the background as long as the block runs.

    What the writer has begun when the block ends is finished by the store's close.
    """
    sequencer = Sequencer(
        services.store,
        services.keys.signing_seed("log"),
        origin=origin_of(services.settings.issuer),
    )
    task = asyncio.create_task(keep_sequencing(sequencer, sleep, every=every))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
