"""Acts: every way in which a right can change, as one closed union.

An act is what somebody did, with its evidence; it names the ids it creates, so
that writing it twice is visible. The ledger stores acts; state is their fold.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from permissions.evidence import Evidence
from permissions.state import Client

Effect = Literal["widen", "narrow", "none"]
OwnerKind = Literal["subject", "client", "function"]


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acted: a subject, a client, an officer, or the gateway itself."""

    kind: Literal["subject", "client", "officer", "gateway"]
    id: str


class _Act(msgspec.Struct, frozen=True, kw_only=True, tag_field="act"):
    """An act about one owner; its effect says whether a decision can change."""

    actor: Actor


class RegisterSubject(_Act, frozen=True, kw_only=True, tag="subject.register"):
    """A subject becomes known to the gateway."""

    subject: str


class SeeNotice(_Act, frozen=True, kw_only=True, tag="notice.see"):
    """The subject has been shown the first-use notice (R01)."""

    subject: str
    evidence: Evidence


class GiveGrant(_Act, frozen=True, kw_only=True, tag="grant.give"):
    """The subject said yes to one recipient, purpose and set of elements.

    ``grant``, ``grant_set`` and ``pairwise`` are fresh ids, used where no live
    grant or set can take the yes in. ``required`` and ``optional`` are the elements
    as offered; ``elements`` those taken.
    """

    subject: str
    client: str
    capability: str
    purpose: str
    elements: tuple[str, ...]
    evidence: Evidence
    grant: str
    grant_set: str
    pairwise: str
    receipt: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    retention_days: int = 0
    expires_at: datetime | None = None
    one_time: bool = False
    records: tuple[str, ...] = ()
    scene: str | None = None


class RefuseGrant(_Act, frozen=True, kw_only=True, tag="grant.refuse"):
    """The subject said no. Kept so that nobody asks again too soon (R26).

    ``evidence`` is None where the app reports the no: a no needs no proof.
    """

    subject: str
    client: str
    capability: str
    purpose: str
    grant: str
    receipt: str
    evidence: Evidence | None = None
    scene: str | None = None


class WithdrawGrant(_Act, frozen=True, kw_only=True, tag="grant.withdraw"):
    """The subject takes a yes back (PIPL art. 15); never needs a reason."""

    subject: str
    grant: str
    receipt: str
    cause: str = "subject"


class UseGrant(_Act, frozen=True, kw_only=True, tag="grant.use"):
    """A one-time grant is consumed."""

    subject: str
    grant: str


class CollectData(_Act, frozen=True, kw_only=True, tag="data.collect"):
    """Personal data was written into the gateway for a purpose; names only."""

    subject: str
    client: str
    category: str
    purpose: str
    elements: tuple[str, ...]
    records: int | None = None


class ReleaseData(_Act, frozen=True, kw_only=True, tag="data.release"):
    """Personal data went out to a client: which elements, why, under what."""

    subject: str
    client: str
    release: str
    category: str
    purpose: str
    elements: tuple[str, ...]
    withheld: dict[str, str]
    grant: str | None
    basis: str
    records: int | None
    body_mac: str  # keyed hash of the body, hex; the body itself is not kept


class RegisterClient(_Act, frozen=True, kw_only=True, tag="client.register"):
    """A client is registered, or its registration changes."""

    client: Client


class SuspendClient(_Act, frozen=True, kw_only=True, tag="client.suspend"):
    """A client is cut off; its tokens are dead for good."""

    client: str


class ResumeClient(_Act, frozen=True, kw_only=True, tag="client.resume"):
    """A suspended client may ask again; older tokens stay dead."""

    client: str


class SwitchFunction(_Act, frozen=True, kw_only=True, tag="function.switch"):
    """A business function opens or closes (R04)."""

    function: str
    is_open: bool


Act = (
    RegisterSubject | SeeNotice | GiveGrant | RefuseGrant | WithdrawGrant | UseGrant
    | CollectData | ReleaseData
    | RegisterClient | SuspendClient | ResumeClient | SwitchFunction
)  # fmt: skip

_EFFECTS: Final[dict[type[Act], Effect]] = {
    RegisterSubject: "widen",
    SeeNotice: "widen",
    GiveGrant: "widen",
    RefuseGrant: "narrow",  # an ask may turn into a deny
    WithdrawGrant: "narrow",
    UseGrant: "narrow",
    CollectData: "none",
    ReleaseData: "none",
    RegisterClient: "narrow",  # a new registration may name fewer pairs
    SuspendClient: "narrow",
    ResumeClient: "widen",
    SwitchFunction: "narrow",
}


def effect_of(act: Act) -> Effect:
    """Say how an act can change decisions; ``none`` evicts nothing."""
    return _EFFECTS[type(act)]


def owner_of(act: Act) -> tuple[OwnerKind, str]:
    """Return whose ledger shard an act belongs to: the kind and key of one owner."""
    match act:
        case RegisterClient():
            return "client", act.client.id
        case SuspendClient() | ResumeClient():
            return "client", act.client
        case SwitchFunction():
            return "function", act.function
        case _:
            return "subject", act.subject
