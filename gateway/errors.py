"""How an error raised in a route becomes its answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from gateway.problems import MEDIA_TYPE, Problem, from_domain
from gateway.requests import FAILED, note_failure, request_id
from gateway.web.pages import error_page, wants_page
from permissions.errors import PermissionsError

AnyRequest = Request[Any, Any, Any]

_CODES: Final = {
    400: ("invalid_request", "the request does not have the shape this route takes"),
    404: ("not_found", "there is no such thing here"),
    405: ("method_not_allowed", "this path does not take this method"),
    413: ("too_large", "the body is larger than this route takes"),
    415: ("unsupported_media_type", "send the media type that this route takes"),
}


def _problem(request: AnyRequest, problem: Problem) -> Response[bytes]:
    if wants_page(request):
        return error_page(request, problem)
    ident = request_id(request.scope)
    return Response(
        problem.encode(ident),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **problem.headers},
    )


def _domain(request: AnyRequest, error: PermissionsError) -> Response[bytes]:
    return _problem(request, from_domain(error))


def _invalid(request: AnyRequest, error: ValidationException) -> Response[bytes]:
    """Name the fields that do not fit; what was sent in them is not repeated."""
    found = error.extra if isinstance(error.extra, list) else []
    keys = [str(item["key"]) for item in found if "key" in item]
    named = ", ".join(key for key in keys if key.replace(".", "").isidentifier())
    detail = "these do not fit: " + named if named else _CODES[400][1]
    return _problem(request, Problem(400, "invalid_request", detail))


def _http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unforeseen(request, error)
    # The framework's own texts may quote input; ours do not.
    code, detail = _CODES.get(error.status_code, ("request_failed", "request failed"))
    allow = {
        name: value
        for name, value in (error.headers or {}).items()
        if name.lower() == "allow"
    }
    return _problem(request, Problem(error.status_code, code, detail, headers=allow))


def _unforeseen(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Log where it broke, without values, and answer like every other refusal.

    Here and not in the request layer alone: the framework answers what nobody
    handles by itself, in silence.
    """
    note_failure(request_id(request.scope), error)
    return _problem(request, Problem(500, "internal_error", FAILED))


exception_handlers: Final[ExceptionHandlersMap] = {
    Problem: _problem,
    PermissionsError: _domain,
    ValidationException: _invalid,
    HTTPException: _http,
    Exception: _unforeseen,
}
