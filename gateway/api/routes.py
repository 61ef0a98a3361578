"""The routes of this package."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from gateway.api.check import check
from gateway.api.guards import provide_principal
from gateway.api.requests import JsonRequest

route_handlers: list[ControllerRouterHandler] = [
    Router(
        "/",
        route_handlers=[check],
        dependencies={"principal": Provide(provide_principal)},
        request_class=JsonRequest,
    )
]
