"""The inclusion and consistency vectors of the transparency-dev project."""

from __future__ import annotations

import base64
import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from permissions.merkle.proof import ProofInvalid, verify_consistency, verify_inclusion

FOLDER = Path(__file__).parents[2] / "vectors" / "merkle"


def vectors(kind: str) -> list[Any]:
    """Return every case of one kind, named by its file."""
    return [
        pytest.param(
            json.loads(file.read_text()), id=str(file.relative_to(FOLDER / kind))
        )
        for file in sorted((FOLDER / kind).rglob("*.json"))
    ]


INCLUSION, CONSISTENCY = vectors("inclusion"), vectors("consistency")


def told(case: dict[str, Any]) -> AbstractContextManager[object]:
    """Expect what the vector says: nothing, or a refusal."""
    return pytest.raises(ProofInvalid) if case["wantErr"] else nullcontext()


def decoded(case: dict[str, Any]) -> list[bytes]:
    """Return the proof's hashes; a vector may say null for none."""
    return [base64.b64decode(one) for one in case["proof"] or ()]


def test_all_vectors_are_there() -> None:
    """No folder was lost on the way: 98 cases of each kind."""
    assert (len(INCLUSION), len(CONSISTENCY)) == (98, 98)


@pytest.mark.parametrize("case", INCLUSION)
def test_inclusion(case: dict[str, Any]) -> None:
    """Each proof of inclusion is believed or refused as the vector says."""
    leaf, root = (base64.b64decode(case[name]) for name in ("leafHash", "root"))

    with told(case):
        verify_inclusion(leaf, case["leafIdx"], case["treeSize"], decoded(case), root)


@pytest.mark.parametrize("case", CONSISTENCY)
def test_consistency(case: dict[str, Any]) -> None:
    """Each proof of consistency is believed or refused as the vector says."""
    first, second = (base64.b64decode(case[name]) for name in ("root1", "root2"))

    with told(case):
        verify_consistency(case["size1"], case["size2"], decoded(case), first, second)
