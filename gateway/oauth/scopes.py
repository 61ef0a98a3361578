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
    if not wanted or not set(client.scopes).issuperset(wanted):
        raise Refusal("invalid_scope", "ask for service scopes of this client")
    return wanted
