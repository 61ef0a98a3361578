"""The sequencer: every entry once, one checkpoint for each size, whatever stops it."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, delete, event, select, update
from structlog.testing import capture_logs

from gateway.jobs.sequencer import (
    Sequencer,
    keep_sequencing,
    origin_of,
    pause,
    sequencing,
)
from gateway.services import Services
from permissions.merkle.audit import LogAudit, LogBroken
from permissions.merkle.note import Signer
from permissions.store import log, tables
from permissions.store.log_audit import verify_log
from permissions.store.sqlite import SqliteStore, open_store
from permissions.store.transaction import Transaction
from tests.factories import grant, register_app, register_subject, withdraw

ORIGIN = "127.0.0.1:8400/log"


def make_sequencer(services: Services, batch: int = 1000) -> Sequencer:
    """Make a sequencer as `serve` does; change only the size of its batches."""
    seed = services.keys.signing_seed("log")
    return Sequencer(services.store, seed, origin=ORIGIN, batch=batch)


def audited(services: Services, store: SqliteStore | None = None) -> LogAudit:
    """Audit the log against ledger and signatures; raises where it is not whole."""
    key = Signer(ORIGIN, services.keys.signing_seed("log")).verifier
    return (store or services.store).near(lambda near: verify_log(near, key))


def sizes(connection: Connection) -> list[int]:
    """Return the sizes that have a checkpoint."""
    held = tables.checkpoints.c.size
    return list(connection.scalars(select(held).order_by(held)))


async def make_history(services: Services, people: int = 3) -> int:
    """Let people say yes and take it back; return how many entries that makes."""
    app, _ = await register_app(services)
    for _ in range(people):
        subject = await register_subject(services)
        given = await grant(services, subject, app)
        await withdraw(services, subject, given.id)
    return 1 + 4 * people


class TestAdvance:
    async def test_each_entry_becomes_one_leaf(self, services: Services) -> None:
        """All shards come in, each in its own order, under one checkpoint."""
        count = await make_history(services)

        assert not await make_sequencer(services).advance()

        assert audited(services) == LogAudit(size=count, checkpoints=1, waiting=0)

    async def test_empty_ledger_has_a_signed_log(self, services: Services) -> None:
        """A log is there from the first second, under its name."""
        await make_sequencer(services).advance()

        newest = services.store.near(log.newest)
        assert newest is not None
        assert newest.body.startswith(f"{ORIGIN}\n0\n")
        assert audited(services) == LogAudit(size=0, checkpoints=1, waiting=0)

    async def test_growing_in_batches_loses_and_doubles_nothing(
        self, services: Services
    ) -> None:
        """A batch is one transaction and one checkpoint; more is said to be waiting."""
        count = await make_history(services)
        sequencer = make_sequencer(services, batch=5)

        said = [await sequencer.advance() for _ in range(3)]

        assert said == [True, True, False]
        assert services.store.near(sizes) == [5, 10, count]
        assert audited(services).waiting == 0

    async def test_idle_log_writes_nothing(self, services: Services) -> None:
        """Nothing new means no transaction at all."""
        await make_history(services)
        sequencer = make_sequencer(services)
        await sequencer.advance()
        written: list[object] = []
        event.listen(services.store._writer, "begin", written.append)  # noqa: SLF001

        assert not await sequencer.advance()

        assert written == []

    async def test_name_of_the_log_stays(self, services: Services) -> None:
        """A new issuer does not make another log of this one."""
        await make_sequencer(services).advance()
        await make_history(services)
        seed = services.keys.signing_seed("log")

        await Sequencer(services.store, seed, origin="moved.example/log").advance()

        assert audited(services).checkpoints == 2

    async def test_two_sequencers_make_one_history(self, services: Services) -> None:
        """Whoever comes second finds the work done, and signs nothing else."""
        count = await make_history(services, people=10)
        both = [make_sequencer(services, batch=7) for _ in range(2)]

        for _ in range(10):
            await asyncio.gather(*(one.advance() for one in both))

        assert audited(services).size == count


class TestStoppedBetweenSteps:
    async def test_batch_without_its_checkpoint(self, services: Services) -> None:
        """Killed after the leaves: the next life signs that very size."""
        await make_history(services)
        await make_sequencer(services, batch=5).take()

        await make_sequencer(services).publish()

        assert services.store.near(sizes) == [5]
        assert audited(services).size == 5

    async def test_batch_that_does_not_commit(self, services: Services) -> None:
        """Killed inside the batch: nothing of it is there, and nothing is missing."""
        count = await make_history(services)
        sequencer = make_sequencer(services)

        def torn(transaction: Transaction) -> None:
            assert log.append(transaction.connection, ORIGIN, limit=5) == 5
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await services.store.write(torn)
        assert services.store.near(log.head) is None
        await sequencer.advance()

        assert audited(services) == LogAudit(size=count, checkpoints=1, waiting=0)

    async def test_stored_checkpoint_stays_the_first(self, services: Services) -> None:
        """A sequencer that was stalled before storing cannot replace what is there."""
        await make_history(services)
        sequencer = make_sequencer(services)
        await sequencer.take()
        stalled = services.store.near(log.unsigned)
        assert stalled is not None
        await sequencer.publish()
        before = services.store.near(log.newest)

        await services.store.write(
            lambda tx: log.publish(tx.connection, stalled, "another note")
        )

        assert services.store.near(log.newest) == before

    async def test_restart_goes_on(self, services: Services) -> None:
        """A store opened anew continues the tree from what lies in it."""
        await make_history(services)
        await make_sequencer(services, batch=6).advance()
        await services.store.close()

        async with open_store(
            services.settings.data_dir,
            catalogue=services.catalogue,
            clock=services.clock,
            random=services.random,
        ) as store:
            seed = services.keys.signing_seed("log")
            await Sequencer(store, seed, origin=ORIGIN).advance()

            assert audited(services, store) == LogAudit(
                size=13, checkpoints=2, waiting=0
            )


class TestRefusesToSign:
    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            (update(tables.log_nodes).values(sha256=bytes(32)), "rewritten"),
            (update(tables.log_head).values(size=4), "truncated"),
            (delete(tables.log_nodes), "damaged"),
            (delete(tables.ledger), "truncated"),
            (update(tables.shard_heads).values(seq=0), "truncated"),
        ],
        ids=["nodes changed", "head moved", "nodes gone", "ledger gone", "heads moved"],
    )
    async def test_changed_store_is_not_signed(
        self,
        services: Services,
        statement: Any,  # noqa: ANN401 - any statement
        kind: str,
    ) -> None:
        """What no longer continues the last checkpoint gets none."""
        await make_history(services)
        await make_sequencer(services).advance()
        await make_history(services)
        before = services.store.near(log.newest)
        await services.store.write(lambda tx: tx.connection.execute(statement))

        with pytest.raises(LogBroken) as caught:
            await make_sequencer(services).advance()

        assert caught.value.kind == kind
        assert services.store.near(log.newest) == before


class Beats:
    """A sleep that ends at once, some times, and then stops whoever sleeps."""

    def __init__(self, count: int) -> None:
        self.slept: list[float] = []
        self._count = count

    async def __call__(self, seconds: float) -> None:
        """Note how long it would have been."""
        self.slept.append(seconds)
        if len(self.slept) == self._count:
            raise asyncio.CancelledError


class TestLoop:
    async def test_one_look_a_beat_when_idle(self, services: Services) -> None:
        """Between two looks it sleeps the whole interval."""
        beats = Beats(4)

        with pytest.raises(asyncio.CancelledError):
            await keep_sequencing(make_sequencer(services), beats, every=1.0)

        assert beats.slept == [1.0] * 4

    async def test_backlog_is_worked_off_without_sleeping(
        self, services: Services
    ) -> None:
        """A full batch is followed by the next one at once."""
        count = await make_history(services)
        beats = Beats(1)

        with pytest.raises(asyncio.CancelledError):
            await keep_sequencing(make_sequencer(services, 2), beats, every=1.0)

        assert audited(services).size == count

    async def test_failure_is_told_and_tried_again(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever breaks is logged with its place; the wait grows; then it works."""
        sequencer = make_sequencer(services)
        advance, failing = sequencer.advance, [OSError(), OSError("a secret")]

        async def sometimes() -> bool:
            if failing:
                raise failing.pop()
            return await advance()

        monkeypatch.setattr(sequencer, "advance", sometimes)
        beats = Beats(3)

        with capture_logs() as logged, pytest.raises(asyncio.CancelledError):
            await keep_sequencing(sequencer, beats, every=1.0)

        assert beats.slept == [2.0, 4.0, 1.0]
        assert [line["attempt"] for line in logged] == [1, 2]
        assert "secret" not in str(logged)
        assert audited(services).checkpoints == 1

    def test_waits_grow_to_a_minute(self) -> None:
        """A log that is broken for a day does not fill the disk with lines."""
        assert [pause(1.0, failures) for failures in (0, 1, 3, 6, 10_000)] == [
            *(1.0, 2.0, 8.0, 60.0, 60.0)
        ]
        assert all(a <= b for a, b in pairwise(pause(1, n) for n in range(20)))

    async def test_runs_as_long_as_its_block(self, services: Services) -> None:
        """It begins with the server and has ended when the block is left."""
        count = await make_history(services)
        looked = asyncio.Event()

        async def sleep(_: float) -> None:
            looked.set()
            await asyncio.Event().wait()

        async with sequencing(services, every=1.0, sleep=sleep):
            await asyncio.wait_for(looked.wait(), timeout=5)

        assert audited(services).size == count
        assert len(asyncio.all_tasks()) == 1

    async def test_stopped_inside_a_write_leaves_it_whole(
        self, services: Services
    ) -> None:
        """Leaving the block while the writer works neither hangs nor tears."""
        await make_history(services)
        asleep = asyncio.Event()

        async def sleep(_: float) -> None:
            await asleep.wait()

        async with sequencing(services, every=1.0, sleep=sleep):
            await asyncio.sleep(0)  # it has handed its batch to the writer by now
        await services.store.write(lambda _: None)  # behind that batch

        await make_sequencer(services).advance()
        assert audited(services).waiting == 0


@pytest.mark.parametrize(
    ("issuer", "origin"),
    [
        ("https://consent.example", "consent.example/log"),
        ("http://127.0.0.1:8400", "127.0.0.1:8400/log"),
    ],
)
def test_origin_is_an_address_without_scheme(issuer: str, origin: str) -> None:
    """As the C2SP recommends it, so that two logs do not share a name."""
    assert origin_of(issuer) == origin
