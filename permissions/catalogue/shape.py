"""Raw tables into catalogue values, with every wrong key named.

msgspec stops at the first mistake of a table; here each field is converted on its
own, so that one load tells an author everything.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, TypeVar, get_args, get_origin

import msgspec

if TYPE_CHECKING:
    from permissions.catalogue.problems import Place

_S = TypeVar("_S", bound=msgspec.Struct)

ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
ID_RULE = "use lower-case letters, digits and _, beginning with a letter"
_WIDTH = 60  # characters of a value that a message may quote
_ARRAY_STEP = re.compile(r"\[(\d+)\]")
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a table",
    datetime: "a date and time",
    date: "a date",
    time: "a time of day",
}


def read_items(
    kind: type[_S], table: object, place: Place, locales: tuple[str, ...]
) -> dict[str, _S]:
    """Build the values of a table of tables; each key becomes the id of its value.

    Entries with a mistake are noted at ``place`` and left out.
    """
    id_field = kind.__struct_fields__[0]
    items = {}
    for key, entry in entries_of(table, place):
        below = place.at(key)
        if ID.fullmatch(key) is None:
            below.wrong(f"{shown(key)} cannot be an id", ID_RULE)
        item = read_item(kind, entry, below, locales, {id_field: key})
        if item is not None:
            items[key] = item
    return items


def read_item(
    kind: type[_S],
    table: object,
    place: Place,
    locales: tuple[str, ...],
    given: dict[str, object],
) -> _S | None:
    """Build one value from its table and from fields that are ``given``.

    Notes every unknown, missing and ill-typed key at ``place``; None if any is.
    """
    if not isinstance(table, dict):
        place.wrong(f"expected a table, got {kind_of(table)}", "write a table")
        return None
    before = len(place.problems)
    fields = {
        field.name: field
        for field in msgspec.structs.fields(kind)
        if field.name not in given
    }
    for key in table:
        if key not in fields:
            place.at(key).wrong("unknown key", _instead(key, list(fields)))
    values = dict(given)
    for name, field in fields.items():
        below = place.at(name)
        if name in table:
            values[name] = _field(field.type, table[name], below, locales)
        elif field.required:
            below.wrong("the key is missing", f"add {name}")
    return kind(**values) if len(place.problems) == before else None


def shown(value: object) -> str:
    """Return a value short enough for a message."""
    try:
        text = repr(value)
    except ValueError:  # Python does not print whole numbers of over 4300 digits
        return "a number too long to show"
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def kind_of(value: object) -> str:
    """Return what a TOML value is, in words."""
    return _KINDS.get(type(value), type(value).__name__)


def _instead(key: str, names: list[str]) -> str:
    close = get_close_matches(key, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"remove it; known here: {', '.join(names)}"


def entries_of(table: object, place: Place) -> list[tuple[str, object]]:
    """Return the entries of a table; note anything else at ``place``."""
    if isinstance(table, dict):
        return list(table.items())
    place.wrong(f"expected a table, got {kind_of(table)}", "write a table")
    return []


def _field(
    kind: object, value: object, place: Place, locales: tuple[str, ...]
) -> object:
    """Convert one field; texts, tables of values and tables of items by entry."""
    if get_origin(kind) is not dict:
        return _value(kind, value, place)
    of = get_args(kind)[1]
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        return read_items(of, value, place, locales)
    entries = entries_of(value, place)
    if get_origin(of) is dict:
        return {
            key: _field(of, entry, place.at(key), locales) for key, entry in entries
        }
    if of is str and isinstance(value, dict):
        _check_locales([key for key, _ in entries], place, locales)
    return {key: _value(of, entry, place.at(key)) for key, entry in entries}


def _check_locales(found: list[str], place: Place, locales: tuple[str, ...]) -> None:
    if not locales:
        return  # the list of locales is itself wrong, and said so
    for locale in locales:
        if locale not in found:
            place.at(locale).wrong(
                "the text is missing in this language", f"add the text in {locale}"
            )
    for locale in found:
        if locale not in locales:
            place.at(locale).wrong(
                "policy.toml does not list this language",
                f"remove it, or add {shown(locale)} to locales in policy.toml",
            )


def _value(kind: object, value: object, place: Place) -> object:
    if isinstance(value, str) and not value.strip():
        place.wrong("the text is empty", "write it")
        return None
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        for index in (int(step) for step in _ARRAY_STEP.findall(path)):
            place = place.at(index)
            value = value[index] if isinstance(value, list) else value
        reason = f"{reason[0].lower()}{reason[1:]}"
        place.wrong(f"{shown(value)} will not do: {reason}", _advice(kind))
        return None


def _advice(kind: object) -> str:
    if get_origin(kind) is Literal:
        return f"use one of {', '.join(get_args(kind))}"
    if kind is timedelta or timedelta in get_args(kind):
        return 'write it in days, as in "P30D"'
    if kind is date:
        return "write it as in 2023-04-07"
    return "write a value of that type"
