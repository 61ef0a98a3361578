"""Grants as every surface shows them: their state is derived when they are read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from gateway.api.cursors import bad_cursor, seal, unseal
from gateway.api.guards import app_client, person
from gateway.api.receipts import receipt_at, receipt_of
from gateway.api.requests import problems
from gateway.api.shapes import Answer, Receipt
from gateway.idempotency import Key, note
from gateway.principals import Principal
from gateway.services import Services
from permissions.acts import Actor, WithdrawGrant
from permissions.catalogue.model import Catalogue
from permissions.decision import Allow, Ask, Deny, Question, Standing, decide
from permissions.errors import GrantUnknown, SubjectUnknown
from permissions.fold import WHOLE
from permissions.ids import is_id
from permissions.state import Grant
from permissions.store.transaction import Transaction

State = Literal[
    "granted", "used", "withdrawn", "refused",
    "expired", "suspended", "reconsent_required",
]  # fmt: skip


class ClientName(Answer, frozen=True, kw_only=True):
    """Whom a grant is for, by locale."""

    id: str
    name: dict[str, str]


class GrantView(Answer, frozen=True, kw_only=True):
    """One grant; ``text`` is the sentence that was answered, as it reads now."""

    id: str
    client: ClientName
    capability: str
    purpose: str
    elements: tuple[str, ...]
    state: State
    since: datetime
    until: datetime | None
    expires_at: datetime | None
    policy_version: str
    text: dict[str, str]


class GrantPage(Answer, frozen=True, kw_only=True):
    """One page of grants, newest first."""

    items: tuple[GrantView, ...]
    next_cursor: str | None


class Withdrawn(Answer, frozen=True, kw_only=True):
    """A right that has ended; from here on nobody is answered yes."""

    grant: str
    state: Literal["withdrawn", "used"]
    version: str
    receipt: Receipt | None  # None: it was used up, not withdrawn


def state_now(
    grant: Grant, standing: Standing, catalogue: Catalogue, now: datetime
) -> State:
    """Derive a grant's state as of ``now`` by the one decision function."""
    if grant.state != "granted":
        return grant.state
    question = Question(
        client=grant.client,
        capability=grant.capability,
        purpose=grant.purpose,
        use=True,
    )
    match decide(question, standing, catalogue, now):
        case Allow():
            return "granted"
        case Ask(reason="expired"):
            return "expired"
        case Ask(reason="reconsent_required"):
            return "reconsent_required"
        case Ask() | Deny():
            return "suspended"


async def grant_views(services: Services, subject: str) -> tuple[GrantView, ...]:
    """Return every grant of a subject, newest first, ended ones included.

    Raises SubjectUnknown.
    """
    state = (await services.store.standing(subject, "")).subject
    if state is None:
        raise SubjectUnknown
    held = sorted(
        state.grants.values(), key=lambda grant: (grant.since, grant.id), reverse=True
    )
    return tuple([await _view(services, subject, grant) for grant in held])


async def _view(services: Services, subject: str, grant: Grant) -> GrantView:
    standing = await services.store.standing(subject, grant.client)
    catalogue, client = services.catalogue, standing.client
    pair = catalogue.pairs.get((grant.capability, grant.purpose))
    return GrantView(
        id=grant.id,
        client=ClientName(id=grant.client, name={} if client is None else client.name),
        capability=grant.capability,
        purpose=grant.purpose,
        elements=tuple(name for name in grant.elements if name != WHOLE),
        state=state_now(grant, standing, catalogue, services.clock()),
        since=grant.since,
        until=grant.until,
        expires_at=grant.expires_at,
        policy_version=grant.policy_version,
        text={} if pair is None else pair.question,
    )


Cursor = Annotated[str | None, QueryParameter(max_length=100)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


def page_of(views: tuple[GrantView, ...], cursor: str | None, limit: int) -> GrantPage:
    """Cut one page; raises Problem for a cursor that this list never gave."""
    begin = 0
    if cursor is not None:
        after = unseal(cursor)
        places = [n for n, view in enumerate(views, 1) if view.id.encode() == after]
        if not places:
            raise bad_cursor()
        begin = places[0]
    items = views[begin : begin + limit]
    more = begin + limit < len(views)
    return GrantPage(
        items=items, next_cursor=seal(items[-1].id.encode()) if more else None
    )


@get(
    "/v1/subjects/{subject:str}/grants",
    guards=[app_client("gateway.subjects")],
    security=[{"app": ["gateway.subjects"]}],
    summary="What a subject has allowed, refused and taken back",
    tags=["app"],
    responses=problems(s404="not_found"),
)
async def subject_grants(
    subject: FromPath[str],
    services: NamedDependency[Services],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> GrantPage:
    """List a subject's grants, newest first."""
    if not is_id("sub", subject):
        raise SubjectUnknown
    return page_of(await grant_views(services, subject), cursor, limit)


@get(
    "/v1/me/grants",
    guards=[person],
    security=[{"user": []}],
    summary="What I have allowed, refused and taken back",
    tags=["user"],
    responses=problems(),
)
async def my_grants(
    *,
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    in_state: Annotated[State | None, QueryParameter(name="state")] = None,
    client: FromQuery[str | None] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> GrantPage:
    """List the caller's own grants, newest first."""
    views = await grant_views(services, principal.subject)
    found = tuple(
        view
        for view in views
        if in_state in {None, view.state} and client in {None, view.client.id}
    )
    return page_of(found, cursor, limit)


@post(
    "/v1/me/grants/{grant:str}/withdraw",
    status_code=200,
    guards=[person],
    security=[{"user": []}],
    summary="Take a yes back",
    tags=["user"],
    responses=problems(
        s400="idempotency_key_required", s404="not_found", s422="idempotency_mismatch"
    ),
)
async def withdraw_grant(
    grant: FromPath[str],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    act_key: NamedDependency[Key],
) -> Withdrawn:
    """Take a grant back; a grant that has ended already stays as it is."""

    def work(transaction: Transaction) -> Withdrawn:
        note(transaction, act_key)
        return withdraw(transaction, principal.subject, grant)

    return await services.store.write(work)


def withdraw(transaction: Transaction, subject: str, grant: str) -> Withdrawn:
    """Take a grant back through the one door; raises GrantUnknown.

    Doing it twice does it once, and hands out the same receipt.
    """
    act = WithdrawGrant(
        actor=Actor(kind="subject", id=subject),
        subject=subject,
        grant=grant,
        receipt=transaction.new_id("rcp"),
    )
    done = transaction.perform(act)
    if done is not None:
        return Withdrawn(
            grant=grant,
            state="withdrawn",
            version=done.entry.version,
            receipt=receipt_of(done.entry, done.sha256),
        )
    state = transaction.subject(subject)
    ended = None if state is None else state.grants.get(grant)
    if ended is None:
        raise GrantUnknown
    is_used = ended.state == "used"
    return Withdrawn(
        grant=grant,
        state="used" if is_used else "withdrawn",
        version=transaction.version(subject),
        receipt=(
            None if is_used else receipt_at(transaction.connection, subject, ended.seq)
        ),
    )
