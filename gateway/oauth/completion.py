"""The end of an authorization request: acts, grants, code and outcome at once.

Everything happens in the caller's one transaction, so that there is no grant
without its act, and no code without the grants behind it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.keys import KeyRing
from gateway.oauth import codes, requests
from gateway.oauth.plan import Offer, Plan
from gateway.oauth.requests import AuthorizationRequest
from gateway.oauth.rfc9396 import TYPE, Narrowed, retention_text
from gateway.tokens import digest
from permissions.acts import Actor, GiveGrant, RefuseGrant
from permissions.decision import Held
from permissions.evidence import Evidence
from permissions.state import Client, Grant
from permissions.store.transaction import Transaction

SCREEN: Final = "oauth_consent"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers, how they were known, and when the page was put before them."""

    subject: str
    authentication: str
    shown_at: datetime

    @property
    def actor(self) -> Actor:
        """The person as the author of acts."""
        return Actor(kind="subject", id=self.subject)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One offer as answered; no elements says that it was left."""

    offer: Offer
    elements: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A request and what a person answered to its plan.

    ``taken`` has one entry for each offer; None is a no to the whole.
    """

    request: AuthorizationRequest
    client: Client
    person: Person
    plan: Plan
    taken: tuple[Taken, ...] | None

    @property
    def outcome(self) -> str:
        """What the client is told; what is live already counts beside new yeses."""
        if self.taken is None:
            return "access_denied"
        reached = any(self.elements_of(item) for item in self.request.items)
        return "code" if reached else "access_denied"

    def elements_of(self, item: Narrowed) -> tuple[str, ...]:
        """Return the elements of an item that its code reaches."""
        counted: set[str] = set()
        for live in self.plan.live:
            if _key(live.item) == _key(item):
                counted.update(live.elements)
        for taken in self.taken or ():
            if _key(taken.offer.item) == _key(item):
                counted.update(taken.elements)
        return tuple(
            name for name in (*item.required, *item.optional) if name in counted
        )


def finish(transaction: Transaction, keys: KeyRing, answer: Answer) -> str:
    """Carry out an answer and return the request's outcome.

    Of two answers the first one counts, and its outcome is told again. What was
    given earlier is not given again. Raises PermissionsError when an act cannot be
    done; then the transaction is to be rolled back.
    """
    request, outcome = answer.request, answer.outcome
    subject = answer.person.subject
    if not requests.complete(transaction, request, subject, outcome):
        first = requests.find(transaction.connection, request.id)
        return outcome if first is None or first.outcome is None else first.outcome
    if answer.taken is None:
        for offer in answer.plan.offers:
            _refuse(transaction, answer, offer, control="consent-deny")
    for taken in answer.taken or ():
        if taken.elements:
            _give(transaction, answer, taken)
        else:
            control = f"capability-{taken.offer.item.capability}"
            _refuse(transaction, answer, taken.offer, control=control)
    if outcome == "code":
        _issue_code(transaction, keys, answer)
    return outcome


def _give(transaction: Transaction, answer: Answer, taken: Taken) -> None:
    item = taken.offer.item
    transaction.perform(
        GiveGrant(
            actor=answer.person.actor,
            subject=answer.person.subject,
            client=answer.client.id,
            capability=item.capability,
            purpose=item.purpose,
            elements=taken.elements,
            required=item.required,
            optional=item.optional,
            retention_days=item.retention_days,
            expires_at=item.expires_at,
            one_time=item.one_time,
            records=item.records,
            evidence=_evidence(
                answer, taken.offer, f"capability-{item.capability}", "unticked"
            ),
            grant=transaction.new_id("gra"),
            grant_set=transaction.new_id("gst"),
            pairwise=transaction.new_id("psn"),
            receipt=transaction.new_id("rcp"),
        )
    )


def _refuse(
    transaction: Transaction, answer: Answer, offer: Offer, *, control: str
) -> None:
    initial = "button" if answer.taken is None else "unticked"
    transaction.perform(
        RefuseGrant(
            actor=answer.person.actor,
            subject=answer.person.subject,
            client=answer.client.id,
            capability=offer.item.capability,
            purpose=offer.item.purpose,
            grant=transaction.new_id("gra"),
            receipt=transaction.new_id("rcp"),
            evidence=_evidence(answer, offer, control, initial),
        )
    )


def _evidence(answer: Answer, offer: Offer, control: str, initial: str) -> Evidence:
    return Evidence(
        kind="gateway_page",
        screen=SCREEN,
        text_sha256=offer.text.sha256,
        locale=offer.text.locale,
        control=control,
        initial=initial,
        channel="web",
        authentication=answer.person.authentication,
        policy_version=offer.text.policy_version,
        shown_at=answer.person.shown_at,
    )


def _issue_code(transaction: Transaction, keys: KeyRing, answer: Answer) -> None:
    """Store the code, with exactly the items of this request (oauth.md 4)."""
    request, client = answer.request, answer.client
    subject = transaction.subject(answer.person.subject)
    assert subject is not None  # noqa: S101 - a plan with anything live has a subject
    rights: dict[str, tuple[str, ...]] = {}
    details: list[dict[str, Any]] = []
    for item in request.items:
        elements = answer.elements_of(item)
        grant = subject.grant_for((client.id, item.capability, item.purpose))
        if elements and grant is not None:
            rights[grant.id] = elements
            details.append(_detail(item, grant, elements, client))
    given = {detail["capability"] for detail in details}
    _, _, seq = transaction.version(subject.id).partition(".")
    codes.issue(
        transaction,
        codes.Code(
            sha256=digest(codes.code_of(keys, request.id)),
            client=client.id,
            subject=subject.id,
            request=request.id,
            redirect_uri=request.asked.redirect_uri,
            code_challenge=request.asked.code_challenge,
            scope=tuple(name for name in request.asked.scope if name in given),
            details=tuple(details),
            grant_set=subject.sets[client.id].id,
            held=Held(epoch=int(seq), client_epoch=client.epoch, rights=rights),
            expires_at=transaction.now + codes.CODE_LIFE,
        ),
    )


def _detail(
    item: Narrowed, grant: Grant, elements: tuple[str, ...], client: Client
) -> dict[str, Any]:
    """Return an entry of ``authorization_details`` as granted (RFC 9396 §7)."""
    expires_at = grant.expires_at
    return {
        "type": TYPE,
        "identifier": grant.id,
        "capability": item.capability,
        "purpose": item.purpose,
        "elements": list(elements),
        "withheld": [
            {"element": name, "reason": "refused"}
            for name in (*item.required, *item.optional)
            if name not in elements
        ],
        **({"records": list(item.records)} if item.records else {}),
        "retention": retention_text(item.retention_days),
        "locations": [item.location],
        "storage_regions": list(item.regions),
        "one_time": grant.one_time,
        "expires_at": None if expires_at is None else msgspec.to_builtins(expires_at),
        "policy_version": grant.policy_version,
        "separate": "none" if client.kind == "app" else "share",  # PIPL art. 23
        "receipt": grant.receipt,
    }


def _key(item: Narrowed) -> tuple[str, str]:
    return item.capability, item.purpose
