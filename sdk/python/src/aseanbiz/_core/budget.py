"""How many retries a client may spend, so that a crowd cannot fell the gateway."""

import threading
from collections import deque

SHARE = 0.1
"""Retries per request over the window."""
FLOOR = 3
"""Retries that are always free: a quiet client must survive one bad moment."""
WINDOW = 10
"""Seconds, counted in buckets of one second."""


class Budget:
    """Count requests and retries of the last ten seconds.

    Time is in seconds, from the clock that the operation reads.
    """

    def __init__(self) -> None:
        self._buckets: deque[list[int]] = deque()  # second, requests, retries
        self._lock = threading.Lock()

    def requested(self, now: float) -> None:
        """Count one call, whatever becomes of it."""
        with self._lock:
            self._bucket(now)[1] += 1

    def take(self, now: float) -> bool:
        """Spend one retry; False means that none is left."""
        with self._lock:
            bucket = self._bucket(now)
            requests = sum(one[1] for one in self._buckets)
            retries = sum(one[2] for one in self._buckets)
            if retries >= FLOOR + SHARE * requests:
                return False
            bucket[2] += 1
            return True

    def _bucket(self, now: float) -> list[int]:
        second = int(now)
        while self._buckets and self._buckets[0][0] <= second - WINDOW:
            self._buckets.popleft()
        if not self._buckets or self._buckets[-1][0] < second:
            self._buckets.append([second, 0, 0])
        return self._buckets[-1]
