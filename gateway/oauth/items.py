"""What an authorization request asks for: scopes and details, as contracted items.

An item is a (capability, purpose). A scope without an entry of its own stands for
the client's only declared purpose; never for all of them.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.oauth import rfc9396
from gateway.oauth.errors import Refusal
from gateway.oauth.rfc9396 import Declared, Detail, DetailsError, Narrowed
from permissions.catalogue.model import Catalogue, Category
from permissions.state import Client


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """A client that asks, under which catalogue, and when."""

    client: Client
    catalogue: Catalogue
    issuer: str
    now: datetime


def wanted(
    asker: Asker, *, scope: tuple[str, ...], details: str | None
) -> tuple[Narrowed, ...]:
    """Return the items that a request asks for, at least one.

    Raises Refusal: ``invalid_authorization_details`` for entries that cannot be,
    ``invalid_scope`` for a scope that is unknown, not declared, or without one
    purpose of its own.
    """
    try:
        entries = () if details is None else rfc9396.parse(details)
        items = [_by_entry(asker, entry) for entry in entries]
    except DetailsError as error:
        raise Refusal("invalid_authorization_details", error.reason) from None
    named = {item.capability for item in items}
    items += [
        _by_scope(asker, capability) for capability in scope if capability not in named
    ]
    if not items:
        raise Refusal("invalid_scope", "name at least one capability")
    pairs = asker.catalogue.pairs
    if len(items) > 1 and any(
        asker.catalogue.is_sensitive(pairs[item.capability, item.purpose])
        for item in items
    ):
        raise Refusal(
            "invalid_authorization_details" if entries else "invalid_scope",
            "a sensitive capability is asked for in a request of its own",
        )
    return tuple(items)


def offered_scopes(catalogue: Catalogue) -> tuple[str, ...]:
    """Return every capability that can be a scope; a phone's permissions cannot."""
    return tuple(sorted(item.capability for item in catalogue.categories.values()))


def _by_entry(asker: Asker, entry: Detail) -> Narrowed:
    declared = _declared(asker, entry.capability, entry.purpose)
    if declared is None:
        raise DetailsError("a capability and purpose are not declared for this client")
    return rfc9396.narrow(entry, declared, asker.now)


def _by_scope(asker: Asker, capability: str) -> Narrowed:
    found = [
        (purpose, declared)
        for name, purpose in asker.catalogue.pairs
        if name == capability
        and (declared := _declared(asker, capability, purpose)) is not None
    ]
    if not found:
        raise Refusal("invalid_scope")
    if len(found) > 1:
        raise Refusal("invalid_scope", "name a purpose with authorization_details")
    purpose, declared = found[0]
    entry = Detail(type="consented_data", capability=capability, purpose=purpose)
    return rfc9396.narrow(entry, declared, asker.now)


def _declared(asker: Asker, capability: str, purpose: str) -> Declared | None:
    """Return what a pair allows this client, or None where it is not its to ask."""
    client, catalogue, now = asker.client, asker.catalogue, asker.now
    pair = catalogue.pairs.get((capability, purpose))
    category = catalogue.capabilities.get(capability)
    if pair is None or not isinstance(category, Category):
        return None
    ends = [] if pair.max_life is None else [now + pair.max_life]
    ends_by_itself = bool(ends)
    if client.contract is None:
        # What rests on another basis needs no yes, so none is asked for.
        required: tuple[str, ...] = ()
        optional = tuple(
            name for name in pair.elements if pair.basis_of(name) == "consent"
        )
        retention_days = category.retention.days
    else:
        part = client.contract.pair(capability, purpose)
        if part is None or catalogue.is_sensitive(pair):
            return None
        required, optional = part.required, part.optional
        retention_days = part.retention_days
        ends.append(client.contract.not_after)
    if not required and not optional:
        return None
    latest = min(ends) if ends else None
    return Declared(
        required=required,
        optional=optional,
        retention_days=retention_days,
        location=f"{asker.issuer}/v1/data/{category.id}",
        regions=(catalogue.operator.region,),
        one_time=pair.one_time,
        latest_end=latest,
        default_end=latest if ends_by_itself else None,
    )
