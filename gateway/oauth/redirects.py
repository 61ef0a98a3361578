"""Redirect URIs: compared as strings, and the one way to answer through them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlencode, urlsplit

from permissions.state import Client

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_ON_LOOPBACK: Final = re.compile(
    r"(?P<host>http://(127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?"
    r"(?P<rest>([/?][A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]*)?)"
)
# Nothing else: the host becomes part of the consent page's Content-Security-Policy.
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
# RFC 3986 §2: whatever else a URI had, somebody on the way would write it anew.
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")


def is_registered(client: Client, uri: str) -> bool:
    """Say whether a URI is one of the client's, character by character.

    Only the port of an app client's loopback address is free (RFC 8252 §7.3).
    """
    if uri in client.redirect_uris:
        return True
    if client.kind != "app":
        return False
    wanted = _without_port(uri)
    return wanted is not None and any(
        _without_port(known) == wanted for known in client.redirect_uris
    )


def is_allowed(client: Client, uri: str) -> bool:
    """Say whether a client may register a URI.

    https, or http on this machine; an app may also have a scheme of its own
    (RFC 8252 §7.1). No fragment, no user name, no wildcard.
    """
    parts = _split(uri)
    if parts is None or "#" in uri or "*" in uri or parts.username is not None:
        return False
    if not _CHARACTERS.fullmatch(uri):
        return False
    if parts.scheme == "https":
        return _HOST.fullmatch(parts.hostname or "") is not None
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK
    return client.kind == "app" and "." in parts.scheme


def response_url(redirect_uri: str, parameters: dict[str, str]) -> str:
    """Return the redirect that carries an authorization response.

    What the registered URI has is left as it is; RFC 6749 §4.1.2.
    """
    mark = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{mark}{urlencode(parameters)}"


def _without_port(uri: str) -> str | None:
    """Return a loopback URI as it is, but for its port; None for any other.

    A parser would forgive line breaks, an empty fragment and upper case.
    """
    found = _ON_LOOPBACK.fullmatch(uri)
    if found is None or _split(uri) is None:
        return None
    return found["host"] + found["rest"]


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # a port that is none raises here
    except ValueError:
        return None
    return parts
