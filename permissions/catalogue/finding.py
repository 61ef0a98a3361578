"""What a check of a whole catalogue says: a rule, a place, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from permissions.catalogue.problems import Place

if TYPE_CHECKING:
    from permissions.catalogue.model import Catalogue

Severity = Literal["blocker", "warning"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why a catalogue should not be published as it is."""

    rule: str
    severity: Severity  # a blocker stops publication, a warning asks for a look
    place: str  # as a mistake of the loader names it: file and key
    reason: str
    fix: str
    requirement: str  # the row that demands it

    def __str__(self) -> str:
        return (
            f"{self.severity}: {self.place}: {self.reason}; {self.fix} "
            f"({self.rule}, {self.requirement})"
        )


class Flaw(NamedTuple):
    """Where a rule is broken, how, and what to do about it."""

    place: str
    reason: str
    fix: str


class Rule(NamedTuple):
    """One rule and where it comes from; ``flaws`` finds every place that breaks it."""

    id: str
    severity: Severity
    requirement: str
    flaws: Callable[[Catalogue], Iterator[Flaw]]


def place_of(file: str, *path: str | int) -> str:
    """Return a place as the loader writes it: ``pairs.toml: "data.x".y.elements``."""
    key = Place([], file, path).key
    return f"{file}: {key}" if key else file
