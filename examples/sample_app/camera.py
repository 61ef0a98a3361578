"""The camera: the gateway is asked before each use, the person where it says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_never

from aseanbiz import Allow, Ask, Control, Decision, Deny, Gateway, NotAllowed
from examples.sample_app.screens import Customer, refusal
from examples.web import Answer, Site, Visit, see

CAMERA, PURPOSE, SCENE = "device.camera", "scan_qr", "scan_screen"


class Camera:
    """Scanning a code, with a screen for each answer."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def add_to(self, site: Site[Customer]) -> None:
        """Register the screens."""
        site.on("GET", "/scan")(self.scan)
        site.on("GET", "/ask")(self.ask)
        site.on("POST", "/ask")(self.answer)
        site.on("POST", "/ask-again")(self.ask_again)
        site.on("GET", "/code")(self.type_code)

    def scan(self, visit: Visit[Customer]) -> Answer:
        """Ask the gateway before every use; each of the three answers has a screen."""
        if visit.session.person is None:
            return see("/")
        decision = self._may_scan(visit.session)
        match decision:
            case Allow(grant=grant):
                return visit.page("camera", grant=grant or decision.reason)
            case Ask(fallback_text=fallback):
                return self._open_ask(visit, fallback)
            case Deny(reason=reason, fallback_text=fallback):
                return refusal(visit, reason, fallback)
            case _:
                assert_never(decision)

    def ask_again(self, visit: Visit[Customer]) -> Answer:
        """Ask because the person wants it: it is their wish, not the shop's."""
        if visit.session.person is None:
            return see("/")
        decision = self._may_scan(visit.session)
        if isinstance(decision, Allow):
            return see("/scan")
        return self._open_ask(visit, decision.fallback_text, user_initiated=True)

    def _may_scan(self, customer: Customer) -> Decision:
        return self._gateway.check(
            customer.subject,
            CAMERA,
            purpose=PURPOSE,
            scene=SCENE,
            consistency=customer.consistency,
        )

    def _open_ask(
        self,
        visit: Visit[Customer],
        fallback: Mapping[str, str],
        *,
        user_initiated: bool = False,
    ) -> Answer:
        """Get leave to ask; the gateway says when it is too early (R26)."""
        customer = visit.session
        if customer.ticket is None or customer.ticket.expires_at <= datetime.now(UTC):
            try:
                customer.ticket = self._gateway.asks.open(
                    customer.subject,
                    CAMERA,
                    purpose=PURPOSE,
                    scene=SCENE,
                    user_initiated=user_initiated,
                )
            except NotAllowed as error:
                return refusal(visit, error.reason, fallback)
        customer.fallback = fallback
        return see("/ask")

    def ask(self, visit: Visit[Customer]) -> Answer:
        """Show the question on the shop's own screen, word for word."""
        customer = visit.session
        if customer.ticket is None:
            return see("/")
        customer.shown_at = datetime.now(UTC)
        return visit.page(
            "ask",
            question=customer.ticket.text[visit.locale],
            fallback=customer.fallback.get(visit.locale, ""),
        )

    def answer(self, visit: Visit[Customer]) -> Answer:
        """Record the person's own answer, with the text that they saw."""
        customer = visit.session
        ticket, customer.ticket = customer.ticket, None
        if ticket is not None and customer.shown_at is not None:
            session = self._gateway.subjects.session(customer.subject)
            allowed = visit.form.get("answer") == "allow"
            result = self._gateway.me(session.token).answer(
                ticket.id,
                "granted" if allowed else "refused",
                text=ticket.sha256[visit.locale],
                locale=visit.locale,
                shown_at=customer.shown_at,
                control=Control(
                    id="ask-allow" if allowed else "ask-deny",
                    initial="button",
                    action="tap",
                ),
            )
            customer.consistency = result.receipt.version
        return see("/scan")

    def type_code(self, visit: Visit[Customer]) -> Answer:
        """Do what works without any permission."""
        person, number = visit.session.person, visit.query.get("number", "").strip()
        if person is None:
            return see("/")
        found = [one for one in person.orders if one["order_no"] == number.upper()]
        if not found:
            return visit.page("code", result=visit.words["code_unknown"])
        items, status = found[0]["items"], visit.words[f"status_{found[0]['status']}"]
        return visit.page(
            "code", result=f"{visit.words['code_found']} {items}, {status}"
        )
