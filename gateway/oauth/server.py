"""Authlib behind one typed door: token issue, revocation, request validation.

Nothing else in the gateway imports it. A server object lives for one request,
inside one transaction; every sharp default of the library is overridden here. Its
errors become ours, so that no text of the library, and no input, is sent out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn, cast

import msgspec
from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from gateway import tokens
from gateway.oauth import codes
from gateway.oauth.client_auth import METHODS, authenticated, presented
from gateway.oauth.clients import is_contracted
from gateway.oauth.errors import DESCRIPTIONS, ErrorCode, Refusal, Reply, refused
from gateway.oauth.forms import Parameters
from gateway.oauth.redirects import is_registered
from gateway.oauth.rights import Right, effective, narrowed
from gateway.oauth.scopes import service_scopes
from gateway.oauth.standing import standing_of
from permissions.state import Client
from permissions.store.transaction import Transaction

GRANT_TYPES: Final = ("authorization_code", "client_credentials")
CHALLENGE_METHODS: Final = ("S256",)
RESPONSE_TYPES: Final = ("code",)

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to send, and what has to leave memory before it is sent."""

    reply: Reply
    dead_family: str | None = None
    dead_token: str | None = None


def life_of(client: Client) -> timedelta:
    """Return how long an access token of this client lives."""
    return tokens.CLIENT_LIFE if client.kind == "app" else tokens.ACCESS_LIFE


def token(
    transaction: Transaction,
    issuer: str,
    parameters: Parameters,
    authorization: str | None,
) -> Outcome:
    """Answer a token request (RFC 6749 §3.2) inside the deciding transaction.

    A refusal is an answer, so that what it did (a burnt code, a dead family) is
    committed; an exception is an infrastructure failure and undoes everything.
    """
    server = _Server(transaction, issuer)
    try:
        request = server.request("/oauth/token", parameters.once(), authorization)
        reply = _token(server, request, transaction.now)
    except Refusal as refusal:
        reply = refused(refusal)
    return Outcome(reply=reply, dead_family=server.dead_family)


def _token(server: _Server, request: _Request, now: datetime) -> Reply:
    client = server.authenticate_client(request, METHODS).client
    if not is_contracted(client, now):
        raise Refusal("unauthorized_client")
    if request.parameters.get("grant_type") is None:
        raise Refusal("invalid_request", "grant_type is missing")
    reply: Reply = server.create_token_response(request)
    return reply


def revoke(
    transaction: Transaction,
    issuer: str,
    parameters: Parameters,
    authorization: str | None,
) -> Outcome:
    """Answer a revocation request (RFC 7009): 200 for whatever token is named."""
    server = _Server(transaction, issuer)
    try:
        request = server.request("/oauth/revoke", parameters.once(), authorization)
        server.create_endpoint_response("revocation", request)
    except Refusal as refusal:
        return Outcome(reply=refused(refusal))
    return Outcome(reply=Reply(status=200, body=None), dead_token=server.dead_token)


def check_authorization(
    transaction: Transaction, issuer: str, client: Client, parameters: Parameters
) -> None:
    """Check response type and PKCE of an authorization request.

    Client and redirect URI are right already, so that a Refusal raised here may be
    answered by redirect.
    """
    server = _Server(transaction, issuer, known=client)
    request = server.request("/oauth/authorize", parameters, None)
    try:
        server.get_consent_grant(request)
    except OAuth2Error as error:
        _refuse(error)


def checked_metadata(values: dict[str, Any]) -> dict[str, Any]:
    """Return server metadata (RFC 8414 §2); raises ValueError where it is wrong."""
    AuthorizationServerMetadata(values).validate()
    return values


def _refuse(error: OAuth2Error) -> NoReturn:
    code = error.error if error.error in DESCRIPTIONS else "invalid_request"
    raise Refusal(cast("ErrorCode", code)) from None


class _Answer(dict[str, Any]):
    """A token response that does not show itself: the library logs what it issues."""

    def __repr__(self) -> str:
        return "<token response>"


def _issue(
    transaction: Transaction,
    client: Client,
    *,
    kind: tokens.TokenKind,
    scope: tuple[str, ...],
    **rest: Any,  # noqa: ANN401 - as `tokens.issue` takes them
) -> _Answer:
    """Store a token of 256 random bits and say what RFC 6749 §5.1 wants said."""
    life = life_of(client)
    secret, _ = tokens.issue(
        transaction,
        kind=kind,
        client=client.id,
        life=life,
        scope=scope,
        **{"client_epoch": client.epoch, **rest},
    )
    return _Answer(
        access_token=secret,
        token_type="Bearer",  # noqa: S106 - the name of a type
        expires_in=int(life.total_seconds()),
        scope=" ".join(scope),
    )


# Authlib ships no types, so its classes are Any to the type checker; each use below
# that mypy refuses for that reason alone carries the same ignore.
class _Client(ClientMixin):  # type: ignore[misc]
    """A client as Authlib wants to see one."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return is_registered(self.client, redirect_uri)

    def check_endpoint_auth_method(
        self,
        method: str,
        endpoint: str,  # noqa: ARG002 - the same at every endpoint
    ) -> bool:
        return method in METHODS

    def check_response_type(self, response_type: str) -> bool:
        return response_type in RESPONSE_TYPES

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in GRANT_TYPES

    def get_allowed_scope(self, scope: str | None) -> str:
        # Judged by the capabilities of the contract, or by `service_scopes`.
        return scope or ""


class _Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A consumed code as Authlib wants to see one."""

    def __init__(self, code: codes.Code) -> None:
        self.code = code
        self.code_challenge = code.code_challenge

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.code.scope)


class _Request(OAuth2Request):  # type: ignore[misc]
    """A request whose address comes from the settings, never from a header."""

    def __init__(
        self, uri: str, parameters: Parameters, authorization: str | None
    ) -> None:
        super().__init__("POST", uri)
        self.parameters = parameters
        self.authorization = authorization
        self.payload = BasicOAuth2Payload(parameters.values)

    @property
    def form(self) -> dict[str, str]:
        return self.parameters.values


class _Pkce(CodeChallenge):  # type: ignore[misc]
    """PKCE for everybody, S256 alone (RFC 7636; OAuth 2.1 §4.1.1)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = CHALLENGE_METHODS

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:  # noqa: ANN401
        form = grant.request.form
        challenge = form.get("code_challenge")
        method = form.get("code_challenge_method")
        if (
            challenge is None
            or not _CHALLENGE.fullmatch(challenge)
            or method not in (None, *CHALLENGE_METHODS)
        ):
            raise Refusal(
                "invalid_request",
                "send code_challenge, the SHA-256 of your code_verifier in base64url "
                "without padding (43 characters), and code_challenge_method=S256",
            )
        super().validate_code_challenge(grant, redirect_uri)

    def get_authorization_code_challenge_method(self, authorization_code: _Code) -> str:  # noqa: ARG002
        return "S256"


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]
    """A client in its own name: service scopes, no subject, no refresh token."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        scope = self.request.payload.scope
        self.request.scope = service_scopes(self.request.client.client, scope)

    def generate_token(self, **_ignored: object) -> _Answer:
        client: Client = self.request.client.client
        return _issue(
            self.server.transaction, client, kind="client", scope=self.request.scope
        )


class _AuthorizationCode(AuthorizationCodeGrant):  # type: ignore[misc]
    """The code flow: consumed first, in one UPDATE that names the client."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_authorization_code(self, code: str, client: _Client) -> _Code | None:
        transaction = self.server.transaction
        form = self.request.form
        verifier = form.get("code_verifier")
        if verifier is None or not _VERIFIER.fullmatch(verifier):
            raise Refusal("invalid_request", "send the code_verifier of this code")
        if "redirect_uri" not in form:
            raise Refusal("invalid_request", "send the redirect_uri of this code")
        sha256 = tokens.digest(code)
        found = codes.consume(transaction, sha256, client.client.id)
        if found is None:
            self._replayed(sha256, client.client.id)
            return None
        return None if found.expires_at <= transaction.now else _Code(found)

    def _replayed(self, sha256: str, client: str) -> None:
        """End what the first use of a code brought (RFC 6749 §4.1.2)."""
        transaction = self.server.transaction
        family = codes.family_of(transaction.connection, sha256, client)
        if family is not None:
            tokens.revoke_family(transaction, family)
            self.server.dead_family = family

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        """Leave the row: it is used up already, and names the family."""

    def authenticate_user(self, authorization_code: _Code) -> tuple[Right, ...]:
        """Return the rights that still count; none refuses the code."""
        transaction: Transaction = self.server.transaction
        code = authorization_code.code
        standing = standing_of(transaction, code.subject, self.request.client.client)
        return effective(
            code.held, code.client, standing, transaction.catalogue, transaction.now
        )

    def generate_token(self, user: tuple[Right, ...], **_ignored: object) -> _Answer:
        code: codes.Code = self.request.authorization_code.code
        details = narrowed(code.details, user)
        live = {detail["capability"] for detail in details}
        answer = _issue(
            self.server.transaction,
            self.request.client.client,
            kind="access",
            subject=code.subject,
            family=code.family,
            scope=tuple(name for name in code.scope if name in live),
            grant_set=code.grant_set,
            epoch=code.held.epoch,
            client_epoch=code.held.client_epoch,
            rights=code.held.rights,
        )
        answer["authorization_details"] = details
        answer["grant_id"] = code.grant_set
        return answer


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009, where naming a token that is not yours tells you nothing."""

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: _Request, client: _Client) -> str | None:
        secret = request.form.get("token")
        if secret is None:
            raise Refusal("invalid_request", "token is missing")
        found = tokens.find(self.server.transaction.connection, tokens.digest(secret))
        if found is None or found.client != client.client.id:
            return None
        return found.sha256

    def revoke_token(self, token: str, request: _Request) -> None:  # noqa: ARG002
        tokens.revoke(self.server.transaction, token)
        self.server.dead_token = token


class _Server(AuthorizationServer):  # type: ignore[misc]
    """The library's server for one request: what we offer, and nothing else."""

    def __init__(
        self,
        transaction: Transaction,
        issuer: str,
        known: Client | None = None,
    ) -> None:
        super().__init__()
        self.transaction = transaction
        self.dead_family: str | None = None
        self.dead_token: str | None = None
        self._issuer = issuer
        self._known = known
        for method in METHODS:
            self.register_client_auth_method(method, self._authenticator(method))
        self.register_grant(_ClientCredentials)
        self.register_grant(_AuthorizationCode, [_Pkce(required=True)])
        self.register_endpoint(_Revocation)

    def request(
        self, path: str, parameters: Parameters, authorization: str | None
    ) -> _Request:
        """Return a request as Authlib wants to see one."""
        return _Request(f"{self._issuer}{path}", parameters, authorization)

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def query_client(self, client_id: str) -> _Client | None:
        known = self._known
        return _Client(known) if known and known.id == client_id else None

    def authenticate_client(
        self, request: _Request, methods: tuple[str, ...], endpoint: str = "token"
    ) -> _Client:
        """Authenticate once per request; the library asks again in every grant."""
        if request.client is None:
            request.client = super().authenticate_client(request, methods, endpoint)
        client: _Client = request.client
        return client

    def _authenticator(
        self, method: str
    ) -> Callable[[object, _Request], _Client | None]:
        def authenticate(_query: object, request: _Request) -> _Client | None:
            who = presented(request.parameters, request.authorization)
            if who.method != method:
                return None
            return _Client(authenticated(self.transaction.connection, who))

        return authenticate

    def save_token(self, token: _Answer, request: _Request) -> None:
        """Leave it: the token was stored when it was made."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Tell nobody: what matters is in the ledger."""

    def handle_response(self, status: int, body: Any, headers: object) -> Reply:  # noqa: ANN401, ARG002
        return Reply(status=status, body=body)

    def handle_error_response(self, request: _Request, error: OAuth2Error) -> NoReturn:  # noqa: ARG002
        _refuse(error)
