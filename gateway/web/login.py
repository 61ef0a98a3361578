"""Logging in and out, and the notice that comes before anything else."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect, Template

from gateway.oauth import requests
from gateway.oauth.requests import AuthorizationRequest
from gateway.problems import Problem
from gateway.services import Services
from gateway.web import sessions
from gateway.web.forms import accept_form, read_form
from gateway.web.pages import locale_of, own_path, page, redirect
from gateway.web.sessions import SeenNotice, WebSession, check_origin
from gateway.web.visits import give_cookie, take_cookie
from permissions.ids import is_id
from permissions.store import rows
from permissions.texts import sentence_sha256

AnyRequest = Request[Any, Any, Any]
Waiting = Annotated[str, QueryParameter(name="request")]

START: Final = "/me"
_CONSENT: Final = "/oauth/consent/"


def next_path(request_id: str) -> str:
    """Return where a log-in leads: to the consent page that waits, or to the centre.

    Only the id of an authorization request is ever carried, never an address, so a
    log-in cannot be made to lead elsewhere.
    """
    if is_id("req", request_id):
        return _CONSENT + request_id
    return START


def waiting_in(path: str) -> str:
    """Return the request id in a path that `next_path` made; empty if there is none."""
    return path.removeprefix(_CONSENT) if path.startswith(_CONSENT) else ""


def with_request(path: str, request_id: str) -> str:
    """Return a log-in page's address that remembers which request waits."""
    return f"{path}?request={request_id}" if is_id("req", request_id) else path


def after_sign_in(services: Services, subject: str, path: str) -> str:
    """Return where a person goes who is now signed in: past the notice, if unseen."""
    known = services.store.near(lambda near: rows.subject(near, subject))
    if known is None or known.notice_version is not None:
        return path
    return with_request("/notice", waiting_in(path))


@get("/login", include_in_schema=False)
async def show_login(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    waiting: Waiting = "",
) -> Template | Redirect:
    """Show the ways to log in, once the first-use notice has been read."""
    asking = _asking(services, session, waiting)
    again = asking is not None and asking.asked.needs_login(
        session.auth_time, asking.created_at
    )
    if session.subject is not None and not again:
        return redirect(after_sign_in(services, session.subject, next_path(waiting)))
    if session.subject is None and not _has_read_notice(session, services):
        return redirect(with_request("/notice", waiting))
    return page(
        request,
        services,
        session,
        "login.html",
        form_target=services.settings.wechat.open_base,
        wechat=tuple(services.settings.wechat.apps),
        waiting=waiting if is_id("req", waiting) else "",
        client=None if asking is None else await services.store.client(asking.client),
    )


@get("/notice", include_in_schema=False)
async def show_notice(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
    waiting: Waiting = "",
) -> Template:
    """Show the first-use notice: to read, not to agree to (R01)."""
    locale = locale_of(request, services, session)
    text = services.catalogue.policy.notice[locale]
    return page(
        request,
        services,
        session,
        "notice.html",
        paragraphs=text.split("\n\n"),
        text_sha256=sentence_sha256(text),
        shown_at=services.clock().isoformat(),
        waiting=waiting if is_id("req", waiting) else "",
    )


@post("/notice", include_in_schema=False)
async def read_notice(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
) -> Redirect:
    """Remember what was shown; as an act at once where we know whose it is."""
    text, locale, shown_at, waiting = await accept_form(
        request,
        services,
        session,
        "notice",
        fields=("text", "locale", "shown_at", "request"),
    )
    notice = SeenNotice(
        text_sha256=text,
        locale=locale,
        policy_version=services.catalogue.policy.version,
        shown_at=datetime.fromisoformat(shown_at),
    )
    if not sessions.is_current(notice, services.catalogue):
        return redirect(with_request("/notice", waiting))  # published meanwhile
    subject, known_by = session.subject, session.authentication
    if subject is None or known_by is None:
        await services.store.write(
            partial(sessions.remember_notice, session=session, notice=notice)
        )
        return redirect(with_request("/login", waiting))
    await services.store.write(
        lambda tx: sessions.see_notice(tx, subject, notice, known_by)
    )
    return redirect(next_path(waiting))


@get("/logout", include_in_schema=False)
async def show_logout(
    request: AnyRequest,
    services: NamedDependency[Services],
    visitor: NamedDependency[WebSession | None],
) -> Template:
    """Show the button that logs out, or that it is done."""
    return page(request, services, visitor, "logout.html")


@post("/logout", include_in_schema=False)
async def log_out(
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
) -> Redirect:
    """End the session for good; tokens and grants stay."""
    await accept_form(request, services, session, "logout")
    await services.store.write(partial(sessions.end, session=session))
    take_cookie(request, services)
    return redirect("/logout")


@post("/locale", include_in_schema=False)
async def choose_locale(
    request: AnyRequest,
    services: NamedDependency[Services],
    visitor: NamedDependency[WebSession | None],
) -> Redirect:
    """Speak another language from now on, and go back to the page."""
    fields = ("locale", "back")
    if visitor is not None:
        locale, back = await accept_form(
            request, services, visitor, "locale", fields=fields
        )
    else:
        # Nobody's session is at stake: the origin is all there is to check.
        check_origin(request)
        sent = await read_form(request, *fields, "csrf")
        locale, back = sent["locale"], sent["back"]
    if locale not in services.catalogue.locales:
        raise Problem(400, "invalid_form", "the locale is not one of ours")
    if visitor is not None:
        await services.store.write(
            partial(sessions.speak, session=visitor, locale=locale)
        )
    else:
        secret, _ = await services.store.write(
            partial(sessions.open_session, locale=locale)
        )
        give_cookie(request, services, secret)
    return redirect(own_path(back))


def _asking(
    services: Services, session: WebSession, request_id: str
) -> AuthorizationRequest | None:
    """Return what waits for this log-in, if it was this browser that asked."""
    if not is_id("req", request_id):
        return None
    stored = services.store.near(lambda near: requests.find(near, request_id))
    if (
        stored is None
        or stored.browser != session.browser
        or services.clock() >= stored.expires_at
    ):
        return None
    return stored


def _has_read_notice(session: WebSession, services: Services) -> bool:
    notice = session.notice
    return notice is not None and sessions.is_current(notice, services.catalogue)
