"""The application: the one place that wires the parts of the gateway together."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import httpx2
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp

from gateway.api.routes import route_handlers as api_routes
from gateway.authzen.metadata import authzen_configuration
from gateway.body import BodyRules
from gateway.errors import exception_handlers
from gateway.frontdoor import FrontDoor
from gateway.health import healthz, readyz
from gateway.keys import open_keyring
from gateway.oauth.routes import route_handlers as oauth_routes
from gateway.openapi import openapi_config
from gateway.paths import OnePath
from gateway.principals import is_known
from gateway.proofs import route_handlers as log_routes
from gateway.requests import RequestLayer
from gateway.services import Services
from gateway.settings import Settings, SettingsError
from gateway.tokens import TokenMemory
from gateway.web.plugin import PagesPlugin
from gateway.web.routes import route_handlers as web_routes
from permissions.catalogue.load import load
from permissions.store.sqlite import open_store

VERSION = "0.1.0"


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open everything a gateway needs, and close it again.

    Raises SettingsError, KeyRingError, CatalogueError or StoreUnusable, each of
    which says what to change.
    """
    catalogue = load(settings.catalogue)
    async with (
        open_store(
            settings.data_dir,
            catalogue=catalogue,
            clock=_now,
            random=secrets.token_bytes,
        ) as store,
        httpx2.AsyncClient(timeout=5.0, trust_env=False) as http,
    ):
        keys = open_keyring(
            settings.keyring or settings.data_dir / "keyring.json",
            secrets.token_bytes,
            may_generate=settings.env == "development",
        )
        if settings.env == "production" and keys.is_generated:
            raise SettingsError(
                "keyring",
                "expected a key ring made on purpose (aseanbiz-gateway keys new); "
                "this one was generated for a demo",
            )
        yield Services(
            settings=settings,
            catalogue=catalogue,
            store=store,
            keys=keys,
            clock=_now,
            random=secrets.token_bytes,
            tokens=TokenMemory(),
            http=http,
        )


def create_app(services: Services, *, log_requests: bool = False) -> ASGIApp:
    """Wire the routes around a set of services; the caller opens and closes them."""
    inner = BodyRules(create_litestar(services), partial(is_known, services))
    return RequestLayer(
        FrontDoor(services, OnePath(inner)),
        services.random,
        is_secure=services.settings.is_secure,
        log_requests=log_requests,
    )


def create_litestar(services: Services) -> Litestar:
    """Return the Litestar application alone: every route, without the front door."""

    async def provide_services() -> Services:
        return services

    return Litestar(
        route_handlers=[
            healthz,
            readyz,
            authzen_configuration,
            *api_routes,
            *log_routes,
            *oauth_routes,
            *web_routes,
        ],
        dependencies={"services": Provide(provide_services)},
        plugins=[PagesPlugin()],
        exception_handlers=exception_handlers,
        state=State({"services": services}),
        openapi_config=openapi_config(VERSION),
        logging_config=None,
    )


def _now() -> datetime:
    return datetime.now(UTC)
