"""The outermost layer: what every answer carries, and one log line for each."""

from __future__ import annotations

import re
import time
from typing import Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from gateway.headers import completed, standing_headers
from gateway.logs import frames
from gateway.problems import MEDIA_TYPE, Problem
from permissions.ids import Random, new_id

_KEY: Final = "request_id"  # in the scope's state
_AHEAD: Final = 8192  # random bytes drawn at once, for ids that are no secrets

# A name that the caller of this API gave the request; anything stranger is not
# repeated in an answer.
_AUTHZEN: Final = "/access/v1/"
_CALLERS_OWN: Final = re.compile(rb"[\x20-\x7e]{1,128}")

FAILED: Final = "the gateway failed; report the request id"

log = structlog.get_logger("gateway")


def request_id(scope: Scope) -> str:
    """Return the id of the request in hand; errors carry it and nothing else."""
    return str(scope.get("state", {}).get(_KEY, ""))


class RequestLayer:
    """Give each answer an id and the standing headers, and what nobody foresaw a 500.

    Paths are logged as the route's template, so that no id or token of a person
    reaches a log; bodies, query strings and headers are never logged.
    """

    def __init__(
        self, inner: ASGIApp, random: Random, *, is_secure: bool, log_requests: bool
    ) -> None:
        self._inner = inner
        self._random = _drawn_ahead(random)
        self._standing = standing_headers(is_secure=is_secure)
        self._log_requests = log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through (ASGI)."""
        if scope["type"] != ScopeType.HTTP:
            await self._inner(scope, receive, send)
            return
        ident = new_id("req", self._random)
        scope.setdefault("state", {})[_KEY] = ident
        began = time.perf_counter()
        named = _callers_name(scope) or ident.encode()
        sent = [0]  # then the status, once the answer has begun

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent.append(message["status"])
                message["headers"] = completed(
                    message.get("headers", ()), self._standing, named
                )
            await send(message)

        try:
            await self._inner(scope, receive, send_with_id)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            note_failure(ident, error)
            if sent == [0]:
                await _answer_500(ident, send_with_id)
        if self._log_requests:
            log.info(
                "request",
                request_id=ident,
                method=scope["method"],
                route=_route(scope),
                status=sent[-1],
                duration_ms=round((time.perf_counter() - began) * 1000, 2),
            )


def _callers_name(scope: HTTPScope) -> bytes | None:
    """Return what the caller calls this request, where a standard has it repeated.

    AuthZEN 1.0 §10.1.3. Errors and the log keep the gateway's own id: what a caller
    writes into a header may be anything, a person's name too.
    """
    if not scope["path"].startswith(_AUTHZEN):
        return None
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value if _CALLERS_OWN.fullmatch(value) else None
    return None


def _drawn_ahead(random: Random) -> Random:
    """Save a system call for each answer: it slows down what runs after it, too."""
    drawn, at = b"", 0

    def draw(count: int) -> bytes:
        nonlocal drawn, at
        if at + count > len(drawn):
            drawn, at = random(_AHEAD), 0
        at += count
        return drawn[at - count : at]

    return draw


def _route(scope: Scope) -> str:
    return scope.get("path_template") or "(none)"


def note_failure(ident: str, error: Exception) -> None:
    """Log what nobody foresaw: where it broke, and no value."""
    log.error(
        "request_failed",
        request_id=ident,
        error=type(error).__name__,
        where=frames(error),
    )


async def _answer_500(ident: str, send: Send) -> None:
    problem = Problem(500, "internal_error", FAILED)
    body = problem.encode(ident)
    await send(
        {
            "type": "http.response.start",
            "status": 500,
            "headers": [
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", str(len(body)).encode()),
                (b"cache-control", b"no-store"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
