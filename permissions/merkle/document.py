"""Proofs as they are handed out, and their verification without the log.

Hashes are lower-case hex, as on receipts; checkpoints are whole signed notes. What
verifies here needs the log's public key and nothing else of the operator's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from permissions.merkle.checkpoint import Checkpoint, open_checkpoint
from permissions.merkle.note import Verifier
from permissions.merkle.proof import (
    ProofInvalid,
    verify_consistency,
    verify_inclusion,
)


class InclusionProof(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="inclusion"
):
    """One entry is in the log: its leaf hash, its place, and the way to the root."""

    leaf_sha256: str
    leaf_index: int
    tree_size: int
    proof: tuple[str, ...]
    checkpoint: str


class ConsistencyProof(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="kind",
    tag="consistency",
    rename={"first": "from", "second": "to"},
):
    """The log of size ``to`` begins with the whole log of size ``from``."""

    first: int
    second: int
    proof: tuple[str, ...]
    from_checkpoint: str
    to_checkpoint: str


LogProof = InclusionProof | ConsistencyProof

_decoder: Final[msgspec.json.Decoder[LogProof]] = msgspec.json.Decoder(LogProof)


def read_proof(body: bytes) -> LogProof:
    """Read a proof from the JSON of an answer; raises ProofInvalid."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProofInvalid("the file is no proof of this log") from None


def verify_proof(proof: LogProof, key: Verifier) -> tuple[Checkpoint, ...]:
    """Return the checkpoints that a proof rests on, once all of it is verified.

    Raises ProofInvalid where it proves nothing, NoteInvalid where a checkpoint is
    not this log's.
    """
    match proof:
        case InclusionProof():
            head = open_checkpoint(proof.checkpoint, key)
            if head.size != proof.tree_size:
                raise ProofInvalid("the checkpoint is of another size than the proof")
            (leaf,) = _hashes([proof.leaf_sha256])
            path = _hashes(proof.proof)
            verify_inclusion(leaf, proof.leaf_index, head.size, path, head.root)
            return (head,)
        case ConsistencyProof():
            old = open_checkpoint(proof.from_checkpoint, key)
            new = open_checkpoint(proof.to_checkpoint, key)
            if (old.size, new.size) != (proof.first, proof.second):
                raise ProofInvalid("the checkpoints are of other sizes than the proof")
            path = _hashes(proof.proof)
            verify_consistency(old.size, new.size, path, old.root, new.root)
            return (old, new)


def check_kept(kept: Checkpoint, shown: Sequence[Checkpoint]) -> bool:
    """Say whether one of the checkpoints shown is the one that somebody has kept.

    Raises ProofInvalid where the log has signed another root for the same size: it
    tells different people different histories.
    """
    same = [one for one in shown if one.size == kept.size]
    if any(one.root != kept.root for one in same):
        raise ProofInvalid(
            f"equivocation: two signed checkpoints of size {kept.size} differ; "
            "keep both, they prove it"
        )
    return bool(same)


def _hashes(written: Sequence[str]) -> list[bytes]:
    try:
        found = [bytes.fromhex(one) for one in written]
    except ValueError:
        raise ProofInvalid("a hash is not hex") from None
    if [one.hex() for one in found] != list(written):
        raise ProofInvalid("a hash is not lower-case hex")
    return found
