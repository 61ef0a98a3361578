"""The privacy centre: what a person allowed, to whom, and how they take it back."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from gateway.api.grants import withdraw
from gateway.problems import not_found
from gateway.services import Services
from gateway.web.activity import Event, events
from gateway.web.forms import accept_form
from gateway.web.login import after_sign_in
from gateway.web.pages import page, redirect, with_flash
from gateway.web.rights import Right, bases, in_force, rights_of
from gateway.web.sessions import WebSession, session_gone
from gateway.web.visits import provide_visitor
from permissions.decision import Standing
from permissions.state import Client, Subject
from permissions.store import rows
from permissions.store.transaction import Transaction

AnyRequest = Request[Any, Any, Any]

_PAGE: Final = 50  # entries of the activity at a time
_LAST: Final = 2**63 - 1  # the highest number that an entry can have


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """One partner, with what it holds now and what it held before."""

    id: str
    name: dict[str, str]
    legal_name: str
    registry_number: str
    contact: str
    rights: tuple[Right, ...]
    earlier: tuple[Right, ...]


async def provide_subject(
    session: NamedDependency[WebSession], services: NamedDependency[Services]
) -> Subject:
    """Return the person whose pages these are; raises Problem for nobody."""
    name = session.subject
    found = name and services.store.near(lambda near: rows.subject(near, name))
    if not isinstance(found, Subject):
        raise session_gone()
    return found


async def send_to_login(request: AnyRequest) -> Redirect | None:
    """Send a browser that nobody is logged in to, to the log-in (a request hook)."""
    services: Services = request.app.state.services
    visitor = await provide_visitor(request, services)
    if request.method == "GET" and (visitor is None or visitor.subject is None):
        return redirect("/login")
    return None


async def all_rights(services: Services, subject: Subject) -> tuple[Right, ...]:
    """Return everything a subject gave, judged now."""
    standings: dict[str, Standing] = {}
    for client in {grant.client for grant in subject.grants.values()}:
        standings[client] = await services.store.standing(subject.id, client)
    return rights_of(subject, standings, services.catalogue, services.clock())


@get("/", include_in_schema=False)
async def show_overview(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    subject: NamedDependency[Subject],
) -> Template | Redirect:
    """Show in one look what is allowed and what happened last."""
    onward = after_sign_in(services, subject.id, "/me")
    if onward != "/me":
        return redirect(onward)
    rights = in_force(await all_rights(services, subject))
    last = await _events(services, subject, None, 3)
    return page(
        request,
        services,
        session,
        "overview.html",
        own=[right for right in rights if right.client.kind == "app"],
        partners={right.client.id for right in rights if right.client.kind != "app"},
        shared=[right for right in rights if right.client.kind != "app"],
        events=last,
        clients=await _names(services, last),
    )


@get("/permissions", include_in_schema=False)
async def show_permissions(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    subject: NamedDependency[Subject],
) -> Template:
    """Show what the app itself may use, and what it uses on other grounds."""
    rights = [
        right
        for right in await all_rights(services, subject)
        if right.client.kind == "app"
    ]
    return page(
        request,
        services,
        session,
        "permissions.html",
        device=[r for r in in_force(rights) if _is_device(r)],
        data=[r for r in in_force(rights) if not _is_device(r)],
        earlier=[r for r in rights if r.status in {"ended", "expired"}],
        bases=bases(services.catalogue),
    )


@get("/partners", include_in_schema=False)
async def show_partners(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    subject: NamedDependency[Subject],
) -> Template:
    """Show who else holds a yes: what, for what, since when, until when."""
    rights = await all_rights(services, subject)
    found = _recipients(rights)
    return page(
        request,
        services,
        session,
        "partners.html",
        partners=[one for one in found if one.rights],
        former=[one for one in found if not one.rights],
    )


@get("/activity", include_in_schema=False)
async def show_activity(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    subject: NamedDependency[Subject],
    before: Annotated[int | None, QueryParameter(name="before", ge=1, le=_LAST)] = None,
) -> Template:
    """Show what was allowed, taken back, collected and passed on, newest first."""
    found = await _events(services, subject, before, _PAGE + 1)
    return page(
        request,
        services,
        session,
        "activity.html",
        events=found[:_PAGE],
        clients=await _names(services, found),
        older=found[_PAGE - 1].seq if len(found) > _PAGE else None,
        is_first=before is None,
    )


@post("/grants/{grant:str}/withdraw", include_in_schema=False)
async def withdraw_one(
    grant: FromPath[str],
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    subject: NamedDependency[Subject],
) -> Redirect:
    """Take one yes back: one press, no reason, no second page (PIPL 15, R23)."""
    await accept_form(request, services, session, "withdraw", grant)
    held = subject.grants.get(grant)
    if held is None:
        raise not_found()
    await services.store.write(lambda tx: _withdraw(tx, subject.id, [grant]))
    client = await services.store.client(held.client)
    is_partner = client is not None and client.kind == "partner"
    path = "/me/partners" if is_partner else "/me/permissions"
    return redirect(
        with_flash(services.keys, session, path, "withdrawn", held.capability)
    )


@post("/partners/{client:str}/withdraw", include_in_schema=False)
async def withdraw_all(
    client: FromPath[str],
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    subject: NamedDependency[Subject],
) -> Redirect:
    """Take back everything that one partner holds, in one transaction."""
    await accept_form(request, services, session, "withdraw-all", client)
    live = [
        grant.id
        for grant in subject.grants.values()
        if grant.client == client and grant.state == "granted"
    ]
    if client not in subject.sets:
        raise not_found()
    await services.store.write(lambda tx: _withdraw(tx, subject.id, live))
    return redirect(
        with_flash(services.keys, session, "/me/partners", "withdrawn_all", client)
    )


def _withdraw(tx: Transaction, subject: str, grants: list[str]) -> None:
    for grant in grants:
        withdraw(tx, subject, grant)


def _is_device(right: Right) -> bool:
    return right.grant.capability.startswith("device.")


def _recipients(rights: tuple[Right, ...]) -> list[Recipient]:
    by_client: dict[str, list[Right]] = {}
    for right in rights:
        if right.client.kind == "partner":
            by_client.setdefault(right.client.id, []).append(right)
    return [
        Recipient(
            id=name,
            name=held[0].client.name,
            legal_name=held[0].client.legal_name,
            registry_number=held[0].client.registry_number,
            contact=held[0].client.contact,
            rights=in_force(held),
            earlier=tuple(r for r in held if r.status in {"ended", "expired"}),
        )
        for name, held in by_client.items()
    ]


async def _events(
    services: Services, subject: Subject, before: int | None, limit: int
) -> list[Event]:
    stored = await services.store.read(
        lambda connection: rows.entries_of(
            connection, subject.id, before=before, limit=limit
        )
    )
    return events(stored, subject, services.catalogue)


async def _names(services: Services, found: list[Event]) -> dict[str, Client]:
    """Return the clients that events speak of, by id."""
    known: dict[str, Client] = {}
    for name in {event.client for event in found if event.client is not None}:
        client = await services.store.client(name)
        if client is not None:
            known[name] = client
    return known


privacy_centre = Router(
    path="/me",
    route_handlers=[
        show_overview,
        show_permissions,
        show_partners,
        show_activity,
        withdraw_one,
        withdraw_all,
    ],
    dependencies={"subject": Provide(provide_subject)},
    before_request=send_to_login,
)
