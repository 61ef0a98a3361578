"""Authorization requests: short-lived rows, bound to one browser, answered once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gateway.keys import KeyRing
from gateway.oauth.codes import code_of
from gateway.oauth.redirects import response_url
from gateway.oauth.rfc9396 import Narrowed
from permissions.ids import SHARDS, shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction

LIFE: Final = timedelta(minutes=15)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a request said, beside its items."""

    redirect_uri: str
    code_challenge: str
    scope: tuple[str, ...] = ()
    state: str | None = None
    prompt: tuple[str, ...] = ()
    max_age_s: int | None = None

    def needs_login(self, auth_time: datetime | None, since: datetime) -> bool:
        """Say whether the person has to sign in (again) for a request made then.

        ``prompt=login`` and an exceeded ``max_age`` want a newer log-in (OpenID
        Connect Core §3.1.2.1).
        """
        if auth_time is None:
            return True
        if auth_time < since and not {"login", "select_account"}.isdisjoint(
            self.prompt
        ):
            return True
        age = self.max_age_s
        return age is not None and auth_time + timedelta(seconds=age) < since


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How the form was shown last, and whether a person wants refused items back."""

    locale: str = ""
    at: datetime | None = None
    reconsider: bool = False


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request as stored; ``outcome`` is ``code`` or the error that ended it.

    ``subject`` is who answered; nobody else is told the outcome.
    """

    id: str
    client: str
    asked: Asked
    items: tuple[Narrowed, ...]
    shown: Shown
    browser: str
    nonce: str | None
    text_sha256: str | None
    created_at: datetime
    expires_at: datetime
    subject: str | None
    outcome: str | None


def open_request(
    transaction: Transaction,
    client: str,
    asked: Asked,
    items: tuple[Narrowed, ...],
    browser: str,
) -> AuthorizationRequest:
    """Store a valid request; nothing else carries it through the pages."""
    _sweep(transaction)
    request = AuthorizationRequest(
        id=transaction.new_id("req"),
        client=client,
        asked=asked,
        items=items,
        shown=Shown(),
        browser=browser,
        nonce=None,
        text_sha256=None,
        created_at=transaction.now,
        expires_at=transaction.now + LIFE,
        subject=None,
        outcome=None,
    )
    transaction.connection.execute(
        insert(tables.authorization_requests).values(
            shard=shard_of(request.id),
            id=request.id,
            client=client,
            parameters=msgspec.to_builtins(asked),
            items=msgspec.to_builtins(items),
            choices=msgspec.to_builtins(request.shown),
            browser=browser,
            nonce=None,
            text_sha256=None,
            subject=None,
            created_at=request.created_at,
            expires_at=request.expires_at,
            completed_at=None,
            outcome=None,
        )
    )
    return request


def find(connection: Connection, key: str) -> AuthorizationRequest | None:
    """Return a request by its id; expiry is not judged."""
    held = tables.authorization_requests
    row = connection.execute(
        select(held).where(held.c.shard == shard_of(key), held.c.id == key)
    ).one_or_none()
    if row is None:
        return None
    return AuthorizationRequest(
        id=row.id,
        client=row.client,
        asked=msgspec.convert(row.parameters, Asked),
        items=msgspec.convert(row.items, tuple[Narrowed, ...]),
        shown=msgspec.convert(row.choices, Shown),
        browser=row.browser,
        nonce=row.nonce,
        text_sha256=row.text_sha256,
        created_at=row.created_at,
        expires_at=row.expires_at,
        subject=row.subject,
        outcome=row.outcome,
    )


def note_shown(
    transaction: Transaction,
    request: AuthorizationRequest,
    shown: Shown,
    *,
    nonce: str | None,
    text_sha256: str | None,
) -> None:
    """Keep what a form showed, and the SHA-256 of the nonce that it may send back."""
    _update(
        transaction,
        request,
        choices=msgspec.to_builtins(shown),
        nonce=nonce,
        text_sha256=text_sha256,
    )


def complete(
    transaction: Transaction, request: AuthorizationRequest, subject: str, outcome: str
) -> bool:
    """End a request with its outcome; False where it has one already."""
    return _update(
        transaction,
        request,
        subject=subject,
        outcome=outcome,
        completed_at=transaction.now,
        nonce=None,
    )


def response_of(
    request: AuthorizationRequest, outcome: str, issuer: str, keys: KeyRing
) -> str:
    """Return the redirect that tells the client an outcome; the same each time.

    Every authorization response names its issuer (RFC 9207 §2).
    """
    said = {"code": code_of(keys, request.id)} if outcome == "code" else {}
    return answer(
        request.asked.redirect_uri,
        issuer,
        request.asked.state,
        said or {"error": outcome},
    )


def answer(
    redirect_uri: str, issuer: str, state: str | None, said: dict[str, str]
) -> str:
    """Return an authorization response with the exact state and the issuer."""
    exact = {} if state is None else {"state": state}
    return response_url(redirect_uri, {**said, **exact, "iss": issuer})


def _sweep(transaction: Transaction) -> None:
    """Delete what has run out in one shard, chosen by the time's last digits.

    Each new request sweeps a 64th, so that strangers cannot pile up rows.
    """
    held = tables.authorization_requests
    transaction.connection.execute(
        delete(held).where(
            held.c.shard == transaction.now.microsecond % SHARDS,
            held.c.expires_at <= transaction.now,
        )
    )


def _update(
    transaction: Transaction,
    request: AuthorizationRequest,
    **values: Any,  # noqa: ANN401
) -> bool:
    held = tables.authorization_requests
    done = transaction.connection.execute(
        update(held)
        .where(
            held.c.shard == shard_of(request.id),
            held.c.id == request.id,
            held.c.completed_at.is_(None),
        )
        .values(**values)
    )
    return done.rowcount == 1
