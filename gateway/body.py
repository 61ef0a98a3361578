"""The one bounded reader of request bodies, and the rules every JSON body passes.

Both doors read through it, in this order: content type, content encoding, size while
reading, UTF-8, depth, duplicate keys, control characters. Only then is a body
decoded. What is refused is named by rule or by path, never by value.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    HTTPRequestEvent,
    HTTPScope,
    Receive,
    Scope,
    Send,
    WebSocketReceiveMessage,
)

from gateway.problems import MEDIA_TYPE, Problem
from gateway.requests import request_id

T = TypeVar("T")
ReceiveMessage: TypeAlias = HTTPReceiveMessage | WebSocketReceiveMessage

LIMIT: Final = 64 * 1024  # bytes
DATA_LIMIT: Final = 1024 * 1024  # bytes, where personal data comes in
DEPTH: Final = 32
READ_SECONDS: Final = 10.0
_FIELDS: Final = 50  # query parameters
_JSON: Final = ("/v1/", "/access/v1/")  # the paths under which bodies are JSON
_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

# Possessive, and the last quote may be missing: linear on whatever comes.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
_ROUND: Final = bytes.maketrans(b"{}", b"[]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_UNKNOWN: Final = "Object contains unknown field `"
_MISSING: Final = "Object missing required field `"  # then the name, which is ours


class Disconnected(Exception):
    """The caller went away before its body was complete; nobody waits."""


# --- reading ------------------------------------------------------------------------


async def read_json(
    scope: HTTPScope, receive: Receive, *, limit: int, lines: bool = False
) -> bytes:
    """Return a body that is fit to be decoded as JSON, or b"" where there is none.

    ``limit`` is in bytes; ``lines`` lets texts have line breaks and tabs. Raises
    Problem, and Disconnected where the caller is gone.
    """
    body = await read_declared(scope, receive, limit=limit)
    if body:
        screen(body, lines=lines)
    return body


async def read_declared(scope: HTTPScope, receive: Receive, *, limit: int) -> bytes:
    """Return a body that says it is JSON, not yet screened."""
    declared = _check_headers(scope)
    body = await read_body(receive, limit=limit)
    if body and not declared:
        raise _media_type()
    return body


async def read_body(
    receive: Receive, *, limit: int, seconds: float = READ_SECONDS
) -> bytes:
    """Read at most ``limit`` bytes within a deadline, whatever length was declared."""
    # Nearly every body is there already; arming a timer for it costs 4 us.
    steps = receive().__await__()
    try:
        first = next(steps)
    except StopIteration as arrived:
        body, more = _chunk(arrived.value)
        waiting = None
    else:
        body, more = b"", True
        waiting = _Waiting(first, steps)
    if more:
        body = await _read_on(receive, waiting, body, limit, seconds)
    if len(body) > limit:
        raise Problem(
            413, "too_large", f"the body is larger than {limit} bytes", fix="send_less"
        )
    return body


class _Waiting:
    """The rest of a call of ``receive`` that has run to its first wait."""

    def __init__(
        self, first: object, steps: Generator[Any, None, ReceiveMessage]
    ) -> None:
        self._first = first
        self._steps = steps

    def __await__(self) -> Generator[Any, None, ReceiveMessage]:
        try:
            yield self._first
        except BaseException:
            self._steps.close()
            raise
        return (yield from self._steps)


async def _read_on(
    receive: Receive,
    waiting: _Waiting | None,
    body: bytes,
    limit: int,
    seconds: float,
) -> bytes:
    """Read what has not arrived yet, within a deadline."""
    chunks, size, more = [body], len(body), True
    try:
        async with asyncio.timeout(seconds):
            while more and size <= limit:
                message = await (receive() if waiting is None else waiting)
                waiting = None
                chunk, more = _chunk(message)
                chunks.append(chunk)
                size += len(chunk)
    except TimeoutError:
        raise Problem(
            408, "request_timeout", "the body did not arrive in time; send it again"
        ) from None
    return b"".join(chunks)


def _chunk(message: ReceiveMessage) -> tuple[bytes, bool]:
    if message["type"] != "http.request":
        raise Disconnected
    return message.get("body", b""), message.get("more_body", False)


def _check_headers(scope: HTTPScope) -> bool:
    """Check type and encoding; say whether a type was declared."""
    declared = False
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind, _, parameters = value.lower().partition(b";")
            declared = kind.strip() == b"application/json"
            if not declared or parameters.strip() not in {
                b"",
                b"charset=utf-8",
                b'charset="utf-8"',
            }:
                raise _media_type()
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise Problem(
                415,
                "unsupported_media_type",
                "send the body without a content encoding",
                fix="send_identity",
            )
    return declared


def _media_type() -> Problem:
    return Problem(
        415,
        "unsupported_media_type",
        "send the body as application/json, in UTF-8",
        fix="send_json",
    )


# --- rules on the whole body --------------------------------------------------------


def screen(body: bytes, *, lines: bool = False) -> None:
    """Refuse what no decoder should meet, and what a decoder would let through."""
    screen_shape(body)
    screen_content(body, lines=lines)


def screen_shape(body: bytes) -> None:
    """Refuse invalid UTF-8 and nesting that would exhaust a decoder's stack."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise Problem(400, "invalid_utf8", "the body is not valid UTF-8") from None
    if body.count(b"[") + body.count(b"{") > DEPTH and _is_too_deep(body):
        raise Problem(400, "too_deep", f"JSON may be nested {DEPTH} levels deep")


def _is_too_deep(body: bytes) -> bool:
    """Scan exactly, in linear time: innermost pairs vanish, level by level."""
    left = _STRING.sub(b"", body).translate(_ROUND, _NO_BRACKET)
    for _ in range(DEPTH):
        if not left:
            return False
        left = left.replace(b"[]", b"")
    return bool(left)


def is_plain(body: bytes) -> bool:
    """Say cheaply that a body holds no escape and no control character at all."""
    return not (b"\\" in body or b"\x7f" in body or b"\xc2" in body)


def screen_content(body: bytes, *, lines: bool = False) -> None:
    """Refuse duplicate keys, control characters and what is no JSON; exact, slower."""
    try:
        value = json.loads(body, object_pairs_hook=_unique)
    except ValueError:
        raise _malformed() from None
    if not is_plain(body):
        _refuse_controls(value, _CONTROL_BUT_LINES if lines else _CONTROL)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem(
            400, "duplicate_key", "an object names the same key twice; name it once"
        )
    return found


def _refuse_controls(value: object, control: re.Pattern[str]) -> None:
    match value:
        case str():
            if control.search(value):
                raise Problem(
                    400, "control_character", "texts may not hold control characters"
                )
        case dict():
            for key, inner in value.items():
                _refuse_controls(key, _CONTROL)
                _refuse_controls(inner, control)
        case list():
            for inner in value:
                _refuse_controls(inner, control)
        case _:
            pass


def _malformed() -> Problem:
    return Problem(400, "invalid_json", "the body is not well-formed JSON")


# --- decoding -----------------------------------------------------------------------


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode a screened body; raises Problem that names the path of what is wrong."""
    if not body:
        raise Problem(400, "invalid_json", "this route takes a JSON body; send one")
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None
    except msgspec.DecodeError:
        raise _malformed() from None


def invalid(message: str) -> Problem:
    """Turn a decoder's message into a problem, leaving out what the caller sent.

    The name of an unknown key is the caller's too: only a plain one is repeated.
    """
    reason, _, place = message.partition(" - at `")
    path = place.rstrip("`").removeprefix("$").removeprefix(".")
    if reason.startswith(_UNKNOWN):
        name = reason.removeprefix(_UNKNOWN).rstrip("`")
        if _PLAIN_NAME.fullmatch(name):
            path = f"{path}.{name}" if path else name
            detail = f"{path}: unknown field; leave it out"
        else:
            detail = f"{path or 'the body'}: holds an unknown field; leave it out"
        return Problem(
            400, "unknown_field", detail, fix="leave_out", extra={"field": path}
        )
    if reason.startswith(_MISSING):
        name = reason.removeprefix(_MISSING).rstrip("`")
        path = f"{path}.{name}" if path else name
        reason = "Missing; send it"
    elif not reason.startswith("Expected "):
        reason = "Not one of the values that this field takes"
    said = f"{path or 'the body'}: {reason[0].lower()}{reason[1:]}"
    return Problem(400, "invalid_request", said, extra={"field": path})


# --- the layer in front of Litestar -------------------------------------------------


class BodyRules:
    """Apply the rules to bodies and queries of the JSON API, then replay the body.

    ``is_known`` says whether an Authorization value is somebody's: a stranger is not
    read a megabyte, which takes a tenth of a second to screen.
    """

    def __init__(
        self, inner: ASGIApp, is_known: Callable[[bytes], Awaitable[bool]]
    ) -> None:
        self._inner = inner
        self._is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through (ASGI)."""
        if scope["type"] != ScopeType.HTTP or not scope["path"].startswith(_JSON):
            await self._inner(scope, receive, send)
            return
        try:
            check_query(scope["query_string"])
            if scope["method"] in _METHODS:
                receive = await self._screened(scope, receive)
        except Problem as problem:
            await answer(problem, scope, send)
        except Disconnected:
            return
        else:
            await self._inner(scope, receive, send)

    async def _screened(self, scope: HTTPScope, receive: Receive) -> Receive:
        is_data = "/data/" in scope["path"]
        limit = LIMIT
        if is_data and await self._is_known(_authorization(scope)):
            limit = DATA_LIMIT
        body = await read_json(scope, receive, limit=limit, lines=is_data)
        whole: HTTPRequestEvent = {
            "type": "http.request",
            "body": body,
            "more_body": False,
        }
        waiting: list[ReceiveMessage] = [whole]

        async def replay() -> ReceiveMessage:
            return waiting.pop() if waiting else await receive()

        return replay


def _authorization(scope: HTTPScope) -> bytes:
    found = (value for name, value in scope["headers"] if name == b"authorization")
    return next(found, b"")


def check_query(query: bytes) -> None:
    """Refuse a query that two readers could understand differently."""
    if not query:
        return
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_FIELDS,
        )
    except ValueError:
        raise Problem(
            400, "invalid_query", "the query is not UTF-8, percent-encoded"
        ) from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise Problem(400, "repeated_parameter", "a query parameter appears twice")
    if any(_CONTROL.search(text) for pair in pairs for text in pair):
        raise Problem(
            400, "control_character", "parameters may not hold control characters"
        )


async def answer(problem: Problem, scope: Scope, send: Send) -> None:
    """Write a problem as an answer, without Litestar."""
    await write(
        send,
        problem.status,
        MEDIA_TYPE,
        problem.encode(request_id(scope)),
        [(name.lower(), value) for name, value in problem.headers.items()],
    )


async def write(
    send: Send,
    status: int,
    media_type: str,
    body: bytes,
    more: list[tuple[str, str]] | None = None,
) -> None:
    """Write a whole answer; the request layer adds what every answer carries."""
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    for name, value in more or ():
        headers.append((name.encode(), value.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
