"""Three people with made-up data, as the shop's own database would hold them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """One account of the shop; ``reference`` is the shop's own id of the person."""

    reference: str
    name: str
    place: str
    identity: dict[str, str]
    orders: list[dict[str, str]]


def _order(
    number: int, minute: str, items: str, amount: str, status: str
) -> dict[str, str]:
    at = f"{minute}:00Z"
    return {
        "id": f"SO-{number}",
        "at": at,
        "order_no": f"SO-{number}",
        "items": items,
        "amount": amount,
        "status": status,
        "placed_at": at,
    }


PEOPLE = (
    Person(
        reference="mei",
        name="林小美 Mei",
        place="Nanning",
        identity={
            "name": "林小美",
            "phone": "+8613800138000",
            "address": "广西南宁市示范大道 1 号 2 单元 301",
            "email": "mei@example.com",
        },
        orders=[
            _order(20261, "2026-11-18T09:30", "芒果干 × 2", "59.80", "shipped"),
            _order(20244, "2026-11-02T13:05", "茉莉花茶", "88.00", "delivered"),
        ],
    ),
    Person(
        reference="wei",
        name="黄伟 Wei",
        place="Guilin",
        identity={
            "name": "黄伟",
            "phone": "+8613800138001",
            "address": "广西桂林市示范路 8 号",
            "email": "wei@example.com",
        },
        orders=[
            _order(20259, "2026-11-17T02:10", "Coffee, 1 kg", "129.00", "packed"),
        ],
    ),
    Person(
        reference="siti",
        name="Siti Aminah",
        place="Kuala Lumpur",
        identity={
            "name": "Siti Aminah",
            "phone": "+60123456789",
            "address": "8 Jalan Contoh, 50000 Kuala Lumpur",
            "email": "siti@example.com",
        },
        orders=[
            _order(20255, "2026-11-15T11:45", "Batik scarf", "210.00", "shipped"),
        ],
    ),
)


def find(reference: str) -> Person | None:
    """Return one person, or None."""
    return next((one for one in PEOPLE if one.reference == reference), None)
