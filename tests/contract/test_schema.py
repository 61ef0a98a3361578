"""The schema and its migrations say the same, and can be taken both ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    UniqueConstraint,
    create_engine,
    func,
    inspect,
    select,
    update,
)

import permissions.store
from permissions.ids import SHARDS
from permissions.ledger import GENESIS
from permissions.store.schema import HEAD, migrate, revision
from permissions.store.tables import log_head, metadata, shard_heads

REFERENCES = {"log_head", "log_leaves", "log_nodes", "checkpoints"}
TABLES = [pytest.param(table, id=table.name) for table in metadata.sorted_tables]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """Give a connection to an empty database, inside a transaction."""
    engine = create_engine(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


class TestMigrations:
    def test_head_is_the_newest_script(self) -> None:
        """The revision that a start compares with is the one that exists."""
        config = Config()
        folder = Path(permissions.store.__file__).parent / "migrations"
        config.set_main_option("script_location", str(folder))

        assert ScriptDirectory.from_config(config).get_heads() == [HEAD]

    def test_empty_database_has_no_revision(self, connection: Connection) -> None:
        """Nothing is assumed about a database that nobody has migrated."""
        assert revision(connection) is None

    def test_upgrade_makes_what_the_tables_say(self, connection: Connection) -> None:
        """After an upgrade there is nothing left to generate."""
        migrate(connection)

        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert revision(connection) == HEAD

    def test_down_and_up_again(self, connection: Connection) -> None:
        """A downgrade leaves nothing behind, and the way up is open again."""
        migrate(connection)

        migrate(connection, "base")

        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
        assert revision(connection) is None
        migrate(connection)
        assert revision(connection) == HEAD

    def test_ledger_from_before_the_log_is_kept(self, connection: Connection) -> None:
        """A database without a log gets an empty one, and keeps its chains."""
        migrate(connection)
        migrate(connection, "0001")
        moved = update(shard_heads).where(shard_heads.c.shard == 17).values(seq=5)
        connection.execute(moved)

        migrate(connection)

        assert connection.scalar(select(func.max(shard_heads.c.seq))) == 5
        assert connection.execute(select(log_head)).all() == []

    def test_each_shard_begins_at_genesis(self, connection: Connection) -> None:
        """Every shard has a head from the start, so that a lock finds its row."""
        migrate(connection)

        heads = connection.execute(select(shard_heads).order_by("shard")).all()

        assert [tuple(head) for head in heads] == [
            (shard, 0, 0, GENESIS) for shard in range(SHARDS)
        ]


class TestKeys:
    @pytest.mark.parametrize("table", TABLES)
    def test_every_unique_key_contains_the_shard(self, table: object) -> None:
        """One database can become many, because no key spans the shards."""
        found = metadata.tables[str(table)]
        if str(table) in REFERENCES:
            assert found.info["reference"] is True
            return
        keys = [set(found.primary_key.columns.keys())]
        keys += [set(ix.columns.keys()) for ix in found.indexes if ix.unique]
        keys += [
            set(constraint.columns.keys())
            for constraint in found.constraints
            if isinstance(constraint, UniqueConstraint)
        ]

        assert keys
        assert all("shard" in key for key in keys)
        assert found.c.shard.nullable is False

    def test_reference_tables_are_declared(self) -> None:
        """A table without a shard is one on purpose: it is named here and there."""
        declared = {
            table.name
            for table in metadata.sorted_tables
            if table.info.get("reference")
        }

        assert declared == REFERENCES
