"""Collection: personal data comes in for a purpose that passes the decision."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from gateway.api.guards import app_client
from gateway.api.requests import problems
from gateway.api.shapes import Answer, Body
from gateway.api.subjects import known_subject
from gateway.data import rows
from gateway.data.elements import check_elements, instant
from gateway.data.parameters import category_of, purpose_of
from gateway.idempotency import Key, recall, remember
from gateway.one_time import consume
from gateway.principals import Principal
from gateway.problems import Problem, from_decision
from gateway.services import Services
from permissions.acts import Actor, CollectData
from permissions.catalogue.model import Category
from permissions.decision import Allow, Question
from permissions.door import declared_pair
from permissions.release import Judged, Record, judge
from permissions.store.transaction import Transaction

RECORDS: Final = 1_000  # in one call
_LONGEST_ID: Final = 128

Object = dict[str, Any]


class Incoming(Body, frozen=True, kw_only=True):
    """``data`` for a category that is one object, ``records`` for a list.

    A record has an ``id`` and a time, ``at``, beside its elements.
    """

    data: Object | None = None
    records: Annotated[list[Object], msgspec.Meta(max_length=RECORDS)] | None = None


class Refused(Answer, frozen=True, kw_only=True):
    """An element that was not kept, and the reason of its decision."""

    element: str
    reason: str


class Stored(Answer, frozen=True, kw_only=True):
    """What was kept, and what was not."""

    category: str
    purpose: str
    stored: tuple[str, ...]
    records: int | None
    refused: tuple[Refused, ...]
    version: str


@put(
    "/v1/subjects/{subject:str}/data/{category:str}",
    guards=[app_client("gateway.subjects")],
    security=[{"app": ["gateway.subjects"]}],
    summary="Keep data of a subject for a purpose",
    tags=["app"],
    responses=problems(
        s400="purpose_required, element_unknown or element_invalid",
        s403="nothing may be kept: the decision's reason",
        s404="not_found",
        s422="purpose_unknown, pair_not_declared or idempotency_mismatch",
    ),
)
async def collect(
    *,
    subject: FromPath[str],
    category: FromPath[str],
    data: JSONBody[Incoming],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    key: NamedDependency[Key | None],
    purpose: Annotated[str | None, QueryParameter(max_length=64)] = None,
) -> Stored:
    """Keep the elements that may be kept; the others are neither stored nor logged."""
    catalogue, client = services.catalogue, principal.client.id
    kind = category_of(catalogue, category)
    why = purpose_of(catalogue, purpose, status=422)
    pair = declared_pair(catalogue, kind.capability, why)
    records = _records(kind, data, services.clock())
    given = tuple(dict.fromkeys(name for one in records for name in one.elements))
    if not given:
        raise _shape("data" if data.records is None else "records", "name an element")

    def work(transaction: Transaction) -> Stored:
        known_subject(transaction, subject)
        again = recall(transaction, key, Stored)
        if again is not None:
            return again
        question = Question(
            client=client,
            capability=pair.capability,
            purpose=why,
            elements=given,
            use=True,
        )
        judged = _judged(transaction, subject, question)
        for one in records:
            rows.write(
                transaction.connection,
                subject,
                kind.id,
                one,
                elements=judged.allowed,
            )
        act = CollectData(
            actor=Actor(kind="client", id=client),
            subject=subject,
            client=client,
            category=kind.id,
            purpose=why,
            elements=judged.allowed,
            records=len(records) if kind.shape == "records" else None,
        )
        transaction.perform(act)
        stored = Stored(
            category=kind.id,
            purpose=why,
            stored=judged.allowed,
            records=act.records,
            refused=tuple(
                Refused(element=name, reason=reason)
                for name, reason in judged.withheld.items()
            ),
            version=transaction.version(subject),
        )
        remember(transaction, key, stored)
        return stored

    return await services.store.write(work)


def _judged(transaction: Transaction, subject: str, question: Question) -> Judged:
    """Decide each element; raises Problem where none may be kept.

    Keeping data under a one-time grant is its one use.
    """
    standing = transaction.standing(subject, question.client)
    judged = judge(question, standing, transaction.catalogue, transaction.now)
    if not isinstance(judged.decision, Allow):
        raise from_decision(judged.decision)
    consume(transaction, question.client, subject, judged.decision.grant)
    return judged


def _records(category: Category, data: Incoming, now: datetime) -> tuple[Record, ...]:
    """Check what came in against the category's shape and types."""
    if category.shape == "object":
        if data.data is None or data.records is not None:
            raise _shape("data", "this category is one object: send it as data")
        elements = check_elements(category, data.data, "data")
        return (Record(id=rows.OBJECT, at=now, updated_at=now, elements=elements),)
    if data.records is None or data.data is not None:
        raise _shape("records", "this category is a list: send it as records")
    found = tuple(
        _record(category, place, given, now) for place, given in enumerate(data.records)
    )
    if len({record.id for record in found}) != len(found):
        raise _shape("records", "two records have the same id")
    return found


def _record(category: Category, place: int, given: Object, now: datetime) -> Record:
    path = f"records[{place}]"
    ident = given.get("id")
    if not isinstance(ident, str) or not 0 < len(ident) <= _LONGEST_ID:
        raise _shape(f"{path}.id", f"expected 1 to {_LONGEST_ID} characters")
    at = given.get("at")
    rest = {name: value for name, value in given.items() if name not in {"id", "at"}}
    return Record(
        id=ident,
        at=instant(at, f"{path}.at"),
        updated_at=now,
        elements=check_elements(category, rest, path),
    )


def _shape(field: str, expected: str) -> Problem:
    return Problem(
        400, "invalid_request", f"{field}: {expected}", extra={"field": field}
    )
