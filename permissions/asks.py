"""When somebody may be asked again: the arithmetic of the ask budget."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from permissions.catalogue.model import Catalogue, Clock
from permissions.state import Subject

ASK_AGAIN: Final = "ask_again_after_refusal"  # rule_id of the clock
TICKET_LIFE: Final = timedelta(minutes=15)  # longer, and nobody knows what was shown

_UNITS: Final = {
    "seconds": timedelta(seconds=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}


def next_ask_at(refused_at: datetime, window: timedelta) -> datetime:
    """Return the first instant at which a scene may ask again after a refusal.

    The instant returned may ask; a microsecond earlier may not.

    Raises ValueError for a time without a zone or a negative window: either
    would move the answer silently.

    Source: requirement R26; app stores reject a second prompt within 48 h.
    """
    if refused_at.tzinfo is None:
        raise ValueError("refused_at needs a time zone, such as UTC")
    if window < timedelta(0):
        raise ValueError(f"window must not be negative, got {window}")
    return refused_at + window


def quiet_until(
    subject: Subject, client: str, capability: str, scene: str, window: timedelta
) -> datetime | None:
    """Return until when a scene must not ask for a capability; None if it may.

    The budget counts each (capability, scene) of a subject, whatever the purpose:
    asking again for another one is the same nagging (R26).
    """
    refused = [
        grant.since
        for grant in subject.grants.values()
        if grant.state == "refused"
        and (grant.client, grant.capability, grant.scene) == (client, capability, scene)
    ]
    return next_ask_at(max(refused), window) if refused else None


def ask_window(catalogue: Catalogue) -> timedelta:
    """Return how long a refusal keeps a scene quiet, from the catalogue's clocks."""
    return _length(catalogue.clocks[ASK_AGAIN])


def _length(clock: Clock) -> timedelta:
    if clock.unit not in _UNITS:
        raise ValueError(f"{clock.rule_id} must be in seconds, hours or days")
    return clock.duration * _UNITS[clock.unit]
