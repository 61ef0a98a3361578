"""How a client shows who it is: its secret, in one place of the request.

Source: RFC 6749 §2.3.1; OAuth 2.1 (confidential clients only).
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, Literal
from urllib.parse import unquote_plus

import msgspec
from sqlalchemy import Connection

from gateway.oauth.clients import recognised
from gateway.oauth.errors import Refusal
from gateway.oauth.forms import Parameters
from permissions.state import Client

Method = Literal["client_secret_basic", "client_secret_post"]
METHODS: Final[tuple[Method, ...]] = ("client_secret_basic", "client_secret_post")

_BASIC: Final = "basic "
_LONGEST: Final = 512  # characters of an Authorization value; ours have 110


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """A client id and a secret, as one method of authentication brought them."""

    method: Method
    client: str
    secret: str

    def __repr__(self) -> str:
        return f"Presented(method={self.method!r}, client={self.client!r}, secret=…)"


def presented(parameters: Parameters, authorization: str | None) -> Presented:
    """Return how a request authenticates its client.

    Raises Refusal: ``invalid_request`` for more than one method at once,
    ``invalid_client`` for none, an unknown one, or one that cannot be read.
    """
    in_body = parameters.get("client_secret") is not None
    assertion = parameters.get("client_assertion") is not None
    if (authorization is not None) + in_body + assertion > 1:
        raise Refusal("invalid_request", "authenticate the client in one way only")
    client = parameters.get("client_id")
    if authorization is not None:
        basic = _basic(authorization)
        if client is not None and client != basic.client:
            raise Refusal("invalid_request", "client_id is not the authenticated one")
        return basic
    secret = parameters.get("client_secret")
    if client is None or secret is None:
        raise Refusal("invalid_client")
    return Presented(method="client_secret_post", client=client, secret=secret)


def authenticated(connection: Connection, who: Presented) -> Client:
    """Return the client that the secret belongs to; raises Refusal otherwise."""
    client = recognised(connection, who.client, who.secret)
    if client is None:
        raise Refusal("invalid_client")
    return client


def _basic(authorization: str) -> Presented:
    if not authorization.lower().startswith(_BASIC) or len(authorization) > _LONGEST:
        raise Refusal("invalid_client")
    try:
        pair = base64.b64decode(authorization[len(_BASIC) :].strip(), validate=True)
        client, colon, secret = pair.decode().partition(":")
        client = unquote_plus(client, errors="strict")
        secret = unquote_plus(secret, errors="strict")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Refusal("invalid_client") from None
    if not colon or not client or not secret or "\0" in client:
        raise Refusal("invalid_client")
    return Presented(method="client_secret_basic", client=client, secret=secret)
