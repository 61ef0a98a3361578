"""The courier: one consent, then what may be fetched, as often as asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aseanbiz import (
    CallbackRejected,
    FlowState,
    Gateway,
    GrantEnded,
    GrantSet,
    NotAllowed,
    Release,
    Want,
)
from examples.sample_partner.words import WORDS
from examples.web import Answer, Html, Site, Visit, see

PURPOSE = "delivery"
WANTS = (
    Want(capability="data.identity", elements=("name", "phone", "address")),
    Want(
        capability="data.transaction",
        elements=("order_no", "status", "placed_at", "amount"),
    ),
)


@dataclass
class Customer:
    """One person's way through: the flow begun, the consent, what was fetched."""

    flow: FlowState | None = None
    grants: GrantSet | None = None
    fetched: dict[str, Release | str] = field(default_factory=dict)  # or the reason
    fetched_at: datetime | None = None


def make_site(gateway: Gateway, origin: str, port: int) -> Site[Customer]:
    """Return the courier; ``origin`` is the gateway's, where consent is asked."""
    site = Site(
        "sample-partner",
        Path(__file__).parent,
        WORDS,
        Customer,
        port=port,
        form_target=origin,
    )
    courier = _Courier(gateway, f"{site.address}/callback")
    site.on("GET", "/")(courier.home)
    site.on("POST", "/connect")(courier.connect)
    site.on("GET", "/callback")(courier.callback)
    site.on("POST", "/fetch")(courier.fetch)
    site.on("POST", "/forget")(courier.forget)
    site.on("GET", "/ended")(courier.ended)
    return site


class _Courier:
    def __init__(self, gateway: Gateway, redirect_uri: str) -> None:
        self._gateway = gateway
        self._redirect_uri = redirect_uri

    def home(self, visit: Visit[Customer]) -> Answer:
        customer = visit.session
        if customer.grants is None:
            return visit.page("connect")
        at = customer.fetched_at
        return visit.page(
            "parcel",
            grant_set=customer.grants.id,
            until=_clock(customer.grants.token_expires_at),
            at="" if at is None else _clock(at),
            sections=Html("".join(_sections(visit, customer.fetched))),
        )

    def connect(self, visit: Visit[Customer]) -> Answer:
        """Send the browser to the gateway; what proves it is the same stays here."""
        flow = self._gateway.consent.start(
            WANTS,
            purpose=PURPOSE,
            redirect_uri=self._redirect_uri,
            locale=visit.locale,
        )
        visit.session.flow = flow.state
        return see(flow.url)

    def callback(self, visit: Visit[Customer]) -> Answer:
        """Take the answer, if it is the answer to what this browser began."""
        flow, visit.session.flow = visit.session.flow, None
        if flow is None:
            return see("/")
        try:
            grants = self._gateway.consent.finish(flow, visit.url)
        except CallbackRejected as error:
            if error.check == "denied":
                return visit.page("declined")
            return visit.page("error", status=400, code=error.code)
        visit.restart().grants = grants
        return self.fetch(visit)

    def fetch(self, visit: Visit[Customer]) -> Answer:
        """Fetch each category; what was fetched before gives way to the answer."""
        customer = visit.session
        if customer.grants is None:
            return see("/")
        handle = self._gateway.grant(customer.grants.id)
        customer.fetched, customer.fetched_at = {}, datetime.now(UTC)
        for want in WANTS:
            category = want.capability.removeprefix("data.")
            try:
                customer.fetched[category] = handle.release(category, purpose=PURPOSE)
            except NotAllowed as error:
                customer.fetched[category] = error.reason
            except GrantEnded:
                visit.restart()
                return see("/ended")
        return see("/")

    def forget(self, visit: Visit[Customer]) -> Answer:
        """Revoke the token and forget what was fetched."""
        if visit.session.grants is not None:
            self._gateway.grant(visit.session.grants.id).end()
        visit.restart()
        return see("/ended")

    def ended(self, visit: Visit[Customer]) -> Answer:
        """Say that nothing is left."""
        return visit.page("ended")


def _sections(
    visit: Visit[Customer], fetched: Mapping[str, Release | str]
) -> list[Html]:
    return [
        _refused(visit, category, got)
        if isinstance(got, str)
        else _released(visit, category, got)
        for category, got in fetched.items()
    ]


def _refused(visit: Visit[Customer], category: str, reason: str) -> Html:
    return visit.fill(
        "refused",
        category=category,
        title=visit.words[f"cat_{category}"],
        why=_why(visit, reason),
        reason=reason,
    )


def _released(visit: Visit[Customer], category: str, release: Release) -> Html:
    rows = [release.data] if release.data is not None else list(release.records or ())
    values = (
        visit.fill(
            "value",
            element=f"{category}-{name}",
            title=visit.words[f"el_{name}"],
            value=str(value),
        )
        for row in rows
        for name, value in row.items()
        if f"el_{name}" in visit.words
    )
    missing = [(one.element, one.reason) for one in release.withheld]
    missing += [(name, "absent") for name in release.absent]
    withheld = (
        visit.fill(
            "withheld",
            element=f"{category}-{name}",
            title=visit.words.get(f"el_{name}", name),
            why=_why(visit, reason),
            reason=reason,
        )
        for name, reason in missing
    )
    return visit.fill(
        "released",
        category=category,
        title=visit.words[f"cat_{category}"],
        release=release.release_id,
        values=Html("".join(values)),
        withheld=Html("".join(withheld)),
    )


def _why(visit: Visit[Customer], reason: str) -> str:
    words = visit.words
    return words["absent"] if reason == "absent" else words.get(f"why_{reason}", reason)


def _clock(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M:%S")
