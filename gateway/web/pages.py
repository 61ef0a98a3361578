"""How a page is made: its words, its language, its forms and its headers."""

from __future__ import annotations

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
    ours = {
        "_": say.say,
        "words": say,
        "locale": say.locale,
        "locales": services.catalogue.locales,
        "operator": services.catalogue.operator,
        "session": session,
        "here": _here(request),
        "token": _tokens(services.keys, session),
        "flash": read_flash(request, services.keys, session),
    }
    return Template(
        name,
        context=ours | context,
        status_code=status,
        headers=page_headers(form_target),
    )


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


def flash_query(keys: KeyRing, session: WebSession, code: str, about: str = "") -> str:
    """Return the query that makes the next page say that something was done.

    It is bound to the session, so that no link can make a page claim a withdrawal
    that never was.
    """
    proof = csrf_token(keys, session, "flash", code, about)
    return f"?done={code}.{about}.{proof}"


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
    title, text = _ERRORS.get(problem.code) or _ERRORS[_kind(problem.status)]
    answer = page(
        request,
        services,
        None,
        "error.html",
        status=problem.status,
        title=title,
        text=text,
        code=problem.code,
        request_id=request_id(request.scope),
    )
    answer.headers.update(problem.headers)
    return answer


def _kind(status: int) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return "not_found"
    return "failed" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"


def _(message: str) -> str:
    """Mark a message for translation; it is translated when shown."""
    return message


_ERRORS: Final = {
    "not_found": (
        _("This page does not exist"),
        _("The address may be old, or it belongs to somebody else."),
    ),
    "csrf_failed": (
        _("This page was open too long"),
        _("Nothing was changed. Load the page again and repeat what you wanted to do."),
    ),
    "session_gone": (
        _("You have been logged out"),
        _("That happens after half an hour without use. Nothing was changed."),
    ),
    "cross_origin": (
        _("This did not come from our page"),
        _("Another site tried to act in your name. Nothing was changed."),
    ),
    "refused": (
        _("That did not work"),
        _("Nothing was changed. Go back and try again."),
    ),
    "failed": (
        _("We cannot do that right now"),
        _("Nothing was changed. Please try again in a moment."),
    ),
}
