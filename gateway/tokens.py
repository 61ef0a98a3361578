"""Opaque tokens: 256 random bits outside, their SHA-256 inside (RFC 9700 §2.2).

A token says who asks and, for a partner, the most it may ever reach; what it may
reach now is for the decision to say.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, insert, select, update

from permissions.decision import Held
from permissions.ids import Random, shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction

TokenKind = Literal["client", "user", "access"]

CLIENT_LIFE: Final = timedelta(seconds=600)
ACCESS_LIFE: Final = timedelta(seconds=300)
USER_LIFE: Final = timedelta(hours=12)
_CAPACITY: Final = 100_000


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a token stands for; the token itself is not kept."""

    sha256: str
    kind: TokenKind
    client: str
    subject: str | None
    family: str | None
    scope: tuple[str, ...]
    grant_set: str | None
    held: Held
    issued_at: datetime
    expires_at: datetime


def new_secret(random: Random) -> str:
    """Return 256 random bits as 43 URL-safe characters."""
    return base64.urlsafe_b64encode(random(32)).rstrip(b"=").decode("ascii")


def digest(secret: str) -> str:
    """Return the form in which a secret of 256 bits is stored; hex SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def issue(
    transaction: Transaction,
    *,
    kind: TokenKind,
    client: str,
    life: timedelta,
    client_epoch: int,
    subject: str | None = None,
    family: str | None = None,
    scope: tuple[str, ...] = (),
    grant_set: str | None = None,
    epoch: int = 0,
    rights: dict[str, tuple[str, ...]] | None = None,
    secret: str | None = None,
) -> tuple[str, Token]:
    """Store a new token; return the secret, once, and what it stands for.

    ``secret`` is a derived one, where a retry has to find it again.
    """
    secret = secret or new_secret(transaction.random)
    token = Token(
        sha256=digest(secret),
        kind=kind,
        client=client,
        subject=subject,
        family=family,
        scope=scope,
        grant_set=grant_set,
        held=Held(epoch=epoch, client_epoch=client_epoch, rights=rights or {}),
        issued_at=transaction.now,
        expires_at=transaction.now + life,
    )
    transaction.connection.execute(
        insert(tables.tokens).values(
            shard=shard_of(token.sha256),
            sha256=token.sha256,
            kind=kind,
            client=client,
            subject=subject,
            family=family,
            scope=list(scope),
            grant_set=grant_set,
            epoch=epoch,
            client_epoch=client_epoch,
            rights={name: list(held) for name, held in token.held.rights.items()},
            issued_at=token.issued_at,
            expires_at=token.expires_at,
            revoked_at=None,
        )
    )
    return secret, token


def find(connection: Connection, sha256: str) -> Token | None:
    """Return a token that is not revoked, nor its family; expiry is not judged."""
    held, families = tables.tokens, tables.token_families
    row = connection.execute(
        select(held).where(
            held.c.shard == shard_of(sha256),
            held.c.sha256 == sha256,
            held.c.revoked_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    if row.family is not None:
        dead = connection.scalar(
            select(families.c.revoked_at).where(
                families.c.shard == shard_of(row.family), families.c.id == row.family
            )
        )
        if dead is not None:
            return None
    return Token(
        sha256=row.sha256,
        kind=row.kind,
        client=row.client,
        subject=row.subject,
        family=row.family,
        scope=tuple(row.scope),
        grant_set=row.grant_set,
        held=Held(
            epoch=row.epoch,
            client_epoch=row.client_epoch,
            rights={name: tuple(held) for name, held in row.rights.items()},
        ),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )


def revoke(transaction: Transaction, sha256: str) -> None:
    """End one token for good; the grants behind it stay."""
    held = tables.tokens
    transaction.connection.execute(
        update(held)
        .where(
            held.c.shard == shard_of(sha256),
            held.c.sha256 == sha256,
            held.c.revoked_at.is_(None),
        )
        .values(revoked_at=transaction.now)
    )


def start_family(transaction: Transaction, family: str, client: str) -> None:
    """Open the family that all tokens of one authorization belong to."""
    transaction.connection.execute(
        insert(tables.token_families).values(
            shard=shard_of(family), id=family, client=client, revoked_at=None
        )
    )


def revoke_family(transaction: Transaction, family: str) -> None:
    """End every token of one authorization, those not yet issued included."""
    families = tables.token_families
    transaction.connection.execute(
        update(families)
        .where(families.c.shard == shard_of(family), families.c.id == family)
        .values(revoked_at=transaction.now)
    )


class TokenMemory:
    """Live tokens by hash, kept in memory; told of every revocation.

    Only found tokens are kept: unknown ones would let a stranger fill it.
    """

    def __init__(self, *, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._tokens: dict[str, Token] = {}

    def get(self, sha256: str) -> Token | None:
        """Return a remembered token; None says to read the store."""
        return self._tokens.get(sha256)

    def keep(self, token: Token) -> None:
        """Remember a token that the store has just confirmed."""
        while len(self._tokens) >= self._capacity:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token.sha256] = token

    def drop(self, sha256: str) -> None:
        """Forget one token, before its revocation is acknowledged."""
        self._tokens.pop(sha256, None)

    def drop_family(self, family: str) -> None:
        """Forget every token of a family, before that is acknowledged."""
        gone = [key for key, token in self._tokens.items() if token.family == family]
        for key in gone:
            del self._tokens[key]
