"""Asks: an app gets leave to ask once, or hears why not."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from sqlalchemy import func, insert, select

from gateway.api.guards import app_client
from gateway.api.requests import problems
from gateway.api.shapes import Answer, Body, Name, Reference, SubjectId
from gateway.api.subjects import known_subject
from gateway.idempotency import Key, recall, remember
from gateway.principals import Principal
from gateway.problems import Problem, from_decision
from gateway.services import Services
from permissions.asks import TICKET_LIFE, ask_window, quiet_until
from permissions.catalogue.model import Pair
from permissions.decision import Allow, Ask, Deny, Question
from permissions.door import declared_pair
from permissions.errors import (
    NotSeparate,
)
from permissions.ids import shard_of
from permissions.state import Subject
from permissions.store import tables
from permissions.store.transaction import Transaction
from permissions.texts import sentence_sha256

SCOPE: Final = "gateway.asks"


class NewAsk(Body, frozen=True, kw_only=True):
    """What to ask, and where in the app; one capability and purpose at a time.

    ``user_initiated`` says that the person themselves reached for it: then one ask
    may come earlier than the budget allows, or after a withdrawal.
    """

    subject: SubjectId
    capability: Name
    purpose: Name
    scene: Name | None = None
    device: Reference | None = None
    user_initiated: bool = False


class Ticket(Answer, frozen=True, kw_only=True):
    """Leave to ask once: show ``text``, and name what was shown by its ``sha256``."""

    id: str
    subject: str
    capability: str
    purpose: str
    scene: str
    prefer: str
    fallback: str
    text: dict[str, str]
    sha256: dict[str, str]
    policy_version: str
    expires_at: datetime


@post(
    "/v1/asks",
    status_code=201,
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="Leave to ask once",
    tags=["app"],
    responses=problems(
        s403="cooldown, with next_ask_at; notice_missing; or another decision's reason",
        s404="not_found",
        s409="already_granted",
        s422="capability_unknown, purpose_unknown, pair_not_declared, scene_required, "
        "not_in_scene, not_separate or idempotency_mismatch",
    ),
)
async def open_ask(
    data: JSONBody[NewAsk],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    key: NamedDependency[Key | None],
) -> Ticket:
    """Open a ticket, unless the answer is known or it is too early to ask."""
    catalogue = services.catalogue
    pair = declared_pair(catalogue, data.capability, data.purpose)
    if pair.separate != "none":
        raise NotSeparate
    scene = _scene(data.scene, pair)

    def work(transaction: Transaction) -> Ticket:
        again = recall(transaction, key, Ticket)
        if again is not None:
            return again
        subject = known_subject(transaction, data.subject)
        _check_leave(transaction, data, scene, principal.client.id, subject)
        ticket = _ticket(transaction, data, scene, pair)
        transaction.connection.execute(
            insert(tables.asks).values(
                shard=shard_of(ticket.id),
                id=ticket.id,
                subject=ticket.subject,
                client=principal.client.id,
                capability=ticket.capability,
                purpose=ticket.purpose,
                scene=scene,
                device=data.device,
                sha256=ticket.sha256,
                policy_version=ticket.policy_version,
                opened_at=transaction.now,
                expires_at=ticket.expires_at,
                answer=None,
                answered_at=None,
            )
        )
        remember(transaction, key, ticket)
        return ticket

    return await services.store.write(work)


def _scene(scene: str | None, pair: Pair) -> str:
    if scene is None:
        raise Problem(
            422,
            "scene_required",
            "scene: name the place in the app that asks",
            fix="name_scene",
            extra={"field": "scene"},
        )
    if pair.scenes and scene not in pair.scenes:
        raise Problem(
            422,
            "not_in_scene",
            f"scene: this pair may be asked for in {', '.join(pair.scenes)}",
            fix="open_scene",
            extra={"field": "scene"},
        )
    return scene


def _check_leave(
    transaction: Transaction, asked: NewAsk, scene: str, client: str, subject: Subject
) -> None:
    """Refuse to open a ticket where nothing is to be asked, or not yet (R26)."""
    question = Question(
        client=client,
        capability=asked.capability,
        purpose=asked.purpose,
        scene=scene,
        use=True,  # a one-time yes that was not used yet is a yes
    )
    decision = transaction.decide(asked.subject, question)
    window = ask_window(transaction.catalogue)
    quiet = quiet_until(subject, client, asked.capability, scene, window)
    since: datetime | None = None  # what the person's own wish has to come after
    match decision:
        case Allow():
            raise Problem(
                409, "already_granted", "there is nothing to ask: the decision is yes"
            )
        case Ask():
            pass
        case Deny(reason="refused"):
            quiet = decision.next_ask_at
        case Deny(reason="withdrawn"):
            grant = subject.grant_for((client, asked.capability, asked.purpose))
            since = None if grant is None else grant.until
            if not asked.user_initiated:
                raise from_decision(decision)
        case Deny():
            raise from_decision(decision)
    if quiet is not None and transaction.now < quiet:
        since = quiet - window
        if not asked.user_initiated:
            raise _cooldown(quiet, transaction)
    if since is not None and _was_asked(transaction, asked, scene, client, since):
        raise _cooldown(quiet or since + window, transaction)


def _was_asked(
    transaction: Transaction, asked: NewAsk, scene: str, client: str, since: datetime
) -> bool:
    """Say whether the one early ask has been opened already, within its window."""
    held = tables.asks
    window = ask_window(transaction.catalogue)
    count = transaction.connection.scalar(
        select(func.count())
        .select_from(held)
        .where(
            held.c.subject == asked.subject,
            held.c.client == client,
            held.c.capability == asked.capability,
            held.c.scene == scene,
            held.c.opened_at > max(since, transaction.now - window),
        )
    )
    return bool(count)


def _cooldown(until: datetime, transaction: Transaction) -> Problem:
    seconds = max(1, -int((transaction.now - until).total_seconds() // 1))
    return Problem(
        403,
        "cooldown",
        "the person has said no here; ask again from next_ask_at on",
        fix="wait",
        extra={"next_ask_at": until},
        headers={"Retry-After": str(seconds)},
    )


def _ticket(transaction: Transaction, asked: NewAsk, scene: str, pair: Pair) -> Ticket:
    return Ticket(
        id=transaction.new_id("ask"),
        subject=asked.subject,
        capability=asked.capability,
        purpose=asked.purpose,
        scene=scene,
        prefer=pair.prefer,
        fallback=pair.fallback,
        text=pair.question,
        sha256={
            locale: sentence_sha256(words) for locale, words in pair.question.items()
        },
        policy_version=transaction.catalogue.policy.version,
        expires_at=transaction.now + TICKET_LIFE,
    )
