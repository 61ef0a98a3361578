"""Trees, roots and proofs, against the recursive definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permissions.merkle.proof import (
    ProofInvalid,
    consistency,
    inclusion,
    verify_consistency,
    verify_inclusion,
)
from permissions.merkle.tree import CompactRange, Node, Span, cover, peaks, root
from tests.permissions.merkle.trees import Tree, leaves, slow_root

SIZES = 64
HELD = leaves(SIZES)
ROOTS = [slow_root(HELD[:size]) for size in range(SIZES + 1)]

some_leaves = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=80)


def flipped(value: bytes, bit: int) -> bytes:
    """Return a hash with one bit changed."""
    return (int.from_bytes(value, "big") ^ (1 << bit)).to_bytes(len(value), "big")


class TestTree:
    def test_appending_gives_the_root_of_the_definition(self) -> None:
        """After each leaf the right edge folds to the recursive root."""
        grown = CompactRange()
        found = [grown.root()]
        for leaf in HELD:
            grown.append(leaf)
            found.append(grown.root())

        assert found == ROOTS

    def test_appending_completes_each_node_once(self) -> None:
        """The nodes told are all complete subtrees above the leaves, and right."""
        grown, tree = CompactRange(), Tree(HELD)
        told = [pair for leaf in HELD for pair in grown.append(leaf)]

        assert len(told) == len({node for node, _ in told}) == SIZES - 1
        assert dict(told) == tree.read([node for node, _ in told])

    @pytest.mark.parametrize("size", range(SIZES + 1))
    def test_growing_goes_on_from_what_is_stored(self, size: int) -> None:
        """A process that starts anew needs the peaks and nothing else."""
        edge = peaks(size)
        held = Tree(HELD).read(edge)

        grown = CompactRange(size, [held[node] for node in edge])
        for leaf in HELD[size:]:
            grown.append(leaf)

        assert grown.root() == ROOTS[SIZES]

    def test_peaks_of_another_size_are_refused(self) -> None:
        """A wrong number of peaks is a mistake, not another tree."""
        with pytest.raises(ValueError, match="peaks"):
            CompactRange(3, HELD[:1])

    def test_cover_runs_from_left_to_right(self) -> None:
        """A ragged subtree is made of its complete parts."""
        assert cover(Span(8, 15)) == (Node(2, 2), Node(1, 6), Node(0, 14))

    @given(st.integers(1, 500))
    def test_numbers_of_nodes_never_meet(self, size: int) -> None:
        """Each node has a number of its own; inner ones are odd, and in reach."""
        nodes = [
            Node(level, position)
            for level in range(size.bit_length())
            for position in range(size >> level)
        ]
        numbers = {node.number: node for node in nodes}

        assert len(numbers) == len(nodes)
        assert all(node.number % 2 == (node.level > 0) for node in nodes)
        assert max(numbers) <= 2 * size - 2


class TestInclusion:
    @given(some_leaves)
    def test_every_leaf_of_any_tree_proves(self, held: list[bytes]) -> None:
        """Each leaf has a proof, and reading it takes O(log n) nodes."""
        size, top = len(held), slow_root(held)
        for position, leaf in enumerate(held):
            tree = Tree(held)
            proof = inclusion(position, size, tree.read)

            verify_inclusion(leaf, position, size, proof, top)
            assert len(tree.asked) <= 2 * size.bit_length()

    @given(st.data(), st.integers(1, SIZES))
    def test_any_flipped_bit_fails(self, data: st.DataObject, size: int) -> None:
        """A bit of the leaf, of the root or anywhere in the proof is enough."""
        position = data.draw(st.integers(0, size - 1))
        proof = inclusion(position, size, Tree(HELD).read)
        parts = [HELD[position], ROOTS[size], *proof]
        part = data.draw(st.integers(0, len(parts) - 1))
        parts[part] = flipped(parts[part], data.draw(st.integers(0, 255)))
        leaf, top, *path = parts

        with pytest.raises(ProofInvalid):
            verify_inclusion(leaf, position, size, path, top)

    @given(st.data(), st.integers(1, SIZES))
    def test_another_place_fails(self, data: st.DataObject, size: int) -> None:
        """A proof holds for its own position alone."""
        position = data.draw(st.integers(0, size - 1))
        other = data.draw(st.integers(-1, size).filter(lambda one: one != position))
        proof = inclusion(position, size, Tree(HELD).read)

        with pytest.raises(ProofInvalid):
            verify_inclusion(HELD[position], other, size, proof, ROOTS[size])

    @pytest.mark.parametrize("position", [-1, 3])
    def test_leaf_outside_the_tree_has_no_proof(self, position: int) -> None:
        """Nothing is proven about what is not there."""
        with pytest.raises(ValueError, match="has none"):
            inclusion(position, 3, Tree(HELD).read)


class TestConsistency:
    @pytest.mark.parametrize("second", range(1, SIZES + 1))
    def test_each_tree_extends_each_smaller_one(self, second: int) -> None:
        """All pairs of sizes up to 64; O(log n) nodes are read for each."""
        for first in range(1, second + 1):
            tree = Tree(HELD)
            proof = consistency(first, second, tree.read)

            verify_consistency(first, second, proof, ROOTS[first], ROOTS[second])
            assert len(tree.asked) <= 2 * second.bit_length()

    @given(st.data(), st.integers(2, SIZES))
    def test_any_flipped_bit_fails(self, data: st.DataObject, second: int) -> None:
        """A bit of either root or anywhere in the proof is enough."""
        first = data.draw(st.integers(1, second))
        proof = consistency(first, second, Tree(HELD).read)
        parts = [ROOTS[first], ROOTS[second], *proof]
        part = data.draw(st.integers(0, len(parts) - 1))
        parts[part] = flipped(parts[part], data.draw(st.integers(0, 255)))
        old, new, *path = parts

        with pytest.raises(ProofInvalid):
            verify_consistency(first, second, path, old, new)

    @given(st.data(), st.integers(1, SIZES - 1))
    def test_rewritten_leaf_has_no_proof(self, data: st.DataObject, first: int) -> None:
        """Change one old leaf, make the honest proof: it does not fit the old root."""
        second = data.draw(st.integers(first + 1, SIZES))
        changed = data.draw(st.integers(0, first - 1))
        held = [*HELD]
        held[changed] = flipped(held[changed], 0)
        tree = Tree(held)
        proof = consistency(first, second, tree.read)

        with pytest.raises(ProofInvalid):
            verify_consistency(
                first, second, proof, ROOTS[first], root(second, tree.read)
            )

    @pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (-1, 3)])
    def test_impossible_sizes_have_no_proof(self, first: int, second: int) -> None:
        """No tree extends a larger one, and nothing grows out of nothing."""
        with pytest.raises(ValueError, match="extend"):
            consistency(first, second, Tree(HELD).read)
