"""Until when a token or a release may be used."""

import math
from collections.abc import Callable

from aseanbiz._transport import Response

REFRESH_FROM = 0.8
"""Share of a token's life after which it is renewed, while it still works."""
REFRESH_SPREAD = 0.05
"""Share of the life over which replicas spread their renewals."""
LONGEST_VALIDITY = 10
"""Digits read of X-Consent-Valid-For; more is nonsense."""


def refresh_at(got: float, life: float, random: Callable[[], float]) -> float:
    """Return when to renew a token that was asked for at ``got``, in seconds."""
    return got + life * (REFRESH_FROM + REFRESH_SPREAD * random())


def valid_for_ms(response: Response) -> int:
    """Return for how long a release may be used, counted from its request.

    0 if the header is missing or unreadable: then it may not be used at all.
    """
    value = response.header("x-consent-valid-for") or ""
    if not (value.isascii() and value.isdigit() and len(value) <= LONGEST_VALIDITY):
        return 0
    return int(value)


def took_ms(sent_at: float, done_at: float) -> int:
    """Return the whole milliseconds between two seconds, rounded up."""
    return math.ceil((done_at - sent_at) * 1000)
