"""Redirect URIs: compared as strings, and the one way to answer through them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlencode, urlsplit

from permissions.state import Client

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
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
        return bool(parts.hostname)
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK
    return client.kind == "app" and "." in parts.scheme


def response_url(redirect_uri: str, parameters: dict[str, str]) -> str:
    """Return the redirect that carries an authorization response.

    What the registered URI has is left as it is; RFC 6749 §4.1.2.
    """
    mark = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{mark}{urlencode(parameters)}"


def _without_port(uri: str) -> SplitResult | None:
    parts = _split(uri)
    if parts is None or parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        return None
    if parts.username is not None:
        return None
    return parts._replace(netloc=parts.hostname)


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # a port that is none raises here
    except ValueError:
        return None
    return parts
