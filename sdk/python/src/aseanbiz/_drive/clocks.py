"""The machine's own clocks."""

import sys
import time
from datetime import UTC, datetime


def seconds() -> float:
    """Return seconds that only grow, also in suspend where that can be had.

    CLOCK_MONOTONIC stands still while a Linux machine is suspended: a release
    or a token would look fresher than it is.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class SystemClock:
    """Real time, blocking."""

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return seconds()

    def today(self) -> datetime:
        """Return the calendar time, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Block this thread for that many seconds."""
        time.sleep(seconds)


class AsyncSystemClock:
    """Real time, awaited."""

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return seconds()

    def today(self) -> datetime:
        """Return the calendar time, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for that many seconds."""
        import asyncio  # noqa: PLC0415 - the blocking client does without

        await asyncio.sleep(seconds)
