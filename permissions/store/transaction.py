"""One transaction on the store: acts through the door, and rows beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.orm import Session

from permissions.acts import (
    Act,
    CollectData,
    GiveGrant,
    OwnerKind,
    RefuseGrant,
    ReleaseData,
    effect_of,
    owner_of,
)
from permissions.catalogue.model import Catalogue
from permissions.decision import Decision, Held, Question, Standing, decide
from permissions.door import Performed, Place, perform
from permissions.ids import Prefix, Random, new_id, shard_of
from permissions.ledger import Entry
from permissions.state import Client, Subject
from permissions.store import rows, tables

_HEADS: Final = tables.shard_heads
# Statements are built once: building costs more than running them.
_NEXT: Final = (
    update(_HEADS)
    .where(_HEADS.c.shard == bindparam("of"))
    .values(seq=_HEADS.c.seq + 1)
    .returning(_HEADS.c.shard, _HEADS.c.seq, _HEADS.c.effect_seq, _HEADS.c.sha256)
)
_APPEND: Final = insert(tables.ledger)
_CHAIN: Final = (
    update(_HEADS)
    .where(_HEADS.c.shard == bindparam("of"))
    .values(sha256=bindparam("sha256"), effect_seq=bindparam("effect_seq"))
)


class Transaction:
    """A unit of work: everything in it is written, or nothing.

    ``session`` is a SQLAlchemy Session for libraries that want one; `connection`
    the same transaction for ordinary queries. ``now`` and ``random`` are the
    store's clock and source of random bytes, so that work stays repeatable.
    """

    def __init__(
        self, session: Session, catalogue: Catalogue, now: datetime, random: Random
    ) -> None:
        self.session = session
        self.catalogue = catalogue
        self.now = now
        self.random = random
        self.entries: list[Entry] = []

    @property
    def connection(self) -> Connection:
        """The connection that carries this transaction."""
        return self.session.connection()

    def new_id(self, prefix: Prefix) -> str:
        """Return a fresh id of a kind."""
        return new_id(prefix, self.random)

    def subject(self, key: str) -> Subject | None:
        """Read one subject inside this transaction."""
        return rows.subject(self.connection, key)

    def client(self, key: str) -> Client | None:
        """Read one client inside this transaction."""
        return rows.client(self.connection, key)

    def version(self, key: str) -> str:
        """Return the version of a key's shard as this transaction sees it."""
        shard = shard_of(key)
        heads = tables.shard_heads
        seq = self.connection.scalar(select(heads.c.seq).where(heads.c.shard == shard))
        return f"{shard}.{seq}"

    def decide(
        self, subject: str, question: Question, held: Held | None = None
    ) -> Decision:
        """Decide from rows read here: such a decision is confirmed by the commit."""
        standing = self.standing(subject, question.client)
        return decide(question, standing, self.catalogue, self.now, held)

    def standing(self, subject: str, client: str) -> Standing:
        """Read what decisions about these two rest on, for several at once."""
        return Standing(
            version=self.version(subject),
            subject=self.subject(subject),
            client=self.client(client),
            closed=frozenset(rows.closed_functions(self.connection)),
        )

    def perform(self, act: Act) -> Performed | None:
        """Carry an act through the door; None where it was so already.

        Raises PermissionsError, and then has written nothing.
        """
        kind, key = owner_of(act)
        # Whatever fails in here, also when the work catches it and goes on, leaves
        # neither half an act nor a gap in the shard.
        with self.connection.begin_nested() as whole:
            # The row lock on the head comes first: state read after it cannot change.
            head = self.connection.execute(_NEXT, {"of": shard_of(key)}).one()
            place = Place(
                id=self.new_id("evt"),
                shard=head.shard,
                seq=head.seq,
                at=self.now,
                prev=head.sha256,
            )
            done = perform(
                act,
                rows.owner(self.connection, kind, key),
                self._recipient(act),
                self.catalogue,
                place,
            )
            if done is None:
                whole.rollback()
                return None
            self._append(done, kind, key, head.effect_seq)
        self.entries.append(done.entry)
        return done

    def _recipient(self, act: Act) -> Client | None:
        match act:
            case GiveGrant() | RefuseGrant() | CollectData() | ReleaseData():
                return self.client(act.client)
            case _:
                return None

    def _append(
        self, done: Performed, kind: OwnerKind, key: str, effect_seq: int
    ) -> None:
        entry = done.entry
        effect = effect_of(entry.act)
        self.connection.execute(
            _APPEND,
            {
                "shard": entry.shard,
                "seq": entry.seq,
                "effect": effect,
                "prev_effect_seq": effect_seq,
                "owner_kind": kind,
                "owner": key,
                "act": entry.act.__struct_config__.tag,
                "at": entry.at,
                "body": done.body,
                "sha256": done.sha256,
            },
        )
        self.connection.execute(
            _CHAIN,
            {
                "of": entry.shard,
                "sha256": done.sha256,
                "effect_seq": effect_seq if effect == "none" else entry.seq,
            },
        )
        if effect != "none":
            rows.write(self.connection, entry.shard, done.state)
