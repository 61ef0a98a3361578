"""People who said yes, people who took it back, and people who were never asked.

Everything comes in through the door, as it would in life.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec

from bench.load import Exchange, exchange
from bench.references import PATH
from gateway import tokens
from gateway.services import Services
from permissions.acts import (
    Act,
    Actor,
    GiveGrant,
    RegisterClient,
    RegisterSubject,
    SeeNotice,
    WithdrawGrant,
)
from permissions.evidence import Evidence
from permissions.ids import Prefix, Random, new_id
from permissions.state import Client
from permissions.store.sqlite import SqliteStore
from permissions.store.transaction import Transaction
from permissions.texts import sentence_sha256

CAPABILITY: Final = "device.camera"
PURPOSE: Final = "scan_qr"
_OFFICER: Final = Actor(kind="officer", id="bench")
LIFE: Final = timedelta(hours=6)  # of the token: longer than any run
_DRAWS: Final = 20_000  # exchanges in one round of the script
_Fresh = Callable[[Prefix], str]


class Seeded(msgspec.Struct, frozen=True, kw_only=True):
    """The exchanges of each path, and of the echoes with the same bodies."""

    paths: dict[str, list[Exchange]]
    echoes: list[Exchange]


async def seed(services: Services, subjects: int) -> Seeded:
    """Fill an empty gateway; a third each is allowed, asked and denied."""
    client = await register_app(services.store)
    secret, _ = await services.store.write(
        lambda transaction: tokens.issue(
            transaction,
            kind="client",
            client=client.id,
            life=LIFE,
            client_epoch=client.epoch,
            scope=client.scopes,
        )
    )
    people = [new_id("sub", services.random) for _ in range(subjects)]
    grants = await asyncio.gather(
        *(
            settle(services.store, person, client, _HABITS[number % len(_HABITS)])
            for number, person in enumerate(people)
        )
    )
    headers = b"Authorization: Bearer %b\r\n" % secret.encode()
    checks, echoes = [], []
    for number, (person, grant) in enumerate(zip(people, grants, strict=True)):
        members: dict[str, object] = dict(_EXPECTED[_HABITS[number % len(_HABITS)]])
        if members["effect"] == "allow":
            members["grant"] = grant
        said = {"subject": person, "capability": CAPABILITY, "purpose": PURPOSE}
        body = msgspec.json.encode(said)
        marker = msgspec.json.encode({"reason": members["reason"]})[1:-1]
        checks.append(
            exchange("/v1/check", body, marker, headers=headers, members=members)
        )
        echoes.append(exchange(PATH, body, body, headers=headers, members=said))
    return Seeded(paths={"check": checks}, echoes=echoes)


def drawn(exchanges: list[Exchange]) -> list[Exchange]:
    """Return a long script in which few are asked for often: Zipf, repeatable."""
    weights = [1 / rank for rank in range(1, len(exchanges) + 1)]
    chance = random.Random(20230407)  # noqa: S311 - repeatable on purpose
    return chance.choices(exchanges, weights, k=_DRAWS)


_HABITS: Final = ("yes", "never asked", "taken back")
_EXPECTED: Final = {
    "yes": {"effect": "allow", "reason": "granted"},
    "never asked": {"effect": "ask", "reason": "not_asked"},
    "taken back": {"effect": "deny", "reason": "withdrawn"},
}


async def register_app(store: SqliteStore) -> Client:
    """Register the app client that asks."""
    client = make_app(store.random)
    act = RegisterClient(actor=_OFFICER, client=client)
    await store.write(lambda transaction: transaction.perform(act))
    return client


def make_app(random_bytes: Random) -> Client:
    """Make the registration of an app client."""
    return Client(
        id=new_id("cli", random_bytes),
        kind="app",
        name={"zh-CN": "压测应用", "en": "Bench App"},
        legal_name="Bench App Co., Ltd.",
        registry_number="91310000MA1K00000X",
        contact="privacy@bench.example",
        scopes=("gateway.check", "gateway.introspect"),
    )


async def settle(store: SqliteStore, person: str, client: Client, habit: str) -> str:
    """Let one person come and behave in their way; return the id for their grant."""

    def work(transaction: Transaction) -> str:
        fresh = transaction.new_id
        yes = give(transaction, person, client)
        acts: list[Act] = [
            RegisterSubject(actor=_OFFICER, subject=person),
            SeeNotice(
                actor=yes.actor,
                subject=person,
                evidence=evidence(transaction, store.catalogue.policy.notice["en"]),
            ),
        ]
        if habit != "never asked":
            acts.append(yes)
        if habit == "taken back":
            acts.append(take_back(person, yes.grant, fresh))
        for act in acts:
            transaction.perform(act)
        return yes.grant

    return await store.write(work)


def give(transaction: Transaction, person: str, client: Client) -> GiveGrant:
    """Say yes to the camera, on a button of the app."""
    fresh = transaction.new_id
    return GiveGrant(
        actor=Actor(kind="subject", id=person),
        subject=person,
        client=client.id,
        capability=CAPABILITY,
        purpose=PURPOSE,
        elements=(),
        evidence=evidence(
            transaction, transaction.catalogue.pairs[CAPABILITY, PURPOSE].question["en"]
        ),
        grant=fresh("gra"),
        grant_set=fresh("gst"),
        pairwise=fresh("psn"),
        receipt=fresh("rcp"),
    )


def take_back(person: str, grant: str, fresh: _Fresh) -> WithdrawGrant:
    """Withdraw a grant."""
    return WithdrawGrant(
        actor=Actor(kind="subject", id=person),
        subject=person,
        grant=grant,
        receipt=fresh("rcp"),
    )


def evidence(transaction: Transaction, text: str) -> Evidence:
    """Make the proof of a text that was shown in the app."""
    return Evidence(
        kind="app_rendered",
        screen="bench",
        text_sha256=sentence_sha256(text),
        locale="en",
        control="allow",
        initial="button",
        channel="app",
        authentication="user_token",
        policy_version=transaction.catalogue.policy.version,
        shown_at=transaction.now,
    )
