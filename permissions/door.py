"""The one door: every change of a right passes `perform`, and nothing else writes.

Sans-I/O: the act and the state before it go in; the entry to append and the state
after it come out, or a PermissionsError that says why not. Drivers store both in
one transaction.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from permissions import errors
from permissions.acts import (
    Act,
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
)
from permissions.catalogue.model import Catalogue, Category, Pair
from permissions.evidence import UNSET_CONTROLS, Evidence
from permissions.fold import apply
from permissions.ledger import Entry, encode, leaf_hash
from permissions.state import (
    Client,
    Contract,
    ContractPair,
    FunctionState,
    Owner,
    Subject,
)
from permissions.texts import item_text, sentence_sha256


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the next entry of a shard goes: held under the lock on its head."""

    id: str
    shard: int
    seq: int
    at: datetime
    prev: bytes


class Performed(msgspec.Struct, frozen=True, kw_only=True):
    """An act that went through: its entry, the bytes to store, the state after."""

    entry: Entry
    body: bytes
    sha256: bytes
    state: Owner


def perform(
    act: Act,
    before: Owner | None,
    client: Client | None,
    catalogue: Catalogue,
    place: Place,
) -> Performed | None:
    """Check an act and return what to write, or None where it is so already.

    ``before`` is the state of the act's owner, ``client`` the recipient for acts
    about a subject and a client; both as read under the lock on the shard's head.
    Raises PermissionsError for an act that cannot be done; then nothing is written.
    """
    if not _admits(act, before, client, catalogue, place.at):
        return None
    entry = Entry(
        id=place.id,
        shard=place.shard,
        seq=place.seq,
        at=place.at,
        act=act,
        prev=place.prev.hex(),
    )
    body = encode(entry)
    return Performed(
        entry=entry, body=body, sha256=leaf_hash(body), state=apply(before, entry)
    )


def declared_pair(catalogue: Catalogue, capability: str, purpose: str) -> Pair:
    """Return a declared pair; raises the error that names what is unknown (R02)."""
    if capability not in catalogue.capabilities:
        raise errors.CapabilityUnknown(capability)
    if purpose not in catalogue.purposes:
        raise errors.PurposeUnknown(purpose)
    pair = catalogue.pairs.get((capability, purpose))
    if pair is None:
        raise errors.PairNotDeclared(capability, purpose)
    return pair


def _admits(  # noqa: PLR0912 - one branch per kind of act
    act: Act,
    before: Owner | None,
    client: Client | None,
    catalogue: Catalogue,
    now: datetime,
) -> bool:
    """Judge an act; False where it changes nothing and is not worth an entry."""
    match act:
        case RegisterSubject():
            return before is None
        case RegisterClient():
            return _registers(act, before, catalogue)
        case SuspendClient():
            return _known(before).state == "contracted"
        case ResumeClient():
            return _known(before).state == "suspended"
        case SwitchFunction():
            if act.function not in catalogue.functions:
                raise errors.FunctionUnknown
            is_open = before.is_open if isinstance(before, FunctionState) else True
            return is_open != act.is_open
        case SeeNotice():
            subject = _living(before)
            _check_evidence(act.evidence, catalogue)
            _check_sentence(act.evidence, catalogue, catalogue.policy.notice)
            return subject.notice_version is None
        case GiveGrant():
            _check_yes(act, _living(before), client, catalogue, now)
            return True
        case RefuseGrant():
            _check_fresh(act.grant, _living(before))
            if client is None:
                raise errors.ClientUnknown
            declared_pair(catalogue, act.capability, act.purpose)
            if act.evidence is not None:
                _check_evidence(act.evidence, catalogue)
            return True
        case WithdrawGrant() | UseGrant():
            grant = _living(before).grants.get(act.grant)
            if grant is None or grant.state == "refused":
                raise errors.GrantUnknown
            if isinstance(act, UseGrant) and not grant.one_time:
                raise errors.GrantUnknown  # a lasting yes cannot be used up
            return grant.state == "granted"
        case CollectData() | ReleaseData():
            _living(before)
            return True


def _living(state: Owner | None) -> Subject:
    if not isinstance(state, Subject):
        raise errors.SubjectUnknown
    return state


def _known(state: Owner | None) -> Client:
    if not isinstance(state, Client):
        raise errors.ClientUnknown
    return state


def _check_fresh(grant: str, subject: Subject) -> None:
    # Under the id of an ended grant, a yes would speak for what was taken back.
    if grant in subject.grants:
        raise errors.IdTaken("grant")


def _registers(act: RegisterClient, before: Owner | None, catalogue: Catalogue) -> bool:
    client = act.client
    if (client.kind == "partner") != (client.contract is not None):
        raise errors.RegistrationIncomplete(
            "contract", "one for a partner, none for an app"
        )
    if isinstance(before, Client) and before.kind != client.kind:
        # What people said to another legal entity is not the operator's own.
        raise errors.RegistrationIncomplete("kind", f"{before.kind}, as it was before")
    for field in ("legal_name", "registry_number", "contact"):
        if not getattr(client, field).strip():
            raise errors.RegistrationIncomplete(field)
    for locale in catalogue.locales:
        if not client.name.get(locale, "").strip():
            raise errors.RegistrationIncomplete(f"name.{locale}")
    if client.contract is not None:
        if not _is_period(client.contract):
            raise errors.RegistrationIncomplete(
                "contract", "not_before and not_after with a time zone, in this order"
            )
        for part in client.contract.pairs:
            pair = declared_pair(catalogue, part.capability, part.purpose)
            foreign = set(part.elements) - set(pair.elements)
            if foreign or part.capability.startswith("device."):
                raise errors.ElementNotDeclared(part.capability, len(foreign))
    return before is None or _paper(_known(before)) != _paper(client)


def _paper(client: Client) -> Client:
    """Return what a registration says, without what acts have made of it."""
    return replace(client, state="contracted", epoch=0, seq=0)


def _is_period(contract: Contract) -> bool:
    begin, end = contract.not_before, contract.not_after
    return begin.tzinfo is not None and end.tzinfo is not None and begin < end


def _check_evidence(evidence: Evidence, catalogue: Catalogue) -> None:
    for field in ("screen", "control", "channel", "authentication"):
        if not getattr(evidence, field).strip():
            raise errors.EvidenceIncomplete(field)
    if evidence.locale not in catalogue.locales:
        raise errors.EvidenceIncomplete("locale")
    if evidence.shown_at.tzinfo is None:
        raise errors.EvidenceIncomplete("shown_at")
    if evidence.initial not in UNSET_CONTROLS:
        raise errors.EvidencePreticked
    if evidence.policy_version != catalogue.policy.version:
        raise errors.TextNotPublished(evidence.policy_version, evidence.locale)


def _check_sentence(
    evidence: Evidence, catalogue: Catalogue, text: dict[str, str]
) -> None:
    if sentence_sha256(text[evidence.locale]) != evidence.text_sha256:
        raise errors.TextNotPublished(catalogue.policy.version, evidence.locale)


def _check_yes(
    act: GiveGrant,
    subject: Subject,
    client: Client | None,
    catalogue: Catalogue,
    now: datetime,
) -> None:
    if (act.actor.kind, act.actor.id) != ("subject", subject.id):
        raise errors.EvidenceIncomplete("actor")  # nobody says yes for another
    _check_fresh(act.grant, subject)
    if client is None:
        raise errors.ClientUnknown
    if client.state != "contracted":
        raise errors.ClientNotContracted
    if subject.notice_version is None:
        raise errors.NoticeMissing
    pair = declared_pair(catalogue, act.capability, act.purpose)
    _check_elements(act, pair, client, catalogue, now)
    _check_limits(act, pair, client, now)
    _check_evidence(act.evidence, catalogue)
    if act.evidence.kind == "app_rendered":
        if client.kind == "partner" or pair.separate != "none":
            raise errors.NotSeparate
        _check_sentence(act.evidence, catalogue, pair.question)
        return
    shown = item_text(
        catalogue,
        client,
        pair,
        act.evidence.locale,
        required=act.required,
        optional=act.optional,
        retention_days=act.retention_days,
        records=act.records,
        expires_at=act.expires_at,
        one_time=act.one_time,
    )
    if shown.sha256 != act.evidence.text_sha256:
        raise errors.TextNotPublished(catalogue.policy.version, act.evidence.locale)


def _check_elements(
    act: GiveGrant, pair: Pair, client: Client, catalogue: Catalogue, now: datetime
) -> None:
    """Refuse elements that were not declared, not offered, or torn apart."""
    offered = set(act.required) | set(act.optional)
    taken = set(act.elements)
    if not isinstance(catalogue.capabilities[act.capability], Category):
        if taken or offered:
            raise errors.ElementNotDeclared(act.capability, len(taken | offered))
        if client.kind == "partner":
            raise errors.PairNotDeclared(act.capability, act.purpose)
        return
    declared = set(pair.elements)
    if client.contract is not None:
        if not client.contract.not_before <= now < client.contract.not_after:
            raise errors.ClientNotContracted
        part = client.contract.pair(act.capability, act.purpose)
        if part is None:
            raise errors.PairNotDeclared(act.capability, act.purpose)
        declared = set(part.elements)
    if not offered <= declared:
        raise errors.ElementNotDeclared(act.capability, len(offered - declared))
    if not taken or not set(act.required) <= taken <= offered:
        raise errors.EvidenceIncomplete("elements")


def _check_limits(act: GiveGrant, pair: Pair, client: Client, now: datetime) -> None:
    if pair.one_time and not act.one_time:
        raise errors.LimitsImpossible("one_time")
    contract = client.contract
    part = contract and contract.pair(act.capability, act.purpose)
    if isinstance(part, ContractPair) and act.retention_days > part.retention_days:
        raise errors.LimitsImpossible("retention_days")
    end = act.expires_at
    latest = [] if pair.max_life is None else [now + pair.max_life]
    if end is None:
        if latest:
            raise errors.LimitsImpossible("expires_at")  # it would never end
        return
    if contract is not None:
        latest.append(contract.not_after)
    if end <= now or any(end > limit for limit in latest):
        raise errors.LimitsImpossible("expires_at")
