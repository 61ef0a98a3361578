"""What one request for data asks for, read from its address and checked."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.api.cursors import bad_cursor, unseal
from gateway.data import rows
from gateway.data.elements import element_unknown
from gateway.problems import Problem
from permissions.catalogue.model import Catalogue, Category
from permissions.decision import Held, Question
from permissions.state import Client


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What one request asks for, read and checked."""

    subject: str
    category: Category
    question: Question
    held: Held  # what the token may reach at most
    wanted: rows.Slice


def elements_of(
    catalogue: Catalogue,
    client: Client,
    category: Category,
    purpose: str,
    named: str | None,
) -> tuple[str, ...]:
    """Return the elements asked for; none named asks for all that are contracted."""
    if named is not None:
        asked = tuple(dict.fromkeys(named.split(",")))
        for element in asked:
            if element not in category.elements:
                raise element_unknown(element)
        return asked
    pair = catalogue.pairs.get((category.capability, purpose))
    contract = client.contract
    part = None if contract is None else contract.pair(category.capability, purpose)
    if pair is None or part is None:
        return ()
    return tuple(element for element in part.elements if element in pair.elements)


def slice_of(
    category: Category,
    record: str | None,
    since: datetime | None,
    cursor: str | None,
    limit: int,
) -> rows.Slice:
    """Return which records are asked for; raises Problem for what does not fit."""
    if since is not None and since.tzinfo is None:
        raise _unfit("since", "expected an RFC 3339 time with its zone")
    if category.shape == "object":
        for name, value in (("record", record), ("since", since), ("cursor", cursor)):
            if value is not None:
                raise _unfit(name, "this category is one object, not a list")
        return rows.Slice(only=(rows.OBJECT,))
    after: rows.Place | None = None
    if cursor is not None:
        try:
            after = msgspec.json.decode(unseal(cursor), type=rows.Place)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise bad_cursor() from None
        if after.updated_at.tzinfo is None:
            raise bad_cursor()
    only = () if record is None else (record,)
    return rows.Slice(only=only, since=since, after=after, limit=limit)


def _unfit(field: str, expected: str) -> Problem:
    return Problem(
        400, "invalid_request", f"{field}: {expected}", extra={"field": field}
    )
