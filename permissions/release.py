"""What a decision lets out of personal data, and why the rest stays: pure.

One projection serves every surface that shows or hands out data. It starts from
nothing and adds what a decision allows, so that what nobody thought of stays in.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from permissions.catalogue.model import Catalogue
from permissions.decision import (
    Allow,
    Ask,
    Decision,
    Deny,
    Held,
    Question,
    Standing,
    decide,
)

Value = str | int | float | bool


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Personal data as it is held: one record, or an object, whose id is empty.

    ``at`` is the record's own time, ``updated_at`` when it was last written.
    """

    id: str
    at: datetime
    updated_at: datetime
    elements: dict[str, Value]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The elements of a question, each with its own answer.

    ``decision`` is the one on all that are allowed; where none is, on the first.
    """

    decision: Decision
    allowed: tuple[str, ...]
    withheld: dict[str, str]  # element to the reason of its decision


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """What may go out, and an account of every element that was asked for.

    ``items`` hold values of ``released`` elements alone. Each element asked for is
    in exactly one of ``released``, ``withheld`` and ``absent``; absent are those
    that may go out and are not held.
    """

    items: tuple[dict[str, Value | datetime], ...]
    released: tuple[str, ...]
    withheld: dict[str, str]
    absent: tuple[str, ...]


def judge(
    question: Question,
    standing: Standing,
    catalogue: Catalogue,
    now: datetime,
    held: Held | None = None,
) -> Judged:
    """Decide every element of a question by itself."""
    allowed: list[str] = []
    withheld: dict[str, str] = {}
    for element in dict.fromkeys(question.elements):
        alone = replace(question, elements=(element,))
        match decide(alone, standing, catalogue, now, held):
            case Allow():
                allowed.append(element)
            case Ask(reason=reason) | Deny(reason=reason):
                withheld[element] = reason
    # Where none is allowed, the first refusal says more than the one on them all.
    whole = replace(question, elements=tuple(allowed) or question.elements[:1])
    return Judged(
        decision=decide(whole, standing, catalogue, now, held),
        allowed=tuple(allowed),
        withheld=withheld,
    )


def reached(
    question: Question,
    standing: Standing,
    catalogue: Catalogue,
    now: datetime,
    *,
    records: Iterable[Record],
    held: Held | None = None,
) -> tuple[Record, ...]:
    """Return the records that a decision reaches; a grant may name single ones."""
    return tuple(
        record
        for record in records
        if not record.id
        or isinstance(
            decide(replace(question, record=record.id), standing, catalogue, now, held),
            Allow,
        )
    )


def project(judged: Judged, records: Iterable[Record]) -> Projection:
    """Return what may go out of some records of one category."""
    found: set[str] = set()
    items: list[dict[str, Value | datetime]] = []
    for record in records if judged.allowed else ():
        item: dict[str, Value | datetime] = {}
        if record.id:
            item |= {"id": record.id, "at": record.at}
        for element in judged.allowed:
            if element in record.elements:
                item[element] = record.elements[element]
                found.add(element)
        items.append(item)
    return Projection(
        items=tuple(items),
        released=tuple(name for name in judged.allowed if name in found),
        withheld=judged.withheld,
        absent=tuple(name for name in judged.allowed if name not in found),
    )
