"""Rows and states: how the fold of the ledger lies in tables.

Each function asks one question inside the caller's transaction and speaks in
domain values. Expiry is never filtered here: only the decision judges time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Connection, Executable, Row, Table, bindparam, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from permissions.acts import OwnerKind
from permissions.ids import shard_of
from permissions.ledger import Stored
from permissions.state import (
    Client,
    FunctionState,
    Grant,
    GrantSet,
    Owner,
    Subject,
)
from permissions.store import tables

# Statements of the hot paths are built once: building costs more than running them.
_SUBJECT: Final = select(tables.subjects).where(
    tables.subjects.c.shard == bindparam("shard"),
    tables.subjects.c.id == bindparam("key"),
)
_GRANTS: Final = (
    select(tables.grants)
    .where(
        tables.grants.c.shard == bindparam("shard"),
        tables.grants.c.subject == bindparam("key"),
    )
    .order_by(tables.grants.c.since, tables.grants.c.seq, tables.grants.c.id)
)
_SETS: Final = select(tables.grant_sets).where(
    tables.grant_sets.c.shard == bindparam("shard"),
    tables.grant_sets.c.subject == bindparam("key"),
)
_CLIENT: Final = select(tables.clients.c.registration).where(
    tables.clients.c.shard == bindparam("shard"),
    tables.clients.c.id == bindparam("key"),
)


def upsert(connection: Connection, table: Table, row: dict[str, object]) -> None:
    """Insert a row, or replace the one with the same primary key."""
    connection.execute(_upsert(connection.dialect.name, table), row)


@cache  # building the statement costs more than running it; one per table
def _upsert(dialect: str, table: Table) -> Executable:
    keys = [column.name for column in table.primary_key]
    values = [column.name for column in table.columns if column.name not in keys]
    if dialect == "postgresql":
        on_postgresql = postgresql_insert(table)
        return on_postgresql.on_conflict_do_update(
            index_elements=keys,
            set_={name: on_postgresql.excluded[name] for name in values},
        )
    on_sqlite = sqlite_insert(table)
    return on_sqlite.on_conflict_do_update(
        index_elements=keys, set_={name: on_sqlite.excluded[name] for name in values}
    )


def owner(connection: Connection, kind: OwnerKind, key: str) -> Owner | None:
    """Return the state of one owner, or None where it was never registered."""
    match kind:
        case "subject":
            return subject(connection, key)
        case "client":
            return client(connection, key)
        case "function":
            return _function(connection, key)


def subject(connection: Connection, key: str) -> Subject | None:
    """Return a subject with every grant, ended ones included."""
    place = {"shard": shard_of(key), "key": key}
    row = connection.execute(_SUBJECT, place).one_or_none()
    if row is None:
        return None
    grants = {grant.id: grant for grant in _grants_of(connection, place)}
    current: dict[tuple[str, str, str], str] = {}
    for grant in grants.values():
        best = current.get(grant.key)
        if best is None or _begun(grant) > _begun(grants[best]):
            current[grant.key] = grant.id
    return Subject(
        id=row.id,
        since=row.since,
        notice_version=row.notice_version,
        notice_at=row.notice_at,
        grants=grants,
        current=current,
        sets={item.client: item for item in _sets_of(connection, place)},
        seq=row.seq,
    )


def _begun(grant: Grant) -> int:
    """Return the sequence of the entry that made a grant.

    Not its time: two may bear the same, and a wall clock may have been set back. An
    element keeps its epoch while its grant grows, and no refusal ever changes.
    """
    return min(grant.elements.values(), default=grant.seq)


def _grants_of(connection: Connection, place: dict[str, object]) -> Iterator[Grant]:
    for row in connection.execute(_GRANTS, place):
        yield Grant(
            id=row.id,
            grant_set=row.grant_set,
            client=row.client,
            capability=row.capability,
            purpose=row.purpose,
            state=row.state,
            elements=row.elements,
            policy_version=row.policy_version,
            since=row.since,
            until=row.until,
            expires_at=row.expires_at,
            one_time=row.one_time,
            records=tuple(row.records),
            scene=row.scene,
            receipt=row.receipt,
            seq=row.seq,
        )


def _sets_of(connection: Connection, place: dict[str, object]) -> Iterator[GrantSet]:
    for row in connection.execute(_SETS, place):
        yield GrantSet(
            id=row.id, client=row.client, pairwise=row.pairwise, acts=row.acts
        )


def client(connection: Connection, key: str) -> Client | None:
    """Return one client's registration."""
    place = {"shard": shard_of(key), "key": key}
    row = connection.execute(_CLIENT, place).one_or_none()
    return None if row is None else _client(row)


def clients(connection: Connection) -> tuple[Client, ...]:
    """Return every client, by id."""
    held = tables.clients
    query = select(held.c.registration).order_by(held.c.id)
    return tuple(_client(row) for row in connection.execute(query))


def _client(row: Row[tuple[object]]) -> Client:
    return msgspec.convert(row[0], Client)


def _function(connection: Connection, key: str) -> FunctionState | None:
    held = tables.functions
    row = connection.execute(
        select(held).where(held.c.shard == shard_of(key), held.c.id == key)
    ).one_or_none()
    if row is None:
        return None
    return FunctionState(id=row.id, is_open=row.is_open, seq=row.seq)


def closed_functions(connection: Connection) -> tuple[str, ...]:
    """Return the ids of the functions that are closed now."""
    held = tables.functions
    query = select(held.c.id).where(held.c.is_open.is_(False))
    return tuple(connection.scalars(query))


def write(connection: Connection, shard: int, state: Owner) -> None:
    """Store what one entry changed of an owner: rows of that entry's seq."""
    match state:
        case Subject():
            _write_subject(connection, shard, state)
        case Client():
            row = {
                "shard": shard,
                "id": state.id,
                "registration": msgspec.to_builtins(state),
                "seq": state.seq,
            }
            upsert(connection, tables.clients, row)
        case FunctionState():
            upsert(
                connection,
                tables.functions,
                {"shard": shard, **msgspec.structs.asdict(state)},
            )


def _write_subject(connection: Connection, shard: int, state: Subject) -> None:
    upsert(
        connection,
        tables.subjects,
        {
            "shard": shard,
            "id": state.id,
            "since": state.since,
            "notice_version": state.notice_version,
            "notice_at": state.notice_at,
            "seq": state.seq,
        },
    )
    changed = [grant for grant in state.grants.values() if grant.seq == state.seq]
    for grant in changed:
        row = msgspec.structs.asdict(grant)
        upsert(
            connection,
            tables.grants,
            {"shard": shard, "subject": state.id, **row},
        )
        held = state.sets.get(grant.client)
        if held is not None and held.id == grant.grant_set:
            upsert(
                connection,
                tables.grant_sets,
                {"shard": shard, "subject": state.id, **msgspec.structs.asdict(held)},
            )


def heads(connection: Connection) -> tuple[tuple[int, int, bytes], ...]:
    """Return (shard, seq, hash) of every shard's head, by shard."""
    held = tables.shard_heads
    query = select(held.c.shard, held.c.seq, held.c.sha256).order_by(held.c.shard)
    return tuple((row.shard, row.seq, row.sha256) for row in connection.execute(query))


def entries(connection: Connection, shard: int) -> Iterator[Stored]:
    """Yield the stored entries of one shard in order."""
    held = tables.ledger
    query = (
        select(held.c.seq, held.c.body, held.c.sha256)
        .where(held.c.shard == shard)
        .order_by(held.c.seq)
    )
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield Stored(row.seq, row.body, row.sha256)


def entries_of(
    connection: Connection, owner_id: str, *, before: int | None, limit: int
) -> tuple[Stored, ...]:
    """Return the newest entries about one owner, newest first, below ``before``."""
    held = tables.ledger
    query = (
        select(held.c.seq, held.c.body, held.c.sha256)
        .where(held.c.shard == shard_of(owner_id), held.c.owner == owner_id)
        .order_by(held.c.seq.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(held.c.seq < before)
    return tuple(
        Stored(row.seq, row.body, row.sha256) for row in connection.execute(query)
    )
