"""The gateway's three answers, and the words for why."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias

import msgspec

from aseanbiz._ids import GrantId

Origin: TypeAlias = Literal["gateway", "cache", "local"]


class Reason(StrEnum):
    """The reasons known today; a new one arrives as a plain str and breaks nothing."""

    GRANTED = "granted"
    BASIS_CONTRACT = "basis_contract"
    BASIS_LEGAL_DUTY = "basis_legal_duty"
    BASIS_EMERGENCY = "basis_emergency"
    NOT_ASKED = "not_asked"
    REFUSED = "refused"
    COOLDOWN = "cooldown"
    WITHDRAWN = "withdrawn"
    USED = "used"
    EXPIRED = "expired"
    RECONSENT_REQUIRED = "reconsent_required"
    PENDING_REBIND = "pending_rebind"
    SUSPENDED = "suspended"
    NOT_SEPARATE = "not_separate"
    NOTICE_MISSING = "notice_missing"
    PURPOSE_UNKNOWN = "purpose_unknown"
    PURPOSE_MISMATCH = "purpose_mismatch"
    CAPABILITY_UNKNOWN = "capability_unknown"
    PAIR_NOT_DECLARED = "pair_not_declared"
    ELEMENT_NOT_GRANTED = "element_not_granted"
    RECORD_NOT_GRANTED = "record_not_granted"
    LEVEL_TOO_LOW = "level_too_low"
    OS_DENIED = "os_denied"
    OS_UNKNOWN = "os_unknown"
    NOT_IN_SCENE = "not_in_scene"
    FUNCTION_CLOSED = "function_closed"
    CLIENT_SUSPENDED = "client_suspended"
    CONTRACT_EXPIRED = "contract_expired"
    SUBJECT_GONE = "subject_gone"
    SUBJECT_RESTRICTED = "subject_restricted"
    GUARDIAN_REQUIRED = "guardian_required"
    RESIDENCY = "residency"
    LEGAL_HOLD = "legal_hold"
    SOURCE_UNAVAILABLE = "source_unavailable"
    SERVICE_CEASED = "service_ceased"
    DECISION_UNAVAILABLE = "decision_unavailable"


class AskOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What an ask would be about: the sentence per locale, or where to ask."""

    capability: str
    purpose: str
    text: Mapping[str, str] = {}
    consent_url: str | None = None


class _Answer(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="effect", tag=str.lower
):
    reason: str
    version: str = ""
    """The ledger version seen: ``shard.seq``, for partners ``<gst id>.<n>``."""
    origin: Origin = "gateway"
    age_ms: int = 0
    """Milliseconds from sending the question to having this answer."""

    if not TYPE_CHECKING:
        # Hidden from type checkers: mypy reports truthiness (truthy-bool) only
        # for types that define no __bool__, and takes NoReturn for always true.

        def __bool__(self) -> NoReturn:
            raise TypeError("a decision has three answers: use match, not if")


class Allow(_Answer, frozen=True, kw_only=True):
    """Yes, for ``valid_for_ms`` from the sending of the question.

    ``grant`` is None under another lawful basis than consent.
    ``expires_at`` is for showing, not for computing.
    """

    grant: GrantId | None = None
    valid_for_ms: int = 0
    expires_at: datetime | None = None


class Ask(_Answer, frozen=True, kw_only=True):
    """Not yet: ``ask`` says what to ask, ``fallback`` what works meanwhile."""

    ask: AskOffer
    fallback: str | None = None
    fallback_text: Mapping[str, str] = {}


class Deny(_Answer, frozen=True, kw_only=True):
    """No: ``fallback`` is what still works, ``fix`` the way out.

    ``origin`` "local" means that no answer was to be had; ``cause`` then says
    why in one line.
    """

    fallback: str | None = None
    fallback_text: Mapping[str, str] = {}
    fix: str | None = None
    next_ask_at: datetime | None = None
    cause: str | None = None


Decision: TypeAlias = Allow | Ask | Deny
