"""Bring a database to the current schema, and say which one it has."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Final

from sqlalchemy import Connection, MetaData, Table, inspect, select

from permissions.errors import StoreUnusable

HEAD: Final = "0002"  # the newest revision; a test holds it to the scripts


def revision(connection: Connection) -> str | None:
    """Return the revision of a database; None where it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    table = Table("alembic_version", MetaData(), autoload_with=connection)
    return connection.scalar(select(table.c.version_num))


def migrate(connection: Connection, target: str = "head") -> None:
    """Upgrade (or, to an earlier revision, downgrade) within one transaction.

    Raises StoreUnusable for a schema that this version does not know.
    """
    # Imported here: a start on a current schema does not need Alembic's 0.2 s.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above
    from alembic.util import CommandError  # noqa: PLC0415 - see above

    with as_file(files("permissions.store") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        try:
            if target in {"head", HEAD}:
                command.upgrade(config, target)
            else:
                command.downgrade(config, target)
        except CommandError as error:
            raise StoreUnusable(
                "database", f"has a schema that version {HEAD} does not know"
            ) from error
