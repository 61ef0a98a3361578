"""Proofs that a leaf is in a tree, and that one tree grew out of another.

Making and checking share nothing but the hash: whoever checks needs no log, only the
proof and roots that it trusts. Source: RFC 9162 §2.1.3 and §2.1.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hmac import compare_digest

from permissions.merkle.tree import HASH_BYTES, Read, Span, node_hash, subtree_hashes


class ProofInvalid(Exception):
    """A proof does not prove what it is held against; the reason says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def inclusion(position: int, size: int, read: Read) -> tuple[bytes, ...]:
    """Return the proof that the leaf at ``position`` is in the tree of ``size``.

    Raises ValueError for a leaf outside the tree.
    """
    if not 0 <= position < size:
        raise ValueError(f"a tree of {size} leaves has none at {position}")
    spans: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if position < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin = middle
    return subtree_hashes(reversed(spans), read)


def consistency(first: int, second: int, read: Read) -> tuple[bytes, ...]:
    """Return the proof that the tree of ``first`` leaves begins that of ``second``.

    Raises ValueError unless 0 < first <= second: nothing grows out of nothing.
    """
    if not 0 < first <= second:
        raise ValueError(f"no tree of {second} leaves can extend one of {first}")
    spans: list[Span] = []
    begin, end = 0, second
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin = middle
    if begin:  # else the verifier has this hash already: it is the first root
        spans.append(Span(begin, end))
    return subtree_hashes(reversed(spans), read)


def verify_inclusion(
    leaf: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise ProofInvalid unless ``leaf`` is at ``position`` under ``root``.

    ``leaf`` is a leaf hash; ``size`` is the tree's, and as trusted as the root.
    """
    if not 0 <= position < size:
        raise ProofInvalid("the leaf lies outside the tree")
    _check_lengths(leaf, root, *proof)
    folded = leaf
    for sibling, is_left in _steps(position, size - 1, proof):
        folded = node_hash(sibling, folded) if is_left else node_hash(folded, sibling)
    if not compare_digest(folded, root):
        raise ProofInvalid("the leaf is not under this root")


def verify_consistency(
    first: int,
    second: int,
    proof: Sequence[bytes],
    first_root: bytes,
    second_root: bytes,
) -> None:
    """Raise ProofInvalid unless the second tree begins with the whole first one."""
    if not 0 < first <= second:
        raise ProofInvalid("the sizes are not those of a tree and a later one")
    if first == second:
        if proof:
            raise ProofInvalid("the proof is too long")
        if not compare_digest(first_root, second_root):
            raise ProofInvalid("one size has two roots")
        return
    _check_lengths(first_root, second_root, *proof)
    # A first tree that is one complete subtree is left out of the proof.
    path = [first_root, *proof] if first.bit_count() == 1 else list(proof)
    if not path:
        raise ProofInvalid("the proof is too short")
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling, is_left in _steps(at, last, path[1:]):
        if is_left:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    if not compare_digest(old, first_root):
        raise ProofInvalid("the proof does not begin at the first root")
    if not compare_digest(new, second_root):
        raise ProofInvalid("the second root does not extend the first")


def _steps(at: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each hash on the way up, and whether it lies to the left of ours.

    Raises ProofInvalid where the way does not end at the root.
    """
    for sibling in path:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        is_left = bool(at & 1) or at == last
        yield sibling, is_left
        while is_left and at and not at & 1:
            at, last = at >> 1, last >> 1  # levels at which the edge has no sibling
        at, last = at >> 1, last >> 1
    if last:
        raise ProofInvalid("the proof is too short")


def _split(count: int) -> int:
    """Return the largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def _check_lengths(*hashes: bytes) -> None:
    """Refuse other lengths: the seam between two hashes could be moved."""
    if any(len(one) != HASH_BYTES for one in hashes):
        raise ProofInvalid("a hash does not have 32 bytes")
