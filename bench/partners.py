"""A partner under contract, people who allowed it their address, and its tokens."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlencode

from msgspec.structs import replace

from bench.load import Exchange
from bench.seed import LIFE, evidence, make_app, settle
from gateway import tokens
from gateway.data import rows
from gateway.oauth.clients import register
from gateway.services import Services
from permissions.acts import Actor, GiveGrant
from permissions.ids import new_id
from permissions.release import Record
from permissions.state import Client, Contract, ContractPair
from permissions.store.transaction import Transaction
from permissions.texts import item_text

_PAIR: Final = ContractPair(
    capability="data.identity",
    purpose="delivery",
    required=("name", "phone"),
    optional=("address",),
)
_HELD: Final = {
    "name": "Bench Person",
    "phone": "+8613800000000",
    "address": "1 Example Road",
}


async def partner_paths(services: Services, subjects: int) -> dict[str, list[Exchange]]:
    """Return what introspection and a release have to answer, a token per person."""
    store = services.store
    app = make_app(services.random)
    secret = await store.write(lambda transaction: register(transaction, app))
    courier = _courier(services)
    await store.write(lambda transaction: register(transaction, courier))
    people = [new_id("sub", services.random) for _ in range(subjects)]
    await asyncio.gather(
        *(settle(store, person, app, "never asked") for person in people)
    )
    issued = await asyncio.gather(
        *(
            store.write(partial(_allow, person=person, courier=courier))
            for person in people
        )
    )
    basic = b"Basic " + base64.b64encode(f"{app.id}:{secret}".encode())
    return {
        "introspect": [
            _introspection(basic, person, *token)
            for person, token in zip(people, issued, strict=True)
        ],
        "data release with its record": [_release(*token) for token in issued],
    }


def _introspection(basic: bytes, person: str, token: str, grant_set: str) -> Exchange:
    body = urlencode({"token": token}).encode()
    return Exchange(
        b"POST /oauth/introspect HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
        b"Authorization: %b\r\nContent-Length: %d\r\n\r\n%b" % (basic, len(body), body),
        person.encode(),
        {"active": True, "sub": person, "grant_id": grant_set},
    )


def _release(token: str, grant_set: str) -> Exchange:
    return Exchange(
        b"GET /v1/data/identity?purpose=delivery HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Authorization: Bearer %b\r\n\r\n" % token.encode(),
        grant_set.encode(),
        {"grant_id": grant_set, "data": _HELD, "withheld": []},
    )


def _courier(services: Services) -> Client:
    now = services.clock()
    return replace(
        make_app(services.random),
        kind="partner",
        scopes=(),
        redirect_uris=("https://courier.example/callback",),
        contract=Contract(
            document_sha256="ab" * 32,
            not_before=now - timedelta(days=1),
            not_after=now + timedelta(days=365),
            pairs=(_PAIR,),
        ),
    )


def _allow(transaction: Transaction, person: str, courier: Client) -> tuple[str, str]:
    """Say yes to the whole contract; return an access token and its grant set."""
    catalogue, fresh = transaction.catalogue, transaction.new_id
    shown = item_text(
        catalogue,
        courier,
        catalogue.pairs[_PAIR.capability, _PAIR.purpose],
        "en",
        required=_PAIR.required,
        optional=_PAIR.optional,
        retention_days=_PAIR.retention_days,
    )
    act = GiveGrant(
        actor=Actor(kind="subject", id=person),
        subject=person,
        client=courier.id,
        capability=_PAIR.capability,
        purpose=_PAIR.purpose,
        required=_PAIR.required,
        optional=_PAIR.optional,
        elements=_PAIR.elements,
        retention_days=_PAIR.retention_days,
        evidence=replace(
            evidence(transaction, ""), kind="gateway_page", text_sha256=shown.sha256
        ),
        grant=fresh("gra"),
        grant_set=fresh("gst"),
        pairwise=fresh("psn"),
        receipt=fresh("rcp"),
    )
    done = transaction.perform(act)
    if done is None:
        raise RuntimeError("a first yes changed nothing")
    now = transaction.now
    record = Record(id=rows.OBJECT, at=now, updated_at=now, elements=dict(_HELD))
    rows.write(
        transaction.connection, person, "identity", record, elements=_PAIR.elements
    )
    secret, _ = tokens.issue(
        transaction,
        kind="access",
        client=courier.id,
        subject=person,
        life=LIFE,
        client_epoch=courier.epoch,
        scope=(_PAIR.capability,),
        grant_set=act.grant_set,
        epoch=done.entry.seq,
        rights={act.grant: act.elements},
    )
    return secret, act.grant_set
