"""The audit of a stored ledger, as it lies in the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import Connection, Table, select

from permissions.acts import OwnerKind
from permissions.audit import Audit, Indexed, OwnerKey, ShardAudit, StateDiverged
from permissions.ids import SHARDS, shard_of
from permissions.ledger import Stored
from permissions.state import Owner
from permissions.store import rows, tables

_OWNERS: Final[tuple[tuple[OwnerKind, Table], ...]] = (
    ("subject", tables.subjects),
    ("client", tables.clients),
    ("function", tables.functions),
)
_PARTS: Final = (("grant", tables.grants), ("grant_set", tables.grant_sets))


def verify_store(connection: Connection) -> Audit:
    """Check each shard's chain, and that the tables are the fold of the ledger.

    Run it inside one transaction, so that ledger and state are of one moment.
    Raises ChainBroken or StateDiverged at the first row that is not as written.
    """
    heads = _heads(connection)
    entries, owners = 0, 0
    for shard in range(SHARDS):
        if shard not in heads:
            raise StateDiverged("shard", str(shard))
        check = ShardAudit(shard, *heads[shard])
        check.follow(_entries(connection, shard))
        check.compare(_states(connection, shard), _places(connection, shard))
        entries += check.entries
        owners += len(check.states)
    for shard in _shards_in_use(connection) - heads.keys():
        raise StateDiverged("shard", str(shard))
    return Audit(entries=entries, shards=len(heads), owners=owners)


def _heads(connection: Connection) -> dict[int, tuple[int, int, bytes]]:
    held = tables.shard_heads
    return {
        row.shard: (row.seq, row.effect_seq, row.sha256)
        for row in connection.execute(select(held))
    }


def _entries(connection: Connection, shard: int) -> Iterator[Indexed]:
    held = tables.ledger
    query = select(held).where(held.c.shard == shard).order_by(held.c.seq)
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield Indexed(
            stored=Stored(row.seq, row.body, row.sha256),
            effect=row.effect,
            prev_effect_seq=row.prev_effect_seq,
            owner=(row.owner_kind, row.owner),
            act=row.act,
            at=row.at,
        )


def _states(connection: Connection, shard: int) -> dict[OwnerKey, Owner]:
    found: dict[OwnerKey, Owner] = {}
    for kind, table in _OWNERS:
        keys = connection.scalars(select(table.c.id).where(table.c.shard == shard))
        for key in keys.all():
            found[kind, key] = _state(connection, kind, key, shard)
    return found


def _state(connection: Connection, kind: OwnerKind, key: str, shard: int) -> Owner:
    try:
        state = rows.owner(connection, kind, key)
    except (msgspec.MsgspecError, TypeError, ValueError):
        raise StateDiverged(kind, key) from None  # a column that nobody can read
    if state is None or shard_of(key) != shard:
        raise StateDiverged(kind, key)
    return state


def _places(connection: Connection, shard: int) -> Iterator[tuple[str, str, str]]:
    for kind, table in _PARTS:
        query = select(table.c.id, table.c.subject).where(table.c.shard == shard)
        for row in connection.execute(query):
            yield kind, row.id, row.subject


def _shards_in_use(connection: Connection) -> set[int]:
    held = (tables.ledger, *(table for _, table in (*_OWNERS, *_PARTS)))
    return {
        shard
        for table in held
        for shard in connection.scalars(select(table.c.shard).distinct())
    }
