"""``POST /access/v1/evaluations``: up to a hundred questions (AuthZEN 1.0 §7)."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, Meta, UnsetType

from gateway.api.check import SCOPE, Check
from gateway.api.guards import app_client
from gateway.api.requests import problems
from gateway.authzen.evaluation import evaluated
from gateway.authzen.model import (
    Action,
    Context,
    Error,
    Evaluated,
    Evaluation,
    Resource,
    Subject,
    Undecided,
    check_of,
)
from gateway.principals import Principal
from gateway.problems import Problem, from_domain
from gateway.services import Services
from permissions.errors import PermissionsError

T = TypeVar("T")
Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]

MOST: Final = 100  # evaluations in one request

# The decision after which nothing more is evaluated (§7.1.2.1).
_LAST: Final[dict[Semantic, bool | None]] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation; what it leaves out, the defaults beside the list give."""

    subject: Subject | UnsetType = UNSET
    resource: Resource | UnsetType = UNSET
    action: Action | UnsetType = UNSET
    context: Context | UnsetType = UNSET


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the evaluations are gone through."""

    evaluations_semantic: Semantic = "execute_all"


class Evaluations(Part, frozen=True, kw_only=True):
    """Evaluations with their defaults; without any, the defaults are the one."""

    evaluations: Annotated[tuple[Part, ...], Meta(max_length=MOST)] = ()
    options: Options = Options()


class AllEvaluated(msgspec.Struct, frozen=True, kw_only=True):
    """The answers in the order of the evaluations; fewer after a short circuit."""

    evaluations: list[Evaluated]


@post(
    "/access/v1/evaluations",
    status_code=200,
    guards=[app_client(SCOPE)],
    security=[{"app": [SCOPE]}],
    summary="Up to a hundred evaluations at once (AuthZEN 1.0)",
    tags=["authzen"],
    responses=problems(
        s400="malformed, or version_unknown for a single evaluation",
        s503="decision_unavailable for a single evaluation",
    ),
)
async def evaluations(
    data: JSONBody[Evaluations],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
) -> Evaluated | AllEvaluated:
    """Return the answers in order, or one answer where no evaluation is listed."""
    if not data.evaluations:
        return await evaluated(services, principal, check_of(_whole(data, data, "")))
    # All are read before the first is decided: a short circuit hides no mistake.
    asked = [
        check_of(_whole(part, data, f"evaluations[{place}]"), f"evaluations[{place}]")
        for place, part in enumerate(data.evaluations)
    ]
    last = _LAST[data.options.evaluations_semantic]
    told: list[Evaluated] = []
    for check in asked:
        told.append(await _tried(services, principal, check))
        if told[-1].decision is last:
            break
    return AllEvaluated(evaluations=told)


async def _tried(services: Services, principal: Principal, asked: Check) -> Evaluated:
    """Evaluate one of many: what cannot be decided is a no, and spoils no other."""
    try:
        return await evaluated(services, principal, asked)
    except Problem as error:
        problem = error
    except PermissionsError as error:
        problem = from_domain(error)
    why = Error(status=problem.status, code=problem.code, message=problem.detail)
    return Evaluated(decision=False, context=Undecided(error=why))


def _whole(part: Part, defaults: Part, place: str) -> Evaluation:
    """Fill in the defaults, key by key: a key of the part replaces all of its own."""
    context = _either(part.context, defaults.context)
    return Evaluation(
        subject=_needed(_either(part.subject, defaults.subject), place, "subject"),
        resource=_needed(_either(part.resource, defaults.resource), place, "resource"),
        action=_needed(_either(part.action, defaults.action), place, "action"),
        context=Context() if context is UNSET else context,
    )


def _either(own: T | UnsetType, default: T | UnsetType) -> T | UnsetType:
    return default if own is UNSET else own


def _needed(value: T | UnsetType, place: str, name: str) -> T:
    if value is UNSET:
        path = f"{place}.{name}" if place else name
        raise Problem(
            400,
            "invalid_request",
            f"{path}: missing, and there is no default for it; send one of the two",
            extra={"field": path},
        )
    return value
