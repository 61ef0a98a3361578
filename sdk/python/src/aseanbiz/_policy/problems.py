"""From an answer to the error that it means."""

import re
from http import HTTPStatus

import msgspec

from aseanbiz._errors import (
    ApiError,
    Conflict,
    GatewayError,
    Gone,
    IdempotencyMismatch,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OAuthFailure,
    Problem,
    ProtocolViolation,
    RateLimited,
    ServerFault,
)
from aseanbiz._policy.backoff import PERHAPS_DONE, TURNED_AWAY, retry_after
from aseanbiz._transport import Response

CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Codes and fixes: anything else may carry what it should not, and is dropped."""
REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")

KINDS: dict[int, type[ApiError]] = {
    HTTPStatus.UNAUTHORIZED: NotAuthenticated,
    HTTPStatus.FORBIDDEN: NotAllowed,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Gone,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
}


class _OAuthProblem(msgspec.Struct, frozen=True):
    """RFC 6749 §5.2; the description is for people and not kept."""

    error: str | None = None


_problem = msgspec.json.Decoder(Problem)
_oauth_problem = msgspec.json.Decoder(_OAuthProblem)


def request_id_of(response: Response) -> str | None:
    """Return the id to quote to the operator, if it looks like one."""
    return _matching(REQUEST_ID, response.header("x-request-id"))


def error_of(response: Response, *, oauth: bool) -> GatewayError:
    """Return the error for an answer that is no 2xx.

    ``oauth`` endpoints speak RFC 6749 instead of RFC 9457. A body that is
    neither changes nothing: the status alone says what it is.
    """
    status = response.status
    request_id = request_id_of(response)
    if status < HTTPStatus.BAD_REQUEST:
        what = f"status {status}; redirects are not followed"
        return ProtocolViolation(what, status=status, request_id=request_id)
    problem = _read_oauth(response) if oauth else _read_problem(response)
    code = _matching(CODE, problem.code)
    kind = _kind_of(status, code)
    if oauth and kind in {InvalidRequest, NotAllowed}:
        return OAuthFailure(
            code or "oauth_failed", status=status, request_id=request_id
        )
    return kind(
        problem,
        status=status,
        code=code,
        request_id=request_id,
        retryable=status in TURNED_AWAY | PERHAPS_DONE,
        retry_after=retry_after(response),
        fix=_matching(CODE, problem.fix),
    )


def _kind_of(status: int, code: str | None) -> type[ApiError]:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerFault
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and code == "idempotency_mismatch":
        return IdempotencyMismatch
    return KINDS.get(status, InvalidRequest)


def _read_problem(response: Response) -> Problem:
    try:
        return _problem.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Problem()


def _read_oauth(response: Response) -> Problem:
    try:
        return Problem(code=_oauth_problem.decode(response.body).error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Problem()


def _matching(pattern: re.Pattern[str], value: str | None) -> str | None:
    return value if value is not None and pattern.fullmatch(value) else None
