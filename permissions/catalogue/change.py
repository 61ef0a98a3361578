"""What a new version of the policy changes, for whom, and how much it matters."""

from __future__ import annotations

from typing import Literal

import msgspec

# The six material kinds of the policy (R69), and everything that is none of them.
Kind = Literal[
    "mode", "organisation", "recipients", "rights", "contact", "risk", "minor"
]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the catalogue for which people are asked again (R71).

    Without ``elements`` the whole pair. ``rests`` says that a yes given earlier
    pauses until it is given anew, which the decision does for a pair whose
    ``changed_in`` is the new version; otherwise it goes on under its old terms, and
    only what it does not cover is asked. ``changed_in`` is what the new pair says.
    """

    capability: str
    purpose: str
    elements: tuple[str, ...] = ()
    rests: bool = True
    changed_in: str = ""

    def __str__(self) -> str:
        named = f" ({', '.join(self.elements)})" if self.elements else ""
        return f"{self.capability} for {self.purpose}{named}"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change between two versions, and what it demands.

    ``consent`` is asked for the ``parts``; without parts it is asked of everyone,
    to the change itself, and whoever does not agree stays under the old version.
    """

    kind: Kind
    place: str
    before: str  # shortened for reading; empty: was not there
    after: str  # empty: is no longer there
    meaning: str
    notice: bool  # everyone is told, prominently and personally: it is material (R69)
    consent: bool = False
    parts: tuple[Part, ...] = ()
    review: bool = False  # words changed: only a person can say what they mean now


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a version changes, the material first."""

    old_version: str
    new_version: str
    changes: tuple[Change, ...]

    @property
    def is_material(self) -> bool:
        """Say whether any change is material; one is enough."""
        return any(change.notice for change in self.changes)
