"""The directory: outside names of people, kept as keyed hashes alone.

A phone number, an openid or an app's own id is guessable, so a plain hash of it
would still be personal data (security: keyed hashes of outside names).
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import insert, select

from gateway.keys import KeyRing
from permissions.acts import Actor, RegisterSubject
from permissions.ids import shard_of
from permissions.store import tables
from permissions.store.transaction import Transaction

Kind = Literal["reference", "wechat"]
Entry = tuple[Kind, str]  # the kind of name, and its keyed hash


def reference(keys: KeyRing, client: str, name: str) -> Entry:
    """Return the entry of an app's own name for a person; no other app shares it."""
    return "reference", keys.mac("directory", client, name)


def wechat(keys: KeyRing, appid: str, openid: str) -> Entry:
    """Return the entry of a WeChat account; an openid means nothing in another app."""
    return "wechat", keys.mac("directory", "wechat", appid, openid)


def find(transaction: Transaction, entry: Entry) -> str | None:
    """Return the subject with this outside name, or None."""
    kind, value = entry
    held = tables.directory
    found: str | None = transaction.connection.scalar(
        select(held.c.subject).where(
            held.c.shard == shard_of(value), held.c.kind == kind, held.c.value == value
        )
    )
    return found


def link(transaction: Transaction, entry: Entry, subject: str) -> None:
    """Give a subject one more outside name; nobody may have it yet."""
    kind, value = entry
    transaction.connection.execute(
        insert(tables.directory).values(
            shard=shard_of(value), kind=kind, value=value, subject=subject
        )
    )


def find_or_register(
    transaction: Transaction, entry: Entry, actor: Actor
) -> tuple[str, bool]:
    """Return the subject with this outside name, and whether it is new."""
    found = find(transaction, entry)
    if found is not None:
        return found, False
    subject = transaction.new_id("sub")
    transaction.perform(RegisterSubject(actor=actor, subject=subject))
    link(transaction, entry, subject)
    return subject, True
