"""What the log finds that the shard chains cannot, in a real database file."""

from __future__ import annotations

import random
import sqlite3
from operator import methodcaller
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, update

from permissions.acts import Act
from permissions.audit import Audit
from permissions.catalogue.model import Catalogue
from permissions.ids import shard_of
from permissions.merkle.audit import LogAudit, LogBroken
from permissions.merkle.checkpoint import Checkpoint, open_checkpoint, sign
from permissions.merkle.note import Signer
from permissions.store import log, tables
from permissions.store.audit import verify_store
from permissions.store.log_audit import verify_log
from permissions.store.sqlite import FILE, SqliteStore, open_store, read_only
from tests.conftest import FakeClock
from tests.permissions.actors import ANN, APP, BOB, Acts

SIGNER = Signer("log.example/log", bytes(range(32)))
FOREIGN = Signer("log.example/log", bytes(32))
SHARD = shard_of(ANN)
FIRST, SECOND = 5, 8  # the sizes that were signed


def history(acts: Acts, *, honest: bool) -> tuple[list[Act], list[Act]]:
    """Return what was done before and after the first checkpoint.

    In the dishonest history Ann has never taken her yes back, and said it again: as
    many entries, each well-formed, in the same shards.
    """
    first, second = acts.give(), acts.give(subject=BOB)
    taken_back = acts.withdraw(first.grant) if honest else acts.give()
    known: list[Act] = [
        acts.client(APP),
        acts.register(),
        acts.notice(),
        first,
        taken_back,
    ]
    return known, [acts.register(BOB), acts.notice(BOB), second]


async def live(folder: Path, acts: Acts, clock: FakeClock, *, honest: bool) -> None:
    """Let a gateway live through a history, and sign after each half."""
    seeded = random.Random(11)  # noqa: S311 - repeatable on purpose
    async with open_store(
        folder, catalogue=acts.catalogue, clock=clock, random=seeded.randbytes
    ) as store:
        for half in history(acts, honest=honest):
            for act in half:
                await store.write(methodcaller("perform", act))
            await sign_log(store)


async def sign_log(store: SqliteStore) -> None:
    """Take all entries into the log and sign its size."""
    origin = SIGNER.verifier.name
    await store.write(lambda tx: log.append(tx.connection, origin, limit=100))
    head = store.near(log.unsigned)
    assert head is not None
    body = sign(head, SIGNER)
    await store.write(lambda tx: log.publish(tx.connection, head, body))


@pytest.fixture
async def folder(tmp_path: Path, clock: FakeClock, catalogue: Catalogue) -> Path:
    """Leave an honest store behind, with eight entries under two checkpoints."""
    await live(tmp_path / "true", Acts(catalogue), clock, honest=True)
    return tmp_path / "true"


@pytest.fixture
async def other(tmp_path: Path, clock: FakeClock, catalogue: Catalogue) -> Path:
    """Leave the store of a gateway behind in which Ann took nothing back."""
    await live(tmp_path / "false", Acts(catalogue), clock, honest=False)
    return tmp_path / "false"


def chains(folder: Path) -> Audit:
    """Verify ledger and state alone."""
    engine = read_only(folder)
    try:
        with engine.begin() as connection:
            return verify_store(connection)
    finally:
        engine.dispose()


def audited(folder: Path, *kept: Checkpoint) -> LogAudit:
    """Verify the log as the command does."""
    engine = read_only(folder)
    try:
        with engine.begin() as connection:
            return verify_log(connection, SIGNER.verifier, kept)
    finally:
        engine.dispose()


def caught(folder: Path, *kept: Checkpoint) -> LogBroken:
    """Return what the audit of the log finds; there must be something."""
    with pytest.raises(LogBroken) as found:
        audited(folder, *kept)
    return found.value


def change(folder: Path, *statements: str) -> None:
    """Change the file behind the gateway's back; ``:shard`` is Ann's."""
    connection = sqlite3.connect(folder / FILE)
    with connection:
        for statement in statements:
            done = connection.execute(statement, {"shard": SHARD})
            assert done.rowcount != 0, statement
    connection.close()


def swap(folder: Path, other: Path, *held: str, where: str = "") -> None:
    """Replace tables by those of another store, or only rows of one shard."""
    connection = sqlite3.connect(folder / FILE)
    connection.execute("ATTACH ? AS other", (str(other / FILE),))
    with connection:
        for table in held:
            for statement in (
                f"DELETE FROM main.{table} {where}",  # noqa: S608 - our own names
                f"INSERT INTO main.{table} SELECT * FROM other.{table} {where}",  # noqa: S608
            ):
                connection.execute(statement, {"shard": SHARD})
    connection.close()


def kept(folder: Path, size: int) -> Checkpoint:
    """Return a checkpoint as somebody outside has kept it."""
    engine = read_only(folder)
    with engine.begin() as connection:
        found = log.checkpoint_at(connection, size)
    engine.dispose()
    assert found is not None
    return open_checkpoint(found.body, SIGNER.verifier)


STATE = ("ledger", "shard_heads", "subjects", "grants", "grant_sets")
TREE = ("log_head", "log_leaves", "log_nodes")
CUT = (  # back to five leaves, and the nodes over them
    "UPDATE log_head SET size = 5",
    "DELETE FROM log_leaves WHERE position >= 5",
    "DELETE FROM log_nodes WHERE number NOT IN (1, 3, 5)",
)
ANNS = "WHERE shard = :shard"


class TestSound:
    def test_counts_what_it_has_seen(self, folder: Path) -> None:
        """A log that nobody touched is whole, also against what others have kept."""
        both = (kept(folder, FIRST), kept(folder, SECOND))

        assert audited(folder, *both) == LogAudit(size=8, checkpoints=2, waiting=0)

    async def test_log_may_be_behind(
        self, folder: Path, clock: FakeClock, catalogue: Catalogue
    ) -> None:
        """Entries that wait are counted, and are no fault."""
        acts = Acts(catalogue)
        async with open_store(
            folder, catalogue=catalogue, clock=clock, random=random.randbytes
        ) as store:
            act = acts.switch("publishing", is_open=False)
            await store.write(lambda tx: tx.perform(act))

        assert audited(folder).waiting == 1

    async def test_store_that_never_sequenced(
        self, tmp_path: Path, clock: FakeClock, catalogue: Catalogue
    ) -> None:
        """Where no log was begun there is none to verify; a kept one says otherwise."""
        await open_store(
            tmp_path, catalogue=catalogue, clock=clock, random=random.randbytes
        ).close()
        head = Checkpoint(origin=SIGNER.verifier.name, size=1, root=bytes(32))

        assert audited(tmp_path) == LogAudit(size=0, checkpoints=0, waiting=0)
        assert caught(tmp_path, head).kind == "truncated"


class TestRewrittenShard:
    """One whole shard replaced, head and tables too: its chain is perfect."""

    def test_chains_alone_see_nothing(self, folder: Path, other: Path) -> None:
        """The shard audit believes the other history, which is why there is a log."""
        swap(folder, other, *STATE, where=ANNS)

        assert chains(folder).entries == 8

    def test_log_holds_another_entry(self, folder: Path, other: Path) -> None:
        """The leaves remember what the shard was, and name the first change."""
        swap(folder, other, *STATE, where=ANNS)

        found = caught(folder)

        assert (found.kind, found.where) == ("rewritten", f"{SHARD}.4")

    def test_leaves_rewritten_too(self, folder: Path, other: Path) -> None:
        """Then the first checkpoint above the change has another root."""
        swap(folder, other, *STATE, *TREE)

        found = caught(folder)

        assert (found.kind, found.where) == ("rewritten", f"size {FIRST}")
        assert chains(folder).entries == 8

    def test_checkpoints_forged_without_the_key(
        self, folder: Path, other: Path
    ) -> None:
        """New checkpoints need the log's key."""
        swap(folder, other, *STATE, *TREE)
        resign(folder, other, FOREIGN)

        found = caught(folder)

        assert (found.kind, found.where) == ("unsigned", f"size {FIRST}")

    def test_checkpoints_signed_anew_with_the_key(
        self, folder: Path, other: Path
    ) -> None:
        """An operator that rewrites all of it is told by anyone who kept one."""
        held = kept(folder, FIRST)
        swap(folder, other, *STATE, *TREE, "checkpoints")
        assert audited(folder).size == 8  # alone it is whole, and another history

        found = caught(folder, held)

        assert (found.kind, found.where) == ("equivocation", f"size {FIRST}")

    def test_checkpoint_that_was_kept_is_gone(self, folder: Path, other: Path) -> None:
        """Dropping the row of a size does not help: the tree has that size too."""
        held = kept(folder, FIRST)
        swap(folder, other, *STATE, *TREE, "checkpoints")
        change(folder, "DELETE FROM checkpoints WHERE size = 5")

        found = caught(folder, held)

        assert (found.kind, found.where) == ("rewritten", f"size {FIRST}")


def resign(folder: Path, other: Path, signer: Signer) -> None:
    """Replace the checkpoints by those of another store, under another key."""
    swap(folder, other, "checkpoints")
    connection = sqlite3.connect(folder / FILE)
    with connection:
        for size in (FIRST, SECOND):
            body = sign(kept(other, size), signer)
            connection.execute(
                "UPDATE checkpoints SET body = ? WHERE size = ?", (body, size)
            )
    connection.close()


class TestTruncated:
    def test_ledger_cut_consistently(self, folder: Path) -> None:
        """The last entry of a shard is gone, its head moved back."""
        change(
            folder,
            "DELETE FROM ledger WHERE shard = :shard AND seq = 4",
            "UPDATE shard_heads SET seq = 3, effect_seq = 3, sha256 = (SELECT sha256 "
            "FROM ledger WHERE shard = :shard AND seq = 3) WHERE shard = :shard",
        )

        found = caught(folder)

        assert (found.kind, found.where) == ("truncated", f"{SHARD}.4")

    def test_log_cut_consistently(self, folder: Path) -> None:
        """Leaves, nodes and head all end earlier: the newest checkpoint knows."""
        change(folder, *CUT)
        restate(folder)

        found = caught(folder)

        assert found.kind == "truncated"
        assert "8 leaves" in found.reason

    def test_log_and_checkpoints_cut(self, folder: Path) -> None:
        """Even the checkpoint is gone: whoever kept it has the proof."""
        held = kept(folder, SECOND)
        change(folder, *CUT, "DELETE FROM checkpoints WHERE size = 8")
        restate(folder)
        assert audited(folder).size == FIRST

        assert caught(folder, held).kind == "truncated"

    def test_log_deleted(self, folder: Path) -> None:
        """A log without its head is no log that was never begun."""
        change(folder, "DELETE FROM log_head")

        assert caught(folder).kind == "truncated"


def restate(folder: Path) -> None:
    """Make the log's head say what its leaves say, shard by shard."""
    engine = create_engine(f"sqlite:///{folder / FILE}")
    leaf = tables.log_leaves.c
    with engine.begin() as connection:
        taken = [0] * 64
        for row in connection.execute(select(leaf.shard, leaf.seq).order_by(leaf.seq)):
            taken[row.shard] = row.seq
        connection.execute(update(tables.log_head).values(taken=taken))
    engine.dispose()


class TestDamaged:
    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            ("UPDATE log_nodes SET sha256 = zeroblob(32) WHERE number = 1", "damaged"),
            ("DELETE FROM log_nodes WHERE number = 1", "damaged"),
            ("INSERT INTO log_nodes VALUES (1001, zeroblob(32))", "damaged"),
            ("DELETE FROM log_leaves WHERE position = 7", "truncated"),
            ("DELETE FROM log_leaves WHERE position = 0", "truncated"),
            ("UPDATE log_leaves SET position = 8 WHERE position = 7", "truncated"),
            ("UPDATE log_head SET size = 9", "truncated"),
            ("UPDATE log_head SET origin = 'log.example/other'", "unsigned"),
            ("UPDATE checkpoints SET body = 'x' WHERE size = 5", "unsigned"),
            ("UPDATE checkpoints SET size = 6 WHERE size = 5", "unsigned"),
        ],
    )
    def test_each_table_is_held_to_the_rest(
        self, folder: Path, statement: str, kind: str
    ) -> None:
        """Whichever row of the log changes, it is named with its kind."""
        change(folder, statement)

        assert caught(folder).kind == kind

    def test_two_leaves_exchanged(self, folder: Path) -> None:
        """Order is part of what was signed."""
        change(
            folder,
            "UPDATE log_leaves SET position = 100 WHERE position = 0",
            "UPDATE log_leaves SET position = 0 WHERE position = 1",
            "UPDATE log_leaves SET position = 1 WHERE position = 100",
        )

        assert caught(folder).kind in {"rewritten", "damaged"}

    @pytest.mark.parametrize("value", ["'x'", "x'00ff'", "''", "'[]'", "-1", "1.5"])
    @pytest.mark.parametrize(
        ("table", "column"),
        [
            (table.name, column.name)
            for table in (
                tables.log_head,
                tables.log_leaves,
                tables.log_nodes,
                tables.checkpoints,
            )
            for column in table.columns
            if column.name != "id"  # SQLite lets nothing but an integer in
        ],
    )
    def test_values_of_another_kind(
        self, folder: Path, table: str, column: str, value: str
    ) -> None:
        """Whatever is put into whichever column, the audit names it and goes on."""
        change(
            folder,
            f"UPDATE {table} SET {column} = {value} "  # noqa: S608 - our own names
            f"WHERE rowid = (SELECT max(rowid) FROM {table})",
        )

        assert caught(folder).where
