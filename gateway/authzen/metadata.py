"""``GET /.well-known/authzen-configuration``: what is offered (AuthZEN 1.0 §9)."""

from __future__ import annotations

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from gateway.services import Services


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The decision point and its endpoints; one left out is not offered (§9.1.1)."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str


@get(
    "/.well-known/authzen-configuration",
    summary="Where decisions are asked for (AuthZEN 1.0)",
    tags=["authzen"],
)
async def authzen_configuration(
    services: NamedDependency[Services],
) -> Response[Configuration]:
    """Describe the decision point, to scripts of other sites as well."""
    issuer = services.settings.issuer
    return Response(
        Configuration(
            policy_decision_point=issuer,
            access_evaluation_endpoint=f"{issuer}/access/v1/evaluation",
            access_evaluations_endpoint=f"{issuer}/access/v1/evaluations",
            search_resource_endpoint=f"{issuer}/access/v1/search/resource",
            search_action_endpoint=f"{issuer}/access/v1/search/action",
        ),
        headers={
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cache-Control": "public, max-age=300",
        },
    )
