"""The chain: each way to tamper with it is found where it was done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from permissions.catalogue.model import Catalogue
from permissions.ids import shard_of
from permissions.ledger import (
    GENESIS,
    ChainBroken,
    Entry,
    Stored,
    decode,
    encode,
    leaf_hash,
    verify,
)
from tests.permissions.actors import ANN, World

SHARD = shard_of(ANN)
Tamper = Callable[[list[Stored]], list[Stored]]


@pytest.fixture
def chain(catalogue: Catalogue) -> list[Stored]:
    """Give five entries of Ann's shard: two to begin with, yes, no, yes."""
    world = World.ready(catalogue)
    for _ in range(3):
        world.perform(world.acts.give())
    bodies = [encode(entry) for entry in world.entries if entry.shard == SHARD]
    return [
        Stored(seq, body, leaf_hash(body)) for seq, body in enumerate(bodies, start=1)
    ]


def verified(rows: list[Stored], head: Stored, shard: int = SHARD) -> list[Entry]:
    """Verify rows against a head."""
    return list(verify(shard, rows, head_seq=head.seq, head_hash=head.sha256))


def forged(row: Stored, **changes: str | int) -> Stored:
    """Change an entry and hash it again, as somebody with the file would."""
    body = encode(replace(decode(row.body), **changes))
    return Stored(row.seq, body, leaf_hash(body))


def flipped(rows: list[Stored]) -> list[Stored]:
    """Flip one bit of the third entry."""
    body = bytearray(rows[2].body)
    body[40] ^= 1
    return [*rows[:2], Stored(3, bytes(body), rows[2].sha256), *rows[3:]]


def no_entry(rows: list[Stored]) -> list[Stored]:
    """Put bytes that are no entry in the third place, with their right hash."""
    return [*rows[:2], Stored(3, b"{}", leaf_hash(b"{}")), *rows[3:]]


def swapped(rows: list[Stored]) -> list[Stored]:
    """Let the third and fourth entry change places."""
    third, fourth = rows[2], rows[3]
    return [
        *rows[:2],
        Stored(3, fourth.body, fourth.sha256),
        Stored(4, third.body, third.sha256),
        *rows[4:],
    ]


class TestVerify:
    def test_whole_chain(self, chain: list[Stored]) -> None:
        """What was written is read back, in order."""
        entries = verified(chain, chain[-1])

        assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
        assert entries[0].prev == GENESIS.hex()
        assert entries[4].version == f"{SHARD}.5"

    def test_empty_shard(self) -> None:
        """A shard that nothing has happened in is whole."""
        assert list(verify(3, [], head_seq=0, head_hash=GENESIS)) == []

    @pytest.mark.parametrize(
        ("tamper", "seq", "reason"),
        [
            (flipped, 3, "its bytes do not match its hash"),
            (lambda rows: [*rows[:2], *rows[3:]], 3, "missing; the next entry is 4"),
            (lambda rows: rows[1:], 1, "missing; the next entry is 2"),
            (swapped, 3, f"says that it is {SHARD}.4"),
            (no_entry, 3, "its bytes are no entry"),
            (lambda rows: [*rows, rows[-1]], 6, "missing; the next entry is 5"),
            (lambda rows: rows[:-1], 5, "missing; the head says 5"),
            (lambda _: [], 1, "missing; the head says 5"),
            (
                lambda rows: [*rows[:2], forged(rows[2], id="evt_x"), *rows[3:]],
                4,
                "does not follow the entry before it",
            ),
            (
                lambda rows: [*rows[:4], forged(rows[4], id="evt_x")],
                6,
                "missing; the head says 5",
            ),
            (
                lambda rows: [*rows[:2], forged(rows[2], shard=SHARD + 1), *rows[3:]],
                3,
                f"says that it is {SHARD + 1}.3",
            ),
            (
                lambda rows: [forged(rows[0], prev="ff" * 32), *rows[1:]],
                1,
                "does not follow the entry before it",
            ),
        ],
        ids=[
            "flipped bit",
            "missing",
            "missing first",
            "swapped",
            "no entry",
            "twice",
            "cut tail",
            "nothing left",
            "hashed again",
            "last one hashed again",
            "from another shard",
            "another beginning",
        ],
    )
    def test_tampering_is_named(
        self, chain: list[Stored], tamper: Tamper, seq: int, reason: str
    ) -> None:
        """The first entry that is not as written is named, with what is wrong."""
        with pytest.raises(ChainBroken) as found:
            verified(tamper(chain), chain[-1])

        assert (found.value.shard, found.value.seq) == (SHARD, seq)
        assert found.value.reason == reason
        assert f"{SHARD}.{seq}" in str(found.value)

    def test_head_of_another_chain(self, chain: list[Stored]) -> None:
        """The right number with another hash is another chain."""
        with pytest.raises(ChainBroken):
            verified(chain, Stored(5, b"", bytes(32)))

    def test_chain_of_another_shard(self, chain: list[Stored]) -> None:
        """A whole chain in the wrong shard is not that shard's."""
        with pytest.raises(ChainBroken, match=f"says that it is {SHARD}.1"):
            verified(chain, chain[-1], shard=SHARD + 1)

    def test_yields_nothing_unchecked(self, chain: list[Stored]) -> None:
        """Entries before the broken one are good; the broken one never comes out."""
        good: list[int] = []
        rows = flipped(chain)

        with pytest.raises(ChainBroken):
            good.extend(
                entry.seq
                for entry in verify(SHARD, rows, head_seq=5, head_hash=chain[-1].sha256)
            )

        assert len(good) <= 2


class TestEntry:
    def test_hash_is_the_merkle_leaf(self) -> None:
        """SHA-256 over a zero byte and the entry (RFC 9162 §2.1.1)."""
        assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()

    def test_bytes_are_sorted_json(self, chain: list[Stored]) -> None:
        """The stored form has one spelling; reading and writing keeps it."""
        for row in chain:
            assert encode(decode(row.body)) == row.body
            assert row.body.startswith(b'{"act":{')
