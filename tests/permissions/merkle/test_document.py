"""Proofs as they are handed out, verified with the public key alone."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from permissions.merkle.checkpoint import Checkpoint, sign
from permissions.merkle.document import (
    ConsistencyProof,
    InclusionProof,
    LogProof,
    check_kept,
    read_proof,
    verify_proof,
)
from permissions.merkle.note import NoteInvalid, Signer
from permissions.merkle.proof import ProofInvalid, consistency, inclusion
from tests.permissions.merkle.trees import Tree, leaves, slow_root

LOG = Signer("log.example/log", bytes(range(32)))
HELD = leaves(11)


def head(size: int) -> Checkpoint:
    """Return the log's checkpoint of some size."""
    return Checkpoint(origin="log.example/log", size=size, root=slow_root(HELD[:size]))


def make_inclusion(position: int = 4, size: int = 11) -> InclusionProof:
    """Make a proof as the gateway answers it."""
    return InclusionProof(
        leaf_sha256=HELD[position].hex(),
        leaf_index=position,
        tree_size=size,
        proof=tuple(one.hex() for one in inclusion(position, size, Tree(HELD).read)),
        checkpoint=sign(head(size), LOG),
    )


def make_consistency(first: int = 3, second: int = 11) -> ConsistencyProof:
    """Make a proof as the gateway answers it."""
    return ConsistencyProof(
        first=first,
        second=second,
        proof=tuple(one.hex() for one in consistency(first, second, Tree(HELD).read)),
        from_checkpoint=sign(head(first), LOG),
        to_checkpoint=sign(head(second), LOG),
    )


PROOFS: list[LogProof] = [make_inclusion(), make_consistency()]


@pytest.mark.parametrize("proof", PROOFS)
def test_proof_survives_its_file(proof: LogProof) -> None:
    """What is read from the JSON is what was written."""
    assert read_proof(msgspec.json.encode(proof)) == proof


def test_proof_tells_the_checkpoints_it_rests_on() -> None:
    """Whoever verifies learns what the log has committed to."""
    assert verify_proof(make_inclusion(), LOG.verifier) == (head(11),)
    assert verify_proof(make_consistency(), LOG.verifier) == (head(3), head(11))


@pytest.mark.parametrize("proof", PROOFS)
@given(st.data())
def test_any_changed_byte_is_refused(proof: LogProof, data: st.DataObject) -> None:
    """Whichever byte of the file changes, it proves nothing any more."""
    body = bytearray(msgspec.json.encode(proof))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises((ProofInvalid, NoteInvalid)):
        verify_proof(read_proof(bytes(body)), LOG.verifier)


@pytest.mark.parametrize(
    "changed",
    [
        msgspec.structs.replace(make_inclusion(), tree_size=10),
        msgspec.structs.replace(make_inclusion(), leaf_sha256=HELD[4].hex().upper()),
        msgspec.structs.replace(make_inclusion(), leaf_sha256="zz"),
        msgspec.structs.replace(make_inclusion(), leaf_index=5),
        msgspec.structs.replace(make_inclusion(), proof=()),
        msgspec.structs.replace(make_consistency(), first=4),
        msgspec.structs.replace(make_consistency(), proof=()),
        msgspec.structs.replace(
            make_consistency(), from_checkpoint=sign(head(11), LOG), first=11
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(changed: LogProof) -> None:
    """Each part is held to the signed checkpoints, never to another part."""
    with pytest.raises(ProofInvalid):
        verify_proof(changed, LOG.verifier)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"kind":"receipt"}', b"\xff", b"[" * 100_000]
)
def test_file_that_is_no_proof(body: bytes) -> None:
    """Rubbish is refused in one way."""
    with pytest.raises(ProofInvalid, match="no proof"):
        read_proof(body)


def test_kept_checkpoint_is_found_again() -> None:
    """A checkpoint that somebody kept is one of those shown, or of another size."""
    shown = (head(3), head(11))

    assert check_kept(head(3), shown)
    assert not check_kept(head(5), shown)


def test_two_checkpoints_of_one_size_are_equivocation() -> None:
    """Two roots for one size: the log tells two people two histories."""
    other = msgspec.structs.replace(head(11), root=slow_root(HELD[1:]))

    with pytest.raises(ProofInvalid, match="equivocation"):
        check_kept(other, (head(3), head(11)))
