"""Clients and their secrets: registering, listing, suspending, recognising.

A client is the ledger's; its secrets are rows beside it, as SHA-256 of 256 random
bits made here and shown once.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from gateway.oauth.redirects import is_allowed
from gateway.tokens import digest, new_secret
from permissions.acts import Actor, RegisterClient, ResumeClient, SuspendClient
from permissions.errors import RegistrationIncomplete
from permissions.ids import shard_of
from permissions.state import Client
from permissions.store import rows, tables
from permissions.store.transaction import Transaction

_OPERATOR: Final = Actor(kind="officer", id="cli")
_NOBODY: Final = digest("")  # what an unknown client's secret is compared with

APP_SCOPES: Final = frozenset(
    {"gateway.check", "gateway.subjects", "gateway.asks", "gateway.introspect"}
)
PARTNER_SCOPES: Final[frozenset[str]] = frozenset()  # partners act for people only


def register(transaction: Transaction, client: Client) -> str:
    """Register a client, or renew its registration; return a new secret, once.

    The secret before it stays good, so that it can be replaced without a pause;
    older ones end. Raises PermissionsError for a registration that cannot be.
    """
    offered = APP_SCOPES if client.kind == "app" else PARTNER_SCOPES
    if not offered.issuperset(client.scopes):
        raise RegistrationIncomplete(
            "scopes",
            f"only {', '.join(sorted(offered))}" if offered else "none for a partner",
        )
    if not all(is_allowed(client, uri) for uri in client.redirect_uris):
        raise RegistrationIncomplete(
            "redirect_uris",
            "https addresses, or http on 127.0.0.1 or [::1], without fragment and "
            "wildcard",
        )
    transaction.perform(RegisterClient(actor=_OPERATOR, client=client))
    secret = new_secret(transaction.random)
    _end_all_but_newest(transaction.connection, client.id)
    transaction.connection.execute(
        insert(tables.credentials).values(
            shard=shard_of(client.id),
            client=client.id,
            sha256=digest(secret),
            created_at=transaction.now,
        )
    )
    return secret


def suspend(transaction: Transaction, client: str) -> None:
    """Cut a client off; its tokens are dead for good. Twice is once."""
    transaction.perform(SuspendClient(actor=_OPERATOR, client=client))


def resume(transaction: Transaction, client: str) -> None:
    """Let a suspended client ask again; its older tokens stay dead."""
    transaction.perform(ResumeClient(actor=_OPERATOR, client=client))


def is_contracted(client: Client, now: datetime) -> bool:
    """Say whether a client may get tokens now (R43)."""
    contract = client.contract
    return client.state == "contracted" and (
        contract is None or contract.not_before <= now < contract.not_after
    )


def recognised(connection: Connection, client: str, secret: str) -> Client | None:
    """Return the client if the secret is one of its own, else None.

    An unknown client costs the same work as a wrong secret, so that time does not
    tell which ids exist (security A10, A11).
    """
    held = tables.credentials
    query = select(held.c.sha256).where(
        held.c.shard == shard_of(client), held.c.client == client
    )
    known = _matches(digest(secret), connection.scalars(query).all() or [_NOBODY])
    return rows.client(connection, client) if known else None


def _end_all_but_newest(connection: Connection, client: str) -> None:
    held = tables.credentials
    own = (held.c.shard == shard_of(client), held.c.client == client)
    newest = connection.scalar(
        select(held.c.sha256).where(*own).order_by(held.c.created_at.desc()).limit(1)
    )
    connection.execute(delete(held).where(*own, held.c.sha256 != newest))


def _matches(sha256: str, candidates: Iterable[str]) -> bool:
    found = False
    for candidate in candidates:
        found |= hmac.compare_digest(sha256, candidate)
    return found
