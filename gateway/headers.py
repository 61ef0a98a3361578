"""The headers that every answer carries, whichever door it leaves by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

Header = tuple[bytes, bytes]

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

_ALWAYS: Final[tuple[Header, ...]] = (
    # A page or file that holds nothing of a person says so by its own header.
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # no-referrer would make browsers send "Origin: null" with our own forms.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
)
_OVER_TLS: Final[Header] = (
    b"strict-transport-security",
    b"max-age=63072000; includeSubDomains",  # two years
)


def standing_headers(*, is_secure: bool) -> tuple[Header, ...]:
    """Return the headers of every answer; over TLS with HSTS (RFC 6797)."""
    return (*_ALWAYS, _OVER_TLS) if is_secure else _ALWAYS


def completed(
    headers: Iterable[Header], standing: tuple[Header, ...], ident: bytes
) -> list[Header]:
    """Return an answer's headers, with the standing ones it does not set itself."""
    own = list(headers)
    if not any([name in _NAMES for name, _ in own]):  # noqa: C419 - half the time
        return [*own, *standing, (b"x-request-id", ident)]
    named = {name for name, _ in own}
    return [
        *own,
        *(header for header in standing if header[0] not in named),
        (b"x-request-id", ident),
    ]


_NAMES: Final = frozenset(name for name, _ in (*_ALWAYS, _OVER_TLS))
