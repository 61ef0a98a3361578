"""The audit of leaves against checkpoints, without a database."""

from __future__ import annotations

import pytest

from permissions.merkle.audit import LogBroken, TreeAudit
from permissions.merkle.checkpoint import Checkpoint
from tests.permissions.merkle.trees import leaves, slow_root

HELD = leaves(9)


def head(size: int, held: list[bytes] = HELD) -> Checkpoint:
    """Return a checkpoint of the first leaves."""
    return Checkpoint(origin="log", size=size, root=slow_root(held[:size]))


def follow(held: list[bytes], *checkpoints: Checkpoint) -> TreeAudit:
    """Audit leaves against checkpoints, to the end."""
    audit = TreeAudit(checkpoints)
    for leaf in held:
        audit.append(leaf)
    audit.end()
    return audit


def test_sound_log_meets_all_its_checkpoints() -> None:
    """The empty tree, each size on the way, two of one size, and the last."""
    audit = follow(HELD, head(0), head(4), head(4), head(5), head(9))

    assert (audit.size, audit.compared) == (9, 5)


@pytest.mark.parametrize("changed", range(5))
def test_rewritten_leaf_is_named_by_the_next_checkpoint(changed: int) -> None:
    """Whichever leaf changes, the first checkpoint above it has another root."""
    held = [*HELD]
    held[changed] = held[-1]

    with pytest.raises(LogBroken, match="rewritten at size 5") as caught:
        follow(held, head(5), head(9))
    assert caught.value.kind == "rewritten"


def test_truncated_log_is_named() -> None:
    """A checkpoint of leaves that are gone shows that they were there."""
    with pytest.raises(LogBroken, match=r"truncated at size 8.*9 leaves"):
        follow(HELD[:8], head(5), head(9))


def test_wrong_first_checkpoint_is_found() -> None:
    """Even of nothing there is one root only."""
    with pytest.raises(LogBroken, match="rewritten at size 0"):
        follow(HELD, Checkpoint(origin="log", size=0, root=HELD[0]))
