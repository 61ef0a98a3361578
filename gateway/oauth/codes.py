"""Authorization codes: 256 bits, 60 seconds, once.

A code is not stored but derived from its request under the key ring, so that the
same outcome can be shown again while the database holds nothing to redeem.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from gateway import tokens
from gateway.keys import KeyRing
from permissions.decision import Held
from permissions.ids import shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction

CODE_LIFE: Final = timedelta(seconds=60)


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What a code stands for: one request of one client, as the subject answered it.

    ``details`` are the authorization details as granted; ``held`` is what the token
    may reach at most. The family is named after the request.
    """

    sha256: str
    client: str
    subject: str
    request: str
    redirect_uri: str
    code_challenge: str
    scope: tuple[str, ...]
    details: tuple[dict[str, Any], ...]
    grant_set: str
    held: Held
    expires_at: datetime

    @property
    def family(self) -> str:
        """The family of every token that comes from this code."""
        return self.request


def code_of(keys: KeyRing, request: str) -> str:
    """Return the code of a request: 64 hex characters, the same each time."""
    return keys.mac("code", request)


def issue(transaction: Transaction, code: Code) -> None:
    """Store a new code and open its family."""
    tokens.start_family(transaction, code.family, code.client)
    transaction.connection.execute(
        insert(tables.authorization_codes).values(
            shard=shard_of(code.sha256),
            sha256=code.sha256,
            client=code.client,
            subject=code.subject,
            request=code.request,
            family=code.family,
            redirect_uri=code.redirect_uri,
            code_challenge=code.code_challenge,
            scope=list(code.scope),
            details=list(code.details),
            grant_set=code.grant_set,
            epoch=code.held.epoch,
            client_epoch=code.held.client_epoch,
            rights={name: list(held) for name, held in code.held.rights.items()},
            expires_at=code.expires_at,
            used_at=None,
        )
    )


def consume(transaction: Transaction, sha256: str, client: str) -> Code | None:
    """Use a code up and return it; None if there is none of this client left.

    One conditional UPDATE that names the client: of parallel tries exactly one
    wins, and another client's try neither burns nor revokes.
    """
    held = tables.authorization_codes
    row = transaction.connection.execute(
        update(held)
        .where(
            held.c.shard == shard_of(sha256),
            held.c.sha256 == sha256,
            held.c.client == client,
            held.c.used_at.is_(None),
        )
        .values(used_at=transaction.now)
        .returning(held)
    ).one_or_none()
    return None if row is None else _code(row)


def family_of(connection: Connection, sha256: str, client: str) -> str | None:
    """Return the family of this client's code, used or not."""
    held = tables.authorization_codes
    return connection.scalar(
        select(held.c.family).where(
            held.c.shard == shard_of(sha256),
            held.c.sha256 == sha256,
            held.c.client == client,
        )
    )


def _code(row: Row[Any]) -> Code:
    return Code(
        sha256=row.sha256,
        client=row.client,
        subject=row.subject,
        request=row.request,
        redirect_uri=row.redirect_uri,
        code_challenge=row.code_challenge,
        scope=tuple(row.scope),
        details=tuple(row.details),
        grant_set=row.grant_set,
        held=Held(
            epoch=row.epoch,
            client_epoch=row.client_epoch,
            rights={name: tuple(held) for name, held in row.rights.items()},
        ),
        expires_at=row.expires_at,
    )
