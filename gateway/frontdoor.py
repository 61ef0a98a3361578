"""The front door: the hot paths, served before Litestar is asked.

It shares authentication, decisions, problems and headers with the plain routes, and
parity tests hold it to their answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from gateway.api.check import SCOPE, Check, decided
from gateway.api.guards import app_principal
from gateway.authzen.evaluation import evaluated
from gateway.authzen.model import Evaluation, check_of
from gateway.body import (
    LIMIT,
    Disconnected,
    answer,
    check_query,
    decode,
    is_plain,
    read_declared,
    screen_content,
    screen_shape,
    write,
)
from gateway.idempotency import key_of
from gateway.principals import Principal
from gateway.problems import Problem, from_domain
from gateway.services import Services
from permissions.errors import PermissionsError

T = TypeVar("T")
Handler = Callable[[HTTPScope, bytes], Awaitable[bytes]]

_check_decoder: Final = msgspec.json.Decoder(Check)
_evaluation_decoder: Final = msgspec.json.Decoder(Evaluation)
_encode: Final = msgspec.json.Encoder().encode


class FrontDoor:
    """One dictionary of (method, path); what is not in it goes to ``inner``."""

    def __init__(self, services: Services, inner: ASGIApp) -> None:
        self._services = services
        self._inner = inner
        self._handlers: dict[tuple[str, str], Handler] = {
            ("POST", "/v1/check"): self._check,
            ("POST", "/access/v1/evaluation"): self._evaluation,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on (ASGI)."""
        if scope["type"] != ScopeType.HTTP:
            await self._inner(scope, receive, send)
            return
        handler = self._handlers.get((scope["method"], scope["path"]))
        if handler is None:
            await self._inner(scope, receive, send)
            return
        scope["path_template"] = scope["path"]
        try:
            check_query(scope["query_string"])
            body = await read_declared(scope, receive, limit=LIMIT)
            told = await handler(scope, body)
        except Problem as problem:
            await answer(problem, scope, send)
        except PermissionsError as error:
            await answer(from_domain(error), scope, send)
        except Disconnected:
            return
        else:
            await write(send, 200, "application/json", told)

    async def _check(self, scope: HTTPScope, body: bytes) -> bytes:
        asked = _screened(body, _check_decoder, _keys_in)
        sent = _sent(scope)
        principal = await self._principal(sent)
        if asked is None:
            asked = decode(_check_decoder, body)
        key = None
        if (text := _text(sent.get(b"idempotency-key"))) is not None:
            key = key_of(scope, body, principal, text)
        return _encode(await decided(self._services, principal, asked, key))

    async def _evaluation(self, scope: HTTPScope, body: bytes) -> bytes:
        asked = _screened(body, _evaluation_decoder, _keys_known)
        principal = await self._principal(_sent(scope))
        if asked is None:
            asked = decode(_evaluation_decoder, body)
        return _encode(await evaluated(self._services, principal, check_of(asked)))

    async def _principal(self, sent: dict[bytes, bytes]) -> Principal:
        return await app_principal(
            self._services, _text(sent.get(b"authorization")), SCOPE
        )


def _screened(
    body: bytes, decoder: msgspec.json.Decoder[T], keys_in: Callable[[T], int]
) -> T | None:
    """Apply the rules to a body; return it decoded, or None where that fails."""
    if not body:
        return None
    screen_shape(body)
    asked: T | None
    try:
        asked = decoder.decode(body)
    except msgspec.DecodeError:
        asked = None
    # As many colons as keys: no key is there twice, and none was ignored.
    if asked is None or body.count(b":") != keys_in(asked) or not is_plain(body):
        screen_content(body)
    return asked


def _keys_in(asked: Check) -> int:
    """Count the keys of a body, as far as they differ from what is left out."""
    return (
        3
        + (asked.client is not None)
        + (asked.device is not None)
        + (asked.scene is not None)
        + (asked.elements != ())
        + (asked.record is not None)
        + asked.use
        + (asked.consistency != "lease")
    )


def _keys_known(asked: Evaluation) -> int:
    """Count the keys that an evaluation needs, and those of a context that says more.

    ``properties`` are not counted: what is ignored goes through the exact rules.
    """
    context = asked.context
    more = (
        (context.client is not None)
        + (context.device is not None)
        + (context.scene is not None)
        + (context.consistency != "lease")
    )
    return 8 + (more and more + 1)


def _sent(scope: HTTPScope) -> dict[bytes, bytes]:
    return dict(reversed(list(scope["headers"])))  # of two, the first counts


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
