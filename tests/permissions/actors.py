"""Acts for tests of the domain: each valid, until a test changes one thing."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from permissions.acts import (
    Act,
    Actor,
    GiveGrant,
    RefuseGrant,
    RegisterClient,
    RegisterSubject,
    SeeNotice,
    SuspendClient,
    SwitchFunction,
    UseGrant,
    WithdrawGrant,
    owner_of,
)
from permissions.catalogue.model import Catalogue
from permissions.door import Performed, Place, perform
from permissions.evidence import Evidence
from permissions.ids import Prefix, shard_of
from permissions.ledger import GENESIS, Entry
from permissions.state import Client, Contract, ContractPair, Owner, Subject
from permissions.texts import item_text, sentence_sha256

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
ANN, BOB = "sub_ann", "sub_bob"
OFFICER = Actor(kind="officer", id="test")
CAMERA = ("device.camera", "scan_qr")
DELIVERY = ("data.identity", "delivery")

APP = Client(
    id="cli_app",
    kind="app",
    name={"zh-CN": "示例应用", "en": "Sample App"},
    legal_name="Sample App Co., Ltd.",
    registry_number="91310000MA1K00000X",
    contact="privacy@app.example",
    scopes=("gateway.check",),
)
CONTRACT = Contract(
    document_sha256="ab" * 32,
    not_before=START - timedelta(days=1),
    not_after=START + timedelta(days=365),
    pairs=(
        ContractPair(
            capability="data.identity",
            purpose="delivery",
            required=("name",),
            optional=("phone", "address"),
        ),
        ContractPair(
            capability="data.credit", purpose="credit_check", required=("score",)
        ),
    ),
)
PARTNER = Client(
    id="cli_partner",
    kind="partner",
    name={"zh-CN": "快递示例", "en": "Sample Courier"},
    legal_name="Sample Courier Co., Ltd.",
    registry_number="91310000MA1K00001X",
    contact="privacy@courier.example",
    scopes=(),
    redirect_uris=("https://partner.example/callback",),
    contract=CONTRACT,
)


class Acts:
    """Makes acts of Ann (and others) with ids that never repeat."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._count = count(1)

    def id(self, prefix: Prefix) -> str:
        """Return a fresh, well-formed id, the same in every run."""
        bits = hashlib.sha256(f"{prefix}{next(self._count)}".encode()).digest()[:16]
        return f"{prefix}_{base64.b32encode(bits).decode().rstrip('=').lower()}"

    def evidence(self, text: str, **changes: Any) -> Evidence:  # noqa: ANN401
        """Make evidence of a sentence that the app showed in English."""
        valid: dict[str, Any] = {
            "kind": "app_rendered",
            "screen": "scan",
            "text_sha256": sentence_sha256(text),
            "locale": "en",
            "control": "allow",
            "initial": "button",
            "channel": "app",
            "authentication": "user_token",
            "policy_version": self.catalogue.policy.version,
            "shown_at": START,
        }
        return Evidence(**{**valid, **changes})

    def register(self, subject: str = ANN) -> RegisterSubject:
        """Make a subject known."""
        return RegisterSubject(actor=OFFICER, subject=subject)

    def notice(self, subject: str = ANN, **changes: Any) -> SeeNotice:  # noqa: ANN401
        """Let a subject see the first-use notice."""
        text = self.catalogue.policy.notice[changes.get("locale", "en")]
        return SeeNotice(
            actor=Actor(kind="subject", id=subject),
            subject=subject,
            evidence=self.evidence(text, **changes),
        )

    def client(self, client: Client = APP, **changes: Any) -> RegisterClient:  # noqa: ANN401
        """Register a client, or change its registration."""
        fields = {name: getattr(client, name) for name in client.__struct_fields__}
        return RegisterClient(actor=OFFICER, client=Client(**{**fields, **changes}))

    def suspend(self, client: Client = APP) -> SuspendClient:
        """Cut a client off."""
        return SuspendClient(actor=OFFICER, client=client.id)

    def switch(self, function: str, *, is_open: bool) -> SwitchFunction:
        """Open or close a function."""
        return SwitchFunction(actor=OFFICER, function=function, is_open=is_open)

    def give(
        self,
        pair: tuple[str, str] = CAMERA,
        client: Client = APP,
        subject: str = ANN,
        evidence: dict[str, Any] | None = None,
        **changes: Any,  # noqa: ANN401
    ) -> GiveGrant:
        """Let a subject say yes, on the page where it has to be."""
        declared = self.catalogue.pairs.get(pair)
        part = None if client.contract is None else client.contract.pair(*pair)
        offered: dict[str, Any] = {"required": (), "optional": ()}
        if part is not None:
            offered = {"required": part.required, "optional": part.optional}
        elif declared is not None:
            offered["optional"] = declared.elements
        fields: dict[str, Any] = {
            "actor": Actor(kind="subject", id=subject),
            "subject": subject,
            "client": client.id,
            "capability": pair[0],
            "purpose": pair[1],
            **offered,
            "elements": (*offered["required"], *offered["optional"]),
            "grant": self.id("gra"),
            "grant_set": self.id("gst"),
            "pairwise": self.id("psn"),
            "receipt": self.id("rcp"),
            "one_time": declared is not None and declared.one_time,
        }
        if declared is not None and declared.max_life is not None:
            fields["expires_at"] = START + declared.max_life
        fields |= changes
        if "evidence" not in fields:
            fields["evidence"] = self._shown(pair, client, fields, evidence or {})
        return GiveGrant(**fields)

    def _shown(
        self,
        pair: tuple[str, str],
        client: Client,
        fields: dict[str, Any],
        changes: dict[str, Any],
    ) -> Evidence:
        declared = self.catalogue.pairs.get(pair)
        if declared is None:
            return self.evidence("", **changes)
        if client.kind == "app" and declared.separate == "none":
            return self.evidence(declared.question["en"], **changes)
        shown = item_text(
            self.catalogue,
            client,
            declared,
            "en",
            required=fields["required"],
            optional=fields["optional"],
            retention_days=fields.get("retention_days", 0),
            records=fields.get("records", ()),
            expires_at=fields.get("expires_at"),
            one_time=fields["one_time"],
        )
        page = {"kind": "gateway_page", "text_sha256": shown.sha256}
        return self.evidence("", **{**page, **changes})

    def refuse(
        self,
        pair: tuple[str, str] = CAMERA,
        client: Client = APP,
        subject: str = ANN,
        **changes: Any,  # noqa: ANN401
    ) -> RefuseGrant:
        """Let the app report a subject's no."""
        fields: dict[str, Any] = {
            "actor": Actor(kind="client", id=client.id),
            "subject": subject,
            "client": client.id,
            "capability": pair[0],
            "purpose": pair[1],
            "grant": self.id("gra"),
            "receipt": self.id("rcp"),
        }
        return RefuseGrant(**{**fields, **changes})

    def withdraw(self, grant: str, subject: str = ANN) -> WithdrawGrant:
        """Let a subject take a yes back."""
        return WithdrawGrant(
            actor=Actor(kind="subject", id=subject),
            subject=subject,
            grant=grant,
            receipt=self.id("rcp"),
        )

    def use(self, grant: str, subject: str = ANN) -> UseGrant:
        """Spend a one-time yes."""
        return UseGrant(
            actor=Actor(kind="client", id=APP.id), subject=subject, grant=grant
        )


class World:
    """Ledger and state of one small world, in memory, behind the real door."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.now = START
        self.acts = Acts(catalogue)
        self.states: dict[tuple[str, str], Owner] = {}
        self.heads: dict[int, tuple[int, bytes]] = {}
        self.entries: list[Entry] = []

    def perform(self, act: Act) -> Performed | None:
        """Carry an act through the door and keep what it says."""
        owner, client = self._rows(act)
        shard = shard_of(owner[1])
        seq, prev = self.heads.get(shard, (0, GENESIS))
        place = Place(
            id=self.acts.id("evt"), shard=shard, seq=seq + 1, at=self.now, prev=prev
        )
        before = self.states.get(owner)
        done = perform(act, before, client, self.catalogue, place)
        if done is not None:
            self.states[owner] = done.state
            self.heads[shard] = (seq + 1, done.sha256)
            self.entries.append(done.entry)
        return done

    def _rows(self, act: Act) -> tuple[tuple[str, str], Client | None]:
        return owner_of(act), self.client(getattr(act, "client", ""))

    def client(self, key: object) -> Client | None:
        """Return a registered client."""
        state = self.states.get(("client", key)) if isinstance(key, str) else None
        return state if isinstance(state, Client) else None

    def subject(self, key: str = ANN) -> Subject:
        """Return a registered subject."""
        state = self.states["subject", key]
        assert isinstance(state, Subject)
        return state

    @classmethod
    def ready(cls, catalogue: Catalogue) -> World:
        """Make a world in which Ann, the app and a partner are known."""
        world = cls(catalogue)
        acts = world.acts
        for act in (
            acts.register(),
            acts.notice(),
            acts.client(APP),
            acts.client(PARTNER),
        ):
            world.perform(act)
        return world
