"""State as the ledger gives it: subjects, grants, clients, functions."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

GrantState = Literal["granted", "used", "withdrawn", "refused"]
GrantKey = tuple[str, str, str]  # (client, capability, purpose)


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A right in force, or the end of one; the subject's, not the device's.

    ``elements`` maps each element to its epoch: the sequence, in the subject's
    shard, of the act that last put it in force. Device capabilities have the one
    element ``*``; a refusal has none, and no grant set. ``seq`` is the row version.
    Expiry is judged when read.
    """

    id: str
    grant_set: str
    client: str
    capability: str
    purpose: str
    state: GrantState
    elements: dict[str, int]
    policy_version: str
    since: datetime
    until: datetime | None
    expires_at: datetime | None
    one_time: bool
    records: tuple[str, ...]  # empty: all records
    scene: str | None
    receipt: str
    seq: int

    @property
    def key(self) -> GrantKey:
        """What this grant is about, within its subject."""
        return (self.client, self.capability, self.purpose)


class GrantSet(msgspec.Struct, frozen=True, kw_only=True):
    """All grants of one subject to one client: OAuth's ``grant_id``.

    ``acts`` counts the acts on this set; with the id it is the version that a
    partner sees, so that two partners cannot join what they know.
    """

    id: str
    client: str
    pairwise: str  # this client's own id of the subject, random
    acts: int


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A person, with everything they have decided; the unit of a fold.

    ``grants`` holds every grant by id, ended ones included; ``current`` the one
    that speaks for each (client, capability, purpose).
    """

    id: str
    since: datetime
    notice_version: str | None
    notice_at: datetime | None
    grants: dict[str, Grant]
    current: dict[GrantKey, str]
    sets: dict[str, GrantSet]  # by client
    seq: int

    def grant_for(self, key: GrantKey) -> Grant | None:
        """Return the grant that speaks for a key, or None when never asked."""
        grant = self.current.get(key)
        return None if grant is None else self.grants[grant]


class ContractPair(msgspec.Struct, frozen=True, kw_only=True):
    """One pair that a partner's contract names; narrows the catalogue's (R42)."""

    capability: str
    purpose: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    retention_days: int = 30

    @property
    def elements(self) -> tuple[str, ...]:
        """Every element that may be asked for, the required ones first."""
        return (*self.required, *self.optional)


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """The confidentiality agreement that binds a partner first (R43)."""

    document_sha256: str
    not_before: datetime
    not_after: datetime
    pairs: tuple[ContractPair, ...]

    def pair(self, capability: str, purpose: str) -> ContractPair | None:
        """Return the contracted pair, or None."""
        for pair in self.pairs:
            if pair.capability == capability and pair.purpose == purpose:
                return pair
        return None


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """An OAuth client: the operator's back end, or a partner under contract."""

    id: str
    kind: Literal["app", "partner"]
    name: dict[str, str]  # by locale
    legal_name: str
    registry_number: str
    contact: str
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...] = ()
    contract: Contract | None = None  # None for app clients
    state: Literal["contracted", "suspended"] = "contracted"
    epoch: int = 0  # raised whenever older tokens must not revive
    seq: int = 0


class FunctionState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a business function is open; closed ones allow nothing (R04)."""

    id: str
    is_open: bool
    seq: int


Owner = Subject | Client | FunctionState
