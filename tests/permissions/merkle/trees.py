"""Trees for tests: small, whole, and built the slow way of RFC 9162 §2.1.1."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from permissions.merkle.tree import EMPTY_ROOT, Node, node_hash


def leaves(count: int) -> list[bytes]:
    """Return the leaf hashes of the numbers below ``count``."""
    return [
        hashlib.sha256(b"\x00" + str(one).encode()).digest() for one in range(count)
    ]


def slow_root(held: Sequence[bytes]) -> bytes:
    """Return the root by the recursive definition, with nothing remembered."""
    if not held:
        return EMPTY_ROOT
    if len(held) == 1:
        return held[0]
    split = 1
    while split * 2 < len(held):
        split *= 2
    return node_hash(slow_root(held[:split]), slow_root(held[split:]))


class Tree:
    """Leaves, and a ``read`` over all of their complete subtrees."""

    def __init__(self, held: Sequence[bytes]) -> None:
        self._held = held
        self.asked: list[Node] = []

    def read(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        """Return the hashes of nodes, and note what was asked for."""
        self.asked += nodes
        return {node: self._node(node) for node in nodes}

    def _node(self, node: Node) -> bytes:
        begin = node.position << node.level
        held = self._held[begin : begin + (1 << node.level)]
        assert len(held) == 1 << node.level, "only complete subtrees are nodes"
        return slow_root(held)
