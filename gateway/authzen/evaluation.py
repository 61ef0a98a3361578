"""``POST /access/v1/evaluation``: one question, answered true or false.

The front door serves it from memory; the route below is the plain version, which
describes it in OpenAPI and holds the front door to the same answers.
"""

from __future__ import annotations

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.api.check import SCOPE, Check, decided
from gateway.api.guards import app_client
from gateway.api.requests import problems
from gateway.authzen.model import Evaluated, Evaluation, check_of
from gateway.principals import Principal
from gateway.services import Services
from permissions.decision import Allow


@post(
    "/access/v1/evaluation",
    status_code=200,
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="May this be used, for this purpose, now? (AuthZEN 1.0)",
    tags=["authzen"],
    responses=problems(
        s400="malformed, or version_unknown", s503="decision_unavailable"
    ),
)
async def evaluation(
    data: JSONBody[Evaluation],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
) -> Evaluated:
    """Return true for allow alone; whatever is well-formed is answered 200."""
    return await evaluated(services, principal, check_of(data))


async def evaluated(
    services: Services, principal: Principal, asked: Check
) -> Evaluated:
    """Decide as ``POST /v1/check`` does, and say it in AuthZEN's words."""
    decision = await decided(services, principal, asked)
    return Evaluated(decision=isinstance(decision, Allow), context=decision)
