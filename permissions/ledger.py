"""The ledger: what one entry says, how entries are chained, how a chain is checked.

An entry is JSON with sorted keys, written once and never serialised again; its
hash is SHA-256(0x00 || entry), which is also its Merkle leaf hash (RFC 9162 2.1.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from permissions.acts import Act

GENESIS: Final = bytes(32)  # what the first entry of a shard points back to


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One act in its place: shard, sequence, time, and the hash before it.

    ``id`` names the entry for ever; ``prev`` is lower-case hex.
    """

    id: str
    shard: int
    seq: int
    at: datetime
    act: Act
    prev: str

    @property
    def version(self) -> str:
        """The place of this entry, as clients see it."""
        return f"{self.shard}.{self.seq}"


class Stored(msgspec.Struct, frozen=True):
    """An entry as it lies in the store: its bytes and their hash."""

    seq: int
    body: bytes
    sha256: bytes


class ChainBroken(Exception):
    """The ledger is not what was written: where, and what is wrong."""

    def __init__(self, shard: int, seq: int, reason: str) -> None:
        super().__init__(shard, seq, reason)
        self.shard, self.seq, self.reason = shard, seq, reason

    def __str__(self) -> str:
        return f"ledger entry {self.shard}.{self.seq}: {self.reason}"


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Entry)


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of an entry's stored bytes."""
    return hashlib.sha256(b"\x00" + body).digest()


def encode(entry: Entry) -> bytes:
    """Return the bytes to store; call it once per entry."""
    return _encoder.encode(entry)


def decode(body: bytes) -> Entry:
    """Read an entry back; raises msgspec.DecodeError for what is none."""
    return _decoder.decode(body)


def verify(
    shard: int, rows: Iterable[Stored], *, head_seq: int, head_hash: bytes
) -> Iterable[Entry]:
    """Yield the entries of one shard in order, checking each against the chain.

    Raises ChainBroken at the first entry that is missing, changed, out of place,
    or when the chain does not end at the head: a truncated log is found too.
    """
    seq, prev = 0, GENESIS
    for row in rows:
        seq += 1
        if row.seq != seq:
            raise ChainBroken(shard, seq, f"missing; the next entry is {row.seq}")
        if leaf_hash(row.body) != row.sha256:
            raise ChainBroken(shard, seq, "its bytes do not match its hash")
        try:
            entry = decode(row.body)
        except msgspec.DecodeError:
            raise ChainBroken(shard, seq, "its bytes are no entry") from None
        if (entry.shard, entry.seq) != (shard, seq):
            raise ChainBroken(shard, seq, f"says that it is {entry.version}")
        if entry.prev != prev.hex():
            raise ChainBroken(shard, seq, "does not follow the entry before it")
        prev = row.sha256
        yield entry
    if (seq, prev) != (head_seq, head_hash):
        raise ChainBroken(shard, seq + 1, f"missing; the head says {head_seq}")
