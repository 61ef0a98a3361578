"""What a consent page has to ask: items that are missing, live, or refused lately.

Pure: a request, the person's standing and the catalogue go in. The same function
builds the page and, when the form comes back, the text that it must still have.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

import msgspec

from gateway.oauth.requests import AuthorizationRequest
from gateway.oauth.rfc9396 import Narrowed
from permissions.catalogue.model import Catalogue
from permissions.decision import Allow, Ask, Decision, Deny, Question, Standing, decide
from permissions.state import Grant
from permissions.texts import ItemText, item_text

# Denials that a yes on the page can change. The others stand whatever is ticked.
_OPEN: Final = frozenset({"withdrawn", "element_not_granted", "record_not_granted"})

_encoder: Final = msgspec.json.Encoder(order="sorted")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An item to ask for, cut down to what is missing, and the words for it."""

    item: Narrowed
    text: ItemText


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """An item that a grant in force answers, wholly or in part.

    ``elements`` are those that count without being asked again.
    """

    item: Narrowed
    grant: Grant
    elements: tuple[str, ...]
    title: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """An item that the person refused within the ask window (R26)."""

    item: Narrowed
    since: datetime
    title: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What stands before a person: to ask, already given, refused lately."""

    offers: tuple[Offer, ...] = ()
    live: tuple[Live, ...] = ()
    refused: tuple[Refused, ...] = ()

    def sha256(self, client_seq: int) -> str:
        """Return the hash of everything that the form shows, for one registration."""
        shown = (
            [offer.text.sha256 for offer in self.offers],
            [(live.grant.id, live.elements) for live in self.live],
            client_seq,
        )
        return hashlib.sha256(_encoder.encode(shown)).hexdigest()


def plan(
    request: AuthorizationRequest,
    standing: Standing,
    catalogue: Catalogue,
    now: datetime,
    locale: str,
) -> Plan:
    """Sort a request's items by what has to be asked.

    ``prompt=consent`` shows every item whole; a person who wants to reconsider is
    shown what they refused. Without a known subject and client nothing is planned.
    """
    planner = _Planner(request, standing, catalogue, now, locale)
    for item in request.items:
        planner.sort(item)
    return Plan(
        offers=tuple(planner.offers),
        live=tuple(planner.live),
        refused=tuple(planner.refused),
    )


class _Planner:
    """The items of one request on their way to a plan; lives for one call."""

    def __init__(
        self,
        request: AuthorizationRequest,
        standing: Standing,
        catalogue: Catalogue,
        now: datetime,
        locale: str,
    ) -> None:
        self.request = request
        self.standing = standing
        self.catalogue = catalogue
        self.now = now
        self.locale = locale
        self.offers: list[Offer] = []
        self.live: list[Live] = []
        self.refused: list[Refused] = []

    def sort(self, item: Narrowed) -> None:
        """Put one item where it belongs."""
        decision = self._decide(item)
        grant = self._grant(item)
        match decision:
            case Deny(reason="refused") if grant is not None:
                if self.request.shown.reconsider:
                    self._offer(item)
                else:
                    self.refused.append(
                        Refused(item=item, since=grant.since, title=self._title(item))
                    )
            case Deny(reason=reason) if reason not in _OPEN:
                return
            case Allow() if grant is not None and self._is_alike(item, grant):
                self._complete(item, grant)
            case Allow() | Ask() | Deny():
                self._offer(item)

    def _complete(self, item: Narrowed, grant: Grant) -> None:
        """List what a live grant has, and offer what it lacks."""
        asks_anew = "consent" in self.request.asked.prompt
        elements = tuple(
            name
            for name in (*item.required, *item.optional)
            if not asks_anew and isinstance(self._decide(item, name), Allow)
        )
        self.live.append(
            Live(item=item, grant=grant, elements=elements, title=self._title(item))
        )
        missing = msgspec.structs.replace(
            item,
            required=tuple(name for name in item.required if name not in elements),
            optional=tuple(name for name in item.optional if name not in elements),
        )
        if missing.required or missing.optional:
            self._offer(missing)

    def _is_alike(self, item: Narrowed, grant: Grant) -> bool:
        """Say whether a grant has the limits and the policy of a new yes."""
        return (
            grant.policy_version == self.catalogue.policy.version
            and grant.records == item.records
            and grant.one_time == item.one_time
            and grant.expires_at == item.expires_at
        )

    def _decide(self, item: Narrowed, *elements: str) -> Decision:
        question = Question(
            client=self.request.client,
            capability=item.capability,
            purpose=item.purpose,
            elements=elements,
            use=True,
        )
        return decide(question, self.standing, self.catalogue, self.now)

    def _grant(self, item: Narrowed) -> Grant | None:
        subject = self.standing.subject
        if subject is None:
            return None
        return subject.grant_for((self.request.client, item.capability, item.purpose))

    def _offer(self, item: Narrowed) -> None:
        self.offers.append(Offer(item=item, text=self._text(item)))

    def _title(self, item: Narrowed) -> str:
        text = self._text(item)
        return f"{text.capability_title} · {text.purpose_title}"

    def _text(self, item: Narrowed) -> ItemText:
        client = self.standing.client
        assert client is not None  # noqa: S101 - an unknown client is denied before
        return item_text(
            self.catalogue,
            client,
            self.catalogue.pairs[item.capability, item.purpose],
            self.locale,
            required=item.required,
            optional=item.optional,
            retention_days=item.retention_days,
            records=item.records,
            expires_at=item.expires_at,
            one_time=item.one_time,
        )
