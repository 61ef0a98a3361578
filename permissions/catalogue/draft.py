"""The parts of a catalogue, each read for itself and not yet checked together."""

from __future__ import annotations

from datetime import date
from typing import TypeVar

import msgspec

from permissions.catalogue.model import (
    Assessment,
    Category,
    Clock,
    Fallback,
    Function,
    Operator,
    Pair,
    Permission,
    Purpose,
    Right,
    Sdk,
    Section,
)
from permissions.catalogue.problems import Place, Problem
from permissions.catalogue.shape import entries_of, read_item, read_items
from permissions.catalogue.source import Source, Table, version_and_locales

_S = TypeVar("_S", bound=msgspec.Struct)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What policy.toml says; the texts lie beside it in files of their own."""

    version: str
    effective_on: date
    locales: tuple[str, ...]
    authoritative: str
    guardian_under: int = 0
    sections: dict[str, Section] = {}
    rights: dict[str, Right] = {}
    assessments: dict[str, Assessment] = {}


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Every part without a mistake of its own, and every name that is declared.

    A name counts as declared even if its entry has a mistake, so that no mistake
    is told twice; it is None where nobody can know, because the file is unreadable.
    """

    operator: Operator | None
    header: Header | None
    functions: dict[str, Function]
    purposes: dict[str, Purpose]
    categories: dict[str, Category]
    permissions: dict[str, Permission]
    fallbacks: dict[str, Fallback]
    pairs: dict[tuple[str, str], Pair]
    sdks: dict[str, Sdk]
    clocks: dict[str, Clock]
    text: dict[str, str]
    tables: dict[str, Table]

    def names(self, file: str) -> tuple[str, ...] | None:
        """Return the ids that a file declares; None if it could not be read."""
        table = self.tables.get(file)
        return None if table is None else tuple(table)

    def assessment_names(self) -> tuple[str, ...] | None:
        """Return the ids of the impact assessments; None if they could not be read."""
        table = self.tables.get("policy.toml", {"assessments": None})
        found = table.get("assessments", {})
        return tuple(found) if isinstance(found, dict) else None

    def element_names(self, category: str) -> tuple[str, ...] | None:
        """Return the element ids that a category declares; None if unreadable."""
        table = self.tables.get("categories.toml", {}).get(category)
        elements = table.get("elements") if isinstance(table, dict) else None
        return tuple(elements) if isinstance(elements, dict) else None

    def capabilities(self) -> tuple[str, ...] | None:
        """Return every declared capability id; None if nobody can know."""
        categories = self.names("categories.toml")
        permissions = self.names("permissions.toml")
        if categories is None or permissions is None:
            return None
        return (
            *(f"data.{name}" for name in categories),
            *(f"device.{name}" for name in permissions),
        )

    def purposes_of(self, function: str) -> frozenset[str] | None:
        """Return the purposes of a function; None if not all could be read."""
        if len(self.purposes) != len(self.tables.get("purposes.toml", {"": None})):
            return None
        return frozenset(
            purpose.id
            for purpose in self.purposes.values()
            if purpose.function == function
        )

    def has_every_pair(self, capability: str) -> bool:
        """Say whether all pairs of a capability could be read."""
        table = self.tables.get("pairs.toml", {}).get(capability, {})
        return "pairs.toml" in self.tables and all(
            (capability, purpose) in self.pairs
            for purpose in (table if isinstance(table, dict) else {"": None})
        )


def read_draft(source: Source, problems: list[Problem]) -> Draft:
    """Read each part of a source; note at ``problems`` what is wrong inside one."""
    tables = source.tables
    _, locales = version_and_locales(tables.get("policy.toml", {}))

    def one(kind: type[_S], file: str) -> _S | None:
        if file not in tables:
            return None
        return read_item(kind, tables[file], Place(problems, file), locales, {})

    def many(kind: type[_S], file: str) -> dict[str, _S]:
        return read_items(kind, tables.get(file, {}), Place(problems, file), locales)

    return Draft(
        operator=one(Operator, "operator.toml"),
        header=one(Header, "policy.toml"),
        functions=many(Function, "functions.toml"),
        purposes=many(Purpose, "purposes.toml"),
        categories=many(Category, "categories.toml"),
        permissions=many(Permission, "permissions.toml"),
        fallbacks=many(Fallback, "fallbacks.toml"),
        pairs=_pairs(
            tables.get("pairs.toml", {}), Place(problems, "pairs.toml"), locales
        ),
        sdks=many(Sdk, "sdks.toml"),
        clocks=many(Clock, "clocks.toml"),
        text=source.text,
        tables=tables,
    )


def _pairs(
    table: Table, place: Place, locales: tuple[str, ...]
) -> dict[tuple[str, str], Pair]:
    pairs = {}
    for capability, purposes in table.items():
        for purpose, entry in entries_of(purposes, place.at(capability)):
            given: dict[str, object] = {"capability": capability, "purpose": purpose}
            below = place.at(capability, purpose)
            pair = read_item(Pair, entry, below, locales, given)
            if pair is not None:
                pairs[capability, purpose] = pair
    return pairs
