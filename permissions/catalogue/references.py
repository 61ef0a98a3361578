"""Checks that many rules share: names that point elsewhere, and lengths of time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

from permissions.catalogue.shape import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from permissions.catalogue.problems import Place

LONGEST = timedelta(days=36525)  # a century: beyond it, sums leave the calendar


def known(
    name: str, among: Collection[str] | None, place: Place, what: str, where: str
) -> bool:
    """Note a name that is not declared, and return False.

    ``among`` is None where nobody can know; the name then passes.
    """
    if among is None or name in among:
        return True
    close = get_close_matches(name, sorted(among), n=1)
    place.wrong(
        f"there is no {what} {shown(name)}",
        f"did you mean {close[0]}?" if close else f"declare it in {where}",
    )
    return False


def no_repeats(names: Iterable[str], place: Place) -> None:
    """Note each name that stands more than once."""
    for name, count in Counter(names).items():
        if count > 1:
            place.wrong(f"{shown(name)} is named {count} times", "name it once")


def check_length(length: timedelta, place: Place) -> None:
    """Note a length of time that is not positive, or beyond reason."""
    if length <= timedelta(0):
        place.wrong("the time is not positive", 'write it in days, as in "P30D"')
    if length > LONGEST:
        place.wrong("the time is longer than a century", "write a shorter one")
