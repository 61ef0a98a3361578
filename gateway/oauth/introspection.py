"""Introspection (RFC 7662): what a token is good for at this very moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from gateway.oauth.client_auth import authenticated, presented
from gateway.oauth.clients import is_contracted
from gateway.oauth.errors import Refusal, Reply
from gateway.oauth.forms import Parameters
from gateway.oauth.rfc9396 import TYPE
from gateway.oauth.rights import Right, effective
from gateway.principals import live_token
from gateway.services import Services
from gateway.tokens import Token, digest
from permissions.decision import VALID_FOR_MS, Standing
from permissions.state import Client

SCOPE: Final = "gateway.introspect"
_MILLISECOND: Final = timedelta(milliseconds=1)

INACTIVE: Final = Reply(status=200, body={"active": False})


async def introspect(
    services: Services, parameters: Parameters, authorization: str | None
) -> Reply:
    """Answer the owning client, or an app client that may introspect others' tokens.

    Whatever is not live, or not the caller's to know, is exactly
    ``{"active": false}``. Raises Refusal for a caller that is not authenticated.
    """
    who = presented(parameters.once(), authorization)
    caller = services.store.near(lambda near: authenticated(near, who))
    secret = parameters.get("token")
    if secret is None:
        raise Refusal("invalid_request", "token is missing")
    token = await live_token(services, digest(secret))
    if token is None or not _may_know(caller, token):
        return INACTIVE
    client = await services.store.client(token.client)
    if (
        client is None
        or not is_contracted(client, services.clock())
        or client.epoch != token.held.client_epoch
    ):
        return INACTIVE
    left_ms = (token.expires_at - services.clock()) // _MILLISECOND
    body: dict[str, Any] = {
        "active": True,
        "scope": " ".join(token.scope),
        "client_id": client.id,
        "token_type": "Bearer",
        "exp": int(token.expires_at.timestamp()),
        "iat": int(token.issued_at.timestamp()),
        "iss": services.settings.issuer,
        "aud": services.settings.issuer,
        "valid_for_ms": min(VALID_FOR_MS, left_ms),
    }
    if token.subject is None:
        return Reply(status=200, body=body)
    standing = await services.store.standing(token.subject, client.id)
    if standing.subject is None:
        return INACTIVE
    if token.kind == "user":
        return Reply(status=200, body=body | _person(standing, caller, client))
    rights = effective(
        token.held, client.id, standing, services.catalogue, services.clock()
    )
    if not rights:
        return INACTIVE
    live = {right.grant.capability for right in rights}
    return Reply(
        status=200,
        body=body
        | _person(standing, caller, client)
        | {
            "scope": " ".join(name for name in token.scope if name in live),
            "grant_id": token.grant_set,
            "authorization_details": [_detail(right) for right in rights],
            "valid_for_ms": min(left_ms, *(right.valid_for_ms for right in rights)),
        },
    )


def _may_know(caller: Client, token: Token) -> bool:
    if caller.id == token.client:
        return True
    return (
        caller.kind == "app" and caller.state == "contracted" and SCOPE in caller.scopes
    )


def _person(standing: Standing, caller: Client, client: Client) -> dict[str, Any]:
    """Return who the token is about, in the caller's own view (design 2)."""
    subject = standing.subject
    assert subject is not None  # noqa: S101 - the caller has asked
    if caller.kind == "app":
        return {"sub": subject.id, "version": standing.version}
    held = subject.sets[client.id]
    return {"sub": held.pairwise, "version": f"{held.id}.{held.acts}"}


def _detail(right: Right) -> dict[str, Any]:
    grant = right.grant
    return {
        "type": TYPE,
        "identifier": grant.id,
        "capability": grant.capability,
        "purpose": grant.purpose,
        "elements": list(right.elements),
        **({"records": list(grant.records)} if grant.records else {}),
        "one_time": grant.one_time,
        "expires_at": grant.expires_at,
        "policy_version": grant.policy_version,
    }
