"""Callback states that were accepted already."""

import threading


class UsedStates:
    """Accept each state once in this process.

    Other processes are guarded by the gateway: a code works once (RFC 6749
    §4.1.2). Times are in seconds of one clock.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def claim(self, state: str, now: float, life: float) -> bool:
        """Take the state for ``life`` seconds; False if it was taken before."""
        with self._lock:
            # In order of insertion, and with one life for all: oldest first.
            while self._until and next(iter(self._until.values())) <= now:
                del self._until[next(iter(self._until))]
            if state in self._until:
                return False
            self._until[state] = now + life
            return True

    def give_back(self, state: str) -> None:
        """Allow the state again: its code never left this process."""
        with self._lock:
            self._until.pop(state, None)
