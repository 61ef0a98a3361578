"""The consent page: what is asked, in words; and what a person answers to it.

The page is bound to the browser that began, to this log-in, and to the exact text
shown. An answer counts once; acts, grants, code and outcome are one transaction.

Source: design, promises 3 and 7; PIPL art. 14, 17, 23; security 2 (CSRF).
"""

from __future__ import annotations

import hmac
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from gateway.oauth import consent_form, requests
from gateway.oauth.authorize import CONSENT, first_page, person_of, suspended
from gateway.oauth.clients import is_contracted
from gateway.oauth.completion import Answer, Taken, finish
from gateway.oauth.consent_form import CHANGED, Again, Form
from gateway.oauth.plan import Plan, plan
from gateway.oauth.redirects import is_registered
from gateway.oauth.requests import AuthorizationRequest
from gateway.oauth.standing import standing_of
from gateway.problems import Problem, not_found
from gateway.services import Services
from gateway.tokens import digest, new_secret
from gateway.web import sessions
from gateway.web.pages import locale_of, page, redirect
from gateway.web.sessions import WebSession, check_csrf, check_origin, csrf_token
from gateway.web.visits import give_cookie
from permissions.state import Client
from permissions.store.transaction import Transaction

AnyRequest = Request[Any, Any, Any]

_FORM: Final = "consent"


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A form to show: to whom, for which client, with its single-use nonce."""

    session: WebSession
    cookie: str | None
    stored: AuthorizationRequest
    client: Client
    plan: Plan
    nonce: str
    text_sha256: str


@get(f"{CONSENT}{{key:str}}", include_in_schema=False)
async def show_consent(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    key: FromPath[str],
) -> Template | Redirect:
    """Show what is asked, or go where the request leads without asking."""
    return await _show(request, services, session, key)


@post(f"{CONSENT}{{key:str}}", include_in_schema=False)
async def answer_consent(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    key: FromPath[str],
) -> Template | Redirect:
    """Carry out what the person answered, once."""
    check_origin(request)
    form = await consent_form.read(request)
    done = await services.store.write(
        lambda tx: _answer(tx, services, session, key, form)
    )
    if isinstance(done, Again):
        return await _show(request, services, session, key, done)
    return redirect(done)


async def _show(
    request: AnyRequest,
    services: Services,
    session: WebSession,
    key: str,
    again: Again | None = None,
) -> Template | Redirect:
    locale = locale_of(request, services, session)
    view = await services.store.write(
        lambda tx: _view(tx, services, session, key, locale)
    )
    if not isinstance(view, View):
        return redirect(view)
    if view.cookie is not None:
        give_cookie(request, services, view.cookie)
    client = view.client
    return page(
        request,
        services,
        view.session,
        "consent.html" if view.plan.offers else "consent_refused.html",
        status=200 if again is None else again.status,
        form_target=view.stored.asked.redirect_uri,
        request_id=key,
        nonce=view.nonce,
        csrf=csrf_token(services.keys, view.session, _FORM, key, view.text_sha256),
        client={
            "name": client.name[locale],
            "legal_name": client.legal_name,
            "registry_number": client.registry_number,
            "contact": client.contact,
        },
        items=[
            {"index": index, "item": offer.text}
            for index, offer in enumerate(view.plan.offers)
        ],
        held=[
            {"title": live.title, "since": live.grant.since} for live in view.plan.live
        ],
        refused=[
            {"title": refused.title, "since": refused.since}
            for refused in view.plan.refused
        ],
        error=None if again is None else again.error,
    )


def _view(
    tx: Transaction, services: Services, session: WebSession, key: str, locale: str
) -> View | str:
    """Return the form to show, or the address where the request leads instead."""
    stored = _bound(tx, session, key)
    if stored.outcome is not None:
        return _response(services, stored, stored.outcome)
    client = _recipient(tx, stored)
    before = first_page(tx, stored, session)
    if before is not None:
        return before
    person = person_of(session, tx.now)
    standing = standing_of(tx, person.subject, client)
    found = plan(stored, standing, tx.catalogue, tx.now, locale)
    if not found.offers and (found.live or not found.refused):
        answer = Answer(
            request=stored, client=client, person=person, plan=found, taken=()
        )
        return _response(services, stored, finish(tx, services.keys, answer))
    cookie = None
    if stored.nonce is None:
        # The first look at a page on which much depends: a new id (security 2).
        cookie, session = sessions.rotate(tx, session)
    nonce = new_secret(tx.random)
    text_sha256 = found.sha256(client.seq)
    shown = msgspec.structs.replace(stored.shown, locale=locale, at=tx.now)
    requests.note_shown(tx, stored, shown, nonce=digest(nonce), text_sha256=text_sha256)
    return View(
        session=session,
        cookie=cookie,
        stored=stored,
        client=client,
        plan=found,
        nonce=nonce,
        text_sha256=text_sha256,
    )


def _answer(
    tx: Transaction, services: Services, session: WebSession, key: str, form: Form
) -> Again | str:
    """Return where the browser goes, or why the form is shown again."""
    stored = _bound(tx, session, key)
    if stored.outcome is not None:
        return _response(services, stored, stored.outcome)  # sent twice, or went back
    client = _recipient(tx, stored)
    shown_at, text_sha256 = stored.shown.at, stored.text_sha256
    if shown_at is None or stored.nonce is None or text_sha256 is None:
        raise _stale()
    check_csrf(services.keys, session, form.csrf, _FORM, key, text_sha256)
    if not hmac.compare_digest(digest(form.nonce), stored.nonce):
        raise _stale()
    person = person_of(session, shown_at)
    standing = standing_of(tx, person.subject, client)
    found = plan(stored, standing, tx.catalogue, tx.now, stored.shown.locale)
    if found.sha256(client.seq) != text_sha256:
        return Again(status=409, error=CHANGED)
    taken: tuple[Taken, ...] | None = None
    match form.decision:
        case "allow":
            ticked = consent_form.chosen(
                form, found.offers, may_be_empty=bool(found.live)
            )
            if isinstance(ticked, Again):
                return ticked
            taken = ticked
        case "deny":
            taken = None
        case "reconsider":
            _reconsider(tx, stored)
            return f"{CONSENT}{key}"
        case _:
            raise consent_form.not_offered()
    answer = Answer(
        request=stored, client=client, person=person, plan=found, taken=taken
    )
    return _response(services, stored, finish(tx, services.keys, answer))


def _reconsider(tx: Transaction, stored: AuthorizationRequest) -> None:
    shown = msgspec.structs.replace(stored.shown, reconsider=True)
    requests.note_shown(
        tx, stored, shown, nonce=stored.nonce, text_sha256=stored.text_sha256
    )


def _bound(tx: Transaction, session: WebSession, key: str) -> AuthorizationRequest:
    """Return a request of this browser; another one learns nothing about it."""
    stored = requests.find(tx.connection, key)
    if stored is None or stored.browser != session.browser:
        raise not_found()
    if stored.outcome is not None and stored.subject != session.subject:
        # Who logs in next in this browser would bring the client the other's code.
        raise not_found()
    if stored.expires_at <= tx.now:
        raise Problem(
            410,
            "request_expired",
            "this page was open too long; begin again in the application",
            fix="return_to_application",
        )
    return stored


def _recipient(tx: Transaction, stored: AuthorizationRequest) -> Client:
    client = tx.client(stored.client)
    uri = stored.asked.redirect_uri
    if (
        client is None
        or not is_contracted(client, tx.now)
        or not is_registered(client, uri)
    ):
        raise suspended()
    return client


def _response(services: Services, stored: AuthorizationRequest, outcome: str) -> str:
    issuer = services.settings.issuer
    return requests.response_of(stored, outcome, issuer, services.keys)


def _stale() -> Problem:
    return Problem(
        403,
        "nonce_unknown",
        "the form is not the one shown last; load the page again",
        fix="reload_page",
    )
