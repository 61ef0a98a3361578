"""Log-in attempts: a state that one browser may bring back once, within ten minutes.

Rows hold the state's hash, the browser's random id and how it ended: nothing of the
person, so a refusal leaves nothing about anybody (R38).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gateway.tokens import digest
from gateway.web.sessions import WebSession
from oauth_wechat import LOGIN_LIVES
from permissions.ids import shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction

SIGNED_IN: Final = "signed_in"
REFUSED: Final = "refused"
FAILED: Final = "failed"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as stored; ``outcome`` is None until it has ended.

    An outcome is a word, and for a success the subject behind a colon, so that a
    second callback of the same browser can be given what the first one got.
    """

    sha256: str
    channel: str
    app: str
    browser: str
    next: str
    expires_at: datetime
    used_at: datetime | None
    outcome: str | None

    @property
    def subject(self) -> str | None:
        """Who was signed in, where this attempt ended so."""
        word, _, subject = (self.outcome or "").partition(":")
        return subject if word == SIGNED_IN else None


def begin(
    tx: Transaction, session: WebSession, state: str, *, app: str, next_path: str
) -> None:
    """Store a new attempt of this browser; the state itself is not kept."""
    held = tables.login_attempts
    shard = shard_of(digest(state))
    tx.connection.execute(
        delete(held).where(held.c.shard == shard, held.c.expires_at <= tx.now)
    )
    tx.connection.execute(
        insert(held).values(
            shard=shard,
            sha256=digest(state),
            channel="website",
            app=app,
            browser=session.browser,
            next=next_path,
            expires_at=tx.now + LOGIN_LIVES,
            used_at=None,
            outcome=None,
        )
    )


def find(connection: Connection, sha256: str) -> Attempt | None:
    """Return the attempt of a state's hash, used and expired ones included."""
    held = tables.login_attempts
    row = connection.execute(
        select(held).where(held.c.shard == shard_of(sha256), held.c.sha256 == sha256)
    ).one_or_none()
    if row is None:
        return None
    return Attempt(
        sha256=row.sha256,
        channel=row.channel,
        app=row.app,
        browser=row.browser,
        next=row.next,
        expires_at=row.expires_at,
        used_at=row.used_at,
        outcome=row.outcome,
    )


def consume(tx: Transaction, attempt: Attempt, outcome: str | None = None) -> bool:
    """Use an attempt up, before its code is exchanged; False for all but the first."""
    held = tables.login_attempts
    used = tx.connection.execute(
        update(held)
        .where(
            held.c.shard == shard_of(attempt.sha256),
            held.c.sha256 == attempt.sha256,
            held.c.used_at.is_(None),
            held.c.expires_at > tx.now,
        )
        .values(used_at=tx.now, outcome=outcome)
    )
    return used.rowcount == 1


def conclude(tx: Transaction, attempt: Attempt, outcome: str) -> None:
    """Note how a consumed attempt ended, for callbacks that come again."""
    held = tables.login_attempts
    tx.connection.execute(
        update(held)
        .where(
            held.c.shard == shard_of(attempt.sha256), held.c.sha256 == attempt.sha256
        )
        .values(outcome=outcome)
    )
