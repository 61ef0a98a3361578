"""The authorization endpoint: from a client's request to the first page, or back.

A wrong client or redirect URI ends on a page of ours; everything else, errors
included, goes back through the redirect with ``iss`` and the exact ``state``.

Source: RFC 6749 §4.1.1, §4.1.2.1; OpenID Connect Core §3.1.2.1; RFC 9207.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect

from gateway.oauth import forms, items, requests, server
from gateway.oauth.clients import is_contracted
from gateway.oauth.completion import Answer, Person, finish
from gateway.oauth.errors import Refusal
from gateway.oauth.forms import Parameters
from gateway.oauth.plan import plan
from gateway.oauth.redirects import is_registered
from gateway.oauth.requests import Asked, AuthorizationRequest
from gateway.oauth.rfc9396 import Narrowed
from gateway.oauth.standing import standing_of
from gateway.problems import Problem
from gateway.services import Services
from gateway.web import sessions
from gateway.web.pages import redirect
from gateway.web.sessions import WebSession
from permissions.state import Client
from permissions.store.transaction import Transaction

AnyRequest = Request[Any, Any, Any]

PATH: Final = "/oauth/authorize"
CONSENT: Final = "/oauth/consent/"
_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_LONGEST_AGE_S: Final = 10**9


@get(
    PATH,
    status_code=303,
    summary="Ask a person for consent (RFC 6749 §3.1)",
    description="For browsers. Takes `response_type=code`, `client_id`, "
    "`redirect_uri`, `scope` or `authorization_details` (RFC 9396), `state`, "
    "`code_challenge` and `code_challenge_method=S256`; if wanted `prompt`, `max_age` "
    "and `ui_locales`.",
    tags=["oauth"],
)
async def authorize(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
) -> Redirect:
    """Check the request, store it, and send the browser to the page it needs."""
    try:
        parameters = forms.read_query(request)
    except Refusal as refusal:
        raise _page(refusal.description) from None
    return redirect(
        await services.store.write(lambda tx: _begin(tx, services, session, parameters))
    )


@post(
    PATH,
    status_code=303,
    summary="Ask a person for consent, by form",
    tags=["oauth"],
)
async def authorize_by_form(request: AnyRequest) -> Redirect:
    """Turn a form into the same request by address.

    A form from another site comes without our cookie; the GET after it has one.
    """
    try:
        body = await forms.read_body(request)
        forms.parse(body)
        query = body.decode("ascii")
    except (Refusal, UnicodeDecodeError):
        raise _page("send the parameters as a form, in UTF-8") from None
    return redirect(f"{PATH}?{query}")


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that a client has sent here."""

    session: WebSession
    client: Client


def _begin(
    tx: Transaction, services: Services, session: WebSession, parameters: Parameters
) -> str:
    client, redirect_uri = _trusted(tx, parameters)
    issuer = services.settings.issuer
    try:
        asked = _asked(tx, issuer, client, redirect_uri, parameters)
        asker = items.Asker(
            client=client, catalogue=tx.catalogue, issuer=issuer, now=tx.now
        )
        details = parameters.get("authorization_details")
        wanted = items.wanted(asker, scope=asked.scope, details=details)
        language = _language(parameters.get("ui_locales"), tx.catalogue.locales)
        if language is not None and session.locale is None:
            sessions.speak(tx, session, language)
            session = msgspec.structs.replace(session, locale=language)
        visit = Visit(session=session, client=client)
        return _route(tx, services, visit, asked, wanted)
    except Refusal as refusal:
        said = {"error": refusal.error, "error_description": refusal.description}
        state = parameters.get("state")
        return requests.answer(redirect_uri, issuer, state, said)


def _trusted(tx: Transaction, parameters: Parameters) -> tuple[Client, str]:
    """Return the client and the redirect URI; raises Problem, and never redirects."""
    name, uri = parameters.get("client_id"), parameters.get("redirect_uri")
    client = None if name is None else tx.client(name)
    if client is None:
        raise _page("client_id names no client of this gateway", code="client_unknown")
    if uri is None or not is_registered(client, uri):
        raise _page(
            "redirect_uri is not, character by character, one that is registered for "
            "this client",
            code="redirect_uri_unknown",
        )
    if not is_contracted(client, tx.now):
        raise suspended()
    return client, uri


def _asked(
    tx: Transaction,
    issuer: str,
    client: Client,
    redirect_uri: str,
    parameters: Parameters,
) -> Asked:
    parameters.once()
    if parameters.get("request") is not None:
        raise Refusal("request_not_supported")
    if parameters.get("request_uri") is not None:
        raise Refusal("request_uri_not_supported")
    if parameters.get("response_mode") not in {None, "query"}:
        raise Refusal("invalid_request", "use response_mode=query")
    if parameters.get("response_type") is None:
        raise Refusal("invalid_request", "response_type is missing")
    server.check_authorization(tx, issuer, client, parameters)
    prompt = tuple((parameters.get("prompt") or "").split())
    if not _PROMPTS.issuperset(prompt) or ("none" in prompt and len(prompt) > 1):
        raise Refusal("invalid_request", "prompt is unknown or contradicts itself")
    return Asked(
        redirect_uri=redirect_uri,
        code_challenge=parameters.values["code_challenge"],
        scope=tuple(dict.fromkeys((parameters.get("scope") or "").split())),
        state=parameters.get("state"),
        prompt=prompt,
        max_age_s=_seconds(parameters.get("max_age")),
    )


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    if not (
        text.isascii() and text.isdigit() and len(text) <= len(str(_LONGEST_AGE_S))
    ):
        raise Refusal("invalid_request", "max_age must be a number of seconds")
    return min(int(text), _LONGEST_AGE_S)


def _route(
    tx: Transaction,
    services: Services,
    visit: Visit,
    asked: Asked,
    wanted: tuple[Narrowed, ...],
) -> str:
    """Store the request; return the address of its first page, or the answer."""
    session, client = visit.session, visit.client
    silent = "none" in asked.prompt
    if silent and asked.needs_login(session.auth_time, tx.now):
        raise Refusal("login_required")
    stored = requests.open_request(tx, client.id, asked, wanted, session.browser)
    page = first_page(tx, stored, session)
    if page is not None:
        if silent:
            raise Refusal("interaction_required")
        return page
    person = person_of(session, tx.now)
    standing = standing_of(tx, person.subject, client)
    found = plan(stored, standing, tx.catalogue, tx.now, tx.catalogue.locales[0])
    if found.offers or found.refused:
        if silent:
            raise Refusal("consent_required")
        return f"{CONSENT}{stored.id}"
    # Everything asked for is live already: no screen, and no new grant.
    answer = Answer(request=stored, client=client, person=person, plan=found, taken=())
    outcome = finish(tx, services.keys, answer)
    issuer = services.settings.issuer
    return requests.response_of(stored, outcome, issuer, services.keys)


def first_page(
    tx: Transaction, stored: AuthorizationRequest, session: WebSession
) -> str | None:
    """Return the page a person has to see before consent; None says that all is seen.

    Only the id of the request goes along, never an address.
    """
    if session.subject is None or stored.asked.needs_login(
        session.auth_time, stored.created_at
    ):
        return f"/login?request={stored.id}"
    subject = tx.subject(session.subject)
    if subject is None:
        raise Problem(403, "subject_gone", "this account does not exist any more")
    if subject.notice_version is None:
        return f"/notice?request={stored.id}"
    return None


def person_of(session: WebSession, shown_at: datetime) -> Person:
    """Return who is signed in; raises Problem where nobody is."""
    if session.subject is None or session.authentication is None:
        raise sessions.session_gone()
    return Person(
        subject=session.subject,
        authentication=session.authentication,
        shown_at=shown_at,
    )


def suspended() -> Problem:
    """Return the page for a client that is cut off: no redirect, no act."""
    return Problem(
        403,
        "client_suspended",
        "the application that sent you here is not under contract now",
    )


def _page(detail: str, *, code: str = "invalid_request") -> Problem:
    return Problem(400, code, detail, fix="return_to_application")


def _language(ui_locales: str | None, locales: tuple[str, ...]) -> str | None:
    """Return the first of our languages that a client names for its person."""
    for tag in (ui_locales or "").split():
        for ours in locales:
            if (
                tag.lower() == ours.lower()
                or tag.partition("-")[0] == ours.partition("-")[0]
            ):
                return ours
    return None
