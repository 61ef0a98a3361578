"""Subjects: an app makes a person known, under its own name for them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from gateway import directory
from gateway.api.guards import app_client
from gateway.api.requests import problems
from gateway.api.shapes import Answer, Body, Reference
from gateway.idempotency import Key, recall, remember
from gateway.principals import Principal
from gateway.services import Services
from permissions.acts import Actor
from permissions.errors import SubjectUnknown
from permissions.ids import is_id
from permissions.state import Subject
from permissions.store.transaction import Transaction

SCOPE = "gateway.subjects"


class NewSubject(Body, frozen=True, kw_only=True):
    """The app's own name for a person; kept only as a keyed hash."""

    reference: Reference


class SubjectView(Answer, frozen=True, kw_only=True):
    """A subject as an app sees it."""

    id: str
    state: Literal["active"]
    notice_seen: bool
    created_at: datetime


def _view(subject: Subject) -> SubjectView:
    return SubjectView(
        id=subject.id,
        state="active",
        notice_seen=subject.notice_version is not None,
        created_at=subject.since,
    )


def known_subject(transaction: Transaction, subject: str) -> Subject:
    """Return a subject; a malformed id is one that nobody has."""
    found = transaction.subject(subject) if is_id("sub", subject) else None
    if found is None:
        raise SubjectUnknown
    return found


@post(
    "/v1/subjects",
    status_code=201,
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="Make a person known",
    description="201 for a new subject, 200 for one that this app registered before.",
    tags=["app"],
    responses=problems(s422="idempotency_mismatch"),
)
async def register_subject(
    data: JSONBody[NewSubject],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    key: NamedDependency[Key | None],
) -> Response[SubjectView]:
    """Return the subject that the reference names, registering it when it is new."""
    client = principal.client.id
    entry = directory.reference(services.keys, client, data.reference)
    actor = Actor(kind="client", id=client)

    def work(transaction: Transaction) -> tuple[bool, SubjectView]:
        again = recall(transaction, key, bool)
        subject, is_new = directory.find_or_register(transaction, entry, actor)
        if again is None:
            remember(transaction, key, is_new)
        return is_new or bool(again), _view(known_subject(transaction, subject))

    is_new, view = await services.store.write(work)
    return Response(view, status_code=201 if is_new else 200)


@get(
    "/v1/subjects/{subject:str}",
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="One subject",
    tags=["app"],
    responses=problems(s404="not_found"),
)
async def get_subject(
    subject: FromPath[str], services: NamedDependency[Services]
) -> SubjectView:
    """Return a subject of the operator."""
    if not is_id("sub", subject):
        raise SubjectUnknown
    found = (await services.store.standing(subject, "")).subject
    if found is None:
        raise SubjectUnknown
    return _view(found)
