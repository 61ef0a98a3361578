"""What a decision rests on, read inside a transaction: confirmed by its commit."""

from __future__ import annotations

from permissions.decision import Standing
from permissions.state import Client
from permissions.store import rows
from permissions.store.transaction import Transaction


def standing_of(transaction: Transaction, subject: str, client: Client) -> Standing:
    """Return the standing of one subject with one client, as of this transaction."""
    return Standing(
        version=transaction.version(subject),
        subject=transaction.subject(subject),
        client=client,
        closed=frozenset(rows.closed_functions(transaction.connection)),
    )
