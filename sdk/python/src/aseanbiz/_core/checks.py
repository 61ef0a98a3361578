"""Ask for a decision, and answer no when none is to be had."""

import msgspec

from aseanbiz._core.commands import Operation
from aseanbiz._core.exchange import Answer, Call, Credentials, exchange
from aseanbiz._core.setup import Setup
from aseanbiz._decisions import Allow, Ask, Decision, Deny, Reason
from aseanbiz._errors import (
    AskRequired,
    Denied,
    GatewayError,
    ProtocolViolation,
    ServerFault,
    TransportFailure,
)
from aseanbiz._policy.freshness import took_ms
from aseanbiz._policy.problems import request_id_of

_decision: msgspec.json.Decoder[Decision] = msgspec.json.Decoder(Allow | Ask | Deny)


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question; what is not set is not sent."""

    subject: str
    capability: str
    purpose: str
    client: str | None = None
    device: str | None = None
    scene: str | None = None
    elements: tuple[str, ...] = ()
    record: str | None = None
    use: bool = False
    consistency: str = "lease"


def check(
    setup: Setup,
    credentials: Credentials,
    question: Check,
    key: str | None,
    timeout: float | None,
) -> Operation[Decision]:
    """Return the decision; unknown, late or unreadable is a deny.

    Errors of the caller (4xx) raise.
    """
    decision, _ = yield from _decide(setup, credentials, question, key, timeout)
    return decision


def require(
    setup: Setup,
    credentials: Credentials,
    question: Check,
    key: str | None,
    timeout: float | None,
) -> Operation[Allow]:
    """Return the allow, else raise `AskRequired` or `Denied`."""
    decision, cause = yield from _decide(setup, credentials, question, key, timeout)
    match decision:
        case Allow():
            return decision
        case Ask():
            raise AskRequired(
                reason=decision.reason, fallback=decision.fallback, ask=decision.ask
            )
        case Deny():
            raise Denied(
                reason=decision.reason,
                fallback=decision.fallback,
                fix=decision.fix,
                next_ask_at=decision.next_ask_at,
            ) from cause


def _decide(
    setup: Setup,
    credentials: Credentials,
    question: Check,
    key: str | None,
    timeout: float | None,
) -> Operation[tuple[Decision, GatewayError | None]]:
    if question.use and key is None:
        key = setup.new_key()  # a use is a write
    call = Call(
        method="POST",
        path="/v1/check",
        credentials=credentials,
        body=msgspec.json.encode(question),
        key=key,
        timeout=timeout,
    )
    try:
        answer = yield from exchange(setup, call)
        return read_decision(answer.response.body, answer), None
    except (TransportFailure, ProtocolViolation, ServerFault) as error:
        return _unavailable(error), error


def decision_after(body: bytes, answer: Answer) -> Decision:
    """Decode the decision that follows a recorded act; unreadable is a deny.

    The act is done: raising would make the caller do it again.
    """
    try:
        return read_decision(body, answer)
    except ProtocolViolation as error:
        return _unavailable(error)


def read_decision(body: bytes, answer: Answer) -> Decision:
    """Decode a decision; an unknown effect is a `ProtocolViolation`, never a yes.

    Where it comes from and how old it is, this side knows better than the wire.
    """
    try:
        decision = _decision.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProtocolViolation(
            "no decision",
            status=answer.response.status,
            request_id=request_id_of(answer.response),
        ) from None
    age = took_ms(answer.sent_at, answer.done_at)
    return msgspec.structs.replace(decision, origin="gateway", age_ms=age)


def _unavailable(error: GatewayError) -> Deny:
    """Return the answer for when there is none: no, and why."""
    return Deny(
        reason=Reason.DECISION_UNAVAILABLE,
        origin="local",
        fix="retry_later",
        cause=str(error),
    )
