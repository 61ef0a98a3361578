"""How long to wait, and what may be tried again."""

from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime

from aseanbiz._transport import Response

FIRST_PAUSE = 0.1
"""Seconds; the ceiling of the first pause."""
LONGEST_PAUSE = 2.0
"""Seconds; beyond, callers should hear of the failure instead."""

TURNED_AWAY = frozenset({429, 503})
"""Answers of a gateway that has not begun: any call may be repeated."""
PERHAPS_DONE = frozenset({500, 502, 504})
"""Answers after which the call may have happened: only a repeatable one is."""


def pauses(random: Callable[[], float]) -> Iterator[float]:
    """Yield the pause in seconds before each further attempt.

    Full jitter over a doubling ceiling: callers that failed together do not
    come back together. ``random`` gives numbers in [0, 1).
    """
    ceiling = FIRST_PAUSE
    while True:
        yield random() * ceiling
        ceiling = min(ceiling * 2, LONGEST_PAUSE)


def may_repeat(status: int, *, repeatable: bool) -> bool:
    """Say whether an answer of this status permits another attempt.

    ``repeatable`` calls happen once however often they are sent: reads, and
    writes under an Idempotency-Key. An authorization code is not: its second
    use revokes what the first one brought.
    """
    return status in TURNED_AWAY or (repeatable and status in PERHAPS_DONE)


def retry_after(response: Response) -> float | None:
    """Return the wait in seconds that the answer demands (RFC 9110 §10.2.3).

    A date is counted from the answer's own ``Date``, so that a wrong clock on
    this side cannot shorten it. None if nothing readable is demanded.
    """
    value = response.header("retry-after")
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:10])  # ten digits are 300 years: long enough
    sent = response.header("date")
    if sent is None:
        return None
    try:
        gap = parsedate_to_datetime(value) - parsedate_to_datetime(sent)
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, gap.total_seconds())
