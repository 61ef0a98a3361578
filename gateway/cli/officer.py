"""How a command reaches the officer's routes: a running server, or its own process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec

from gateway.admin import create_admin
from gateway.app import open_services
from gateway.cli.failure import CommandFailed
from gateway.cli.serve import SOCKET
from gateway.services import Services
from gateway.settings import Settings
from permissions.errors import StoreUnusable
from permissions.store.sqlite import FILE


def check_database(settings: Settings) -> None:
    """Raise CommandFailed where nothing is yet; a mistyped folder must not be made."""
    if not (settings.data_dir / FILE).is_file():
        raise CommandFailed(
            f"{settings.data_dir}: there is no gateway database in this folder; "
            "choose another with --data-dir"
        )


@asynccontextmanager
async def officer(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of the officer's routes.

    Takes the data folder itself, and makes what is missing; where a server holds
    it, goes through that server's socket. Raises StoreUnusable when neither works.
    """
    path = settings.data_dir / SOCKET
    try:
        held = open_services(settings)
        services = await held.__aenter__()
    except StoreUnusable:
        if not path.is_socket():
            raise
        transport = httpx2.AsyncHTTPTransport(uds=str(path))
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://officer"
        ) as client:
            yield client
        return
    try:
        async with officer_within(services) as client:
            yield client
    finally:
        await held.__aexit__(None, None, None)


@asynccontextmanager
async def officer_within(services: Services) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of the officer's routes around services that are open already."""
    app: Any = create_admin(services)  # ASGI, in Litestar's own types
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://officer"
    ) as client:
        yield client


async def call(
    client: httpx2.AsyncClient, method: str, path: str, body: object = None
) -> Any:  # noqa: ANN401 - whatever the route answers
    """Call one route; raises CommandFailed with the problem's own words."""
    try:
        answer = await client.request(
            method,
            path,
            content=None if body is None else msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
        )
    except httpx2.TransportError as error:
        raise CommandFailed(
            f"the running server does not answer on its socket ({error}); is it alive?"
        ) from None
    if answer.is_success:
        return msgspec.json.decode(answer.content) if answer.content else None
    problem = msgspec.json.decode(answer.content)
    raise CommandFailed(f"{problem['code']}: {problem['detail']}")
