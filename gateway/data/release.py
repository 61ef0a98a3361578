"""Release: a partner gets what the subject allowed it, and every release is recorded.

One transaction decides, projects, uses a one-time grant up and writes the record;
just before the first byte the standing is compared once more, so that nothing goes
out after a withdrawal was acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

import msgspec
import structlog
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec.structs import replace

from gateway.api.guards import partner
from gateway.api.requests import problems
from gateway.data.page import Release, body_of, grant_set_of, one_page, version_of
from gateway.data.parameters import category_of, purpose_of
from gateway.data.wanted import Wanted, elements_of, slice_of
from gateway.idempotency import Key, recall, remember
from gateway.keys import KeyRing
from gateway.one_time import RETRY, before_use, consume
from gateway.principals import Principal
from gateway.problems import Problem, from_decision
from gateway.requests import request_id
from gateway.services import Services
from permissions.acts import Actor, ReleaseData
from permissions.catalogue.model import Catalogue
from permissions.decision import Allow, Question, Standing
from permissions.errors import StoreUnavailable
from permissions.release import Judged, Projection, judge
from permissions.store.transaction import Transaction

_TRIES: Final = 3

log = structlog.get_logger("gateway")


class _Done(msgspec.Struct, frozen=True):
    """What a retry of a lost answer needs: the record's id, and what it used up."""

    release: str
    grant: str | None
    body_mac: str
    at: datetime


class _Page(msgspec.Struct, frozen=True):
    """A release that is recorded, with what has to be so until its first byte."""

    body: Release
    valid_for_ms: int
    standing: Standing
    done: _Done


@get(
    "/v1/data/{category:str}",
    guards=[partner],
    security=[{"partner": []}],
    summary="The data that a subject allowed this partner",
    tags=["partner"],
    description="Answers carry X-Release-Id and X-Consent-Valid-For: throw away a "
    "body that was complete later than that many milliseconds after the request.",
    responses=problems(
        s400="purpose_required, element_unknown or cursor_invalid",
        s403="purpose_unknown, purpose_mismatch or the decision's reason",
        s404="not_found",
        s422="idempotency_mismatch",
        s503="decision_unavailable",
    ),
)
async def release(
    *,
    category: FromPath[str],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    key: NamedDependency[Key | None],
    request: Request[Any, Any, Any],
    purpose: Annotated[str | None, QueryParameter(max_length=64)] = None,
    elements: Annotated[str | None, QueryParameter(max_length=2000)] = None,
    record: Annotated[str | None, QueryParameter(min_length=1, max_length=128)] = None,
    since: FromQuery[datetime | None] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=400)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
) -> Response[Release]:
    """Release one page: decided, projected and recorded before its first byte."""
    catalogue = services.catalogue
    kind = category_of(catalogue, category)
    why = purpose_of(catalogue, purpose, status=403)
    asked = Wanted(
        subject=principal.subject,
        category=kind,
        question=Question(
            client=principal.client.id,
            capability=kind.capability,
            purpose=why,
            elements=elements_of(
                services.catalogue, principal.client, kind, why, elements
            ),
            record=record,
            use=True,
        ),
        held=principal.token.held,
        wanted=slice_of(kind, record, since, cursor, limit),
    )
    try:
        page = await _recorded(services, asked, key)
    except Problem as problem:
        log.info(
            "release_refused",
            request_id=request_id(request.scope),
            client=principal.client.id,
            reason=problem.code,
        )
        raise
    return Response(
        page.body,
        headers={
            "X-Release-Id": page.body.release,
            "X-Consent-Valid-For": str(page.valid_for_ms),
            "Cache-Control": "no-store",
        },
    )


async def _recorded(services: Services, asked: Wanted, key: Key | None) -> _Page:
    """Decide and record until nothing has changed between that and the first byte."""
    done: _Done | None = None
    for _ in range(_TRIES):
        page = await services.store.write(
            partial(_release, keys=services.keys, asked=asked, key=key, done=done)
        )
        now = await services.store.standing(asked.subject, asked.question.client)
        if _seqs(now) == _seqs(page.standing):
            return page
        done = page.done
    raise StoreUnavailable


def _seqs(standing: Standing) -> tuple[int, int, frozenset[str]]:
    """Return the last right-changing entries that a decision rests on."""
    return (
        -1 if standing.subject is None else standing.subject.seq,
        -1 if standing.client is None else standing.client.seq,
        standing.closed,
    )


def _release(
    transaction: Transaction,
    *,
    keys: KeyRing,
    asked: Wanted,
    key: Key | None,
    done: _Done | None,
) -> _Page:
    done = done or recall(transaction, key, _Done)
    if done is not None and transaction.now >= done.at + RETRY:
        done = None
    client, subject = asked.question.client, asked.subject
    read = transaction.standing(subject, client)
    standing = read if done is None else before_use(read, done.grant)
    judged, decision = _judged(transaction, asked, standing)
    projection, next_cursor = one_page(
        transaction, asked, standing, judged, decision.grant
    )
    used = consume(transaction, client, subject, decision.grant)
    if used is not None:
        read = transaction.standing(subject, client)
    body = body_of(
        asked,
        projection,
        release_id=transaction.new_id("rel") if done is None else done.release,
        grant_set=grant_set_of(read),
        next_cursor=next_cursor,
        policy_version=transaction.catalogue.policy.version,
    )
    body_mac = keys.mac("release", msgspec.json.encode(body))
    if done is None or done.body_mac != body_mac:
        # A retry counts once, unless what goes out has changed meanwhile.
        transaction.perform(_act(asked, projection, body, decision, body_mac))
    done = done or _Done(
        body.release,
        None if used is None else decision.grant,
        body_mac,
        transaction.now,
    )
    remember(transaction, key, done)
    return _Page(body, decision.valid_for_ms, read, done)


def _judged(
    transaction: Transaction, asked: Wanted, standing: Standing
) -> tuple[Judged, Allow]:
    """Decide each element; raises Problem where nothing may go out."""

    def judged_for(question: Question) -> Judged:
        return judge(
            question,
            standing,
            transaction.catalogue,
            transaction.now,
            asked.held,
        )

    judged = judged_for(asked.question)
    if isinstance(judged.decision, Allow):
        return judged, judged.decision
    problem = from_decision(judged.decision)
    if judged.decision.reason in {"not_asked", "pair_not_declared"} and any(
        isinstance(judged_for(other).decision, Allow)
        for other in _other_purposes(transaction.catalogue, asked.question)
    ):
        problem = Problem(
            403,
            "purpose_mismatch",
            "this was allowed for another purpose; ask for this one",
            fix="ask_for_purpose",
            extra={"reason": "purpose_mismatch", "effect": "deny"},
        )
    problem.extra["version"] = version_of(grant_set_of(standing))
    raise problem


def _act(
    asked: Wanted,
    projection: Projection,
    body: Release,
    decision: Allow,
    body_mac: str,
) -> ReleaseData:
    question = asked.question
    is_list = asked.category.shape == "records"
    return ReleaseData(
        actor=Actor(kind="client", id=question.client),
        subject=asked.subject,
        client=question.client,
        release=body.release,
        category=asked.category.id,
        purpose=question.purpose,
        elements=projection.released,
        withheld=projection.withheld,
        grant=decision.grant,
        basis="consent" if decision.reason == "granted" else decision.reason,
        records=len(projection.items) if is_list else None,
        body_mac=body_mac,
    )


def _other_purposes(catalogue: Catalogue, question: Question) -> Iterator[Question]:
    for capability, purpose in catalogue.pairs:
        if capability == question.capability and purpose != question.purpose:
            yield replace(question, purpose=purpose, elements=(), record=None)
