"""The shop: what it asks the gateway, and what it shows for each answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

from aseanbiz import (
    Allow,
    Ask,
    Control,
    Deny,
    Gateway,
    NotAllowed,
    Secret,
    Stored,
)
from examples.sample_app.people import PEOPLE, Person, find
from examples.sample_app.screens import Customer, kept, orders, refusal
from examples.sample_app.words import WORDS
from examples.web import Answer, Html, Site, Visit, see

CAMERA, PURPOSE, SCENE = "device.camera", "scan_qr", "scan_screen"


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
    shop = _Shop(gateway)
    site.on("GET", "/")(shop.home)
    site.on("POST", "/person")(shop.enter)
    site.on("POST", "/leave")(shop.leave)
    site.on("POST", "/notice")(shop.read_notice)
    site.on("GET", "/scan")(shop.scan)
    site.on("POST", "/scan")(shop.answer)
    site.on("POST", "/ask-again")(shop.ask_again)
    site.on("POST", "/code")(shop.type_code)
    site.on("POST", "/privacy")(shop.open_privacy)
    return site


class _Shop:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

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
        return visit.page("notice", notice=customer.notice.text[visit.locale])

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

    def scan(self, visit: Visit[Customer]) -> Answer:
        """Ask the gateway before every use; each of the three answers has a screen."""
        customer = visit.session
        if customer.person is None:
            return see("/")
        decision = self._gateway.check(
            customer.subject,
            CAMERA,
            purpose=PURPOSE,
            scene=SCENE,
            consistency=customer.consistency,
        )
        match decision:
            case Allow(grant=grant):
                return visit.page("camera", grant=grant or decision.reason)
            case Ask():
                return self._ask(visit)
            case Deny(reason=reason, fallback_text=fallback):
                return refusal(visit, reason, fallback.get(visit.locale, ""))
            case _:
                assert_never(decision)

    def _ask(self, visit: Visit[Customer], *, user_initiated: bool = False) -> Answer:
        """Show the question on the shop's own screen, word for word."""
        customer = visit.session
        ticket = customer.ticket
        if ticket is None or ticket.expires_at <= datetime.now(UTC):
            try:
                ticket = self._gateway.asks.open(
                    customer.subject,
                    CAMERA,
                    purpose=PURPOSE,
                    scene=SCENE,
                    user_initiated=user_initiated,
                )
            except NotAllowed as error:
                return refusal(visit, error.reason, "")
        customer.ticket, customer.shown_at = ticket, datetime.now(UTC)
        return visit.page("ask", question=ticket.text[visit.locale])

    def answer(self, visit: Visit[Customer]) -> Answer:
        """Record the person's own answer, with the text that they saw."""
        customer = visit.session
        ticket, shown_at = customer.ticket, customer.shown_at
        if ticket is not None and shown_at is not None:
            allowed = visit.form.get("answer") == "allow"
            result = self._gateway.me(self._token(visit)).answer(
                ticket.id,
                "granted" if allowed else "refused",
                text=ticket.sha256[visit.locale],
                locale=visit.locale,
                shown_at=shown_at,
                control=Control(
                    id="ask-allow" if allowed else "ask-deny",
                    initial="button",
                    action="tap",
                ),
            )
            customer.ticket, customer.consistency = None, result.receipt.version
        return see("/scan")

    def ask_again(self, visit: Visit[Customer]) -> Answer:
        """Ask because the person wants it: it is their wish, not the shop's."""
        if visit.session.person is None:
            return see("/")
        visit.session.ticket = None
        return self._ask(visit, user_initiated=True)

    def type_code(self, visit: Visit[Customer]) -> Answer:
        """Do what works without any permission."""
        person, number = visit.session.person, visit.form.get("number", "").strip()
        if person is None:
            return see("/")
        found = [one for one in person.orders if one["order_no"] == number.upper()]
        if not found:
            return visit.page("code", result=visit.words["code_unknown"])
        items, status = found[0]["items"], visit.words[f"status_{found[0]['status']}"]
        return visit.page(
            "code", result=f"{visit.words['code_found']} {items}, {status}"
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
