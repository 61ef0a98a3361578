"""Forms of our own pages: every value in them was put there by us, and comes back so.

Nobody types anything on these pages, so a form's token covers all of its values: a
form that was altered, made elsewhere or shown to another session is refused whole.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request

from gateway.body import LIMIT, read_body
from gateway.problems import Problem
from gateway.services import Services
from gateway.web.sessions import WebSession, check_csrf, check_origin

_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
_FIELDS: Final = 20


async def accept_form(
    request: Request[Any, Any, Any],
    services: Services,
    session: WebSession,
    form: str,
    *about: str,
    fields: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Return the values of a form that this session was shown, in order of fields.

    ``form`` and ``about`` say which form it is and what it changes, as the page
    did with ``token(form, *about, *values)``. Raises Problem for a foreign origin,
    another media type, a field missing, repeated or unknown, and a wrong token.
    """
    check_origin(request)
    sent = await read_form(request, *fields, "csrf")
    values = tuple(sent[name] for name in fields)
    check_csrf(services.keys, session, sent["csrf"], form, *about, *values)
    return values


async def read_form(request: Request[Any, Any, Any], *fields: str) -> dict[str, str]:
    """Return exactly these fields of an urlencoded body, each sent once."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind.strip().lower() != _MEDIA_TYPE:
        raise Problem(415, "unsupported_media_type", f"send the form as {_MEDIA_TYPE}")
    body = await read_body(request.receive, limit=LIMIT)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_FIELDS,
        )
    except ValueError:
        raise _unreadable() from None
    if sorted(name for name, _ in pairs) != sorted(fields):
        raise _unreadable()
    return dict(pairs)


def _unreadable() -> Problem:
    return Problem(400, "invalid_form", "the form does not have the fields of its page")
