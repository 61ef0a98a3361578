"""Rows and states: how the fold of the ledger lies in tables.

Each function asks one question inside the caller's transaction and speaks in
domain values. Expiry is never filtered here: only the decision judges time.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, Row, Table, select
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


def upsert(connection: Connection, table: Table, row: dict[str, object]) -> None:
    """Insert a row, or replace the one with the same primary key."""
    keys = [column.name for column in table.primary_key]
    values = {name: value for name, value in row.items() if name not in keys}
    if connection.dialect.name == "postgresql":
        on_postgresql = postgresql_insert(table).values(row)
        connection.execute(
            on_postgresql.on_conflict_do_update(index_elements=keys, set_=values)
        )
        return
    on_sqlite = sqlite_insert(table).values(row)
    connection.execute(
        on_sqlite.on_conflict_do_update(index_elements=keys, set_=values)
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
    shard = shard_of(key)
    held = tables.subjects
    row = connection.execute(
        select(held).where(held.c.shard == shard, held.c.id == key)
    ).one_or_none()
    if row is None:
        return None
    grants = {grant.id: grant for grant in _grants_of(connection, shard, key)}
    current: dict[tuple[str, str, str], str] = {}
    for grant in grants.values():
        best = current.get(grant.key)
        # A superseded grant ends in the same entry in which the next one begins.
        if best is None or _speaks_after(grant, grants[best]):
            current[grant.key] = grant.id
    return Subject(
        id=row.id,
        since=row.since,
        notice_version=row.notice_version,
        notice_at=row.notice_at,
        grants=grants,
        current=current,
        sets={item.client: item for item in _sets_of(connection, shard, key)},
        seq=row.seq,
    )


def _speaks_after(grant: Grant, other: Grant) -> bool:
    return (grant.since, grant.seq) > (other.since, other.seq)


def _grants_of(connection: Connection, shard: int, subject_id: str) -> Iterator[Grant]:
    held = tables.grants
    query = (
        select(held)
        .where(held.c.shard == shard, held.c.subject == subject_id)
        .order_by(held.c.since, held.c.seq, held.c.id)
    )
    for row in connection.execute(query):
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


def _sets_of(connection: Connection, shard: int, subject_id: str) -> Iterator[GrantSet]:
    held = tables.grant_sets
    query = select(held).where(held.c.shard == shard, held.c.subject == subject_id)
    for row in connection.execute(query):
        yield GrantSet(
            id=row.id, client=row.client, pairwise=row.pairwise, acts=row.acts
        )


def client(connection: Connection, key: str) -> Client | None:
    """Return one client's registration."""
    held = tables.clients
    row = connection.execute(
        select(held.c.registration).where(
            held.c.shard == shard_of(key), held.c.id == key
        )
    ).one_or_none()
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
