"""Parameters of OAuth requests: form-encoded, UTF-8, each at most once.

Source: RFC 6749 §3.1, §3.2 and appendix B.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Request

from gateway.body import LIMIT as LARGEST
from gateway.body import read_body as bounded
from gateway.oauth.errors import Refusal
from gateway.problems import Problem

MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
_MOST: Final = 200  # parameters
_SPACES: Final = frozenset("\t\n\r")  # within JSON; no other control character
_FIRST_PRINTABLE: Final = " "
_DELETE: Final = "\x7f"
# Addresses end up in logs and histories, so these are never taken from one.
_CREDENTIALS: Final = frozenset(
    {
        "access_token", "client_assertion", "client_secret", "code", "code_verifier",
        "refresh_token", "token",
    }
)  # fmt: skip


class Parameters(msgspec.Struct, frozen=True):
    """What a request says: single values by name, and the names said twice.

    A parameter without a value counts as not sent (RFC 6749 §3.1).
    """

    values: dict[str, str]
    repeated: frozenset[str] = frozenset()

    def get(self, name: str) -> str | None:
        """Return the one value of a parameter."""
        return self.values.get(name)

    def once(self) -> Parameters:
        """Return these parameters; refuses a request that says anything twice."""
        if self.repeated:
            raise Refusal("invalid_request", "each parameter may be sent once only")
        return self


def pairs(encoded: bytes) -> list[tuple[str, str]]:
    """Read form-encoded parameters in their order, repeated ones included.

    Raises Refusal for invalid UTF-8, control characters and too many parameters.
    """
    try:
        found = parse_qsl(
            encoded.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST,
        )
    except ValueError:
        raise Refusal("invalid_request", "send form-encoded UTF-8") from None
    if not all(_is_plain(name) and _is_plain(value) for name, value in found):
        raise Refusal("invalid_request", "control characters are not allowed")
    return found


def parse(encoded: bytes) -> Parameters:
    """Read form-encoded parameters, each of which has one value.

    A repeated parameter has no value at all: two readers would see two. Raises
    Refusal as `pairs` does.
    """
    values: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in pairs(encoded):
        if name in values:
            repeated.add(name)
        values[name] = value
    return Parameters(
        {
            name: value
            for name, value in values.items()
            if value and name not in repeated
        },
        frozenset(repeated),
    )


def _is_plain(text: str) -> bool:
    return not any(
        (char < _FIRST_PRINTABLE and char not in _SPACES) or char == _DELETE
        for char in text
    )


async def read_body(request: Request[Any, Any, Any]) -> bytes:
    """Read the form-encoded body of a POST, at most 64 kB of it.

    Raises Refusal: another content type, or a body too large.
    """
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    charset = rest.strip().lower().replace('"', "")
    if kind.strip().lower() != MEDIA_TYPE or charset not in {"", "charset=utf-8"}:
        raise Refusal("invalid_request", f"send a body of type {MEDIA_TYPE}")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal("invalid_request", "send the body without an encoding")
    try:
        return await bounded(request.receive, limit=LARGEST)
    except Problem as problem:
        raise Refusal(
            "invalid_request",
            "the body is too large or too slow",
            status=problem.status,
        ) from None


async def read(request: Request[Any, Any, Any]) -> Parameters:
    """Read the parameters of a POST to an endpoint for clients.

    Raises Refusal as `read_body` and `parse` do, and for a credential in the address.
    """
    if not _CREDENTIALS.isdisjoint(read_query(request).values):
        raise Refusal("invalid_request", "send credentials in the body")
    return parse(await read_body(request))


def read_query(request: Request[Any, Any, Any]) -> Parameters:
    """Read the parameters in a request's address."""
    return parse(request.scope["query_string"])
