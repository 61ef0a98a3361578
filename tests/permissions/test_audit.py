"""The audit names what somebody has changed in a real database file."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from permissions.audit import Audit, StateDiverged
from permissions.catalogue.model import Catalogue
from permissions.ids import SHARDS, shard_of
from permissions.ledger import ChainBroken, leaf_hash
from permissions.store.audit import verify_store
from permissions.store.sqlite import FILE, open_store, read_only
from permissions.store.transaction import Transaction
from tests.conftest import FakeClock
from tests.permissions.actors import ANN, APP, Acts

SHARD = shard_of(ANN)


@pytest.fixture
async def folder(tmp_path: Path, clock: FakeClock, catalogue: Catalogue) -> Path:
    """Leave a store behind: Ann said yes, took it back, and said yes again."""
    acts = Acts(catalogue)
    seeded = random.Random(11)  # noqa: S311 - repeatable on purpose
    first, second = acts.give(), acts.give()

    def work(transaction: Transaction) -> None:
        for act in (
            acts.client(APP),
            acts.register(),
            acts.notice(),
            first,
            acts.withdraw(first.grant),
            second,
            acts.switch("publishing", is_open=False),
        ):
            transaction.perform(act)

    async with open_store(
        tmp_path, catalogue=catalogue, clock=clock, random=seeded.randbytes
    ) as store:
        await store.write(work)
    return tmp_path


def audited(folder: Path) -> Audit:
    """Verify a folder as the command does."""
    engine = read_only(folder)
    try:
        with engine.begin() as connection:
            return verify_store(connection)
    finally:
        engine.dispose()


def change(folder: Path, *statements: str) -> None:
    """Change the file behind the gateway's back; ``:shard`` is Ann's."""
    connection = sqlite3.connect(folder / FILE)
    with connection:
        for statement in statements:
            done = connection.execute(statement, {"shard": SHARD})
            assert done.rowcount != 0, statement
    connection.close()


class TestSound:
    def test_counts_what_it_has_seen(self, folder: Path) -> None:
        """A store that nobody touched is whole: seven entries, three owners."""
        assert audited(folder) == Audit(entries=7, shards=SHARDS, owners=3)


class TestLedger:
    def test_changed_body(self, folder: Path) -> None:
        """One letter of an entry is enough."""
        change(
            folder,
            "UPDATE ledger SET body = CAST(replace(CAST(body AS TEXT), 'scan_qr', "
            "'scan_qs') AS BLOB) WHERE shard = :shard AND seq = 3",
        )

        with pytest.raises(ChainBroken, match=f"{SHARD}.3: its bytes do not match"):
            audited(folder)

    def test_changed_and_hashed_again(self, folder: Path) -> None:
        """A new hash does not help: the entry after it names the old one."""
        connection = sqlite3.connect(folder / FILE)
        place = (SHARD, 3)
        (body,) = connection.execute(
            "SELECT body FROM ledger WHERE shard = ? AND seq = ?", place
        ).fetchone()
        forged = body.replace(b"scan_qr", b"take_ph")
        with connection:
            connection.execute(
                "UPDATE ledger SET body = ?, sha256 = ? WHERE shard = ? AND seq = ?",
                (forged, leaf_hash(forged), *place),
            )
        connection.close()

        with pytest.raises(ChainBroken, match=f"{SHARD}.4: does not follow"):
            audited(folder)

    def test_missing_row(self, folder: Path) -> None:
        """A row cut out of the middle leaves a gap."""
        change(folder, "DELETE FROM ledger WHERE shard = :shard AND seq = 4")

        with pytest.raises(ChainBroken, match=f"{SHARD}.4: missing"):
            audited(folder)

    def test_cut_tail(self, folder: Path) -> None:
        """A tail cut off is missed by the head."""
        change(folder, "DELETE FROM ledger WHERE shard = :shard AND seq = 5")

        with pytest.raises(ChainBroken, match="the head says 5"):
            audited(folder)

    def test_cut_tail_with_the_head_set_back(self, folder: Path) -> None:
        """Who also sets the head back leaves grants that no entry has made."""
        change(
            folder,
            "DELETE FROM ledger WHERE shard = :shard AND seq = 5",
            "UPDATE shard_heads SET seq = 4, effect_seq = 4, sha256 = (SELECT sha256 "
            "FROM ledger WHERE shard = :shard AND seq = 4) WHERE shard = :shard",
        )

        with pytest.raises(StateDiverged, match=f"subject {ANN}"):
            audited(folder)

    def test_missing_head(self, folder: Path) -> None:
        """A shard without its head is named, though it has no entries to check."""
        change(folder, "DELETE FROM shard_heads WHERE shard = :shard")

        with pytest.raises(StateDiverged, match=f"shard {SHARD}"):
            audited(folder)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger SET effect = 'none' WHERE shard = :shard AND seq = 4",
            "UPDATE ledger SET prev_effect_seq = 0 WHERE shard = :shard AND seq = 4",
            "UPDATE ledger SET owner = 'sub_x' WHERE shard = :shard AND seq = 4",
            "UPDATE ledger SET owner_kind = 'x' WHERE shard = :shard AND seq = 4",
            "UPDATE ledger SET act = 'grant.use' WHERE shard = :shard AND seq = 4",
            "UPDATE ledger SET at = at + 1 WHERE shard = :shard AND seq = 4",
        ],
    )
    def test_changed_column_beside_the_body(self, folder: Path, statement: str) -> None:
        """What the store looks entries up by has to be what they say."""
        change(folder, statement)

        with pytest.raises(StateDiverged, match=f"index {SHARD}.4"):
            audited(folder)

    def test_changed_effect_of_the_head(self, folder: Path) -> None:
        """A head that hides the last effect would keep memories stale."""
        change(folder, "UPDATE shard_heads SET effect_seq = 1 WHERE shard = :shard")

        with pytest.raises(StateDiverged, match="index"):
            audited(folder)

    def test_row_in_a_shard_that_is_none(self, folder: Path) -> None:
        """Rows where no head stands cannot hide there."""
        change(folder, "UPDATE functions SET shard = 64")

        with pytest.raises(StateDiverged):
            audited(folder)


class TestState:
    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            ("UPDATE grants SET state = 'granted', until = NULL", "subject"),
            ("UPDATE grants SET expires_at = 1", "subject"),
            ("UPDATE grants SET elements = 'no JSON'", "subject"),
            ("UPDATE grants SET records = '7'", "subject"),
            ("DELETE FROM grants WHERE state = 'withdrawn'", "subject"),
            ("DELETE FROM grant_sets", "subject"),
            ("UPDATE subjects SET notice_version = NULL", "subject"),
            ("DELETE FROM subjects", "subject"),
            ("UPDATE subjects SET shard = (shard + 1) % 64", "subject"),
            ("UPDATE clients SET registration = '{}'", "client"),
            ("DELETE FROM clients", "client"),
            ("UPDATE functions SET is_open = 1", "function"),
        ],
    )
    def test_changed_state_is_named(
        self, folder: Path, statement: str, kind: str
    ) -> None:
        """A right that no act has made, ended or moved is found."""
        change(folder, statement)

        with pytest.raises(StateDiverged) as found:
            audited(folder)
        assert found.value.kind == kind

    def test_grant_of_nobody(self, folder: Path) -> None:
        """A grant whose subject does not exist is a row that no act has made."""
        change(
            folder,
            "INSERT INTO grants SELECT shard, 'gra_forged', 'sub_nobody', grant_set, "
            "client, capability, purpose, state, elements, policy_version, since, "
            "until, expires_at, one_time, records, scene, receipt, seq FROM grants "
            "LIMIT 1",
        )

        with pytest.raises(StateDiverged, match="grant gra_forged"):
            audited(folder)

    def test_grant_set_of_nobody(self, folder: Path) -> None:
        """So is a grant set without its subject."""
        change(
            folder,
            "INSERT INTO grant_sets (shard, id, subject, client, pairwise, acts) "
            "VALUES (:shard, 'gst_forged', 'sub_nobody', 'cli_x', 'psn_x', 1)",
        )

        with pytest.raises(StateDiverged, match="grant_set gst_forged"):
            audited(folder)
