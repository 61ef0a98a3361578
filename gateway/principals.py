"""Who is asking: from the Authorization header to a client or a person."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.problems import insufficient, unauthenticated
from gateway.services import Services
from gateway.tokens import Token, TokenKind, digest, find
from permissions.state import Client

_BEARER: Final = "bearer "
_LONGEST: Final = 256  # characters; ours have 43


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a live token: a client, a person, or a client for a person."""

    token: Token
    client: Client

    @property
    def subject(self) -> str:
        """The person behind a user or access token."""
        if self.token.subject is None:
            raise unauthenticated()
        return self.token.subject


async def authenticate(
    services: Services, authorization: str | None, kind: TokenKind, scope: str = ""
) -> Principal:
    """Return the holder of a live token of one kind, holding one scope.

    Raises Problem: 401 for a token that is missing, unknown, expired, revoked or
    of a client no longer under contract with the token's epoch; 403 for a live
    token of another kind or without the scope (RFC 6750 §3.1).
    """
    token = await _presented(services, authorization)
    if token is None:
        raise unauthenticated()
    client = await services.store.client(token.client)
    if (
        client is None
        or client.state != "contracted"
        or client.epoch != token.held.client_epoch
    ):
        raise unauthenticated()
    if token.kind != kind:
        raise insufficient(f"a {kind} token")
    if scope and scope not in token.scope:
        raise insufficient(f"the scope {scope}")
    return Principal(token=token, client=client)


async def is_known(services: Services, authorization: bytes) -> bool:
    """Say whether an Authorization value holds a live token of any kind."""
    return await _presented(services, authorization.decode("latin-1")) is not None


async def _presented(services: Services, authorization: str | None) -> Token | None:
    if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
        return None
    secret = authorization[len(_BEARER) :].strip()
    return (
        None if len(secret) > _LONGEST else await live_token(services, digest(secret))
    )


async def live_token(services: Services, sha256: str) -> Token | None:
    """Return a token that is neither unknown, revoked nor expired."""
    token = services.tokens.get(sha256)
    if token is None:
        token = services.store.near(lambda near: find(near, sha256))
        if token is None:
            return None
        services.tokens.keep(token)
    return token if services.clock() < token.expires_at else None
