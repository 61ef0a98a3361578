"""The routes of this package, and the writer of their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.types import ControllerRouterHandler

from gateway.oauth import forms, introspection, server
from gateway.oauth.authorize import authorize, authorize_by_form
from gateway.oauth.consent import answer_consent, show_consent
from gateway.oauth.errors import Refusal, Reply, refused
from gateway.oauth.forms import Parameters
from gateway.oauth.metadata import metadata
from gateway.services import Services
from permissions.errors import StoreUnavailable
from permissions.store.transaction import Transaction

AnyRequest = Request[Any, Any, Any]
Endpoint = Callable[[Transaction, str, Parameters, str | None], server.Outcome]


@post(
    "/oauth/token",
    status_code=200,
    summary="Get a token (RFC 6749 §3.2)",
    description="Takes a form. `grant_type=client_credentials` with `scope`, or "
    "`grant_type=authorization_code` with `code`, `redirect_uri` and `code_verifier`. "
    "The client says who it is by HTTP Basic, or by `client_id` and `client_secret`.",
    tags=["oauth"],
)
async def token(
    request: AnyRequest, services: NamedDependency[Services]
) -> Response[bytes]:
    """Exchange client credentials, or a code, for a token."""
    return await _answer(request, services, server.token)


@post(
    "/oauth/revoke",
    status_code=200,
    summary="End a token (RFC 7009)",
    description="Takes a form with `token`, from the client that holds it.",
    tags=["oauth"],
)
async def revoke(
    request: AnyRequest, services: NamedDependency[Services]
) -> Response[bytes]:
    """End one token; the grants behind it stay."""
    return await _answer(request, services, server.revoke)


@post(
    "/oauth/introspect",
    status_code=200,
    summary="Look into a token (RFC 7662)",
    description="Takes a form with `token`. A client sees its own tokens; an app with "
    "the scope `gateway.introspect` those of others, too.",
    tags=["oauth"],
)
async def introspect(
    request: AnyRequest, services: NamedDependency[Services]
) -> Response[bytes]:
    """Say what a token is good for now, to whom it concerns."""
    try:
        parameters = await forms.read(request)
        authorization = request.headers.get("authorization")
        return write(
            await introspection.introspect(services, parameters, authorization)
        )
    except Refusal as refusal:
        return write(refused(refusal))


@get(
    "/.well-known/oauth-authorization-server",
    summary="What this server offers (RFC 8414)",
    tags=["oauth"],
)
async def server_metadata(
    services: NamedDependency[Services],
) -> Response[dict[str, Any]]:
    """Describe the server, to scripts of other sites as well."""
    return Response(
        metadata(services.settings.issuer, services.catalogue),
        headers={
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cache-Control": "public, max-age=300",
        },
    )


async def _answer(
    request: AnyRequest, services: Services, endpoint: Endpoint
) -> Response[bytes]:
    """Read, run one unit of work, forget what it ended, and only then answer."""
    try:
        parameters = await forms.read(request)
    except Refusal as refusal:
        return write(refused(refusal))
    issuer = services.settings.issuer
    authorization = request.headers.get("authorization")
    try:
        outcome = await services.store.write(
            lambda transaction: endpoint(transaction, issuer, parameters, authorization)
        )
    except StoreUnavailable:
        return write(refused(Refusal("temporarily_unavailable")))
    if outcome.dead_family is not None:
        services.tokens.drop_family(outcome.dead_family)
    if outcome.dead_token is not None:
        services.tokens.drop(outcome.dead_token)
    return write(outcome.reply)


def write(reply: Reply) -> Response[bytes]:
    """Return an OAuth answer as a response."""
    return Response(
        reply.content,
        status_code=reply.status,
        media_type="application/json",
        headers=reply.headers,
    )


route_handlers: list[ControllerRouterHandler] = [
    authorize,
    authorize_by_form,
    show_consent,
    answer_consent,
    token,
    revoke,
    introspect,
    server_metadata,
]
