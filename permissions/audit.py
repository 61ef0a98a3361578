"""The audit: is the ledger whole, and is the state what it says.

Pure: rows go in, shard by shard and in order, and are looked at once; what is held
at a time is the state of one shard, however long its ledger has grown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from permissions.acts import OwnerKind, effect_of, owner_of
from permissions.fold import FoldError, apply
from permissions.ids import shard_of
from permissions.ledger import Entry, Stored, verify
from permissions.state import Owner, Subject

OwnerKey = tuple[OwnerKind, str]
Places = Iterable[tuple[str, str, str]]  # (kind of row, its id, the owner it names)

_NOT_OURS: Final = "entry"  # an entry that no door would have written


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What was found to be whole."""

    entries: int
    shards: int
    owners: int


class StateDiverged(Exception):
    """A row is not what the ledger says: its kind and its id.

    ``kind`` is ``subject``, ``client`` or ``function`` for an owner, ``grant`` or
    ``grant_set`` for a row without its subject, ``entry`` for a ledger entry that
    cannot follow the ones before it, ``index`` for one whose columns beside the body
    say something else, and ``shard`` for a shard without its head.
    """

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(kind, key)
        self.kind, self.id = kind, key

    def __str__(self) -> str:
        return f"{self.kind} {self.id} is not what the ledger says"


class Indexed(msgspec.Struct, frozen=True):
    """A stored entry with the columns by which the store finds it."""

    stored: Stored
    effect: str
    prev_effect_seq: int
    owner: tuple[str, str]
    act: str
    at: datetime


class ShardAudit:
    """The check of one shard: feed it the ledger once, then compare the state.

    ``seq``, ``effect_seq`` and ``sha256`` are the shard's head as stored.
    """

    def __init__(self, shard: int, seq: int, effect_seq: int, sha256: bytes) -> None:
        self._shard = shard
        self._head = (seq, effect_seq, sha256)
        self.states: dict[OwnerKey, Owner] = {}
        self.entries = 0

    def follow(self, rows: Iterable[Indexed]) -> None:
        """Check the chain and fold it.

        Raises ChainBroken where bytes are missing or changed, StateDiverged where a
        sound chain says what cannot have happened.
        """
        seq, effect_seq, sha256 = self._head
        beside: list[Indexed] = []  # the row whose entry comes next; never more

        def bodies() -> Iterable[Stored]:
            for row in rows:
                beside[:] = [row]
                yield row.stored

        last = 0
        for entry in verify(self._shard, bodies(), head_seq=seq, head_hash=sha256):
            last = self._compare(entry, beside[0], last)
            owner = owner_of(entry.act)
            if shard_of(owner[1]) != self._shard:
                raise StateDiverged(_NOT_OURS, entry.version)
            try:
                self.states[owner] = apply(self.states.get(owner), entry)
            except FoldError:
                raise StateDiverged(_NOT_OURS, entry.version) from None
            self.entries += 1
        if last != effect_seq:
            raise StateDiverged("index", f"{self._shard}.{seq}")

    def _compare(self, entry: Entry, row: Indexed, last: int) -> int:
        """Hold the columns to the body; return the last entry with an effect."""
        effect = effect_of(entry.act)
        said = (row.effect, row.prev_effect_seq, row.owner, row.act, row.at)
        tag = str(entry.act.__struct_config__.tag)
        if said != (effect, last, owner_of(entry.act), tag, entry.at):
            raise StateDiverged("index", entry.version)
        return last if effect == "none" else entry.seq

    def compare(self, tables: Mapping[OwnerKey, Owner], places: Places) -> None:
        """Raise StateDiverged where the tables of this shard are not the fold.

        ``tables`` is every owner as stored; ``places`` every row that names one.
        """
        for owner in sorted(self.states.keys() | tables.keys()):
            if self.states.get(owner) != tables.get(owner):
                raise StateDiverged(*owner)
        for kind, key, subject in places:
            if not self._holds(kind, key, self.states.get(("subject", subject))):
                raise StateDiverged(kind, key)

    @staticmethod
    def _holds(kind: str, key: str, state: Owner | None) -> bool:
        if not isinstance(state, Subject):
            return False
        if kind == "grant":
            return key in state.grants
        return any(held.id == key for held in state.sets.values())
