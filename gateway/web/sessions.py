"""Browser sessions: rows of the server, known by the SHA-256 of a cookie.

An id is 256 random bits and changes whenever what it may do changes; one that the
server did not make, or has ended, is ignored and never adopted, so that nobody can
plant an id and wait for a log-in (session fixation).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from litestar import Request
from sqlalchemy import Connection, delete, insert, or_, select, update

from gateway.keys import KeyRing
from gateway.problems import Problem
from gateway.tokens import digest, new_secret
from permissions.acts import Actor, SeeNotice
from permissions.catalogue.model import Catalogue
from permissions.evidence import Evidence
from permissions.ids import Random, shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction
from permissions.texts import sentence_sha256

IDLE: Final = timedelta(minutes=30)  # security 2, for users
ABSOLUTE: Final = timedelta(hours=12)
_TOUCH: Final = timedelta(minutes=1)  # writing each look would cost a commit a page
_BROWSER_BYTES: Final = 16


class SeenNotice(msgspec.Struct, frozen=True, kw_only=True):
    """The first-use notice as this browser was shown it, before anybody logged in."""

    text_sha256: str
    locale: str
    policy_version: str
    shown_at: datetime


class WebSession(msgspec.Struct, frozen=True, kw_only=True):
    """One browser's session; ``subject`` is None until somebody logs in.

    ``browser`` stays when the id rotates: authorization requests and log-in
    attempts are bound to it. The cookie itself is not kept.
    """

    sha256: str
    browser: str
    subject: str | None
    authentication: str | None  # how the person was known: wechat, handover
    auth_time: datetime | None
    notice: SeenNotice | None
    locale: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime

    def is_idle(self, now: datetime) -> bool:
        """Say whether the last look should be noted again."""
        return now - self.seen_at >= _TOUCH


def open_session(
    tx: Transaction, *, locale: str | None = None
) -> tuple[str, WebSession]:
    """Start an anonymous session; return its cookie, once, and the session."""
    _sweep(tx)
    secret = new_secret(tx.random)
    session = WebSession(
        sha256=digest(secret),
        browser=new_browser(tx.random),
        subject=None,
        authentication=None,
        auth_time=None,
        notice=None,
        locale=locale,
        created_at=tx.now,
        seen_at=tx.now,
        expires_at=tx.now + ABSOLUTE,
    )
    _insert(tx, session)
    return secret, session


def new_browser(random: Random) -> str:
    """Return what flows of one browser are bound to: 128 random bits in hex."""
    return random(_BROWSER_BYTES).hex()


def find(connection: Connection, secret: str, now: datetime) -> WebSession | None:
    """Return the live session of a cookie; None for unknown, idle and ended ones."""
    sha256 = digest(secret)
    held = tables.web_sessions
    row = connection.execute(
        select(held).where(held.c.shard == shard_of(sha256), held.c.sha256 == sha256)
    ).one_or_none()
    if row is None or now >= row.expires_at or now - row.seen_at >= IDLE:
        return None
    notice = None if row.notice is None else msgspec.convert(row.notice, SeenNotice)
    return WebSession(
        sha256=row.sha256,
        browser=row.browser,
        subject=row.subject,
        authentication=row.authentication,
        auth_time=row.auth_time,
        notice=notice,
        locale=row.locale,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )


def sign_in(
    tx: Transaction, session: WebSession, subject: str, authentication: str
) -> tuple[str, WebSession]:
    """Put a known person into the browser under a new id; the old one is deleted.

    A notice that this browser has read is recorded as the subject's act (R01),
    unless the policy has changed since. Raises PermissionsError for a subject that
    does not exist.
    """
    end(tx, session)
    secret = new_secret(tx.random)
    signed_in = msgspec.structs.replace(
        session,
        sha256=digest(secret),
        subject=subject,
        authentication=authentication,
        auth_time=tx.now,
        notice=None,  # what this person was shown is no act of the next one
        created_at=tx.now,
        seen_at=tx.now,
        expires_at=tx.now + ABSOLUTE,
    )
    _insert(tx, signed_in)
    if session.notice is not None and is_current(session.notice, tx.catalogue):
        see_notice(tx, subject, session.notice, authentication)
    return secret, signed_in


def rotate(tx: Transaction, session: WebSession) -> tuple[str, WebSession]:
    """Give a session a new id, before a page where much depends on it.

    Its life is not lengthened. Raises Problem where the session has ended
    meanwhile: rotating would bring a log-out back.
    """
    if not end(tx, session):
        raise session_gone()
    secret = new_secret(tx.random)
    rotated = msgspec.structs.replace(session, sha256=digest(secret), seen_at=tx.now)
    _insert(tx, rotated)
    return secret, rotated


def end(tx: Transaction, session: WebSession) -> bool:
    """Delete a session; False where it was gone already."""
    held = tables.web_sessions
    ended = tx.connection.execute(delete(held).where(*_is(session)))
    return ended.rowcount == 1


def touch(tx: Transaction, session: WebSession) -> None:
    """Note that the session was used just now."""
    _update(tx, session, seen_at=tx.now)


def speak(tx: Transaction, session: WebSession, locale: str) -> None:
    """Remember the language chosen in this browser."""
    _update(tx, session, locale=locale)


def remember_notice(tx: Transaction, session: WebSession, notice: SeenNotice) -> None:
    """Keep what was shown, until somebody logs in whose act it is."""
    _update(tx, session, notice=msgspec.to_builtins(notice))


def is_current(notice: SeenNotice, catalogue: Catalogue) -> bool:
    """Say whether the notice read is, word for word, the one in force."""
    text = catalogue.policy.notice.get(notice.locale)
    return (
        text is not None
        and notice.policy_version == catalogue.policy.version
        and notice.text_sha256 == sentence_sha256(text)
    )


def see_notice(
    tx: Transaction, subject: str, notice: SeenNotice, authentication: str
) -> None:
    """Record that a person was shown the first-use notice; once is enough."""
    tx.perform(
        SeeNotice(
            actor=Actor(kind="subject", id=subject),
            subject=subject,
            evidence=Evidence(
                kind="gateway_page",
                screen="notice",
                text_sha256=notice.text_sha256,
                locale=notice.locale,
                control="notice-continue",
                initial="button",
                channel="web",
                authentication=authentication,
                policy_version=notice.policy_version,
                shown_at=notice.shown_at,
            ),
        )
    )


# --- forgery ---------------------------------------------------------------------


def csrf_token(keys: KeyRing, session: WebSession, *parts: str) -> str:
    """Return what a form must send back: bound to this session and these parts.

    The first part names the form; the others are what it shows or changes.
    """
    return keys.mac("csrf", session.sha256, *parts)


def check_csrf(keys: KeyRing, session: WebSession, token: str, *parts: str) -> None:
    """Raise Problem 403 unless the token was made for this session and form."""
    if not keys.proves(token, "csrf", session.sha256, *parts):
        raise Problem(
            403,
            "csrf_failed",
            "the form is not one that this session was shown; load the page again",
            fix="reload_page",
        )


def check_origin(request: Request[Any, Any, Any]) -> None:
    """Raise Problem 403 for a request that another site made the browser send.

    ``Origin`` has to be the issuer's where it is sent (``null`` is not), and
    ``Sec-Fetch-Site`` must not say cross-site. Clients that send neither are no
    browsers; their forms still need a token.
    """
    origin = request.headers.get("origin")
    issuer = urlsplit(request.app.state.services.settings.issuer)
    own = f"{issuer.scheme}://{issuer.netloc}"
    if (origin is not None and origin != own) or (
        request.headers.get("sec-fetch-site") == "cross-site"
    ):
        raise Problem(
            403,
            "cross_origin",
            "this form was sent from another site; open the page here and try again",
            fix="reload_page",
        )


def session_gone() -> Problem:
    """Return the answer to a form whose session has ended or never was."""
    return Problem(
        403,
        "session_gone",
        "the session has ended; open the page again",
        fix="log_in",
    )


# --- rows ------------------------------------------------------------------------


def _is(session: WebSession) -> tuple[Any, Any]:
    held = tables.web_sessions
    return (
        held.c.shard == shard_of(session.sha256),
        held.c.sha256 == session.sha256,
    )


def _insert(tx: Transaction, session: WebSession) -> None:
    row = msgspec.structs.asdict(session)
    row["notice"] = msgspec.to_builtins(session.notice)
    tx.connection.execute(
        insert(tables.web_sessions).values(shard=shard_of(session.sha256), **row)
    )


def _update(tx: Transaction, session: WebSession, **values: object) -> None:
    tx.connection.execute(
        update(tables.web_sessions).where(*_is(session)).values(**values)
    )


def _sweep(tx: Transaction) -> None:
    """Delete what has run out in one shard, chosen by the time's last digits.

    Every new session sweeps a 64th, so that strangers cannot pile up rows.
    """
    held = tables.web_sessions
    tx.connection.execute(
        delete(held).where(
            held.c.shard == tx.now.microsecond % 64,
            or_(held.c.expires_at <= tx.now, held.c.seen_at <= tx.now - IDLE),
        )
    )
