"""Effective rights: what a token may reach now, which is what it holds and no more.

Pure. Introspection, token issue and every other reader of a token ask this one
function, and it asks the decision about each element.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from permissions.catalogue.model import Catalogue
from permissions.decision import Allow, Held, Question, Standing, decide
from permissions.state import Grant


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """One live grant, with the elements of it that a token reaches."""

    grant: Grant
    elements: tuple[str, ...]
    valid_for_ms: int


def effective(
    held: Held, client: str, standing: Standing, catalogue: Catalogue, now: datetime
) -> tuple[Right, ...]:
    """Return the rights of a token that count at ``now``; empty says it is dead.

    A right counts where token and grant both have the element, the grant put it in
    force no later than the token's epoch, and the decision says allow.
    """
    subject = standing.subject
    if subject is None:
        return ()
    rights: list[Right] = []
    for name, elements in held.rights.items():
        grant = subject.grants.get(name)
        if grant is None or grant.client != client:
            continue
        answers = {
            element: decide(
                Question(
                    client=client,
                    capability=grant.capability,
                    purpose=grant.purpose,
                    elements=(element,),
                    use=True,  # a one-time grant counts until it is spent
                ),
                standing,
                catalogue,
                now,
                held,
            )
            for element in elements
        }
        live = {
            element: answer.valid_for_ms
            for element, answer in answers.items()
            if isinstance(answer, Allow)
        }
        if live:
            rights.append(
                Right(
                    grant=grant,
                    elements=tuple(live),
                    valid_for_ms=min(live.values()),
                )
            )
    return tuple(rights)


def narrowed(
    details: tuple[dict[str, Any], ...], rights: tuple[Right, ...]
) -> list[dict[str, Any]]:
    """Return granted authorization details, cut down to the rights that count."""
    live = {right.grant.id: right.elements for right in rights}
    return [
        detail
        | {
            "elements": [
                name
                for name in detail["elements"]
                if name in live[detail["identifier"]]
            ]
        }
        for detail in details
        if detail["identifier"] in live
    ]
