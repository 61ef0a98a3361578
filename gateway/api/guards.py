"""Which kind of caller a route serves: guards, and the principal they found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from gateway.principals import Principal, authenticate
from gateway.problems import insufficient
from gateway.services import Services

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]

_KEY: Final = "principal"  # in the scope's state


async def app_principal(
    services: Services, authorization: str | None, scope: str
) -> Principal:
    """Return the app client behind a token with a scope; a partner's is refused."""
    principal = await authenticate(services, authorization, "client", scope)
    if principal.client.kind != "app":
        raise insufficient("the kind of an app client")
    return principal


def app_client(scope: str) -> Guard:
    """Serve app clients whose token holds a scope."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        services = cast("Services", connection.app.state.services)
        connection.scope["state"][_KEY] = await app_principal(
            services, connection.headers.get("authorization"), scope
        )

    return guard


async def person(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Serve people, by the user token that their app holds for them."""
    services = cast("Services", connection.app.state.services)
    connection.scope["state"][_KEY] = await authenticate(
        services, connection.headers.get("authorization"), "user"
    )


async def partner(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Serve partners, by the access token of one subject's grant set."""
    services = cast("Services", connection.app.state.services)
    connection.scope["state"][_KEY] = await authenticate(
        services, connection.headers.get("authorization"), "access"
    )


async def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """Hand the principal that the guard found to the route."""
    return cast("Principal", request.scope["state"][_KEY])
