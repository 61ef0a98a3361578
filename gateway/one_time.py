"""One-time grants: the answer that uses one up, and the retry of a lost answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from permissions.acts import Actor, UseGrant
from permissions.decision import Standing
from permissions.store.transaction import Transaction

# A lost answer may be asked for again with the same Idempotency-Key for this long.
RETRY: Final = timedelta(seconds=60)


def consume(
    transaction: Transaction, client: str, subject: str, grant: str | None
) -> str | None:
    """Use a grant up where it is a one-time one; return the version after.

    None says that it lasts, or that there is none: nothing was written.
    """
    person = transaction.subject(subject)
    held = None if person is None or grant is None else person.grants.get(grant)
    if held is None or not held.one_time:
        return None
    act = UseGrant(
        actor=Actor(kind="client", id=client), subject=subject, grant=held.id
    )
    done = transaction.perform(act)
    return None if done is None else done.entry.version


def before_use(standing: Standing, grant: str | None) -> Standing:
    """Return a standing as if one used grant had not been used yet.

    Only for the caller whose own answer used it up and got lost: the retry decides
    again, so that whatever else has changed since then counts.
    """
    subject = standing.subject
    held = None if subject is None or grant is None else subject.grants.get(grant)
    if subject is None or held is None or held.state != "used":
        return standing
    unused = replace(held, state="granted", until=None)
    return replace(
        standing,
        subject=replace(subject, grants=subject.grants | {held.id: unused}),
    )
