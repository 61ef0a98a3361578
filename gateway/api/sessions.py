"""Sessions: an app vouches for a person whom it has logged in itself."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Final

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import insert

from gateway.api.guards import app_client
from gateway.api.requests import problems
from gateway.api.shapes import Answer, Body
from gateway.api.subjects import SCOPE, known_subject
from gateway.idempotency import Key, recall, remember
from gateway.keys import KeyRing
from gateway.principals import Principal
from gateway.problems import Problem
from gateway.services import Services
from gateway.tokens import USER_LIFE, digest, issue
from permissions.ids import shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction

HANDOVER_LIFE: Final = timedelta(seconds=60)
_REPEATABLE: Final = timedelta(minutes=10)  # an answer with secrets in it


class NewSession(Body, frozen=True, kw_only=True):
    """Nothing to say yet; the subject is in the path."""


class Session(Answer, frozen=True, kw_only=True):
    """A user token, and a link that signs the person in to the pages, once."""

    token: str
    expires_at: datetime
    handover_url: str
    handover_expires_at: datetime


class _Seed(msgspec.Struct, frozen=True):
    """What the secrets of one session are derived from; no secret itself."""

    seed: str
    at: datetime


@post(
    "/v1/subjects/{subject:str}/sessions",
    status_code=201,
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="A user token and a hand-over link for a person the app has logged in",
    tags=["app"],
    responses=problems(
        s404="not_found", s409="answer_gone", s422="idempotency_mismatch"
    ),
)
async def open_session(
    subject: FromPath[str],
    data: JSONBody[NewSession],  # noqa: ARG001 - decoding it refuses unknown fields
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    key: NamedDependency[Key | None],
) -> Session:
    """Issue a user token and a ticket; a retry with the same key finds them again."""
    client = principal.client

    def work(transaction: Transaction) -> _Seed:
        known_subject(transaction, subject)
        again = recall(transaction, key, _Seed)
        if again is not None:
            if transaction.now >= again.at + _REPEATABLE:
                raise Problem(
                    409,
                    "answer_gone",
                    "the answer to this key held secrets and is no longer kept",
                    fix="use_new_key",
                )
            return again
        seed = _Seed(transaction.random(32).hex(), transaction.now)
        token, ticket = _secrets(services.keys, seed)
        issue(
            transaction,
            kind="user",
            client=client.id,
            subject=subject,
            life=USER_LIFE,
            client_epoch=client.epoch,
            secret=token,
        )
        sha256 = digest(ticket)
        transaction.connection.execute(
            insert(tables.handovers).values(
                shard=shard_of(sha256),
                sha256=sha256,
                subject=subject,
                client=client.id,
                expires_at=seed.at + HANDOVER_LIFE,
                used_at=None,
            )
        )
        remember(transaction, key, seed)
        return seed

    seed = await services.store.write(work)
    token, ticket = _secrets(services.keys, seed)
    return Session(
        token=token,
        expires_at=seed.at + USER_LIFE,
        handover_url=f"{services.settings.issuer}/handover/{ticket}",
        handover_expires_at=seed.at + HANDOVER_LIFE,
    )


def _secrets(keys: KeyRing, seed: _Seed) -> tuple[str, str]:
    """Derive token and ticket: whoever reads the seed alone can make neither."""
    token, ticket = (
        base64.urlsafe_b64encode(bytes.fromhex(keys.mac("session", what, seed.seed)))
        .rstrip(b"=")
        .decode("ascii")
        for what in ("token", "ticket")
    )
    return token, ticket
