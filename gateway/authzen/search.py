"""``POST /access/v1/search/…``: for what an evaluation says yes (AuthZEN 1.0 §8).

Every candidate is decided like a check of its own, so that a search finds exactly
what an evaluation of the same second allows. There is no search for subjects: nobody
gets a list of people who said yes.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.api.check import SCOPE, Check, decided
from gateway.api.guards import app_client
from gateway.api.requests import problems
from gateway.authzen.model import (
    CAPABILITY,
    Action,
    Context,
    Evaluation,
    Resource,
    ResourceType,
    Subject,
    check_of,
)
from gateway.principals import Principal
from gateway.problems import Problem
from gateway.services import Services
from permissions.decision import Allow


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Which page; the catalogue is short, so that every answer is whole."""

    token: str = ""


class ResourceSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Which capabilities may be used for one purpose (§8.5.1)."""

    subject: Subject
    action: Action
    resource: ResourceType
    context: Context = Context()
    page: Page = Page()


class ActionSearch(msgspec.Struct, frozen=True, kw_only=True):
    """For which purposes one capability may be used (§8.6.1)."""

    subject: Subject
    resource: Resource
    context: Context = Context()
    page: Page = Page()


class FoundResource(msgspec.Struct, frozen=True, kw_only=True):
    """A capability, as an evaluation takes it."""

    id: str
    type: str = CAPABILITY


class FoundAction(msgspec.Struct, frozen=True, kw_only=True):
    """A purpose, as an evaluation takes it."""

    name: str


class FoundResources(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found, in the order of their ids."""

    results: list[FoundResource]


class FoundActions(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found, in the order of their names."""

    results: list[FoundAction]


@post(
    "/access/v1/search/resource",
    status_code=200,
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="Which capabilities may be used for this purpose now? (AuthZEN 1.0)",
    tags=["authzen"],
    responses=problems(
        s400="malformed, or version_unknown", s503="decision_unavailable"
    ),
)
async def search_resource(
    data: JSONBody[ResourceSearch],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
) -> FoundResources:
    """Return each capability whose evaluation for the action is true."""
    _refuse_token(data.page)
    asked = check_of(
        Evaluation(
            subject=data.subject,
            resource=Resource(type=data.resource.type, id=""),
            action=data.action,
            context=data.context,
        )
    )
    pairs = services.catalogue.pairs if data.resource.type == CAPABILITY else ()
    names = (name for name, purpose in pairs if purpose == asked.purpose)
    found = await _allowed(
        services,
        principal,
        (msgspec.structs.replace(asked, capability=name) for name in sorted(names)),
    )
    return FoundResources(results=[FoundResource(id=one.capability) for one in found])


@post(
    "/access/v1/search/action",
    status_code=200,
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="For which purposes may this capability be used now? (AuthZEN 1.0)",
    tags=["authzen"],
    responses=problems(
        s400="malformed, or version_unknown", s503="decision_unavailable"
    ),
)
async def search_action(
    data: JSONBody[ActionSearch],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
) -> FoundActions:
    """Return each purpose for which an evaluation of the resource is true."""
    _refuse_token(data.page)
    asked = check_of(
        Evaluation(
            subject=data.subject,
            resource=data.resource,
            action=Action(name=""),
            context=data.context,
        )
    )
    pairs = services.catalogue.pairs
    purposes = (purpose for name, purpose in pairs if name == asked.capability)
    found = await _allowed(
        services,
        principal,
        (msgspec.structs.replace(asked, purpose=one) for one in sorted(purposes)),
    )
    return FoundActions(results=[FoundAction(name=one.purpose) for one in found])


async def _allowed(
    services: Services, principal: Principal, candidates: Iterable[Check]
) -> list[Check]:
    return [
        asked
        for asked in candidates
        if isinstance(await decided(services, principal, asked), Allow)
    ]


def _refuse_token(page: Page) -> None:
    """Refuse a place in a list of pages: no answer here ever gave one (§8.2)."""
    if page.token:
        raise Problem(
            400,
            "cursor_invalid",
            "page.token: every answer is whole, there is no next page; leave it out",
            fix="leave_out",
            extra={"field": "page.token"},
        )
