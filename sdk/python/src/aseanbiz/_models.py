"""What the gateway answers, as frozen values; unknown fields are ignored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import msgspec

from aseanbiz._decisions import Decision
from aseanbiz._ids import AskId, GrantId, GrantSetId, ReceiptId, ReleaseId, SubjectId
from aseanbiz._secret import Secret
from aseanbiz._transport import Headers

T = TypeVar("T")
Text: TypeAlias = Mapping[str, str]
Json: TypeAlias = Mapping[str, Any]  # the catalogue decides, not this SDK


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    """Frozen and by keyword, like everything here."""


class Page(_Model, Generic[T], frozen=True, kw_only=True):
    """One page of a list; ``next_cursor`` is None on the last."""

    items: tuple[T, ...]
    next_cursor: str | None = None


class Withheld(_Model, frozen=True, kw_only=True):
    """One element that is not given, and why (a decision's reason)."""

    element: str
    reason: str


class Subject(_Model, frozen=True, kw_only=True):
    """A person as the gateway knows them."""

    id: SubjectId
    state: str
    notice_seen: bool
    created_at: datetime


class Session(_Model, frozen=True, kw_only=True):
    """A user token for the app's own screens, and a link into the gateway's pages."""

    token: Secret
    expires_at: datetime
    handover_url: Secret
    """Signs the person in, once: treat it like a password."""
    handover_expires_at: datetime


class Client(_Model, frozen=True, kw_only=True):
    """Whom a grant is for."""

    id: str
    name: Text = {}


class Grant(_Model, frozen=True, kw_only=True):
    """A right of one client, as every surface shows it; ``state`` is derived now."""

    id: GrantId
    client: Client
    capability: str
    purpose: str
    state: str
    elements: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    expires_at: datetime | None = None
    policy_version: str | None = None
    text: Text = {}


class Stored(_Model, frozen=True, kw_only=True):
    """What was kept of the data written, and what was refused."""

    category: str
    purpose: str
    version: str
    stored: tuple[str, ...] = ()
    records: int | None = None
    refused: tuple[Withheld, ...] = ()


class AskTicket(_Model, frozen=True, kw_only=True):
    """Leave to ask once: show ``text``, answer with its ``sha256``."""

    id: AskId
    subject: SubjectId
    capability: str
    purpose: str
    scene: str
    text: Text
    sha256: Text
    policy_version: str
    expires_at: datetime
    prefer: str | None = None
    fallback: str | None = None


class Control(_Model, frozen=True, kw_only=True):
    """The control that the user touched; never one that was ticked before."""

    id: str
    initial: Literal["unticked", "button"]
    action: Literal["tap", "tick"]


class Receipt(_Model, frozen=True, kw_only=True):
    """The record of one act, which the user can verify."""

    id: ReceiptId
    version: str
    entry_sha256: str
    act: str
    at: datetime


class AskResult(_Model, frozen=True, kw_only=True):
    """The decision that follows from an answer, and the receipt of the answer."""

    decision: Decision
    receipt: Receipt


class Withdrawal(_Model, frozen=True, kw_only=True):
    """A right taken back: from here on nobody is answered yes again."""

    grant: GrantId
    state: str
    version: str
    receipt: Receipt | ReceiptId | None = None


class Notice(_Model, frozen=True, kw_only=True):
    """The first-use notice, and whether this user has seen it."""

    policy_version: str
    seen: bool
    text: Text
    sha256: Text
    seen_at: datetime | None = None


class Want(_Model, frozen=True, kw_only=True):
    """One capability that a partner asks for; the user may leave out ``elements``.

    ``required`` elements go with the item or not at all; the contract must
    name them so. None named at all: those that the contract declares.
    """

    capability: str
    elements: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    one_time: bool = False
    expires_at: datetime | None = None


class FlowState(bytes):
    """What `consent.finish` needs; keep it on the server, in the user's session.

    It is sealed against change, so a forged one is refused, and survives a
    restart. Who holds it together with the callback can end the flow in the
    user's place: treat it as a secret. The repr hides it.
    """

    def __repr__(self) -> str:
        return "FlowState(hidden)"

    __str__ = __repr__


class Flow(_Model, frozen=True, kw_only=True):
    """A consent flow begun: send the browser to ``url``, keep ``state``."""

    url: str
    state: FlowState


class GrantedItem(_Model, frozen=True, kw_only=True):
    """One item of a grant set: what the user gave, and what not."""

    identifier: GrantId
    capability: str
    purpose: str
    elements: tuple[str, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    records: tuple[str, ...] = ()
    one_time: bool = False
    expires_at: datetime | None = None
    policy_version: str | None = None
    separate: str | None = None
    receipt: ReceiptId | None = None


class GrantSet(_Model, frozen=True, kw_only=True):
    """All that one subject gave to this partner (OAuth's ``grant_id``)."""

    id: GrantSetId
    items: tuple[GrantedItem, ...]
    scope: tuple[str, ...]
    token_expires_at: datetime


class Release(_Model, frozen=True, kw_only=True):
    """Personal data given under a consent; its repr shows none of it."""

    release_id: ReleaseId = msgspec.field(name="release")
    category: str
    purpose: str
    subject: SubjectId
    grant_id: GrantSetId
    version: str
    data: Json | None = None
    records: tuple[Json, ...] | None = None
    withheld: tuple[Withheld, ...] = ()
    absent: tuple[str, ...] = ()
    policy_version: str | None = None
    next_cursor: str | None = None

    def __repr__(self) -> str:
        return f"Release({self.release_id!r}, {self.category!r})"


class Introspection(_Model, frozen=True, kw_only=True):
    """What a token is good for now (RFC 7662); inactive tells nothing more."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    sub: str | None = None
    grant_id: GrantSetId | None = None
    exp: int | None = None
    version: str | None = None
    valid_for_ms: int = 0
    authorization_details: tuple[GrantedItem, ...] = ()


class RawResponse(_Model, frozen=True, kw_only=True):
    """An answer that the SDK has no model for; its repr shows no body."""

    status: int
    headers: Headers
    body: bytes
    request_id: str | None

    def __repr__(self) -> str:
        return f"RawResponse({self.status}, {len(self.body)} bytes)"
