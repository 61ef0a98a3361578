"""Time, as one thing that can be replaced."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tell the time and let it pass; a test brings one that jumps."""

    def monotonic(self) -> float:
        """Return seconds that only grow, also while the machine sleeps."""

    def today(self) -> datetime:
        """Return the calendar time, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""


class AsyncClock(Protocol):
    """The same contract as `Clock`, with a sleep that is awaited."""

    def monotonic(self) -> float:
        """Return seconds that only grow, also while the machine sleeps."""

    def today(self) -> datetime:
        """Return the calendar time, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""
