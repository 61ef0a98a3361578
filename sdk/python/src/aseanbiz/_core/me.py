"""What a user does with a user token."""

from datetime import datetime

import msgspec

from aseanbiz._core.answers import read
from aseanbiz._core.checks import decision_after
from aseanbiz._core.commands import Operation
from aseanbiz._core.exchange import Credentials, exchange
from aseanbiz._core.requests import reading, writing
from aseanbiz._core.setup import Setup
from aseanbiz._models import (
    AskResult,
    Control,
    Grant,
    Notice,
    Page,
    Receipt,
    Withdrawal,
)
from aseanbiz._policy.addresses import path_of, query_of


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The text that was on the screen, by its SHA-256, and what was touched."""

    text: str
    locale: str
    shown_at: datetime
    control: Control


class _Answered(msgspec.Struct, frozen=True):
    decision: msgspec.Raw  # read apart: an unknown effect must not cost the receipt
    receipt: Receipt


def notice(
    setup: Setup, credentials: Credentials, timeout: float | None
) -> Operation[Notice]:
    """Return the first-use notice."""
    call = reading(path_of("v1", "notice"), credentials, timeout=timeout)
    return read((yield from exchange(setup, call)), Notice)


def see_notice(
    setup: Setup,
    credentials: Credentials,
    seen: Seen,
    key: str | None,
    timeout: float | None,
) -> Operation[Notice]:
    """Record that the notice was seen."""
    body = msgspec.structs.asdict(_checked(seen))
    path = path_of("v1", "notice")
    call = writing(setup, "POST", path, body, credentials, key=key, timeout=timeout)
    return read((yield from exchange(setup, call)), Notice)


def answer(
    setup: Setup,
    credentials: Credentials,
    ask: str,
    given: str,
    seen: Seen,
    *,
    key: str | None,
    timeout: float | None,
) -> Operation[AskResult]:
    """Record the user's own answer to an ask."""
    body = {"answer": given, **msgspec.structs.asdict(_checked(seen))}
    path = path_of("v1", "me", "asks", ask, "answer")
    call = writing(setup, "POST", path, body, credentials, key=key, timeout=timeout)
    answered = yield from exchange(setup, call)
    result = read(answered, _Answered)
    decision = decision_after(bytes(result.decision), answered)
    return AskResult(decision=decision, receipt=result.receipt)


def grants(
    setup: Setup,
    credentials: Credentials,
    *,
    state: str | None,
    client: str | None,
    timeout: float | None,
    cursor: str | None,
) -> Operation[Page[Grant]]:
    """Return one page of the user's grants."""
    query = query_of({"state": state, "client": client, "cursor": cursor})
    call = reading(path_of("v1", "me", "grants") + query, credentials, timeout=timeout)
    return read((yield from exchange(setup, call)), Page[Grant])


def withdraw(
    setup: Setup,
    credentials: Credentials,
    grant: str,
    key: str | None,
    timeout: float | None,
) -> Operation[Withdrawal]:
    """Take a grant back; returning means that no replica answers yes any more."""
    path = path_of("v1", "me", "grants", grant, "withdraw")
    call = writing(setup, "POST", path, None, credentials, key=key, timeout=timeout)
    return read((yield from exchange(setup, call)), Withdrawal)


def _checked(seen: Seen) -> Seen:
    """Refuse a time without a zone: it would move the evidence silently."""
    if seen.shown_at.tzinfo is None:
        raise ValueError("shown_at needs a time zone, such as UTC")
    return seen
