"""Handing over: an app that has logged a person in itself brings them to the pages."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template
from sqlalchemy import update

from gateway.problems import Problem
from gateway.services import Services
from gateway.tokens import digest
from gateway.web import sessions
from gateway.web.login import after_sign_in
from gateway.web.pages import message_page, redirect, with_flash
from gateway.web.sessions import WebSession
from gateway.web.visits import give_cookie
from permissions.ids import shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction

AnyRequest = Request[Any, Any, Any]

_KNOWN_BY: Final = "handover"
# What this app may use, each with its button: by way of the overview, taking a yes
# back would take a step more than giving it did (design, promise 7).
_LANDING: Final = "/me/permissions"


class _Handed(msgspec.Struct, frozen=True):
    """Who is signed in now, by whose app, and the new session."""

    subject: str
    client: str
    secret: str
    session: WebSession


@get("/handover/{ticket:str}", include_in_schema=False)
async def take_over(
    ticket: FromPath[str],
    request: AnyRequest,
    services: NamedDependency[Services],
    visitor: NamedDependency[WebSession | None],
) -> Redirect | Template | Response[None]:
    """Sign in whom an app vouches for: once, within a minute, when a person comes.

    A browser that only looks ahead, or loads the address as part of a page, does
    not use the ticket up.
    """
    _check_visit(request)
    sha256 = digest(ticket)
    held = tables.handovers

    def work(tx: Transaction) -> _Handed | None:
        row = tx.connection.execute(
            update(held)
            .where(
                held.c.shard == shard_of(sha256),
                held.c.sha256 == sha256,
                held.c.used_at.is_(None),
                held.c.expires_at > tx.now,
            )
            .values(used_at=tx.now)
            .returning(held.c.subject, held.c.client)
        ).one_or_none()
        if row is None or tx.subject(row.subject) is None:
            return None
        before = visitor or sessions.open_session(tx)[1]
        secret, opened = sessions.sign_in(tx, before, row.subject, _KNOWN_BY)
        return _Handed(row.subject, row.client, secret, opened)

    handed = await services.store.write(work)
    if handed is None:
        return message_page(
            request, services, visitor, "handover_spent", status=410, onward="/login"
        )
    give_cookie(request, services, handed.secret)
    path = after_sign_in(services, handed.subject, _LANDING)
    # Whose app it was is said aloud: a link in a message could come from anybody.
    return redirect(
        with_flash(services.keys, handed.session, path, "handed_over", handed.client)
    )


def _check_visit(request: AnyRequest) -> None:
    """Raise Problem for anything but a person going to the page."""
    headers = request.headers
    purpose = headers.get("sec-purpose", "") + headers.get("purpose", "")
    if "prefetch" in purpose or "preview" in purpose:
        # Browsers throw an error away and ask again when the person comes.
        raise Problem(503, "not_yet", "open the address to use it", fix="open_page")
    mode = headers.get("sec-fetch-mode", "navigate")
    target = headers.get("sec-fetch-dest", "document")
    if (mode, target) != ("navigate", "document"):
        raise Problem(
            403, "not_a_visit", "a hand-over link is opened as a page of its own"
        )
