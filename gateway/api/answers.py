"""Answers to asks: the yes or no on the app's own screen, once for each ticket."""

from __future__ import annotations

from typing import Any, Literal

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import Row, select, update

from gateway.api.asks import SCOPE
from gateway.api.guards import app_client, person
from gateway.api.notice import evidence_of
from gateway.api.receipts import receipt_of
from gateway.api.requests import problems
from gateway.api.shapes import Answer, Body, Receipt, Shown
from gateway.idempotency import Key, recall, remember
from gateway.principals import Principal
from gateway.services import Services
from permissions.acts import Actor, GiveGrant, RefuseGrant
from permissions.catalogue.model import Catalogue, Category, Pair
from permissions.decision import Decision, Question
from permissions.door import declared_pair
from permissions.errors import AskAnswered, AskExpired, AskUnknown, TextNotPublished
from permissions.ids import is_id, shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction


class Outcome(Body, frozen=True, kw_only=True):
    """What the app saw that was not a yes."""

    answer: Literal["refused", "dismissed", "settings"]


class Answered(Shown, frozen=True, kw_only=True):
    """The person's own answer, with what they were shown."""

    answer: Literal["granted", "refused"]


class Result(Answer, frozen=True, kw_only=True):
    """The decision that follows from an answer, and the receipt of the answer."""

    decision: Decision
    receipt: Receipt


@post(
    "/v1/asks/{ask:str}/outcome",
    status_code=200,
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="What was not a yes",
    tags=["app"],
    responses=problems(
        s400="idempotency_key_required",
        s404="not_found",
        s409="ask_answered",
        s410="ask_expired",
        s422="idempotency_mismatch",
    ),
)
async def report_outcome(
    ask: FromPath[str],
    data: JSONBody[Outcome],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    act_key: NamedDependency[Key],
) -> Decision:
    """Record what was not a yes; return the decision that follows.

    Closing the question is a no as well: asking until it is answered is nagging.
    """
    client = principal.client.id

    def work(transaction: Transaction) -> Decision:
        found = _found(transaction, ask)
        if found.client != client:
            raise AskUnknown
        if recall(transaction, act_key, bool) is None:
            _close(transaction, ask, data.answer)
            if data.answer != "settings":
                transaction.perform(
                    RefuseGrant(
                        actor=Actor(kind="client", id=client),
                        subject=found.subject,
                        client=client,
                        capability=found.capability,
                        purpose=found.purpose,
                        grant=transaction.new_id("gra"),
                        receipt=transaction.new_id("rcp"),
                        scene=found.scene,
                    )
                )
            remember(transaction, act_key, answer=True)
        return _decision(transaction, found)

    return await services.store.write(work)


@post(
    "/v1/me/asks/{ask:str}/answer",
    status_code=200,
    guards=[person],
    security=[{"user": []}],
    summary="My answer to one ask",
    tags=["user"],
    responses=problems(
        s400="idempotency_key_required",
        s403="notice_missing",
        s404="not_found",
        s409="ask_answered",
        s410="ask_expired",
        s422="text_not_published, evidence_incomplete, not_separate or "
        "idempotency_mismatch",
    ),
)
async def answer_ask(
    ask: FromPath[str],
    data: JSONBody[Answered],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    act_key: NamedDependency[Key],
) -> Result:
    """Record a person's own yes or no, given on the app's screen."""

    def work(transaction: Transaction) -> Result:
        found = _found(transaction, ask)
        mine = (principal.subject, principal.client.id)
        if (found.subject, found.client) != mine:
            raise AskUnknown
        receipt = recall(transaction, act_key, Receipt)
        if receipt is None:
            if found.sha256.get(data.locale) != data.text:
                raise TextNotPublished(found.policy_version, data.locale)
            _close(transaction, ask, data.answer)
            receipt = _act(transaction, found, data)
            remember(transaction, act_key, receipt)
        return Result(decision=_decision(transaction, found), receipt=receipt)

    return await services.store.write(work)


def _found(transaction: Transaction, ask: str) -> Row[Any]:
    held = tables.asks
    row = None
    if is_id("ask", ask):
        row = transaction.connection.execute(
            select(held).where(held.c.shard == shard_of(ask), held.c.id == ask)
        ).one_or_none()
    if row is None:
        raise AskUnknown
    return row


def _close(transaction: Transaction, ask: str, answer: str) -> None:
    """Take the one answer: of two that race, the second finds it taken."""
    held = tables.asks
    mine = (held.c.shard == shard_of(ask), held.c.id == ask)
    taken = transaction.connection.execute(
        update(held)
        .where(*mine, held.c.answer.is_(None), held.c.expires_at > transaction.now)
        .values(answer=answer, answered_at=transaction.now)
    )
    if taken.rowcount == 1:
        return
    before = transaction.connection.scalar(select(held.c.answer).where(*mine))
    raise AskExpired if before is None else AskAnswered


def _act(transaction: Transaction, found: Row[Any], data: Answered) -> Receipt:
    evidence = evidence_of(data, found.scene, found.policy_version)
    actor = Actor(kind="subject", id=found.subject)
    act: GiveGrant | RefuseGrant
    if data.answer == "refused":
        act = RefuseGrant(
            actor=actor,
            subject=found.subject,
            client=found.client,
            capability=found.capability,
            purpose=found.purpose,
            grant=transaction.new_id("gra"),
            receipt=transaction.new_id("rcp"),
            evidence=evidence,
            scene=found.scene,
        )
    else:
        pair = declared_pair(transaction.catalogue, found.capability, found.purpose)
        elements = _elements(transaction.catalogue, pair)
        life = pair.max_life
        act = GiveGrant(
            actor=actor,
            subject=found.subject,
            client=found.client,
            capability=found.capability,
            purpose=found.purpose,
            required=elements,
            elements=elements,
            evidence=evidence,
            grant=transaction.new_id("gra"),
            grant_set=transaction.new_id("gst"),
            pairwise=transaction.new_id("psn"),
            receipt=transaction.new_id("rcp"),
            expires_at=None if life is None else transaction.now + life,
            one_time=pair.one_time,
            scene=found.scene,
        )
    done = transaction.perform(act)
    assert done is not None  # noqa: S101 - an answer always makes an entry
    return receipt_of(done.entry, done.sha256)


def _elements(catalogue: Catalogue, pair: Pair) -> tuple[str, ...]:
    item = catalogue.capabilities[pair.capability]
    return pair.elements if isinstance(item, Category) else ()


def _decision(transaction: Transaction, found: Row[Any]) -> Decision:
    question = Question(
        client=found.client,
        capability=found.capability,
        purpose=found.purpose,
        scene=found.scene,
        use=True,
    )
    return transaction.decide(found.subject, question)
