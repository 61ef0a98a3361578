"""The fold: what an accepted entry does to the state of its owner.

The same function runs when an act is written and when the ledger is read back, so
that grants are the fold of the ledger by construction. It judges nothing: whether
an act may be is the door's question.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from permissions.acts import (
    CollectData,
    GiveGrant,
    RefuseGrant,
    RegisterClient,
    RegisterSubject,
    ReleaseData,
    ResumeClient,
    SeeNotice,
    SuspendClient,
    SwitchFunction,
    UseGrant,
    WithdrawGrant,
    owner_of,
)
from permissions.ledger import Entry
from permissions.state import (
    Client,
    FunctionState,
    Grant,
    GrantSet,
    GrantState,
    Owner,
    Subject,
)

WHOLE: Final = "*"  # the one element of a capability that has no parts


class FoldError(Exception):
    """An entry does not fit the state before it: the ledger was not ours."""


def apply(state: Owner | None, entry: Entry) -> Owner:
    """Return the state of the entry's owner after the entry.

    Raises FoldError for an entry that the door would never have let through.
    """
    act = entry.act
    match act:
        case RegisterSubject():
            return Subject(
                id=act.subject,
                since=entry.at,
                notice_version=None,
                notice_at=None,
                grants={},
                current={},
                sets={},
                seq=entry.seq,
            )
        case RegisterClient():
            return _registered(state, act.client, entry)
        case SuspendClient():
            # The epoch rises here, so that resuming revives no older token.
            client = _client(state)
            return replace(
                client, state="suspended", epoch=client.epoch + 1, seq=entry.seq
            )
        case ResumeClient():
            return replace(_client(state), state="contracted", seq=entry.seq)
        case SwitchFunction():
            return FunctionState(id=act.function, is_open=act.is_open, seq=entry.seq)
        case SeeNotice():
            return replace(
                _subject(state),
                notice_version=act.evidence.policy_version,
                notice_at=entry.at,
                seq=entry.seq,
            )
        case GiveGrant():
            return _given(_subject(state), act, entry)
        case RefuseGrant():
            return _refused(_subject(state), act, entry)
        case WithdrawGrant():
            return _ended(_subject(state), act.grant, "withdrawn", act.receipt, entry)
        case UseGrant():
            return _ended(_subject(state), act.grant, "used", None, entry)
        case CollectData() | ReleaseData():
            return _subject(state)
        case _:
            assert_never(act)


def fold(entries: Iterable[Entry]) -> dict[tuple[str, str], Owner]:
    """Return the state of every owner after the entries, by (kind, key)."""
    states: dict[tuple[str, str], Owner] = {}
    for entry in entries:
        owner = owner_of(entry.act)
        states[owner] = apply(states.get(owner), entry)
    return states


def _subject(state: Owner | None) -> Subject:
    if not isinstance(state, Subject):
        raise FoldError("an act about a subject precedes its registration")
    return state


def _client(state: Owner | None) -> Client:
    if not isinstance(state, Client):
        raise FoldError("an act about a client precedes its registration")
    return state


def _registered(before: Owner | None, client: Client, entry: Entry) -> Client:
    if not isinstance(before, Client):
        return replace(client, state="contracted", epoch=0, seq=entry.seq)
    # New papers end no suspension: only resuming does.
    return replace(client, state=before.state, epoch=before.epoch, seq=entry.seq)


def _given(subject: Subject, act: GiveGrant, entry: Entry) -> Subject:
    key = (act.client, act.capability, act.purpose)
    epochs = dict.fromkeys(act.elements or (WHOLE,), entry.seq)
    before = subject.grant_for(key)
    grants = dict(subject.grants)
    if before is not None and _takes_in(before, act, entry):
        # A live grant of the same limits grows; what was in force keeps its epoch,
        # so that tokens issued under it live on.
        grant = replace(
            before,
            elements=epochs | before.elements,
            receipt=act.receipt,
            seq=entry.seq,
        )
    else:
        if before is not None and before.state == "granted":
            grants[before.id] = replace(
                before, state="withdrawn", until=entry.at, seq=entry.seq
            )
        grant = Grant(
            id=act.grant,
            grant_set=_set_after(subject, act).id,
            client=act.client,
            capability=act.capability,
            purpose=act.purpose,
            state="granted",
            elements=epochs,
            policy_version=act.evidence.policy_version,
            since=entry.at,
            until=None,
            expires_at=act.expires_at,
            one_time=act.one_time,
            records=act.records,
            scene=act.scene,
            receipt=act.receipt,
            seq=entry.seq,
        )
    grants[grant.id] = grant
    return replace(
        subject,
        grants=grants,
        current=subject.current | {key: grant.id},
        sets=subject.sets | {act.client: _set_after(subject, act)},
        seq=entry.seq,
    )


def _in_force(grant: Grant, at: datetime) -> bool:
    return grant.state == "granted" and (
        grant.expires_at is None or at < grant.expires_at
    )


def _takes_in(before: Grant, act: GiveGrant, entry: Entry) -> bool:
    return (
        _in_force(before, entry.at)
        and before.policy_version == act.evidence.policy_version
        and (before.expires_at, before.one_time, before.records)
        == (act.expires_at, act.one_time, act.records)
    )


def _set_after(subject: Subject, act: GiveGrant) -> GrantSet:
    known = subject.sets.get(act.client)
    if known is not None:
        return replace(known, acts=known.acts + 1)
    return GrantSet(id=act.grant_set, client=act.client, pairwise=act.pairwise, acts=1)


def _refused(subject: Subject, act: RefuseGrant, entry: Entry) -> Subject:
    key = (act.client, act.capability, act.purpose)
    before = subject.grant_for(key)
    if before is not None and _in_force(before, entry.at):
        # No to more is not a withdrawal of what was given.
        return replace(subject, seq=entry.seq)
    grant = Grant(
        id=act.grant,
        grant_set="",
        client=act.client,
        capability=act.capability,
        purpose=act.purpose,
        state="refused",
        elements={},
        policy_version="" if act.evidence is None else act.evidence.policy_version,
        since=entry.at,
        until=entry.at,
        expires_at=None,
        one_time=False,
        records=(),
        scene=act.scene,
        receipt=act.receipt,
        seq=entry.seq,
    )
    return replace(
        subject,
        grants=subject.grants | {grant.id: grant},
        current=subject.current | {key: grant.id},
        seq=entry.seq,
    )


def _ended(
    subject: Subject,
    grant_id: str,
    state: GrantState,
    receipt: str | None,
    entry: Entry,
) -> Subject:
    grant = subject.grants.get(grant_id)
    if grant is None:
        raise FoldError("an act ends a grant that never was")
    ended = replace(
        grant,
        state=state,
        until=entry.at,
        receipt=receipt or grant.receipt,
        seq=entry.seq,
    )
    known = subject.sets[grant.client]
    return replace(
        subject,
        grants=subject.grants | {grant.id: ended},
        sets=subject.sets | {grant.client: replace(known, acts=known.acts + 1)},
        seq=entry.seq,
    )
