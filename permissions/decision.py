"""The one decision function: may this client use this, for this purpose, now.

Pure: a question, what the ledger says (`Standing`), the catalogue and the time go
in; allow, ask or deny comes out. Every surface that reads a right calls `decide`.
Time is judged here and nowhere else, so that no stored state has to expire.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal, NoReturn

import msgspec

from permissions.asks import ask_window, next_ask_at
from permissions.catalogue.model import Catalogue, Category, Pair
from permissions.fold import WHOLE
from permissions.state import Client, Grant, Subject

AllowReason = Literal[
    "granted", "basis_contract", "basis_legal_duty", "basis_emergency"
]
AskReason = Literal["not_asked", "refused", "used", "expired", "reconsent_required"]
DenyReason = Literal[
    "refused", "cooldown", "withdrawn", "suspended", "not_separate", "notice_missing",
    "purpose_unknown", "purpose_mismatch", "capability_unknown", "pair_not_declared",
    "element_not_granted", "record_not_granted", "os_unknown", "not_in_scene",
    "function_closed", "client_suspended", "contract_expired", "subject_gone",
    "decision_unavailable",
]  # fmt: skip

# How long an answer may be relied on at most; a lease of 2 s less 1 % clock drift.
VALID_FOR_MS: Final = 1980
_MILLISECOND: Final = timedelta(milliseconds=1)

# The next step, for the caller of a deny.
FIXES: Final[dict[DenyReason, str]] = {
    "refused": "wait",
    "cooldown": "wait",
    "withdrawn": "open_settings",
    "suspended": "contact_operator",
    "not_separate": "use_consent_page",
    "notice_missing": "show_notice",
    "purpose_unknown": "declare_purpose",
    "purpose_mismatch": "ask_for_purpose",
    "capability_unknown": "declare_capability",
    "pair_not_declared": "declare_pair",
    "element_not_granted": "ask_for_element",
    "record_not_granted": "ask_for_record",
    "os_unknown": "report_os_state",
    "not_in_scene": "open_scene",
    "function_closed": "contact_operator",
    "client_suspended": "contact_operator",
    "contract_expired": "renew_contract",
    "subject_gone": "register_subject",
    "decision_unavailable": "retry",
}


class _Answer(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="effect", tag=str.lower
):
    version: str  # shard.seq of the ledger seen; partners get <gst>.<n>

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision has three answers: use match, not if")


class Allow(_Answer, frozen=True, kw_only=True):
    """Yes, under this grant or another lawful basis, for this long."""

    reason: AllowReason
    grant: str | None
    valid_for_ms: int
    expires_at: datetime | None = None


class AskText(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask, in the words that the policy has for it."""

    capability: str
    purpose: str
    text: dict[str, str]
    consent_url: str | None = None


class Ask(_Answer, frozen=True, kw_only=True):
    """Not yet: the person may be asked, here is how, and what works meanwhile."""

    reason: AskReason
    ask: AskText
    fallback: str
    fallback_text: dict[str, str]


class Deny(_Answer, frozen=True, kw_only=True):
    """No; names what still works and the way out."""

    reason: DenyReason
    fallback: str
    fallback_text: dict[str, str]
    fix: str
    next_ask_at: datetime | None = None


Decision = Allow | Ask | Deny


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. ``elements`` empty means: any of the pair's will do.

    ``use`` says that a one-time grant would be consumed by the answer.
    """

    client: str
    capability: str
    purpose: str
    elements: tuple[str, ...] = ()
    record: str | None = None
    scene: str | None = None
    use: bool = False


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger says to a question: the rows that the answer rests on.

    ``subject`` and ``client`` are None when unknown, erased or not the asker's to
    know; ``closed`` holds the ids of closed functions.
    """

    version: str
    subject: Subject | None
    client: Client | None
    closed: frozenset[str] = frozenset()


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a live token holds: elements by grant, as of its epoch.

    A right counts only where the grant in force still has the element and put it
    in force no later than the token's epoch: consenting again revives no old token.
    """

    epoch: int
    client_epoch: int
    rights: dict[str, tuple[str, ...]]


def decide(
    question: Question,
    standing: Standing,
    catalogue: Catalogue,
    now: datetime,
    held: Held | None = None,
) -> Decision:
    """Answer a question from what the ledger says at ``now`` (aware UTC).

    Total: unknown names are denied with their reason, never raised. With ``held``
    the answer is also no more than that token may do.
    """
    case = _Case(question, standing, catalogue, now, held)
    pair = catalogue.pairs.get((question.capability, question.purpose))
    if (no := case.undeclared(pair)) is not None:
        return case.deny(no)
    assert pair is not None  # noqa: S101 - undeclared() has denied it otherwise
    case.pair = pair
    if (no := case.closed(pair)) is not None:
        return case.deny(no)
    return case.judge(pair)


class _Case:
    """One question on its way to an answer; lives for one call."""

    __slots__ = (
        "catalogue",
        "declared",
        "held",
        "now",
        "pair",
        "question",
        "standing",
    )

    def __init__(
        self,
        question: Question,
        standing: Standing,
        catalogue: Catalogue,
        now: datetime,
        held: Held | None,
    ) -> None:
        self.question = question
        self.standing = standing
        self.catalogue = catalogue
        self.now = now
        self.held = held
        self.pair: Pair | None = None
        self.declared: tuple[str, ...] = ()  # of the pair, as the contract narrows it

    def undeclared(self, pair: Pair | None) -> DenyReason | None:
        """Judge what catalogue, client and contract declare."""
        question, client = self.question, self.standing.client
        if pair is None:  # a declared pair has known names
            if question.capability not in self.catalogue.capabilities:
                return "capability_unknown"
            if question.purpose not in self.catalogue.purposes:
                return "purpose_unknown"
        if client is None or pair is None:
            return "pair_not_declared"
        if client.state != "contracted":
            return "client_suspended"
        self.declared = pair.elements
        if client.kind == "partner":
            contract = client.contract
            if contract is None or not (
                contract.not_before <= self.now < contract.not_after
            ):
                return "contract_expired"
            part = contract.pair(question.capability, question.purpose)
            if part is None:
                return "pair_not_declared"
            # A contract may outlive a change of the catalogue: both have to name it.
            self.declared = tuple(e for e in part.elements if e in pair.elements)
        if question.elements and not set(question.elements) <= set(self.declared):
            return "element_not_granted"
        return None

    def closed(self, pair: Pair) -> DenyReason | None:
        """Judge what stands before any grant: subject, notice, function, scene."""
        subject, scene = self.standing.subject, self.question.scene
        if subject is None:
            return "subject_gone"
        if subject.notice_version is None:
            return "notice_missing"
        if self.catalogue.purposes[pair.purpose].function in self.standing.closed:
            return "function_closed"
        if scene is not None and pair.scenes and scene not in pair.scenes:
            return "not_in_scene"
        return "os_unknown" if pair.needs_os_report else None

    def judge(self, pair: Pair) -> Decision:
        """Judge the grant, element by element, and other lawful bases."""
        question = self.question
        grant = self._grant()
        state = self._state(pair, grant)
        live = grant if state is None else None
        granted = missing = False
        basis: AllowReason | None = None
        for element in question.elements or self._parts(pair):
            other = self._basis(pair, element)
            if other is not None:
                basis = basis or other
            elif live is not None and self._counts(live, element):
                granted = True
            else:
                missing = True
        enough = not (missing and question.elements)
        if granted and enough and live is not None:
            if not live.records or question.record in (None, *live.records):
                return self._allow("granted", live)
            no: Ask | Deny = self.deny("record_not_granted")
        else:
            no = self.deny("element_not_granted") if state is None else state
        if basis is not None and enough and not (granted and question.elements):
            return self._allow(basis, None)
        return no

    def _grant(self) -> Grant | None:
        subject = self.standing.subject
        assert subject is not None  # noqa: S101 - closed() has denied it otherwise
        question = self.question
        return subject.grant_for(
            (question.client, question.capability, question.purpose)
        )

    def _parts(self, pair: Pair) -> tuple[str, ...]:
        item = self.catalogue.capabilities[pair.capability]
        return self.declared if isinstance(item, Category) else (WHOLE,)

    def _basis(self, pair: Pair, element: str) -> AllowReason | None:
        # Other bases than consent are the operator's own; a partner's purpose is
        # its own and always needs a yes (G12).
        client = self.standing.client
        if client is None or client.kind != "app":
            return None
        match pair.basis_of(element):
            case "consent":
                return None
            case "contract":
                return "basis_contract"
            case "legal_duty":
                return "basis_legal_duty"
            case "emergency":
                return "basis_emergency"

    def _counts(self, grant: Grant, element: str) -> bool:
        epoch = grant.elements.get(element)
        if epoch is None or self.held is None:
            return epoch is not None
        client = self.standing.client
        return (
            client is not None
            and client.epoch == self.held.client_epoch
            and element in self.held.rights.get(grant.id, ())
            and epoch <= self.held.epoch
        )

    def _state(self, pair: Pair, grant: Grant | None) -> Ask | Deny | None:
        """Return the answer of a grant that is not in force, or None if it is."""
        if grant is None:
            return self._ask("not_asked")
        match grant.state:
            case "withdrawn":
                return self.deny("withdrawn")
            case "used":
                return self._ask("used")
            case "refused":
                return self._after_refusal(grant)
            case "granted":
                pass
        if grant.expires_at is not None and self.now >= grant.expires_at:
            return self._ask("expired")
        if grant.policy_version < pair.changed_in:
            return self._ask("reconsent_required")
        if grant.one_time and not self.question.use:
            # A one-time yes is spent by the answer, or it is no answer at all.
            return self._ask("not_asked")
        return None

    def _after_refusal(self, grant: Grant) -> Ask | Deny:
        refused_at = self._refused_at(grant)
        if refused_at is None:
            return self._ask("refused")  # the budget counts each scene apart (R26)
        again = next_ask_at(refused_at, ask_window(self.catalogue))
        if self.now >= again:
            return self._ask("refused")
        return self.deny("refused", next_ask_at=again)

    def _refused_at(self, last: Grant) -> datetime | None:
        """Return when this scene last heard a no; a no without a scene is for all."""
        subject, scene = self.standing.subject, self.question.scene
        assert subject is not None  # noqa: S101 - closed() has denied it otherwise
        return max(
            (
                grant.since
                for grant in subject.grants.values()
                if grant.state == "refused"
                and grant.key == last.key
                and (scene is None or grant.scene in (None, scene))
            ),
            default=None,
        )

    def _allow(self, reason: AllowReason, grant: Grant | None) -> Allow:
        client = self.standing.client
        expires_at = None if grant is None else grant.expires_at
        valid_for_ms = VALID_FOR_MS
        if expires_at is not None:
            valid_for_ms = min(valid_for_ms, (expires_at - self.now) // _MILLISECOND)
        if client is not None and client.contract is not None:
            left = (client.contract.not_after - self.now) // _MILLISECOND
            valid_for_ms = min(valid_for_ms, left)
        return Allow(
            version=self.standing.version,
            reason=reason,
            grant=None if grant is None else grant.id,
            valid_for_ms=valid_for_ms,
            expires_at=expires_at,
        )

    def _ask(self, reason: AskReason) -> Ask:
        question, pair = self.question, self.pair
        assert pair is not None  # noqa: S101 - an undeclared pair is denied before
        return Ask(
            version=self.standing.version,
            reason=reason,
            ask=AskText(
                capability=question.capability,
                purpose=question.purpose,
                text=pair.question,
            ),
            fallback=pair.fallback,
            fallback_text=self.catalogue.fallbacks[pair.fallback].text,
        )

    def deny(self, reason: DenyReason, next_ask_at: datetime | None = None) -> Deny:
        """Build the no, with what still works where the catalogue knows it."""
        pair = self.pair or self.catalogue.pairs.get(
            (self.question.capability, self.question.purpose)
        )
        return Deny(
            version=self.standing.version,
            reason=reason,
            fallback="" if pair is None else pair.fallback,
            fallback_text=(
                {} if pair is None else self.catalogue.fallbacks[pair.fallback].text
            ),
            fix=FIXES[reason],
            next_ask_at=next_ask_at,
        )
