"""The clients and people of the demo, registered the way an officer and an app do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec

from gateway import directory
from gateway.admin import NewClient, NewContract, NewPair, Registered
from gateway.cli.officer import call, officer_within
from gateway.cli.simulator import World
from gateway.demo.folder import Credentials
from gateway.directory import Entry
from gateway.services import Services
from oauth_wechat.simulator.model import openid_of
from permissions.acts import Actor
from permissions.catalogue.model import Catalogue
from permissions.store.transaction import Transaction

APP: Final = "app"
COURIER: Final = "courier"
READER: Final = "reader"

_AGREEMENT: Final = sha256(
    b"the sample courier's confidentiality agreement"
).hexdigest()
_NAMES: Final = {
    APP: {"en": "Sample shop", "zh-CN": "示例商城"},
    COURIER: {"en": "Sample courier", "zh-CN": "示例快递"},
    READER: {"en": "Your own client", "zh-CN": "您自己的客户端"},
}
_PAIRS: Final = {
    COURIER: (
        NewPair(
            capability="data.identity",
            purpose="delivery",
            optional=("name", "phone", "address"),
        ),
        NewPair(
            capability="data.transaction",
            purpose="delivery",
            optional=("order_no", "status", "placed_at", "amount"),
        ),
    ),
    READER: (
        NewPair(
            capability="data.identity",
            purpose="sign_in",
            optional=("name", "phone", "email"),
        ),
    ),
}


async def register_clients(
    services: Services,
    known: dict[str, Credentials],
    redirects: dict[str, str],
) -> dict[str, Credentials]:
    """Return the demo's clients, registering those that are new or have moved."""
    found = dict(known)
    async with officer_within(services) as client:
        for name in _NAMES:
            redirect = redirects.get(name, "")
            if name in found and found[name].redirect_uri == redirect:
                continue
            made = msgspec.convert(
                await call(
                    client,
                    "POST",
                    "/v1/admin/clients",
                    _registration(name, redirect, services.catalogue),
                ),
                Registered,
            )
            found[name] = Credentials(
                id=made.id, secret=made.secret, redirect_uri=redirect
            )
    return found


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is one and the same in WeChat, in the shop and here."""

    subject: str
    wechat: str  # the simulator's id of the user


async def introduce_people(
    services: Services, app: str, accounts: str = ""
) -> dict[str, Person]:
    """Make each person of WeChat and of the shop one and the same, by shop id.

    A real operator links the two when somebody who is logged in adds WeChat.
    ``accounts`` ends the ids of their WeChat accounts, for people who are to be
    strangers to a gateway that knows their namesakes.
    """
    world = World()
    appid = world.apps[0].appid
    actor = Actor(kind="client", id=app)
    people = {}
    for user in world.users:
        account = user.id + accounts
        work = partial(
            _introduce,
            wechat=directory.wechat(services.keys, appid, openid_of(appid, account)),
            reference=directory.reference(services.keys, app, user.id),
            actor=actor,
        )
        subject = await services.store.write(work)
        people[user.id] = Person(subject=subject, wechat=account)
    return people


def _introduce(
    transaction: Transaction, wechat: Entry, reference: Entry, actor: Actor
) -> str:
    subject, _ = directory.find_or_register(transaction, wechat, actor)
    if directory.find(transaction, reference) is None:
        directory.link(transaction, reference, subject)
    return subject


def _registration(name: str, redirect: str, catalogue: Catalogue) -> NewClient:
    own = catalogue.operator  # the app is the operator's; the others are not
    names = _NAMES[name]
    shown = {locale: names.get(locale, names["en"]) for locale in catalogue.locales}
    if name == APP:
        return NewClient(
            kind="app",
            name=shown,
            legal_name=own.legal_name[catalogue.locales[0]],
            registry_number=own.registry_number,
            contact=own.email,
            scopes=("gateway.check", "gateway.subjects", "gateway.asks"),
        )
    return NewClient(
        kind="partner",
        name=shown,
        legal_name=f"{names['en']} (made up) Ltd.",
        registry_number="DEMO-0001" if name == COURIER else "DEMO-0002",
        contact=f"privacy@{name}.example",
        redirect_uris=(redirect,),
        contract=_contract(_PAIRS[name]),
    )


def _contract(pairs: tuple[NewPair, ...]) -> NewContract:
    now = datetime.now(UTC)
    return NewContract(
        document_sha256=_AGREEMENT,
        not_before=now - timedelta(days=1),
        not_after=now + timedelta(days=365),
        pairs=pairs,
    )
