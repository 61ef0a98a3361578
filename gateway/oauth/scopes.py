"""Service scopes: what a client may do in its own name, without a person."""

from __future__ import annotations

from gateway.oauth.errors import Refusal
from permissions.state import Client


def service_scopes(client: Client, scope: str | None) -> tuple[str, ...]:
    """Return the service scopes that a client-credentials token gets.

    Without a wish it gets all that the client is registered for (RFC 6749 §3.3).
    Raises Refusal for a scope that is not the client's, and for none at all.
    """
    wanted = client.scopes if scope is None else tuple(dict.fromkeys(scope.split()))
    if not client.scopes:
        raise Refusal(
            "invalid_scope",
            "this client has no service scopes; a partner gets its tokens with an "
            "authorization code",
        )
    if not wanted or not set(client.scopes).issuperset(wanted):
        raise Refusal(
            "invalid_scope",
            f"the service scopes of this client are: {' '.join(client.scopes)}",
        )
    return wanted
