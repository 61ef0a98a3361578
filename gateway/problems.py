"""Problem details (RFC 9457): the one place where errors become answers.

OAuth endpoints have their own writer (RFC 6749 §5.2); see `gateway.oauth`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec

from permissions.decision import Ask, Deny
from permissions.errors import PermissionsError

MEDIA_TYPE: Final = "application/problem+json"

# Everything else that the domain refuses is 422: well-formed, and impossible.
_STATUS: Final = {
    "not_found": 404,
    "ask_answered": 409,
    "ask_expired": 410,
    "client_suspended": 403,
    "notice_missing": 403,
    "decision_unavailable": 503,
}


class Problem(Exception):
    """An answer that is not a success.

    ``code`` is stable snake_case, ``detail`` a sentence for the developer that
    names the field and the fix and quotes no input; ``fix`` names the next step.
    ``extra`` are further members, ``headers`` further headers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fix: str = "",
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.fix = fix
        self.extra = extra or {}
        self.headers = headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the members of the problem document."""
        members: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.fix:
            members["fix"] = self.fix
        return members | self.extra

    def encode(self, request_id: str) -> bytes:
        """Return the problem document as JSON."""
        return msgspec.json.encode(self.body(request_id))


def from_domain(error: PermissionsError) -> Problem:
    """Return the answer to an act or a query that the domain refused."""
    status = _STATUS.get(error.code, 422)
    return Problem(status, error.code, str(error), fix=error.fix)


def from_decision(decision: Ask | Deny) -> Problem:
    """Return the answer to a request that a decision stops: 403 with its reason."""
    extra: dict[str, Any] = {
        "reason": decision.reason,
        "effect": decision.__struct_config__.tag,
        "fallback": decision.fallback,
        "version": decision.version,
    }
    fix = "ask_first" if isinstance(decision, Ask) else decision.fix
    status = 503 if decision.reason == "decision_unavailable" else 403
    detail = f"the decision is no: {decision.reason}"
    if isinstance(decision, Deny) and decision.next_ask_at is not None:
        extra["next_ask_at"] = decision.next_ask_at
    return Problem(status, decision.reason, detail, fix=fix, extra=extra)


def not_found() -> Problem:
    """Return the one answer for what does not exist and what is not yours."""
    return Problem(404, "not_found", "there is no such thing here")


def unauthenticated(code: str = "invalid_token") -> Problem:
    """Return the one answer to a missing, unknown, expired or revoked token."""
    return Problem(
        401,
        code,
        "send a live token as Authorization: Bearer …",
        fix="get_token",
        headers={"WWW-Authenticate": f'Bearer error="{code}"'},
    )


def insufficient(scope: str) -> Problem:
    """Return the answer to a token of the wrong kind or scope (RFC 6750 §3.1)."""
    return Problem(
        403,
        "insufficient_scope",
        f"this needs a token with {scope}",
        fix="get_token",
        headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
    )
