"""The tree: how leaves become nodes, and nodes a root (RFC 9162 §2.1).

A node is named by its level above the leaves and its position within that level.
Only complete subtrees are nodes; they never change once they are there, so they may
be stored, and whatever else is needed is put together from at most log2(n) of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()  # of a tree without leaves


class Node(NamedTuple):
    """The complete subtree over ``2**level`` leaves, the position-th of its level."""

    level: int
    position: int

    @property
    def number(self) -> int:
        """Its place when the whole tree is read from left to right: leaves are even.

        One number for each node, and close to those of its neighbours in time.
        """
        return ((2 * self.position + 1) << self.level) - 1


class Span(NamedTuple):
    """The leaves from ``begin`` up to but not including ``end``: one subtree."""

    begin: int
    end: int


Read = Callable[[Sequence[Node]], Mapping[Node, bytes]]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def cover(span: Span) -> tuple[Node, ...]:
    """Return the fewest nodes that make up a subtree, from left to right."""
    found: list[Node] = []
    begin, left = span
    left -= begin
    while left:
        level = left.bit_length() - 1
        found.append(Node(level, begin >> level))
        begin += 1 << level
        left -= 1 << level
    return tuple(found)


def peaks(size: int) -> tuple[Node, ...]:
    """Return the nodes that make up a tree of some size, the largest first."""
    return cover(Span(0, size))


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash of a subtree from those of its cover."""
    if not hashes:
        return EMPTY_ROOT
    *rest, folded = hashes
    for one in reversed(rest):
        folded = node_hash(one, folded)
    return folded


def root(size: int, read: Read) -> bytes:
    """Return the root of the first ``size`` leaves."""
    return subtree_hashes([Span(0, size)], read)[0]


def subtree_hashes(spans: Iterable[Span], read: Read) -> tuple[bytes, ...]:
    """Return the hashes of subtrees; ``read`` is asked once, for all their nodes."""
    covers = [cover(span) for span in spans]
    held = read([node for nodes in covers for node in nodes])
    return tuple(fold([held[node] for node in nodes]) for nodes in covers)


class CompactRange:
    """The right edge of a growing tree: all that appending needs to know.

    ``hashes`` are those of `peaks`, the largest first.
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has another number of peaks")
        self.size = size
        self._hashes = list(hashes)

    def append(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Add one leaf hash; return the inner nodes that it completes, lowest first."""
        completed: list[tuple[Node, bytes]] = []
        level, position, folded = 0, self.size, leaf
        while position & 1:
            level, position = level + 1, position >> 1
            folded = node_hash(self._hashes.pop(), folded)
            completed.append((Node(level, position), folded))
        self._hashes.append(folded)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the root of what has been appended."""
        return fold(self._hashes)
