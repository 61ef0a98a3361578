"""The words a person answers, and the hash by which an act names them.

What is shown and what is hashed come from the same function, so that evidence can
only name a text that the gateway itself has composed.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

import msgspec

from permissions.catalogue.model import Catalogue, Category, Locale, Pair
from permissions.state import Client

_encoder: Final = msgspec.json.Encoder(order="sorted")


class ElementText(msgspec.Struct, frozen=True, kw_only=True):
    """One element as shown: its id, its name, whether it may be left out."""

    id: str
    title: str
    required: bool
    sensitive: bool


class ItemText(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a consent page says about one item, in one locale (PIPL 17, 23)."""

    locale: Locale
    policy_version: str
    recipient: str
    legal_name: str
    registry_number: str
    contact: str
    capability: str
    capability_title: str
    purpose: str
    purpose_title: str
    question: str
    elements: tuple[ElementText, ...]
    records: tuple[str, ...]
    retention_days: int
    region: str
    expires_at: datetime | None
    one_time: bool
    still_works: str

    @property
    def sha256(self) -> str:
        """The hash that evidence must carry, lower-case hex."""
        return hashlib.sha256(_encoder.encode(self)).hexdigest()


def sentence_sha256(sentence: str) -> str:
    """Return the hash of a sentence that an app shows by itself (UTF-8, hex)."""
    return hashlib.sha256(sentence.encode()).hexdigest()


def item_text(
    catalogue: Catalogue,
    client: Client,
    pair: Pair,
    locale: Locale,
    *,
    required: tuple[str, ...],
    optional: tuple[str, ...],
    retention_days: int,
    records: tuple[str, ...] = (),
    expires_at: datetime | None = None,
    one_time: bool = False,
) -> ItemText:
    """Compose what the consent page shows for one item.

    ``required`` and ``optional`` are elements of the pair; ``locale`` is one of the
    catalogue's. Raises KeyError for names the catalogue does not know.
    """
    item = catalogue.capabilities[pair.capability]
    elements: tuple[ElementText, ...] = ()
    if isinstance(item, Category):
        elements = tuple(
            ElementText(
                id=name,
                title=item.elements[name].title[locale],
                required=name in required,
                sensitive=item.elements[name].sensitive,
            )
            for name in (*required, *optional)
        )
    purpose = catalogue.purposes[pair.purpose]
    return ItemText(
        locale=locale,
        policy_version=catalogue.policy.version,
        recipient=client.name[locale],
        legal_name=client.legal_name,
        registry_number=client.registry_number,
        contact=client.contact,
        capability=pair.capability,
        capability_title=item.title[locale],
        purpose=pair.purpose,
        purpose_title=purpose.title[locale],
        question=pair.question[locale],
        elements=elements,
        records=records,
        retention_days=retention_days,
        region=catalogue.operator.region,
        expires_at=expires_at,
        one_time=one_time,
        still_works=catalogue.functions[purpose.function].still_works[locale],
    )
