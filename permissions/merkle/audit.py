"""The audit of the log: do leaves, nodes and all signed checkpoints agree.

Pure: leaves go in once, in order; checkpoints are compared where their size is
reached, those of the store and those that somebody else has kept alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from permissions.merkle.checkpoint import Checkpoint
from permissions.merkle.tree import CompactRange, Node

Breach = Literal["truncated", "rewritten", "equivocation", "unsigned", "damaged"]


class LogBroken(Exception):
    """The log is not what was signed: the kind of breach, where, and what is wrong.

    ``truncated``: something that was there is gone. ``rewritten``: something is not
    what it was. ``equivocation``: two signed checkpoints of one size differ.
    ``unsigned``: a stored checkpoint is not the log's. ``damaged``: rows that only
    help to make proofs are wrong; history itself is whole.
    """

    def __init__(self, kind: Breach, where: str, reason: str) -> None:
        super().__init__(kind, where, reason)
        self.kind, self.where, self.reason = kind, where, reason

    def __str__(self) -> str:
        return f"log {self.kind} at {self.where}: {self.reason}"


class LogAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What was found whole; ``waiting`` entries are not in the log yet."""

    size: int
    checkpoints: int
    waiting: int


class TreeAudit:
    """Grows the tree anew, leaf by leaf, and holds checkpoints against it."""

    def __init__(self, checkpoints: Iterable[Checkpoint]) -> None:
        self._grown = CompactRange()
        self._ahead = iter(checkpoints)
        self._next = next(self._ahead, None)
        self.compared = 0
        self._compare()

    @property
    def size(self) -> int:
        """How many leaves have gone in."""
        return self._grown.size

    def append(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Add a leaf hash; return the nodes that the store should hold for it.

        Raises LogBroken where a checkpoint of the new size has another root.
        """
        completed = self._grown.append(leaf)
        self._compare()
        return completed

    def end(self) -> None:
        """Raise LogBroken where a checkpoint speaks of leaves that are not there."""
        if self._next is not None:
            raise LogBroken(
                "truncated",
                f"size {self.size}",
                f"a signed checkpoint says that there were {self._next.size} leaves",
            )

    def _compare(self) -> None:
        while self._next is not None and self._next.size == self._grown.size:
            if self._next.root != self._grown.root():
                raise LogBroken(
                    "rewritten",
                    f"size {self._next.size}",
                    "the signed checkpoint of this size has another root",
                )
            self.compared += 1
            self._next = next(self._ahead, None)
