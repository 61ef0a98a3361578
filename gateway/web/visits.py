"""From a request to its session, and from a new session to its cookie."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.types import Message, Scope

from gateway.services import Services
from gateway.settings import Settings
from gateway.web.sessions import (
    WebSession,
    find,
    open_session,
    session_gone,
    touch,
)

_NAME: Final = "gateway-session"
_PENDING: Final = "gateway.session_cookie"
_LONGEST: Final = 64  # characters; ours have 43


def cookie_name(settings: Settings) -> str:
    """Return the cookie's name; ``__Host-`` wherever TLS makes that possible."""
    return f"__Host-{_NAME}" if settings.is_secure else _NAME


async def provide_session(
    request: Request[Any, Any, Any], services: NamedDependency[Services]
) -> WebSession:
    """Return the browser's session, an anonymous new one on its first page.

    Only a GET opens one: a form can only have come from a page that was shown, and
    what another site makes a browser post must not replace its session.
    """
    known = await provide_visitor(request, services)
    if known is not None:
        return known
    if request.method != "GET":
        raise session_gone()
    secret, session = await services.store.write(open_session)
    give_cookie(request, services, secret)
    return session


async def provide_visitor(
    request: Request[Any, Any, Any], services: NamedDependency[Services]
) -> WebSession | None:
    """Return the browser's session, or None; public pages need none."""
    secret = request.cookies.get(cookie_name(services.settings))
    if not secret or len(secret) > _LONGEST:
        return None
    now = services.clock()
    session = services.store.near(lambda near: find(near, secret, now))
    if session is not None and session.is_idle(now):
        await services.store.write(partial(touch, session=session))
        session = msgspec.structs.replace(session, seen_at=now)
    return session


def give_cookie(
    request: Request[Any, Any, Any], services: Services, secret: str
) -> None:
    """Send a session's cookie with the answer to this request, whatever it is."""
    request.scope[_PENDING] = _cookie(services, secret)  # type: ignore[typeddict-unknown-key]


def take_cookie(request: Request[Any, Any, Any], services: Services) -> None:
    """Make the browser forget its session with the answer to this request."""
    request.scope[_PENDING] = _cookie(services, "", max_age=0)  # type: ignore[typeddict-unknown-key]


async def send_cookie(message: Message, scope: Scope) -> None:
    """Add the cookie to the answer, errors and redirects included (a send hook)."""
    cookie = scope.get(_PENDING)
    if message["type"] == "http.response.start" and isinstance(cookie, Cookie):
        message["headers"] = [*message.get("headers", ()), cookie.to_encoded_header()]


def _cookie(services: Services, value: str, *, max_age: int | None = None) -> Cookie:
    # Without an age it goes when the browser closes; the server ends it anyway.
    return Cookie(
        key=cookie_name(services.settings),
        value=value,
        path="/",
        secure=services.settings.is_secure,
        httponly=True,
        samesite="lax",  # the return from WeChat is a cross-site GET
        max_age=max_age,
    )
