"""What a person has allowed, as they see it: pure, from state to what a page shows.

Whether a grant still counts is asked of the decision, so that a page never says
"allowed" of something that a check would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from permissions.catalogue.model import (
    Basis,
    Catalogue,
    Category,
    Element,
    Fallback,
    Function,
    Pair,
    Text,
)
from permissions.decision import Allow, Question, Standing, decide
from permissions.state import Client, Grant, Subject

Status = Literal["live", "paused", "expired", "ended"]


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """One grant, with the words that belong to it.

    ``status`` is ``live`` where a check would allow it now, ``paused`` where the
    grant stands and something else is in the way (``reason`` says what).
    """

    grant: Grant
    client: Client
    status: Status
    reason: str
    title: Text
    purpose: Text
    function: Function | None
    fallback: Fallback | None
    elements: tuple[Element, ...]
    retention_days: int | None


class Basing(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator uses on another ground than a yes, and which (G12)."""

    title: Text
    purpose: Text
    basis: Basis
    elements: tuple[Element, ...]


def rights_of(
    subject: Subject,
    standings: Mapping[str, Standing],
    catalogue: Catalogue,
    now: datetime,
) -> tuple[Right, ...]:
    """Return every right a subject gave, newest first; refusals are none.

    ``standings`` holds what the ledger says, by client.
    """
    found = [
        _right(grant, standings[grant.client], catalogue, now)
        for grant in subject.grants.values()
        if grant.state != "refused" and standings[grant.client].client is not None
    ]
    return tuple(sorted(found, key=lambda right: right.grant.since, reverse=True))


def in_force(rights: Iterable[Right]) -> tuple[Right, ...]:
    """Return what can be taken back: live rights and paused ones."""
    return tuple(right for right in rights if right.status in {"live", "paused"})


def bases(catalogue: Catalogue) -> tuple[Basing, ...]:
    """Return what the catalogue declares on another ground than consent."""
    found: list[Basing] = []
    for pair in catalogue.pairs.values():
        item = catalogue.capabilities[pair.capability]
        if not isinstance(item, Category):
            continue
        by_basis: dict[Basis, list[Element]] = {}
        for name in pair.elements:
            by_basis.setdefault(pair.basis_of(name), []).append(item.elements[name])
        found.extend(
            Basing(
                title=item.title,
                purpose=catalogue.purposes[pair.purpose].title,
                basis=basis,
                elements=tuple(elements),
            )
            for basis, elements in by_basis.items()
            if basis != "consent"
        )
    return tuple(found)


def title_of(catalogue: Catalogue, capability: str) -> Text:
    """Return the title of a capability; its id where the catalogue has dropped it."""
    item = catalogue.capabilities.get(capability)
    if item is None:
        return dict.fromkeys(catalogue.locales, capability)
    return item.title


def purpose_of(catalogue: Catalogue, name: str) -> Text:
    """Return the title of a purpose; its id where the catalogue has dropped it."""
    known = catalogue.purposes.get(name)
    return dict.fromkeys(catalogue.locales, name) if known is None else known.title


def elements_of(
    catalogue: Catalogue, capability: str, names: Iterable[str]
) -> tuple[Element, ...]:
    """Return the named elements that the catalogue knows, in its order."""
    item = catalogue.capabilities.get(capability)
    if not isinstance(item, Category):
        return ()
    wanted = set(names)
    return tuple(value for name, value in item.elements.items() if name in wanted)


def _right(
    grant: Grant, standing: Standing, catalogue: Catalogue, now: datetime
) -> Right:
    client = standing.client
    assert client is not None  # noqa: S101 - rights_of() has left these out
    pair = catalogue.pairs.get((grant.capability, grant.purpose))
    purpose = catalogue.purposes.get(grant.purpose)
    status, reason = _status(grant, standing, catalogue, now)
    return Right(
        grant=grant,
        client=client,
        status=status,
        reason=reason,
        title=title_of(catalogue, grant.capability),
        purpose=purpose_of(catalogue, grant.purpose),
        function=None if purpose is None else catalogue.functions[purpose.function],
        fallback=None if pair is None else catalogue.fallbacks[pair.fallback],
        elements=_counted(grant, standing, catalogue, now, status),
        retention_days=_retention(client, pair),
    )


def _status(
    grant: Grant, standing: Standing, catalogue: Catalogue, now: datetime
) -> tuple[Status, str]:
    if grant.state != "granted":
        return "ended", grant.state
    answer = decide(_question(grant), standing, catalogue, now)
    if isinstance(answer, Allow):
        return "live", answer.reason
    return ("expired" if answer.reason == "expired" else "paused"), answer.reason


def _counted(
    grant: Grant,
    standing: Standing,
    catalogue: Catalogue,
    now: datetime,
    status: Status,
) -> tuple[Element, ...]:
    """Return the elements of a grant; of a live one those that count now."""
    held = elements_of(catalogue, grant.capability, grant.elements)
    if status != "live":
        return held
    return tuple(
        element
        for element in held
        if isinstance(
            decide(_question(grant, element.id), standing, catalogue, now), Allow
        )
    )


def _question(grant: Grant, *elements: str) -> Question:
    return Question(
        client=grant.client,
        capability=grant.capability,
        purpose=grant.purpose,
        elements=elements,
        record=grant.records[0] if grant.records else None,
        scene=grant.scene,
        use=grant.one_time,
    )


def _retention(client: Client, pair: Pair | None) -> int | None:
    if client.contract is None or pair is None:
        return None
    part = client.contract.pair(pair.capability, pair.purpose)
    return None if part is None else part.retention_days
