"""Receipts: what a person keeps as the record of one act."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from gateway.api.shapes import Receipt
from permissions.acts import GiveGrant, RefuseGrant, WithdrawGrant
from permissions.ids import shard_of
from permissions.ledger import Entry, decode, leaf_hash
from permissions.store import tables

_RECEIPTED: Final = (GiveGrant, RefuseGrant, WithdrawGrant)


def receipt_of(entry: Entry, sha256: bytes) -> Receipt:
    """Return the receipt of an entry; raises TypeError for an act without one."""
    act = entry.act
    if not isinstance(act, _RECEIPTED):
        raise TypeError(f"{type(act).__name__} carries no receipt")
    return Receipt(
        id=act.receipt,
        version=entry.version,
        entry_sha256=sha256.hex(),
        act=str(act.__struct_config__.tag),
        at=entry.at,
    )


def receipt_at(connection: Connection, subject: str, seq: int) -> Receipt:
    """Return the receipt of the entry at one place of a subject's shard.

    It is read back from the ledger, so that a repeated call hands out the same one.
    """
    held = tables.ledger
    body = connection.execute(
        select(held.c.body).where(held.c.shard == shard_of(subject), held.c.seq == seq)
    ).scalar_one()
    return receipt_of(decode(body), leaf_hash(body))
