"""Rich authorization requests (RFC 9396) of the one type ``consented_data``.

Pure, and without the rest of the gateway: text and what a contract declares go in,
what may be offered comes out. `parse` is total: it raises nothing but DetailsError.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, NoReturn

import msgspec

TYPE: Final = "consented_data"
MOST_ENTRIES: Final = 20
MOST_RECORDS: Final = 100
DEEPEST: Final = 32  # levels of JSON

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Names = Annotated[tuple[_Name, ...], msgspec.Meta(max_length=MOST_RECORDS)]


_SHAPE: Final = (
    "each entry is an object of type consented_data with capability and purpose, and "
    "if wanted elements (an object of required and optional), retention, locations, "
    "storage_regions, records, one_time and expires_at; nothing else"
)


class DetailsError(Exception):
    """The parameter cannot be granted: RFC 9396 §5 ``invalid_authorization_details``.

    ``reason`` is a fixed text; it never quotes the request.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object that refuses members it does not know (RFC 9396 §5)."""


class Elements(_Part, frozen=True, kw_only=True):
    """Elements by class: the required ones come with the item, the others singly."""

    required: _Names = ()
    optional: _Names = ()


class Detail(_Part, frozen=True, kw_only=True):
    """One entry as requested; None and empty mean: as the contract has it."""

    type: Literal["consented_data"]
    capability: _Name
    purpose: _Name
    elements: Elements | None = None
    retention: Annotated[str, msgspec.Meta(max_length=16)] | None = None
    locations: _Names = ()
    storage_regions: _Names = ()
    records: _Names = ()
    one_time: bool = False
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What one pair allows a client: the widest that a request may name.

    ``latest_end`` is the latest end of a grant, or None; ``default_end`` the end of
    a grant that names none.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    retention_days: int
    location: str
    regions: tuple[str, ...]
    one_time: bool = False
    latest_end: datetime | None = None
    default_end: datetime | None = None


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """One entry under its contract: what may be shown to the user and granted."""

    capability: str
    purpose: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    retention_days: int
    location: str
    regions: tuple[str, ...]
    records: tuple[str, ...] = ()
    one_time: bool = False
    expires_at: datetime | None = None


def parse(text: str) -> tuple[Detail, ...]:
    """Read an ``authorization_details`` parameter.

    Raises DetailsError for what is not a JSON array of 1 to 20 ``consented_data``
    objects: too deep, NaN, a lone surrogate, a member twice or unknown.
    """
    if max(text.count("["), text.count("{")) > DEEPEST:
        # A cheap screen: whatever passes it is bounded for the real one.
        _check_depth(text)
    try:
        text.encode()
        raw = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant
        )
        json.dumps(raw, ensure_ascii=False).encode()
        details = msgspec.convert(raw, tuple[Detail, ...])
    except (UnicodeEncodeError, RecursionError):
        raise DetailsError("not JSON that can be read") from None
    except msgspec.ValidationError:
        raise DetailsError(_SHAPE) from None
    except (ValueError, OverflowError):
        raise DetailsError("not JSON that can be read") from None
    if not 1 <= len(details) <= MOST_ENTRIES:
        raise DetailsError(f"send 1 to {MOST_ENTRIES} entries")
    pairs = {(detail.capability, detail.purpose) for detail in details}
    if len(pairs) != len(details):
        raise DetailsError("name each capability and purpose once")
    return details


def narrow(detail: Detail, declared: Declared, now: datetime) -> Narrowed:
    """Return an entry under its contract.

    Raises DetailsError where it asks for more than ``declared``, or for an end that
    is not after ``now``. An end beyond the latest allowed is brought forward.
    """
    required, optional = _elements(detail.elements, declared)
    if detail.locations not in ((), (declared.location,)):
        raise DetailsError("locations does not name the resource of this category")
    if not set(declared.regions).issuperset(detail.storage_regions):
        raise DetailsError("storage_regions goes beyond the contract")
    return Narrowed(
        capability=detail.capability,
        purpose=detail.purpose,
        required=required,
        optional=optional,
        retention_days=_retention(detail.retention, declared.retention_days),
        location=declared.location,
        regions=detail.storage_regions or declared.regions,
        records=_records(detail.records),
        one_time=detail.one_time or declared.one_time,
        expires_at=_end(detail.expires_at, declared, now),
    )


def _elements(
    wanted: Elements | None, declared: Declared
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if wanted is None:
        return declared.required, declared.optional
    names = (*wanted.required, *wanted.optional)
    if not names or len(set(names)) != len(names):
        raise DetailsError("name each element once")
    if not set(declared.required).issuperset(wanted.required):
        raise DetailsError("an element is required that the contract leaves open")
    if not {*declared.required, *declared.optional}.issuperset(names):
        raise DetailsError("an element is not declared")
    return wanted.required, wanted.optional


def _retention(text: str | None, most: int) -> int:
    if text is None:
        return most
    days = text[1:-1]
    if not (text[:1] == "P" and text[-1:] == "D" and days.isascii() and days.isdigit()):
        raise DetailsError("give retention in days, such as P30D")
    if not 1 <= int(days) <= most:
        raise DetailsError("retention goes beyond the contract")
    return int(days)


def _records(records: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(records)) != len(records):
        raise DetailsError("name each record once")
    if not all(name.isprintable() for name in records):
        raise DetailsError("a record id has control characters")
    return records


def _end(wanted: datetime | None, declared: Declared, now: datetime) -> datetime | None:
    if wanted is None:
        return declared.default_end
    try:
        end = wanted.astimezone(UTC)
    except OverflowError:
        raise DetailsError("expires_at is out of range") from None
    if end <= now:
        raise DetailsError("expires_at is not in the future")
    return end if declared.latest_end is None else min(end, declared.latest_end)


def retention_text(days: int) -> str:
    """Return a retention as ISO 8601 days."""
    return f"P{days}D"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DetailsError("a member is there twice")
    return found


def _refuse_constant(_text: str) -> NoReturn:
    raise DetailsError("NaN and Infinity are not JSON")


def _check_depth(text: str) -> None:
    depth = 0
    for char in _outside_strings(text):
        if char in "[{":
            depth += 1
            if depth > DEEPEST:
                raise DetailsError(f"nested deeper than {DEEPEST} levels")
        elif char in "]}":
            depth -= 1


def _outside_strings(text: str) -> Iterator[str]:
    inside = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif inside and char == "\\":
            escaped = True
        elif char == '"':
            inside = not inside
        elif not inside:
            yield char
