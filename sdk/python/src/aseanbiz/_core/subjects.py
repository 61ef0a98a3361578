"""People: register them, read them, keep their data, hand them over."""

from collections.abc import Mapping, Sequence

from aseanbiz._core.answers import read
from aseanbiz._core.commands import Operation
from aseanbiz._core.exchange import Credentials, exchange
from aseanbiz._core.requests import reading, writing
from aseanbiz._core.setup import Setup
from aseanbiz._models import Grant, Page, Session, Stored, Subject
from aseanbiz._policy.addresses import path_of, query_of


def register(
    setup: Setup,
    credentials: Credentials,
    reference: str,
    key: str | None,
    timeout: float | None,
) -> Operation[Subject]:
    """Return the subject of the app's own id for a person, new or known."""
    body = {"reference": reference}
    path = path_of("v1", "subjects")
    call = writing(setup, "POST", path, body, credentials, key=key, timeout=timeout)
    return read((yield from exchange(setup, call)), Subject)


def get(
    setup: Setup, credentials: Credentials, subject: str, timeout: float | None
) -> Operation[Subject]:
    """Return one subject."""
    path = path_of("v1", "subjects", subject)
    call = reading(path, credentials, timeout=timeout)
    return read((yield from exchange(setup, call)), Subject)


def grants(
    setup: Setup,
    credentials: Credentials,
    subject: str,
    timeout: float | None,
    cursor: str | None,
) -> Operation[Page[Grant]]:
    """Return one page of the subject's grants."""
    path = path_of("v1", "subjects", subject, "grants") + query_of({"cursor": cursor})
    call = reading(path, credentials, timeout=timeout)
    return read((yield from exchange(setup, call)), Page[Grant])


def put_data(
    setup: Setup,
    credentials: Credentials,
    subject: str,
    category: str,
    *,
    purpose: str,
    data: Mapping[str, object] | None,
    records: Sequence[Mapping[str, object]] | None,
    key: str | None,
    timeout: float | None,
) -> Operation[Stored]:
    """Keep data of one category; give either ``data`` or ``records``."""
    if (data is None) == (records is None):
        raise ValueError("give either data or records")
    body = {"records": records} if data is None else {"data": data}
    place = path_of("v1", "subjects", subject, "data", category)
    path = place + query_of({"purpose": purpose})
    call = writing(setup, "PUT", path, body, credentials, key=key, timeout=timeout)
    return read((yield from exchange(setup, call)), Stored)


def session(
    setup: Setup,
    credentials: Credentials,
    subject: str,
    key: str | None,
    timeout: float | None,
) -> Operation[Session]:
    """Return a user token and a hand-over link for a person logged in by the app."""
    path = path_of("v1", "subjects", subject, "sessions")
    call = writing(setup, "POST", path, {}, credentials, key=key, timeout=timeout)
    return read((yield from exchange(setup, call)), Session)
