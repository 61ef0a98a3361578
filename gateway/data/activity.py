"""What went out about a person, as they may see it: names of elements, no values."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from permissions.acts import ReleaseData
from permissions.ids import shard_of
from permissions.ledger import decode
from permissions.store import tables


class ReleaseLine(msgspec.Struct, frozen=True, kw_only=True):
    """One release: to whom, for what, which elements; read from the ledger."""

    at: datetime
    release: str
    client: str
    category: str
    purpose: str
    elements: tuple[str, ...]
    records: int | None
    seq: int


def releases_of(
    connection: Connection, subject: str, *, before: int | None = None, limit: int = 50
) -> tuple[ReleaseLine, ...]:
    """Return a subject's releases, newest first; ``before`` is the last line's seq."""
    held = tables.ledger
    query = (
        select(held.c.body)
        .where(
            held.c.shard == shard_of(subject),
            held.c.owner == subject,
            held.c.act == ReleaseData.__struct_config__.tag,
        )
        .order_by(held.c.seq.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(held.c.seq < before)
    lines: list[ReleaseLine] = []
    for body in connection.scalars(query):
        entry = decode(body)
        act = entry.act
        if isinstance(act, ReleaseData):
            lines.append(
                ReleaseLine(
                    at=entry.at,
                    release=act.release,
                    client=act.client,
                    category=act.category,
                    purpose=act.purpose,
                    elements=act.elements,
                    records=act.records,
                    seq=entry.seq,
                )
            )
    return tuple(lines)
