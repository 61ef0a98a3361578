"""How a page is made: its words, its language, its forms and its headers."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.template.config import TemplateConfig

from gateway.headers import CONTENT_SECURITY_POLICY
from gateway.keys import KeyRing
from gateway.problems import Problem
from gateway.requests import request_id
from gateway.services import Services
from gateway.web.sessions import WebSession, csrf_token
from gateway.web.words import FOLDER, Words, plain, preferred, words
from permissions.ids import is_id
from permissions.state import Client
from permissions.store import rows

STATIC: Final = FOLDER.parent / "static"
TEMPLATES: Final = FOLDER.parent / "templates"


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Return the template engine: everything escaped, nothing silently missing."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def locale_of(
    request: Request[Any, Any, Any], services: Services, session: WebSession | None
) -> str:
    """Return the language of a page: chosen in this browser, else asked for by it."""
    locales = services.catalogue.locales
    if session is not None and session.locale in locales:
        return session.locale
    return preferred(request.headers.get("accept-language"), locales)


def words_of(
    request: Request[Any, Any, Any], services: Services, session: WebSession | None
) -> Words:
    """Return the words in which to speak to this browser."""
    locale = locale_of(request, services, session)
    return words(locale, services.catalogue.operator.region)


def page(
    request: Request[Any, Any, Any],
    services: Services,
    session: WebSession | None,
    name: str,
    *,
    status: int = 200,
    form_target: str | None = None,
    **context: Any,  # noqa: ANN401 - whatever the template wants
) -> Template:
    """Return a page from a template, with its words, form tokens and headers.

    ``form_target`` is an outside address to which a form of this page may lead by
    redirect, such as a stored redirect URI: its origin (or scheme, for an app's own)
    joins ``form-action``. In templates ``_`` translates and ``token(form, …)`` is
    the CSRF value of a form.
    """
    say = words_of(request, services, session)
    flash = read_flash(request, services.keys, session)
    ours = {
        "_": say.say,
        "words": say,
        "locale": say.locale,
        "locales": services.catalogue.locales,
        "catalogue": services.catalogue,
        "operator": services.catalogue.operator,
        "_n": say.count,
        "style": _style(),
        "session": session,
        "here": _here(request),
        "token": _tokens(services.keys, session),
        "flash": flash,
        "told": _told(services, flash),
    }
    return Template(
        name,
        context=ours | context,
        status_code=status,
        headers=page_headers(form_target),
    )


@cache
def _style() -> str:
    """Return the mark of this version of the style sheet, so that it can be cached."""
    return hashlib.sha256((STATIC / "site.css").read_bytes()).hexdigest()[:12]


class _Tokens(Protocol):
    def __call__(self, *parts: str) -> str: ...


def _tokens(keys: KeyRing, session: WebSession | None) -> _Tokens:
    def token(*parts: str) -> str:
        return "" if session is None else csrf_token(keys, session, *parts)

    return token


def redirect(url: str) -> Redirect:
    """Return a 303: whatever the method was, the browser now gets this address."""
    return Redirect(url, status_code=303)


def _here(request: Request[Any, Any, Any]) -> str:
    query = request.scope["query_string"].decode("ascii", "replace")
    return request.scope["path"] + (f"?{query}" if query else "")


def own_path(text: str) -> str:
    """Return a path of ours as it is, and anything else as the start page.

    Two slashes, a backslash, a scheme or a control would lead to another site.
    """
    parts = urlsplit(text)
    fine = (
        text.startswith("/")
        and not text.startswith("//")
        and "\\" not in text
        and text.isascii()
        and text.isprintable()
        and not parts.scheme
        and not parts.netloc
    )
    return text if fine else "/me"


# --- messages that outlive a redirect ------------------------------------------------


def with_flash(
    keys: KeyRing, session: WebSession, path: str, code: str, about: str = ""
) -> str:
    """Return a path whose page will say, once there, that something was done.

    It is bound to the session, so that no link can make a page claim a withdrawal
    that never was.
    """
    proof = csrf_token(keys, session, "flash", code, about)
    mark = "&" if "?" in path else "?"
    return f"{path}{mark}done={code}.{about}.{proof}"


def read_flash(
    request: Request[Any, Any, Any], keys: KeyRing, session: WebSession | None
) -> tuple[str, str] | None:
    """Return (code, about) of a message made for this session, else None."""
    code, _, rest = request.query_params.get("done", "").partition(".")
    about, _, proof = rest.rpartition(".")
    if session is None or not code:
        return None
    is_ours = keys.proves(proof, "csrf", session.sha256, "flash", code, about)
    return (code, about) if is_ours else None


def _told(services: Services, flash: tuple[str, str] | None) -> Client | None:
    """Return the client that a message speaks of, if it names one."""
    about = "" if flash is None else flash[1]
    if not is_id("cli", about):
        return None
    return services.store.near(lambda near: rows.client(near, about))


# --- headers ----------------------------------------------------------------------


def page_headers(form_target: str | None = None) -> dict[str, str]:
    """Return the headers that a page has beside those of every answer.

    Chromium applies ``form-action`` to the redirects that follow a form, too.
    """
    if form_target is None:
        return {}
    return {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace(
            "form-action 'self'", f"form-action 'self' {_source(form_target)}"
        )
    }


def _source(url: str) -> str:
    """Return the CSP source of an address: its origin, or the scheme of an app."""
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"} and parts.hostname:
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = "" if parts.port is None else f":{parts.port}"
        return f"{parts.scheme}://{host}{port}"
    return f"{parts.scheme}:"


# --- errors -----------------------------------------------------------------------


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Say whether a person is looking: a browser, on a path not for machines."""
    machines = (
        "/v1/",
        "/access/",
        "/oauth/token",
        "/oauth/introspect",
        "/oauth/revoke",
    )
    path = request.scope["path"]
    return not path.startswith(machines) and "text/html" in request.headers.get(
        "accept", ""
    )


def error_page(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """Return a problem as a page that says what happened and what to do now."""
    services: Services = request.app.state.services
    code = _ALIKE.get(problem.code, problem.code)
    reason = code if code in MESSAGES else _kind(problem.status)
    answer = message_page(request, services, None, reason, status=problem.status)
    answer.headers.update(problem.headers)
    return answer


def message_page(
    request: Request[Any, Any, Any],
    services: Services,
    session: WebSession | None,
    reason: str,
    *,
    status: int,
    onward: str = "/me",
) -> Template:
    """Return a page that says one thing, and where to go on from there."""
    title, text, label = MESSAGES[reason]
    return page(
        request,
        services,
        session,
        "message.html",
        status=status,
        title=title,
        text=text,
        label=label,
        onward=onward,
        reason=reason,
        request_id=request_id(request.scope),
    )


def _kind(status: int) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return "not_found"
    return "failed" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"


def _(message: str) -> str:
    """Mark a message for translation; it is translated when shown."""
    return message


_CENTRE: Final = _("Go to the privacy centre")
_LOG_IN: Final = _("Log in again")

_ALIKE: Final = {"nonce_unknown": "csrf_failed"}  # to a person, the same

# Title, text, and what the button says.
MESSAGES: Final = {
    "not_found": (
        _("This page does not exist"),
        _("The address may be old, or it belongs to somebody else."),
        _CENTRE,
    ),
    "csrf_failed": (
        _("This page was open too long"),
        _("Nothing was changed. Load the page again and repeat what you wanted to do."),
        _CENTRE,
    ),
    "session_gone": (
        _("You have been logged out"),
        _("That happens after half an hour without use. Nothing was changed."),
        _LOG_IN,
    ),
    "cross_origin": (
        _("This did not come from our page"),
        _("Another site tried to act in your name. Nothing was changed."),
        _CENTRE,
    ),
    "request_expired": (
        _("This page was open too long"),
        _("Nothing was stored. Go back to the application and begin again there."),
        _CENTRE,
    ),
    "client_unknown": (
        _("We do not know the application that sent you here"),
        _(
            "Nothing was changed. If it is yours: client_id names no client of this "
            "gateway."
        ),
        _CENTRE,
    ),
    "redirect_uri_unknown": (
        _("The application gave an address that is not its own"),
        _(
            "So that nothing of yours ends up with a stranger, you are not sent there. "
            "Nothing was changed. If the application is yours: redirect_uri has to be, "
            "character by character, one that it is registered with."
        ),
        _CENTRE,
    ),
    "client_suspended": (
        _("This application may not ask you for anything"),
        _("It is not under contract at the moment. Nothing was changed."),
        _CENTRE,
    ),
    "refused": (
        _("That did not work"),
        _("Nothing was changed. Go back and try again."),
        _CENTRE,
    ),
    "failed": (
        _("We cannot do that right now"),
        _("Nothing was changed. Please try again in a moment."),
        _CENTRE,
    ),
    "stale": (
        _("This log-in cannot be finished"),
        _("It was used already or took longer than ten minutes. Nothing was stored."),
        _LOG_IN,
    ),
    "other_browser": (
        _("This log-in was started in another browser"),
        _(
            "For your safety it ends here. If somebody sent you a code to scan or a "
            "link to open, do not go on."
        ),
        _LOG_IN,
    ),
    "unavailable": (
        _("WeChat does not answer"),
        _("Nothing was stored. Please try again in a moment."),
        _LOG_IN,
    ),
    "held_back": (
        _("WeChat does not let this account log in"),
        _("Nothing was stored. WeChat can tell you why."),
        _LOG_IN,
    ),
    "handover_spent": (
        _("This link has been used or has run out"),
        _("It works once and for one minute. Open the page from the app again."),
        _LOG_IN,
    ),
}
