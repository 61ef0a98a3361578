"""Who is looking at the shop, and the parts of its screens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aseanbiz import AskTicket, Notice, Stored
from examples.sample_app.people import Person
from examples.web import Answer, Html, Visit


@dataclass
class Customer:
    """Who is here, and the question they are looking at."""

    person: Person | None = None
    subject: str = ""
    stored: tuple[Stored, ...] | None = None
    notice: Notice | None = None
    ticket: AskTicket | None = None
    fallback: Mapping[str, str] = field(default_factory=dict)
    shown_at: datetime | None = None
    consistency: str = "lease"  # the version of this person's own last act


def refusal(visit: Visit[Customer], reason: str, fallback: Mapping[str, str]) -> Answer:
    """Say no, say why, and offer what still works."""
    words = visit.words
    return visit.page(
        "refusal",
        sentence=words.get(f"no_{reason}", words["no_other"]),
        reason=reason,
        fallback=fallback.get(visit.locale, ""),
    )


def kept(visit: Visit[Customer], stored: tuple[Stored, ...]) -> Html:
    """Show what the gateway took of the data, and why not the rest."""
    words = visit.words
    names = [words[f"el_{name}"] for name in stored[0].stored]
    names += [f"{words['el_orders']} ({stored[1].records or 0})"]
    refused = (
        visit.fill(
            "refused",
            element=one.element,
            title=words[f"el_{one.element}"],
            reason=one.reason,
        )
        for one in stored[0].refused
    )
    return visit.fill("kept", elements=", ".join(names), refused=Html("".join(refused)))


def orders(visit: Visit[Customer], person: Person) -> Html:
    """Show the shop's own list of orders."""
    rows = (
        visit.fill(
            "order",
            number=one["order_no"],
            items=one["items"],
            amount=one["amount"],
            status=visit.words[f"status_{one['status']}"],
        )
        for one in person.orders
    )
    return Html("".join(rows))
