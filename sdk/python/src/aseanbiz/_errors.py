"""Everything that the SDK raises, on one screen.

GatewayError
├─ ConfigError            setting, expected
├─ TransportFailure       attempts, sent, idempotency_key
│  ├─ ConnectFailed
│  └─ DeadlineExceeded    deadline, phase
├─ ProtocolViolation      what
├─ ApiError               problem (RFC 9457)
│  ├─ InvalidRequest  ├─ NotAuthenticated
│  ├─ NotAllowed          reason, missing, consent_url, next_ask_at
│  ├─ NotFound  ├─ Conflict  ├─ IdempotencyMismatch  ├─ Gone
│  └─ RateLimited  └─ ServerFault
├─ OAuthFailure           error
│  ├─ CallbackRejected    check
│  └─ GrantEnded          grant, reason
├─ DecisionError          reason, fallback
│  ├─ AskRequired         ask
│  └─ Denied              fix, next_ask_at
└─ ReleaseExpired         release_id, valid_for_ms, took_ms

``str(error)`` is one line: code, sentence, request id. It never holds a body,
a token or a personal value; what the gateway wrote stays in ``problem``.
"""

from datetime import datetime
from typing import Literal

import msgspec

from aseanbiz._decisions import AskOffer


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway said about a failure (RFC 9457).

    ``detail`` may repeat what was sent, so repr leaves it out.
    """

    type: str | None = None
    title: str | None = None
    detail: str | None = None
    code: str | None = None
    request_id: str | None = None
    fix: str | None = None
    next_ask_at: datetime | None = None
    missing: tuple[str, ...] = ()
    consent_url: str | None = None

    def __repr__(self) -> str:
        return f"Problem(code={self.code!r})"


class GatewayError(Exception):
    """Whatever keeps the SDK from doing what it was asked.

    ``retryable`` says that the same call may succeed later; ``retry_after``
    is the wait in seconds that the gateway demanded, if it did.
    """

    code = "gateway_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.request_id = request_id
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
        self.fix = fix

    def __str__(self) -> str:
        line = f"{self.code}: {self.message}"
        if self.fix:
            line += f"; fix: {self.fix}"
        return f"{line} [{self.request_id}]" if self.request_id else line

    def __reduce__(self) -> tuple[object, ...]:
        # By state, not by arguments: keyword arguments would be lost.
        return _revive, (type(self), self.args, self.__dict__.copy())


def _revive(
    kind: type[GatewayError], args: tuple[object, ...], state: dict[str, object]
) -> GatewayError:
    """Rebuild an unpickled or copied error without running its constructor."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigError(GatewayError):
    """A setting is missing or unusable; nothing was sent."""

    code = "config_invalid"

    def __init__(self, setting: str, expected: str) -> None:
        super().__init__(f"{setting} must be {expected}", fix=f"set {setting}")
        self.setting = setting
        self.expected = expected


class TransportFailure(GatewayError):
    """No answer came; ``sent`` says whether the gateway may have seen the call.

    A write that may have been seen can be repeated with ``idempotency_key``,
    tomorrow too: it happens once.
    """

    code = "transport_failed"
    sentence = "the connection broke before the answer was complete"

    def __init__(self, message: str | None = None, *, sent: bool = True) -> None:
        super().__init__(message or self.sentence, retryable=True)
        self.sent = sent
        self.attempts = 0
        self.idempotency_key: str | None = None


class ConnectFailed(TransportFailure):
    """The gateway was not reached; it has seen nothing of the last attempt."""

    code = "connect_failed"
    sentence = "no connection to the gateway"

    def __init__(self, message: str | None = None, *, sent: bool = False) -> None:
        super().__init__(message, sent=sent)


class DeadlineExceeded(TransportFailure):
    """The call's total time ran out; ``phase`` is what it was doing then."""

    code = "deadline_exceeded"
    sentence = "no complete answer within the deadline"

    def __init__(
        self, *, deadline: float = 0.0, phase: str = "answer", sent: bool = True
    ) -> None:
        super().__init__(sent=sent)
        self.deadline = deadline
        self.phase = phase


class ProtocolViolation(GatewayError):
    """An answer came that no gateway should give; ``what`` says in which way."""

    code = "answer_not_understood"

    def __init__(
        self, what: str, *, status: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(
            f"the answer is not understood: {what}",
            status=status,
            request_id=request_id,
            fix="check that the URL is a gateway's",
        )
        self.what = what


class ApiError(GatewayError):
    """The gateway refused the call and said why."""

    sentence = "the gateway refused the call"

    def __init__(
        self,
        problem: Problem,
        *,
        status: int,
        code: str | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(
            self.sentence,
            code=code,
            request_id=request_id,
            status=status,
            retryable=retryable,
            retry_after=retry_after,
            fix=fix,
        )
        self.problem = problem


class InvalidRequest(ApiError):
    """The call is malformed, or names something the catalogue lacks."""

    code = "invalid_request"
    sentence = "the gateway cannot accept this call; problem.detail says what"


class NotAuthenticated(ApiError):
    """The client's credentials or the token are not accepted."""

    code = "invalid_token"
    sentence = "the credentials or the token are not accepted"


class NotAllowed(ApiError):
    """The caller is known and may not do this; ``reason`` is a decision's reason."""

    code = "not_allowed"
    sentence = "the gateway does not allow this"

    @property
    def reason(self) -> str:
        """Why, as in `Reason`, or the code of a missing scope."""
        return self.code

    @property
    def missing(self) -> tuple[str, ...]:
        """The elements that consent is missing for, where the gateway names them."""
        return self.problem.missing

    @property
    def consent_url(self) -> str | None:
        """Where the user can say yes, where the gateway offers it."""
        return self.problem.consent_url

    @property
    def next_ask_at(self) -> datetime | None:
        """The first instant at which the user may be asked again (R26)."""
        return self.problem.next_ask_at


class NotFound(ApiError):
    """No such thing, or it belongs to another client: the answers are alike."""

    code = "not_found"
    sentence = "the gateway knows no such thing"


class Conflict(ApiError):
    """The state of the thing does not permit this any more, or not yet."""

    code = "conflict"
    sentence = "the state on the gateway does not permit this"


class IdempotencyMismatch(ApiError):
    """The Idempotency-Key was used before, for another body."""

    code = "idempotency_mismatch"
    sentence = "the Idempotency-Key was used before for another body"


class Gone(ApiError):
    """It existed and has ended."""

    code = "gone"
    sentence = "this has ended"


class RateLimited(ApiError):
    """Too many calls; wait ``retry_after`` seconds."""

    code = "rate_limited"
    sentence = "too many calls"


class ServerFault(ApiError):
    """The gateway failed; a write may or may not have happened."""

    code = "server_fault"
    sentence = "the gateway failed"


class OAuthFailure(GatewayError):
    """An OAuth endpoint refused; ``error`` is its code (RFC 6749 §5.2)."""

    code = "oauth_failed"

    def __init__(
        self,
        error: str,
        message: str = "the authorization server refused",
        *,
        status: int | None = None,
        request_id: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(
            message, code=error, status=status, request_id=request_id, fix=fix
        )
        self.error = error


class CallbackRejected(OAuthFailure):
    """A callback that must not be followed; ``check`` says which test it failed."""

    code = "callback_rejected"

    def __init__(
        self,
        check: Literal["state", "iss", "code", "denied"],
        error: str = "callback_rejected",
    ) -> None:
        message = "the user or the gateway declined"
        if check != "denied":
            message = f"the callback fails the check of {check}"
        super().__init__(error, message, fix="start the consent again")
        self.check = check


class GrantEnded(OAuthFailure):
    """No live token of this grant set is at hand; only a new consent brings one."""

    code = "grant_ended"

    def __init__(
        self, grant: str, reason: Literal["unknown", "token_expired", "token_refused"]
    ) -> None:
        super().__init__(
            "grant_ended",
            f"no live token for this grant ({reason})",
            fix="start the consent again",
        )
        self.grant = grant
        self.reason = reason


class DecisionError(GatewayError):
    """`require` did not get an allow."""

    def __init__(
        self, message: str, *, reason: str, fallback: str | None, fix: str | None = None
    ) -> None:
        super().__init__(message, fix=fix)
        self.reason = reason
        self.fallback = fallback


class AskRequired(DecisionError):
    """The user has to be asked first; ``ask`` is what to show."""

    code = "ask_required"

    def __init__(self, *, reason: str, fallback: str | None, ask: AskOffer) -> None:
        super().__init__(
            f"the user has to be asked first ({reason})",
            reason=reason,
            fallback=fallback,
            fix="open an ask",
        )
        self.ask = ask


class Denied(DecisionError):
    """No; ``fallback`` names what still works."""

    code = "denied"

    def __init__(
        self,
        *,
        reason: str,
        fallback: str | None,
        fix: str | None,
        next_ask_at: datetime | None,
    ) -> None:
        super().__init__(f"no: {reason}", reason=reason, fallback=fallback, fix=fix)
        self.next_ask_at = next_ask_at


class ReleaseExpired(GatewayError):
    """A release arrived after its consent could have ended; it was not read."""

    code = "release_expired"

    def __init__(
        self, *, release_id: str | None, valid_for_ms: int, took_ms: int
    ) -> None:
        super().__init__(
            f"discarded: it took {took_ms} ms and was good for {valid_for_ms} ms",
            retryable=True,
            fix="ask for it again",
        )
        self.release_id = release_id
        self.valid_for_ms = valid_for_ms
        self.took_ms = took_ms
