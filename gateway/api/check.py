"""``POST /v1/check``: one question in, one decision out.

The front door serves it from memory; the route below is the plain version, which
describes it in OpenAPI and holds the front door to the same answers.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta
from sqlalchemy.exc import SQLAlchemyError

from gateway.api.guards import app_client
from gateway.api.requests import problems
from gateway.api.shapes import Body, ClientId, Name, Reference, SubjectId
from gateway.idempotency import Key, recall, remember
from gateway.one_time import RETRY, before_use, consume
from gateway.principals import Principal
from gateway.problems import Problem
from gateway.services import Services
from permissions.decision import Allow, Decision, Question, decide
from permissions.errors import StoreUnavailable
from permissions.ids import SHARDS
from permissions.store.transaction import Transaction

SCOPE: Final = "gateway.check"

_VERSION: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,18})")


class Check(Body, frozen=True, kw_only=True):
    """One question; ``client`` is the caller unless another is named."""

    subject: SubjectId
    capability: Name
    purpose: Name
    client: ClientId | None = None
    device: Reference | None = None
    scene: Name | None = None
    elements: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()
    record: Reference | None = None
    use: bool = False
    consistency: Annotated[str, Meta(min_length=1, max_length=24)] = "lease"


@post(
    "/v1/check",
    status_code=200,
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="May this be used, for this purpose, now?",
    tags=["app"],
    responses=problems(
        s400="malformed, or version_unknown", s503="decision_unavailable"
    ),
)
async def check(
    data: JSONBody[Check],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    key: NamedDependency[Key | None],
) -> Decision:
    """Return allow, ask or deny; whatever is well-formed is answered 200."""
    return await decided(services, principal, data, key)


async def decided(
    services: Services, principal: Principal, asked: Check, key: Key | None = None
) -> Decision:
    """Decide one question for an app client.

    ``key`` matters to a use alone: a lost answer is had again, and counts once.

    Memory is never stale on the embedded store, so that ``confirm`` and versions
    that exist are answered at once. Raises Problem for a version above the head,
    StoreUnavailable where what is missing cannot be read.
    """
    question = Question(
        client=asked.client or principal.client.id,
        capability=asked.capability,
        purpose=asked.purpose,
        elements=asked.elements,
        record=asked.record,
        scene=asked.scene,
        use=asked.use,
    )
    try:
        if asked.consistency not in {"lease", "confirm"}:
            _check_version(services, asked.consistency)
        standing = await services.store.standing(asked.subject, question.client)
    except SQLAlchemyError as error:
        raise StoreUnavailable from error
    decision = decide(question, standing, services.catalogue, services.clock())
    if asked.use and (key is not None or isinstance(decision, Allow)):
        return await services.store.write(
            lambda transaction: use(
                transaction, principal.client.id, asked.subject, question, key
            )
        )
    return decision


class _Used(msgspec.Struct, frozen=True):
    """What an answer used up, and when: its retry gets it again."""

    grant: str
    at: datetime


def use(
    transaction: Transaction,
    client: str,
    subject: str,
    question: Question,
    key: Key | None,
) -> Decision:
    """Decide again where nobody can interfere, and use a one-time grant up."""
    used = recall(transaction, key, _Used)
    standing = transaction.standing(subject, question.client)
    if used is not None and transaction.now < used.at + RETRY:
        standing = before_use(standing, used.grant)
    decision = decide(question, standing, transaction.catalogue, transaction.now)
    if not isinstance(decision, Allow) or decision.grant is None:
        return decision
    version = consume(transaction, client, subject, decision.grant)
    if version is None:  # a lasting grant, or the retry of its own use
        return decision
    remember(transaction, key, _Used(decision.grant, transaction.now))
    return msgspec.structs.replace(decision, version=version)


def _check_version(services: Services, text: str) -> None:
    found = _VERSION.fullmatch(text)
    if found is None:
        raise Problem(
            400,
            "invalid_request",
            "consistency: expected lease, confirm or a version such as 17.42",
            extra={"field": "consistency"},
        )
    shard, seq = int(found[1]), int(found[2])
    if shard >= SHARDS or seq > services.store.standings.head(shard):
        raise Problem(
            400,
            "version_unknown",
            "consistency: no such version yet; send one that the gateway returned",
            fix="use_returned_version",
            extra={"field": "consistency"},
        )
