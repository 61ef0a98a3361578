"""The shop: who is here, the first-use notice, their data, the way to privacy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from aseanbiz import Control, Gateway, Secret, Stored
from examples.sample_app.camera import Camera
from examples.sample_app.people import PEOPLE, Person, find
from examples.sample_app.screens import Customer, kept, orders
from examples.sample_app.words import WORDS
from examples.web import Answer, Html, Site, Visit, see


def make_site(gateway: Gateway, origin: str, port: int) -> Site[Customer]:
    """Return the shop; ``origin`` is the gateway's, for the way to its pages."""
    site = Site(
        "sample-app",
        Path(__file__).parent,
        WORDS,
        Customer,
        port=port,
        form_target=origin,
    )
    shop = _Shop(gateway, f"{origin}/policy")
    site.on("GET", "/")(shop.home)
    site.on("POST", "/person")(shop.enter)
    site.on("POST", "/leave")(shop.leave)
    site.on("POST", "/notice")(shop.read_notice)
    site.on("POST", "/privacy")(shop.open_privacy)
    Camera(gateway).add_to(site)
    return site


class _Shop:
    def __init__(self, gateway: Gateway, policy: str) -> None:
        self._gateway, self._policy = gateway, policy

    def home(self, visit: Visit[Customer]) -> Answer:
        customer = visit.session
        if customer.person is None:
            cards = (
                visit.fill("person", id=one.reference, name=one.name, place=one.place)
                for one in PEOPLE
            )
            return visit.page("choose", cards=Html("".join(cards)))
        if not self._gateway.subjects.get(customer.subject).notice_seen:
            return self._notice(visit)
        if customer.stored is None:
            customer.stored = self._keep_data(customer.person, customer.subject)
        return visit.page(
            "home",
            name=customer.person.name,
            kept=kept(visit, customer.stored),
            orders=orders(visit, customer.person),
        )

    def enter(self, visit: Visit[Customer]) -> Answer:
        """Log somebody in, as the shop does it anyway, and tell the gateway who."""
        person = find(visit.form.get("person", ""))
        if person is None:
            return see("/")
        customer = visit.restart()
        customer.subject = self._gateway.subjects.register(person.reference).id
        customer.person = person
        return see("/")

    def leave(self, visit: Visit[Customer]) -> Answer:
        visit.restart()
        return see("/")

    def _notice(self, visit: Visit[Customer]) -> Answer:
        """Show the first-use notice; until it is seen, every answer is no."""
        customer = visit.session
        customer.notice = self._gateway.me(self._token(visit)).notice()
        customer.shown_at = datetime.now(UTC)
        return visit.page(
            "notice",
            notice=customer.notice.text[visit.locale],
            policy=self._policy,
        )

    def read_notice(self, visit: Visit[Customer]) -> Answer:
        """Record that the notice was seen, by the hash of its text."""
        notice, shown_at = visit.session.notice, visit.session.shown_at
        if notice is not None and shown_at is not None:
            self._gateway.me(self._token(visit)).see_notice(
                text=notice.sha256[visit.locale],
                locale=visit.locale,
                shown_at=shown_at,
                control=Control(id="notice-read", initial="button", action="tap"),
            )
        return see("/")

    def _keep_data(self, person: Person, subject: str) -> tuple[Stored, ...]:
        """Write what the shop knows; the gateway takes what the purpose covers."""
        put = self._gateway.subjects.put_data
        purpose = "order_fulfilment"
        return (
            put(subject, "identity", purpose=purpose, data=person.identity),
            put(subject, "transaction", purpose=purpose, records=person.orders),
        )

    def open_privacy(self, visit: Visit[Customer]) -> Answer:
        """Hand the person over to the gateway's pages, signed in."""
        if visit.session.person is None:
            return see("/")
        session = self._gateway.subjects.session(visit.session.subject)
        return see(session.handover_url.reveal())

    def _token(self, visit: Visit[Customer]) -> Secret:
        """Return a user token: the shop has logged this person in itself."""
        return self._gateway.subjects.session(visit.session.subject).token
