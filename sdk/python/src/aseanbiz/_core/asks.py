"""Asks: the ticket to ask, and what was not a yes."""

from aseanbiz._core.answers import read
from aseanbiz._core.checks import decision_after
from aseanbiz._core.commands import Operation
from aseanbiz._core.exchange import Credentials, exchange
from aseanbiz._core.requests import writing
from aseanbiz._core.setup import Setup
from aseanbiz._decisions import Decision
from aseanbiz._models import AskTicket
from aseanbiz._policy.addresses import path_of


def open_ask(
    setup: Setup,
    credentials: Credentials,
    *,
    subject: str,
    capability: str,
    purpose: str,
    scene: str,
    device: str | None,
    user_initiated: bool,
    key: str | None,
    timeout: float | None,
) -> Operation[AskTicket]:
    """Return leave to ask once, or raise `NotAllowed` (too early) or `Conflict`."""
    body: dict[str, object] = {
        "subject": subject,
        "capability": capability,
        "purpose": purpose,
        "scene": scene,
    }
    if device is not None:
        body["device"] = device
    if user_initiated:
        body["user_initiated"] = True
    path = path_of("v1", "asks")
    call = writing(setup, "POST", path, body, credentials, key=key, timeout=timeout)
    return read((yield from exchange(setup, call)), AskTicket)


def outcome(
    setup: Setup,
    credentials: Credentials,
    ask: str,
    answer: str,
    *,
    key: str | None,
    timeout: float | None,
) -> Operation[Decision]:
    """Report what was not a yes; return the decision that follows.

    Unlike a check it raises when no answer comes: the act may not be kept.
    """
    path = path_of("v1", "asks", ask, "outcome")
    body = {"answer": answer}
    call = writing(setup, "POST", path, body, credentials, key=key, timeout=timeout)
    answered = yield from exchange(setup, call)
    return decision_after(answered.response.body, answered)
