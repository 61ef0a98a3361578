"""Personal data as rows: one per record, and one with an empty id for an object."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, or_, select

from permissions.ids import shard_of
from permissions.release import Record, Value
from permissions.store import tables
from permissions.store.rows import upsert

OBJECT = ""  # the record id of a category that is one object


class Place(msgspec.Struct, frozen=True):
    """Where a page ends: its last record, in the order in which they were written."""

    updated_at: datetime
    record: str


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Which records of a category are wanted; ``only`` empty means all."""

    only: tuple[str, ...] = ()
    since: datetime | None = None
    after: Place | None = None
    limit: int = 1


def read(
    connection: Connection, subject: str, category: str, wanted: Slice
) -> tuple[Record, ...]:
    """Return records in the order in which they were last written."""
    held = tables.data
    query = (
        select(held.c.record, held.c.at, held.c.updated_at, held.c.elements)
        .where(*_of(subject, category))
        .order_by(held.c.updated_at, held.c.record)
        .limit(wanted.limit)
    )
    if wanted.only:
        query = query.where(held.c.record.in_(wanted.only))
    if wanted.since is not None:
        query = query.where(held.c.updated_at >= wanted.since)
    if wanted.after is not None:
        after = wanted.after
        query = query.where(
            or_(
                held.c.updated_at > after.updated_at,
                and_(
                    held.c.updated_at == after.updated_at,
                    held.c.record > after.record,
                ),
            )
        )
    return tuple(
        Record(
            id=row.record, at=row.at, updated_at=row.updated_at, elements=row.elements
        )
        for row in connection.execute(query)
    )


def write(
    connection: Connection,
    subject: str,
    category: str,
    record: Record,
    *,
    elements: tuple[str, ...],
) -> None:
    """Replace those elements of one record; what other purposes wrote stays."""
    held = tables.data
    before: dict[str, Value] = (
        connection.scalar(
            select(held.c.elements).where(
                *_of(subject, category), held.c.record == record.id
            )
        )
        or {}
    )
    kept = {name: value for name, value in before.items() if name not in elements}
    given = {
        name: record.elements[name] for name in record.elements.keys() & set(elements)
    }
    upsert(
        connection,
        held,
        {
            "shard": shard_of(subject),
            "subject": subject,
            "category": category,
            "record": record.id,
            "at": record.at,
            "updated_at": record.updated_at,
            "elements": kept | given,
        },
    )


def _of(subject: str, category: str) -> tuple[ColumnElement[bool], ...]:
    held = tables.data
    return (
        held.c.shard == shard_of(subject),
        held.c.subject == subject,
        held.c.category == category,
    )
