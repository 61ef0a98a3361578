"""Receive personal data, as long as the consent behind it surely stands."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aseanbiz._core.answers import read
from aseanbiz._core.commands import Operation
from aseanbiz._core.credentials import GrantToken
from aseanbiz._core.exchange import Answer, Call, exchange
from aseanbiz._core.setup import Setup
from aseanbiz._errors import GrantEnded, NotAuthenticated, ReleaseExpired
from aseanbiz._models import Release
from aseanbiz._policy.addresses import path_of, query_of
from aseanbiz._policy.freshness import took_ms, valid_for_ms


def release(
    setup: Setup,
    grant: str,
    category: str,
    *,
    purpose: str,
    elements: Sequence[str],
    record: str | None,
    since: datetime | None,
    key: str | None,
    timeout: float | None,
    cursor: str | None,
) -> Operation[Release]:
    """Return one page of a category; what is withheld is named with its reason.

    A body that was complete only when its consent could have ended is
    discarded unread: `ReleaseExpired`. A refused token ends the stored one:
    `GrantEnded`.
    """
    token = GrantToken(setup, grant)
    query = query_of(
        {
            "purpose": purpose,
            "elements": ",".join(elements) or None,
            "record": record,
            "since": None if since is None else _instant(since),
            "cursor": cursor,
        }
    )
    call = Call(
        method="GET",
        path=path_of("v1", "data", category) + query,
        credentials=token,
        key=setup.new_key() if key is None else key,
        timeout=timeout,
    )
    try:
        answer = yield from exchange(setup, call)
    except NotAuthenticated as error:
        yield from token.forget()
        raise GrantEnded(grant, "token_refused") from error
    _check_in_time(answer)
    return read(answer, Release)


def _check_in_time(answer: Answer) -> None:
    """Raise `ReleaseExpired` at or after the end of what the gateway promised."""
    valid = valid_for_ms(answer.response)
    if answer.done_at >= answer.sent_at + valid / 1000:
        raise ReleaseExpired(
            release_id=answer.response.header("x-release-id"),
            valid_for_ms=valid,
            took_ms=took_ms(answer.sent_at, answer.done_at),
        )


def _instant(since: datetime) -> str:
    if since.tzinfo is None:
        raise ValueError("since needs a time zone, such as UTC")
    return since.astimezone(UTC).isoformat().replace("+00:00", "Z")
