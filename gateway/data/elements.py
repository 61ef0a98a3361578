"""What a value of each element type looks like; checked before anything is kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Final

import msgspec

from gateway.problems import Problem
from permissions.catalogue.model import Category, ElementType
from permissions.release import Value

LONGEST: Final = 1_000  # characters of a string
LONGEST_TEXT: Final = 10_000
_LARGEST: Final = 2**53 - 1  # what every JSON reader can hold exactly
_LONGEST_EMAIL: Final = 254  # RFC 5321 §4.5.3.1.3
_DATE: Final = 10

_LINE: Final = re.compile(r"[^\n\r\t]*")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,8})?")
_PHONE: Final = re.compile(r"\+[1-9][0-9]{5,14}")  # E.164
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PLAIN_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _is_line(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= LONGEST
        and _LINE.fullmatch(value) is not None
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _is_integer(value: object) -> bool:
    return (
        isinstance(value, int)
        and not isinstance(value, bool)
        and abs(value) <= _LARGEST
    )


def _is_date(value: object) -> bool:
    if not isinstance(value, str) or len(value) != _DATE:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _matches(pattern: re.Pattern[str], longest: int) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return (
            isinstance(value, str)
            and len(value) <= longest
            and pattern.fullmatch(value) is not None
        )

    return check


def _is_instant(value: object) -> bool:
    try:
        instant(value)
    except Problem:
        return False
    return True


_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]


def instant(value: object, path: str = "at") -> datetime:
    """Read an RFC 3339 instant with its zone; raises Problem for anything else.

    One that has no place in the calendar of UTC could be stored and never read.
    """
    try:
        if isinstance(value, str):
            return msgspec.convert(value, _Zoned).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    raise _wrong(path, "an RFC 3339 time with its zone")


_TYPES: Final[dict[ElementType, tuple[Callable[[object], bool], str]]] = {
    "string": (_is_line, f"one line of at most {LONGEST} characters"),
    "text": (_is_text, f"a text of at most {LONGEST_TEXT} characters"),
    "integer": (_is_integer, "an integer of at most 53 bits"),
    "decimal": (
        _matches(_DECIMAL, 40),
        'a decimal number as a text, such as "129.90"',
    ),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "date": (_is_date, "a date, such as 2026-11-22"),
    "datetime": (_is_instant, "an RFC 3339 time with its zone"),
    "phone": (_matches(_PHONE, 16), "a phone number in E.164, such as +8613800138000"),
    "email": (_matches(_EMAIL, _LONGEST_EMAIL), "an e-mail address"),
}


def check_elements(
    category: Category, given: dict[str, object], path: str
) -> dict[str, Value]:
    """Return the elements of one record, each of its type.

    Raises Problem that names the element, never its value; the name of one that
    the category does not have is repeated only where it is a plain one.
    """
    checked: dict[str, Value] = {}
    for name, value in given.items():
        element = category.elements.get(name)
        if element is None:
            raise element_unknown(name)
        fits, expected = _TYPES[element.type]
        if not fits(value):
            raise _wrong(f"{path}.{name}", expected)
        assert isinstance(value, Value)  # noqa: S101 - every type above is one
        checked[name] = value
    return checked


def element_unknown(name: str) -> Problem:
    """Return the answer to an element that its category does not have."""
    field = name if _PLAIN_NAME.fullmatch(name) else ""
    said = field or "one of the elements"
    return Problem(
        400,
        "element_unknown",
        f"{said}: not an element of this category",
        fix="use_declared_elements",
        extra={"field": field},
    )


def _wrong(path: str, expected: str) -> Problem:
    return Problem(
        400,
        "element_invalid",
        f"{path}: expected {expected}",
        fix="send_declared_type",
        extra={"field": path},
    )
