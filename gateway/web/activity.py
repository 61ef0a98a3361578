"""What happened, as the person it happened to sees it: pure, from ledger entries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Literal

import msgspec

from gateway.web.rights import elements_of, purpose_of, title_of
from permissions.acts import (
    CollectData,
    GiveGrant,
    RefuseGrant,
    RegisterSubject,
    ReleaseData,
    SeeNotice,
    UseGrant,
    WithdrawGrant,
)
from permissions.catalogue.model import Catalogue, Element, Text
from permissions.ledger import Entry, Stored, decode
from permissions.state import GrantKey, Subject

Kind = Literal[
    "registered", "notice", "granted", "refused", "withdrawn", "used", "collected",
    "released",
]  # fmt: skip


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the ledger in words: who, what, for what, under which grant."""

    seq: int
    at: datetime
    kind: Kind
    client: str | None = None
    title: Text = {}
    purpose: Text = {}
    elements: tuple[Element, ...] = ()
    records: int | None = None
    grant: str | None = None
    is_live: bool = False  # the grant behind it can still be taken back


def events(
    stored: Iterable[Stored], subject: Subject, catalogue: Catalogue
) -> list[Event]:
    """Return what a person's entries say, in the order given."""
    return [_event(decode(row.body), subject, catalogue) for row in stored]


def _event(entry: Entry, subject: Subject, catalogue: Catalogue) -> Event:
    act = entry.act
    about = partial(_about, entry, subject=subject, catalogue=catalogue)
    match act:
        case RegisterSubject():
            return Event(seq=entry.seq, at=entry.at, kind="registered")
        case SeeNotice():
            return Event(seq=entry.seq, at=entry.at, kind="notice")
        case GiveGrant():
            key = (act.client, act.capability, act.purpose)
            return about("granted", key, elements=act.elements, grant=act.grant)
        case RefuseGrant():
            return about("refused", (act.client, act.capability, act.purpose))
        case WithdrawGrant() | UseGrant():
            held = subject.grants[act.grant]
            return about(
                "withdrawn" if isinstance(act, WithdrawGrant) else "used",
                held.key,
                elements=tuple(held.elements),
                grant=act.grant,
            )
        case CollectData():
            key = (act.client, f"data.{act.category}", act.purpose)
            return about("collected", key, elements=act.elements, records=act.records)
        case ReleaseData():
            return about(
                "released",
                (act.client, f"data.{act.category}", act.purpose),
                elements=act.elements,
                records=act.records,
                grant=act.grant,
            )
        case _:
            raise ValueError(f"entry {entry.version} is not about a subject")


def _about(
    entry: Entry,
    kind: Kind,
    key: GrantKey,
    *,
    subject: Subject,
    catalogue: Catalogue,
    elements: tuple[str, ...] = (),
    records: int | None = None,
    grant: str | None = None,
) -> Event:
    client, capability, purpose = key
    held = None if grant is None else subject.grants.get(grant)
    return Event(
        seq=entry.seq,
        at=entry.at,
        kind=kind,
        client=client,
        title=title_of(catalogue, capability),
        purpose=purpose_of(catalogue, purpose),
        elements=elements_of(catalogue, capability, elements),
        records=records,
        grant=grant,
        is_live=held is not None and held.state == "granted",
    )
