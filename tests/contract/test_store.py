"""What every store promises; a back end joins by joining the list."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from permissions.acts import Act
from permissions.audit import Audit
from permissions.catalogue.model import Catalogue
from permissions.decision import Allow, Question, decide
from permissions.door import Performed
from permissions.errors import (
    GrantUnknown,
    NoticeMissing,
    StoreUnavailable,
    StoreUnusable,
)
from permissions.ids import shard_of
from permissions.store import tables
from permissions.store.audit import verify_store
from permissions.store.sqlite import FILE, LOCK, SqliteStore, open_store
from permissions.store.transaction import Transaction
from tests.conftest import FakeClock
from tests.permissions.actors import ANN, APP, BOB, Acts

Opener = Callable[[], SqliteStore]

QUESTION = Question(client=APP.id, capability="device.camera", purpose="scan_qr")


@pytest.fixture
def sqlite_store(tmp_path: Path, clock: FakeClock, catalogue: Catalogue) -> Opener:
    """Give a way to open the same SQLite folder, again and again."""
    seeded = random.Random(7)  # noqa: S311 - repeatable on purpose

    def opened() -> SqliteStore:
        return open_store(
            tmp_path / "data",
            catalogue=catalogue,
            clock=clock,
            random=seeded.randbytes,
        )

    return opened


BACK_ENDS = ["sqlite_store"]


@pytest.fixture(params=BACK_ENDS)
def opener(request: pytest.FixtureRequest) -> Opener:
    """Give each back end in turn."""
    found: Opener = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def store(opener: Opener) -> AsyncIterator[SqliteStore]:
    """Open an empty store on each back end in turn."""
    async with opener() as store:
        yield store


@pytest.fixture
def acts(catalogue: Catalogue) -> Acts:
    """Give a source of valid acts."""
    return Acts(catalogue)


def doing(act: Act) -> Callable[[Transaction], Performed | None]:
    """Make a unit of work of one act."""
    return lambda transaction: transaction.perform(act)


def pragma(name: str, transaction: Transaction) -> object:
    """Return a setting of the writing connection."""
    return transaction.connection.scalar(text(f"PRAGMA {name}"))


async def make_known(store: SqliteStore, acts: Acts, subject: str = ANN) -> None:
    """Register a subject, who sees the notice, and the app client."""

    def work(transaction: Transaction) -> None:
        transaction.perform(acts.client(APP))
        transaction.perform(acts.register(subject))
        transaction.perform(acts.notice(subject))

    await store.write(work)


async def effect_now(store: SqliteStore, subject: str = ANN) -> bool:
    """Say whether the decision, as every check takes it, is an allow."""
    standing = await store.standing(subject, APP.id)
    decision = decide(QUESTION, standing, store.catalogue, store.clock())
    return isinstance(decision, Allow)


async def seqs(store: SqliteStore, shard: int) -> list[int]:
    """Return the sequence numbers of a shard as they lie in the ledger."""
    query = select(tables.ledger.c.seq).where(tables.ledger.c.shard == shard)
    return await store.read(lambda connection: sorted(connection.scalars(query).all()))


async def audited(store: SqliteStore) -> Audit:
    """Verify the whole store; raises where it is not whole."""
    return await store.read(verify_store)


class Stopped(BaseException):
    """Something that no ``except Exception`` catches."""


class TestActs:
    async def test_racing_acts_leave_no_gap(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """Acts of one shard get consecutive numbers, however they race."""
        await make_known(store, acts)
        racing = [acts.give() for _ in range(100)]

        done = await asyncio.gather(*(store.write(doing(act)) for act in racing))

        numbers = [one.entry.seq for one in done if one is not None]
        assert sorted(numbers) == list(range(3, 103))
        assert await seqs(store, shard_of(ANN)) == list(range(1, 103))
        await audited(store)

    async def test_refused_and_idle_acts_leave_no_gap(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """An act that is refused, or changes nothing, takes no number."""
        await make_known(store, acts)
        with pytest.raises(GrantUnknown):
            await store.write(lambda tx: tx.perform(acts.withdraw("gra_none")))
        assert await store.write(lambda tx: tx.perform(acts.register())) is None

        await store.write(doing(acts.give()))

        assert await seqs(store, shard_of(ANN)) == [1, 2, 3]
        await audited(store)

    async def test_act_that_the_work_lets_fail_leaves_nothing(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """Work may catch a refusal and go on; the chain stays whole."""
        await make_known(store, acts)

        def work(transaction: Transaction) -> None:
            with pytest.raises(GrantUnknown):
                transaction.perform(acts.withdraw("gra_none"))
            transaction.perform(acts.give())

        await store.write(work)

        assert await seqs(store, shard_of(ANN)) == [1, 2, 3]
        await audited(store)

    async def test_act_torn_by_the_database_leaves_nothing(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """An act half written is taken back whole, though its work goes on."""
        await make_known(store, acts)
        good = acts.give()

        def work(transaction: Transaction) -> None:
            number = tables.ledger.c.seq
            transaction.connection.execute(
                text(
                    "CREATE TEMP TRIGGER torn BEFORE INSERT ON grants "
                    "BEGIN SELECT RAISE(ABORT, 'torn'); END"
                )
            )
            with pytest.raises(IntegrityError):
                transaction.perform(acts.give())
            transaction.connection.execute(text("DROP TRIGGER torn"))
            assert transaction.connection.scalar(select(number).order_by(number.desc()))
            transaction.perform(good)

        await store.write(work)

        assert await seqs(store, shard_of(ANN)) == [1, 2, 3]
        await audited(store)

    async def test_two_shards_in_one_unit(self, store: SqliteStore, acts: Acts) -> None:
        """A unit of work may touch several shards; each stays whole."""
        await make_known(store, acts, ANN)
        await make_known(store, acts, BOB)

        def work(transaction: Transaction) -> None:
            transaction.perform(acts.give(subject=ANN))
            transaction.perform(acts.give(subject=BOB))

        await store.write(work)

        assert (await audited(store)).entries == 7

    async def test_decision_inside_sees_the_act_before_it(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """A unit of work decides on what it has just done."""
        await make_known(store, acts)

        def work(transaction: Transaction) -> bool:
            transaction.perform(acts.give())
            return isinstance(transaction.decide(ANN, QUESTION), Allow)

        assert await store.write(work)

    async def test_clock_that_stands_still_or_goes_back(
        self, store: SqliteStore, acts: Acts, clock: FakeClock
    ) -> None:
        """Order is the ledger's: a wall clock set back changes no outcome."""
        await make_known(store, acts)
        yes = acts.give()
        await store.write(doing(yes))
        await store.write(lambda tx: tx.perform(acts.withdraw(yes.grant)))
        clock.now = clock.now.replace(year=2025)
        again = acts.give()
        await store.write(doing(again))

        def spoken(transaction: Transaction) -> str | None:
            subject = transaction.subject(ANN)
            grant = subject and subject.grant_for((APP.id, "device.camera", "scan_qr"))
            return grant.id if grant else None

        assert await store.write(spoken) == again.grant
        assert await effect_now(store)
        await audited(store)


class TestNeighbours:
    @pytest.mark.parametrize(
        "failure",
        [
            NoticeMissing(),
            IntegrityError("", {}, Exception()),
            RuntimeError("a mistake"),
            KeyError("x"),
            Stopped(),
        ],
        ids=lambda failure: type(failure).__name__,
    )
    async def test_bad_neighbour_fails_alone(
        self, store: SqliteStore, acts: Acts, failure: BaseException
    ) -> None:
        """What one unit of work raises is its own; the group goes on without it."""
        await make_known(store, acts)
        good = [acts.give(), acts.give()]

        def bad(transaction: Transaction) -> None:
            transaction.perform(acts.give())
            raise failure

        first, spoilt, last = await asyncio.gather(
            store.write(lambda tx: tx.perform(good[0])),
            store.write(bad),
            store.write(lambda tx: tx.perform(good[1])),
            return_exceptions=True,
        )

        assert spoilt is failure
        assert not isinstance(first, BaseException)
        assert not isinstance(last, BaseException)
        assert await seqs(store, shard_of(ANN)) == [1, 2, 3, 4]
        await audited(store)

    async def test_real_constraint_fails_alone(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """A row that is there already stops its own unit of work, and no other."""
        row = {
            "shard": 1,
            "client": "cli_x",
            "sha256": "00",
            "created_at": store.clock(),
        }

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(insert(tables.credentials).values(row))

        first, second, third = await asyncio.gather(
            store.write(work),
            store.write(work),
            make_known(store, acts),
            return_exceptions=True,
        )

        assert (first, third) == (None, None)
        assert isinstance(second, IntegrityError)
        assert (await audited(store)).entries == 3

    async def test_stop_iteration_is_answered(self, store: SqliteStore) -> None:
        """No future takes a StopIteration; its author is answered all the same."""

        def work(_: Transaction) -> None:
            raise StopIteration

        answers = await asyncio.wait_for(
            asyncio.gather(
                store.write(work), store.write(lambda _: 1), return_exceptions=True
            ),
            timeout=5,
        )

        assert isinstance(answers[0], RuntimeError)
        assert answers[1] == 1

    async def test_work_that_commits_its_session_is_still_one_unit(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """A library that commits on its own leaves nothing behind when it fails."""
        await make_known(store, acts)

        def work(transaction: Transaction) -> None:
            transaction.perform(acts.give())
            transaction.session.commit()
            raise RuntimeError("after its own commit")

        with pytest.raises(RuntimeError):
            await store.write(work)

        assert await seqs(store, shard_of(ANN)) == [1, 2]
        assert not await effect_now(store)
        await audited(store)


class TestAcknowledgement:
    async def test_answered_only_after_the_commit(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """What has been acknowledged is already to be read on another connection."""
        await make_known(store, acts)

        done = await store.write(doing(acts.give()))

        assert done is not None
        assert done.entry.seq in await seqs(store, shard_of(ANN))

    async def test_failing_group_acknowledges_nothing(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """When the database takes no more pages, nobody hears yes; later it works."""
        await make_known(store, acts)
        before = await audited(store)
        pages = await store.write(
            lambda tx: tx.connection.scalar(text("PRAGMA page_count"))
        )
        await store.write(
            lambda tx: tx.connection.scalar(text(f"PRAGMA max_page_count={pages}"))
        )

        answers = await asyncio.gather(
            *(
                store.write(doing(act))
                for act in [acts.give(evidence={"screen": "x" * 9000})] * 5
            ),
            return_exceptions=True,
        )

        assert [type(answer) for answer in answers] == [StoreUnavailable] * 5
        assert await audited(store) == before
        assert not await effect_now(store)
        await store.write(
            lambda tx: tx.connection.scalar(text("PRAGMA max_page_count=1000000"))
        )
        await store.write(doing(acts.give()))
        assert await effect_now(store)

    async def test_neighbours_of_the_one_too_large_are_served(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """One unit that fills the disk does not fail those that still fit."""
        await make_known(store, acts)
        pages = await store.write(
            lambda tx: tx.connection.scalar(text("PRAGMA page_count"))
        )
        await store.write(
            lambda tx: tx.connection.scalar(text(f"PRAGMA max_page_count={pages + 8}"))
        )
        small = acts.give()

        first, huge, third = await asyncio.gather(
            store.write(doing(small)),
            store.write(
                lambda tx: tx.perform(acts.give(evidence={"screen": "x" * 400_000}))
            ),
            store.write(lambda tx: tx.perform(acts.withdraw(small.grant))),
            return_exceptions=True,
        )

        assert isinstance(huge, StoreUnavailable)
        assert not isinstance(first, BaseException)
        assert not isinstance(third, BaseException)
        assert await seqs(store, shard_of(ANN)) == [1, 2, 3, 4]
        await audited(store)

    @pytest.mark.slow
    async def test_withdrawal_is_final_among_readers(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """A thousand times: once withdrawn is acknowledged, no check says yes."""
        chance = random.Random(42)  # noqa: S311 - repeatable on purpose
        subject = ANN
        going = True

        async def read() -> None:
            while going:
                await effect_now(store, subject)
                if chance.random() < 0.3:  # the next read is a cold one
                    store.standings.acted(0, 0, ("subject", subject))
                await asyncio.sleep(0)

        readers = [asyncio.create_task(read()) for _ in range(2)]
        for number in range(1000):
            if number % 10 == 0:
                subject = f"sub_{number}"
                await make_known(store, acts, subject)
            yes = acts.give(subject=subject)
            await store.write(doing(yes))
            assert await effect_now(store, subject)
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            await store.write(doing(acts.withdraw(yes.grant, subject)))
            assert not await effect_now(store, subject)
        going = False
        await asyncio.gather(*readers)

    async def test_caller_who_goes_away_undoes_nothing(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """Cancelling the caller neither stops the act nor hides it from checks."""
        await make_known(store, acts)
        writing = asyncio.create_task(store.write(doing(acts.give())))
        await asyncio.sleep(0)

        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await store.write(lambda _: None)  # the one after it has been answered

        assert await effect_now(store)

    async def test_full_memory_still_answers(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """A memory that holds one pair of owners gives up one for the other."""
        await make_known(store, acts, ANN)
        await make_known(store, acts, BOB)
        store.standings = type(store.standings)(capacity=2)

        for subject in (ANN, BOB, ANN, ANN, BOB, "sub_nobody", ANN):
            standing = await store.standing(subject, APP.id)

            assert (standing.subject is None) is (subject == "sub_nobody")
            assert standing.client is not None

    async def test_switched_function_is_closed_at_once(
        self, store: SqliteStore, acts: Acts
    ) -> None:
        """A function that has been closed allows nothing, and opened again it does."""
        await make_known(store, acts)
        await store.write(doing(acts.give()))

        for is_open in (False, True):
            act = acts.switch("scanning", is_open=is_open)
            await store.write(doing(act))

            assert await effect_now(store) is is_open


class TestLife:
    async def test_opens_again_with_all_it_had(
        self, opener: Opener, acts: Acts
    ) -> None:
        """What was acknowledged is there after closing and opening."""
        async with opener() as store:
            await make_known(store, acts)
            await store.write(doing(acts.give()))
            await store.write(
                lambda tx: tx.perform(acts.switch("publishing", is_open=False))
            )
            standing = await store.standing(ANN, APP.id)

        async with opener() as store:
            assert await store.standing(ANN, APP.id) == standing
            assert standing.closed == {"publishing"}
            assert await effect_now(store)

    async def test_closing_twice_is_closing_once(self, opener: Opener) -> None:
        """Closing again is harmless, also while the first has not ended."""
        store = opener()

        await asyncio.gather(store.close(), store.close())
        await store.close()

        assert not store.is_writable

    async def test_closed_store_takes_no_work(self, opener: Opener) -> None:
        """A write after the end is refused, never left waiting."""
        store = opener()
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)

        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(store.write(lambda _: None), timeout=5)

        await closing

    async def test_queued_work_is_finished_before_closing(self, opener: Opener) -> None:
        """What was handed in before the end is written and answered."""

        def numbered(number: int, _: Transaction) -> int:
            return number

        store = opener()
        writing = [
            asyncio.create_task(store.write(partial(numbered, n))) for n in range(200)
        ]
        await asyncio.sleep(0)

        await store.close()

        assert await asyncio.gather(*writing) == list(range(200))

    async def test_second_opener_is_refused(self, opener: Opener) -> None:
        """A folder has one writer; the second is told so, and the first goes on."""
        async with opener() as store:
            with pytest.raises(StoreUnusable, match="another process"):
                opener()

            assert await store.write(lambda _: 1) == 1

    async def test_lock_is_free_after_a_failed_start(
        self, opener: Opener, tmp_path: Path
    ) -> None:
        """A start that failed leaves nothing behind that stops the next one."""
        database = tmp_path / "data" / FILE
        database.parent.mkdir()
        database.write_bytes(b"no database" * 100)
        with pytest.raises(StoreUnusable):
            opener()
        database.unlink()

        async with opener() as store:
            assert await store.write(lambda _: 1) == 1


class TestSqliteFolder:
    async def test_commit_waits_for_the_disk(self, sqlite_store: Opener) -> None:
        """No kill can show it, only a power cut: each commit is synced (FULL is 2)."""
        async with sqlite_store() as store:
            found = [
                await store.write(partial(pragma, name))
                for name in ("synchronous", "journal_mode", "foreign_keys")
            ]

        assert found == [2, "wal", 1]

    async def test_others_on_the_machine_cannot_read_it(
        self, sqlite_store: Opener, tmp_path: Path
    ) -> None:
        """Personal data stays with its user, in a folder open to all as well."""
        folder = tmp_path / "data"
        folder.mkdir(mode=0o755)

        async with sqlite_store() as store:
            await store.write(lambda _: None)
            kept = {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir()}

        kept.pop(LOCK)  # is always empty
        assert set(kept) > {FILE}
        assert not any(kept.values())

    def test_file_that_is_no_database(
        self, sqlite_store: Opener, tmp_path: Path
    ) -> None:
        """A file of something else is named, and left as it is."""
        database = tmp_path / "data" / FILE
        database.parent.mkdir()
        database.write_bytes(b"a letter to a friend" * 50)

        with pytest.raises(StoreUnusable, match="not a usable SQLite database"):
            sqlite_store()

        assert database.read_bytes() == b"a letter to a friend" * 50

    def test_folder_that_cannot_be_written(
        self, sqlite_store: Opener, tmp_path: Path
    ) -> None:
        """A folder without rights is named with the reason."""
        (tmp_path / "data").mkdir(mode=0o500)
        us = os.geteuid()
        if us == 0:
            os.seteuid(65534)  # root may write everywhere; nobody may not
        try:
            with pytest.raises(StoreUnusable, match="permission denied"):
                sqlite_store()
        finally:
            os.seteuid(us)

    def test_folder_that_is_a_file(self, sqlite_store: Opener, tmp_path: Path) -> None:
        """A path that cannot be a folder is named with the reason."""
        (tmp_path / "data").write_text("")

        with pytest.raises(StoreUnusable, match="file exists"):
            sqlite_store()

    async def test_unknown_revision(self, sqlite_store: Opener, tmp_path: Path) -> None:
        """A schema of another version is neither used nor changed."""
        await sqlite_store().close()
        database = tmp_path / "data" / FILE
        with sqlite3.connect(database) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()

        with pytest.raises(StoreUnusable, match="has schema 9999"):
            sqlite_store()

    async def test_commit_that_fails_acknowledges_nothing(
        self, sqlite_store: Opener, acts: Acts
    ) -> None:
        """Where COMMIT itself fails, nobody hears yes and nothing is kept in mind."""
        async with sqlite_store() as store:
            await make_known(store, acts)

            def work(transaction: Transaction) -> None:
                transaction.connection.execute(
                    text("CREATE TABLE IF NOT EXISTS a (id INTEGER PRIMARY KEY)")
                )
                transaction.connection.execute(
                    text(
                        "CREATE TABLE IF NOT EXISTS b (a INTEGER REFERENCES a (id) "
                        "DEFERRABLE INITIALLY DEFERRED)"
                    )
                )
                transaction.connection.execute(text("INSERT INTO b VALUES (404)"))
                transaction.perform(acts.give())

            spoilt, neighbour = await asyncio.gather(
                store.write(work),
                store.write(doing(acts.give())),
                return_exceptions=True,
            )

            assert isinstance(spoilt, StoreUnavailable)
            assert isinstance(spoilt.__cause__, SQLAlchemyError)
            assert isinstance(neighbour, StoreUnavailable)
            assert await seqs(store, shard_of(ANN)) == [1, 2]
            assert not await effect_now(store)
            await store.write(doing(acts.give()))
            assert await effect_now(store)
            await audited(store)
