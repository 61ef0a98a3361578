"""What the ledger says, kept in memory and dropped when an act changes it.

State without I/O: a driver loads what is missing and tells of every act. The
answer to a question is put together from rows of several owners; each is dropped
on its own, so one act about a client reaches all its subjects at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from permissions.acts import OwnerKind
from permissions.decision import Standing
from permissions.ids import SHARDS, shard_of
from permissions.state import Client, FunctionState, Owner, Subject

OwnerKey = tuple[OwnerKind, str]

CAPACITY: Final = 100_000  # owners; the oldest loaded goes first


class Standings:
    """A bounded memory of owners' states, with the head of each shard.

    Never holds what an act has changed: `acted` has to be called for each committed
    act before its author is answered. Keys are tuples, so that no two owners share
    one.
    """

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        if capacity < 2:  # noqa: PLR2004 - a standing is made of two owners
            raise ValueError(f"capacity must be at least 2, got {capacity}")
        self._capacity = capacity
        self._owners: dict[OwnerKey, Owner | None] = {}
        self._heads = [0] * SHARDS
        self._closed: frozenset[str] = frozenset()

    def start(self, heads: Iterable[tuple[int, int]], closed: Iterable[str]) -> None:
        """Take over the heads (shard, seq) and closed functions found at start."""
        for shard, seq in heads:
            self._heads[shard] = max(self._heads[shard], seq)
        self._closed = frozenset(closed)

    def head(self, shard: int) -> int:
        """Return the sequence of a shard's newest entry."""
        return self._heads[shard]

    def missing(self, subject: str, client: str) -> list[OwnerKey]:
        """Return the owners that have to be loaded before `standing` can answer."""
        wanted: tuple[OwnerKey, ...] = (("subject", subject), ("client", client))
        return [key for key in wanted if key not in self._owners]

    def keep(self, key: OwnerKey, state: Owner | None) -> None:
        """Remember what was just read; None says that there is no such owner."""
        while len(self._owners) >= self._capacity:
            del self._owners[next(iter(self._owners))]
        self._owners[key] = state

    def standing(self, subject: str, client: str) -> Standing:
        """Put together what a decision needs; raises KeyError when it is missing."""
        who = self._owners["subject", subject]
        what = self._owners["client", client]
        shard = shard_of(subject)
        return Standing(
            version=f"{shard}.{self._heads[shard]}",
            subject=who if isinstance(who, Subject) else None,
            client=what if isinstance(what, Client) else None,
            closed=self._closed,
        )

    def client(self, client: str) -> Client | None:
        """Return a client; raises KeyError when it is missing."""
        state = self._owners["client", client]
        return state if isinstance(state, Client) else None

    def acted(self, shard: int, seq: int, changed: OwnerKey | None) -> None:
        """Note a committed entry; ``changed`` is the owner whose state it changed."""
        self._heads[shard] = max(self._heads[shard], seq)
        if changed is not None:
            self._owners.pop(changed, None)

    def switched(self, state: FunctionState) -> None:
        """Note that a function opened or closed."""
        rest = self._closed - {state.id}
        self._closed = rest if state.is_open else rest | {state.id}
