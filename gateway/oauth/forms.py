"""Parameters of OAuth requests: form-encoded, UTF-8, each at most once.

Source: RFC 6749 §3.1, §3.2 and appendix B.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Request

from gateway.oauth.errors import Refusal

MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
LARGEST: Final = 64 * 1024  # bytes
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


def parse(encoded: bytes) -> Parameters:
    """Read form-encoded parameters.

    Raises Refusal for invalid UTF-8, control characters and too many parameters.
    A repeated parameter has no value at all: two readers would see two.
    """
    try:
        pairs = parse_qsl(
            encoded.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST,
        )
    except ValueError:
        raise Refusal("invalid_request", "send form-encoded UTF-8") from None
    values: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if not _is_plain(name) or not _is_plain(value):
            raise Refusal("invalid_request", "control characters are not allowed")
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


async def read(request: Request[Any, Any, Any]) -> Parameters:
    """Read the body of a POST, at most 64 kB of it.

    Raises Refusal: another content type, a body too large, a credential in the
    address, or parameters that `parse` refuses.
    """
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    charset = rest.strip().lower().replace('"', "")
    if kind.strip().lower() != MEDIA_TYPE or charset not in {"", "charset=utf-8"}:
        raise Refusal("invalid_request", f"send a body of type {MEDIA_TYPE}")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal("invalid_request", "send the body without an encoding")
    if not _CREDENTIALS.isdisjoint(parse(_query(request)).values):
        raise Refusal("invalid_request", "send credentials in the body")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise Refusal(
                "invalid_request", "the body is larger than 64 kB", status=413
            )
    return parse(body)


def read_query(request: Request[Any, Any, Any]) -> Parameters:
    """Read the parameters in a request's address."""
    return parse(_query(request))


def _query(request: Request[Any, Any, Any]) -> bytes:
    query: bytes = request.scope["query_string"]
    return query
