"""One page of personal data as it goes out."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from gateway.api.cursors import seal
from gateway.api.shapes import Answer
from gateway.data import rows
from gateway.data.wanted import Wanted
from permissions.decision import Standing
from permissions.release import Judged, Projection, project, reached
from permissions.state import GrantSet
from permissions.store.transaction import Transaction

PAGE_BYTES: Final = 1024 * 1024
_ENVELOPE: Final = 64 * 1024  # of a page, for everything but its records


class Withheld(Answer, frozen=True, kw_only=True):
    """An element that was asked for and is not given: the reason of its decision."""

    element: str
    reason: str


class Release(Answer, frozen=True, kw_only=True):
    """One page of personal data; ``absent`` may be given and is not held.

    ``subject`` is this partner's own id of the person, ``version`` counts the acts
    of its grant set: two partners cannot join what they know.
    """

    release: str
    category: str
    purpose: str
    subject: str
    grant_id: str
    data: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    records: tuple[dict[str, Any], ...] | msgspec.UnsetType = msgspec.UNSET
    next_cursor: str | None
    withheld: tuple[Withheld, ...]
    absent: tuple[str, ...]
    policy_version: str
    version: str


def one_page(
    transaction: Transaction,
    asked: Wanted,
    standing: Standing,
    judged: Judged,
    grant: str | None,
) -> tuple[Projection, str | None]:
    """Read and project one page; return it with the cursor of the next.

    ``grant`` is the one that the yes rests on: it may name single records.
    """
    person = standing.subject
    held = None if person is None or grant is None else person.grants.get(grant)
    wanted = asked.wanted
    if held is not None and held.records and not wanted.only:
        wanted = replace(wanted, only=held.records)
    found = rows.read(
        transaction.connection,
        asked.subject,
        asked.category.id,
        replace(wanted, limit=wanted.limit + 1),
    )
    page = found[: wanted.limit]
    records = reached(
        replace(asked.question, elements=judged.allowed),
        standing,
        transaction.catalogue,
        transaction.now,
        records=page,
        held=asked.held,
    )
    projection = project(judged, records)
    last = page[-1] if len(found) > len(page) else None
    fitting = _fitting(projection)
    if fitting < len(records):
        records, last = records[:fitting], records[fitting - 1]
        projection = project(judged, records)
    if last is None:
        return projection, None
    place = rows.Place(last.updated_at, last.id)
    return projection, seal(msgspec.json.encode(place))


def _fitting(projection: Projection) -> int:
    """Return how many items go into one page."""
    size = 0
    for count, item in enumerate(projection.items):
        size += len(msgspec.json.encode(item)) + 1
        if size > PAGE_BYTES - _ENVELOPE:
            return count
    return len(projection.items)


def body_of(
    asked: Wanted,
    projection: Projection,
    *,
    release_id: str,
    grant_set: GrantSet | None,
    next_cursor: str | None,
    policy_version: str,
) -> Release:
    """Put an answer together: the projection, and under what it goes out."""
    is_list = asked.category.shape == "records"
    whole: dict[str, Any] = dict(projection.items[0]) if projection.items else {}
    return Release(
        release=release_id,
        category=asked.category.id,
        purpose=asked.question.purpose,
        subject="" if grant_set is None else grant_set.pairwise,
        grant_id="" if grant_set is None else grant_set.id,
        data=msgspec.UNSET if is_list else whole,
        records=projection.items if is_list else msgspec.UNSET,
        next_cursor=next_cursor,
        withheld=tuple(
            Withheld(element=name, reason=reason)
            for name, reason in projection.withheld.items()
        ),
        absent=projection.absent,
        policy_version=policy_version,
        version=version_of(grant_set),
    )


def grant_set_of(standing: Standing) -> GrantSet | None:
    """Return the set of all grants of these two, or None where there is none."""
    if standing.subject is None or standing.client is None:
        return None
    return standing.subject.sets.get(standing.client.id)


def version_of(grant_set: GrantSet | None) -> str:
    """Return the version that a partner sees; no shard, or partners could join."""
    return "0" if grant_set is None else f"{grant_set.id}.{grant_set.acts}"
