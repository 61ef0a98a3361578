"""Idempotency-Key: an act that is sent twice happens once.

The key is remembered in the act's own transaction, with what its answer needs. What
a decision says, and personal data, is never remembered: a retry decides again.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.params import HeaderParameter
from litestar.types import HTTPScope
from sqlalchemy import delete, func, insert, select

from gateway.principals import Principal
from gateway.problems import Problem
from permissions.ids import shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction

T = TypeVar("T")

LIFE: Final = timedelta(hours=24)
KEYS_PER_PRINCIPAL: Final = 10_000  # within one life
_LONGEST: Final = 255

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="Makes a repeated act happen once; 1 to 255 visible characters.",
    ),
]


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One caller's key for one request, and the fingerprint of that request.

    ``principal`` is a client, or a person and the client behind a slash: two partners
    of one person share nothing, or they could find out that it is the same person.
    """

    principal: str
    route: str
    key: str
    fingerprint: str


async def provide_key(
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    idempotency_key: IdempotencyKey = None,
) -> Key | None:
    """Return the key of a request, or None where it has none."""
    if idempotency_key is None:
        return None
    return key_of(request.scope, await request.body(), principal, idempotency_key)


def key_of(scope: HTTPScope, body: bytes, principal: Principal, text: str) -> Key:
    """Bind a key to a caller, a route and a request; raises Problem for a bad one."""
    if not (0 < len(text) <= _LONGEST and text.isprintable()):
        raise Problem(
            400,
            "idempotency_key_invalid",
            f"Idempotency-Key: expected 1 to {_LONGEST} visible characters",
        )
    fingerprint = hashlib.sha256()
    for part in (scope["path"].encode(), scope["query_string"], body):
        fingerprint.update(len(part).to_bytes(8, "big") + part)
    client, subject = principal.client.id, principal.token.subject
    return Key(
        principal=client if subject is None else f"{subject}/{client}",
        route=f"{scope['method']} {scope.get('path_template')}",
        key=text,
        fingerprint=fingerprint.hexdigest(),
    )


async def provide_act_key(key: NamedDependency[Key | None]) -> Key:
    """Return the key that an act demands."""
    if key is None:
        raise Problem(
            400,
            "idempotency_key_required",
            "send an Idempotency-Key, so that a retry of this act happens once",
            fix="send_idempotency_key",
        )
    return key


def recall(transaction: Transaction, key: Key | None, kind: type[T]) -> T | None:
    """Return what was remembered under a key, or None where it is new.

    Raises Problem 422 where the key came with another request.
    """
    if key is None:
        return None
    held = tables.idempotency
    row = transaction.connection.execute(
        select(held.c.fingerprint, held.c.answer).where(
            *_is(key), held.c.at > transaction.now - LIFE
        )
    ).one_or_none()
    if row is None:
        return None
    if row.fingerprint != key.fingerprint:
        raise Problem(
            422,
            "idempotency_mismatch",
            "this Idempotency-Key came with another request; use a new one",
            fix="use_new_key",
        )
    return msgspec.json.decode(row.answer, type=kind)


def remember(transaction: Transaction, key: Key | None, answer: object) -> None:
    """Keep what a retry needs, in the transaction of the act itself.

    What was kept under the key before gives way; `recall` has been asked for it.
    """
    if key is None:
        return
    if not _make_room(transaction, key):
        raise Problem(
            429,
            "too_many_keys",
            f"more than {KEYS_PER_PRINCIPAL} keys within a day; try again later",
            fix="wait",
            headers={"Retry-After": "3600"},
        )
    _keep(transaction, key, answer)


def note(transaction: Transaction, key: Key | None) -> None:
    """Bind a key to its request, for an act that is idempotent by itself.

    Such an act is never refused for want of room: a withdrawal is one.
    """
    if (
        key is not None
        and recall(transaction, key, bool) is None
        and _make_room(transaction, key)
    ):
        _keep(transaction, key, answer=True)


def _keep(transaction: Transaction, key: Key, answer: object) -> None:
    transaction.connection.execute(
        insert(tables.idempotency).values(
            shard=_shard(key),
            principal=key.principal,
            route=key.route,
            key=key.key,
            fingerprint=key.fingerprint,
            status=200,
            answer=msgspec.json.encode(answer).decode(),
            at=transaction.now,
        )
    )


def _make_room(transaction: Transaction, key: Key) -> bool:
    held, connection = tables.idempotency, transaction.connection
    is_old = held.c.at <= transaction.now - LIFE
    connection.execute(delete(held).where(*_is(key)))
    mine = (held.c.shard == _shard(key), held.c.principal == key.principal)
    count = select(func.count()).select_from(held).where(*mine)
    if (connection.scalar(count) or 0) < KEYS_PER_PRINCIPAL:
        return True
    connection.execute(delete(held).where(*mine, is_old))
    return (connection.scalar(count) or 0) < KEYS_PER_PRINCIPAL


def _is(key: Key) -> tuple[Any, ...]:
    held = tables.idempotency
    return (
        held.c.shard == _shard(key),
        held.c.principal == key.principal,
        held.c.route == key.route,
        held.c.key == key.key,
    )


def _shard(key: Key) -> int:
    return shard_of(key.principal.partition("/")[0])  # the person's, with their acts
