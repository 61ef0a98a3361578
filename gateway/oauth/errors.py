"""OAuth errors, as RFC 6749 §5.2 wants them: a code, and a text that is always ours.

No description quotes what a request sent: texts that echo input end up in logs and
on pages.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec

ErrorCode = Literal[
    "access_denied", "consent_required", "interaction_required",
    "invalid_authorization_details", "invalid_client", "invalid_grant",
    "invalid_request", "invalid_scope", "login_required", "request_not_supported",
    "request_uri_not_supported", "server_error", "temporarily_unavailable",
    "unauthorized_client", "unsupported_grant_type", "unsupported_response_type",
]  # fmt: skip

DESCRIPTIONS: Final[dict[str, str]] = {
    "access_denied": "the user said no, or there is nothing left to give",
    "consent_required": "the user has to be asked; send them without prompt=none",
    "interaction_required": "the user has a page to see first",
    "invalid_authorization_details": (
        "authorization_details must be a JSON array of at most 20 consented_data "
        "entries that the contract declares"
    ),
    "invalid_client": "client authentication failed",
    "invalid_grant": (
        "the code is unknown, used, expired, withdrawn, or not for this client, "
        "redirect_uri and code_verifier"
    ),
    "invalid_request": "a parameter is missing, malformed or sent twice",
    "invalid_scope": (
        "a scope is unknown or not declared for this client; where a capability has "
        "several purposes, name one with authorization_details"
    ),
    "login_required": "the user has to sign in; send them without prompt=none",
    "request_not_supported": "request objects are not supported",
    "request_uri_not_supported": "request_uri is not supported",
    "server_error": "the request failed here; nothing was changed",
    "temporarily_unavailable": "the gateway cannot decide now; try again",
    "unauthorized_client": "the client is not under contract, or may not do this",
    "unsupported_grant_type": "use client_credentials or authorization_code",
    "unsupported_response_type": "use response_type=code",
}

_STATUS: Final = {"invalid_client": 401, "temporarily_unavailable": 503}


class Refusal(Exception):
    """An OAuth request that is refused; the transaction it stands in commits.

    ``hint`` replaces the code's ordinary text; it must be ours, of literals and of
    what is registered, in the characters of RFC 6749 §5.2 (no quotes).
    """

    def __init__(
        self, error: ErrorCode, hint: str = "", *, status: int | None = None
    ) -> None:
        super().__init__(error, hint)
        self.error = error
        self.hint = hint
        self.status = status or _STATUS.get(error, 400)

    def __str__(self) -> str:
        return f"{self.error}: {self.description}"

    @property
    def description(self) -> str:
        """What the developer reads."""
        return self.hint or DESCRIPTIONS[self.error]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of an OAuth endpoint; ``body`` None sends none."""

    status: int
    body: dict[str, Any] | None

    @property
    def content(self) -> bytes:
        """The bytes to send."""
        return b"" if self.body is None else msgspec.json.encode(self.body)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that go with it; tokens are never to be cached (RFC 6749 §5.1)."""
        headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Basic realm="oauth", charset="UTF-8"'
        return headers


def refused(refusal: Refusal) -> Reply:
    """Return the answer to a refused request."""
    return Reply(
        status=refusal.status,
        body={"error": refusal.error, "error_description": refusal.description},
    )
