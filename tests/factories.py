"""Factories: each makes something valid; a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from gateway import tokens
from gateway.services import Services
from permissions.acts import (
    Actor,
    GiveGrant,
    RegisterClient,
    RegisterSubject,
    SeeNotice,
    WithdrawGrant,
)
from permissions.catalogue.model import Catalogue
from permissions.evidence import Evidence
from permissions.ids import new_id, shard_of
from permissions.state import Client, Contract, ContractPair, Grant, Subject
from permissions.store import tables
from permissions.texts import item_text, sentence_sha256

OFFICER = Actor(kind="officer", id="test")
APP_SCOPES = ("gateway.check", "gateway.subjects", "gateway.asks", "gateway.introspect")
PAIRS = (
    ContractPair(
        capability="data.identity",
        purpose="delivery",
        required=("name",),
        optional=("phone", "address"),
    ),
    ContractPair(
        capability="data.transaction",
        purpose="delivery",
        required=("order_no", "status"),
        optional=("amount",),
    ),
)
CALLBACK = "https://partner.example/callback"


def make_evidence(catalogue: Catalogue, text: str, **changes: Any) -> Evidence:  # noqa: ANN401
    """Make evidence of a sentence shown by the app in English."""
    valid: dict[str, Any] = {
        "kind": "app_rendered",
        "screen": "scan",
        "text_sha256": sentence_sha256(text),
        "locale": "en",
        "control": "allow",
        "initial": "button",
        "channel": "app",
        "authentication": "user_token",
        "policy_version": catalogue.policy.version,
        "shown_at": datetime(2026, 11, 22, 7, 59, tzinfo=UTC),
    }
    return Evidence(**{**valid, **changes})


def make_client(services: Services, **changes: Any) -> Client:  # noqa: ANN401
    """Make an app client; give ``kind`` and ``contract`` for a partner."""
    valid: dict[str, Any] = {
        "id": new_id("cli", services.random),
        "kind": "app",
        "name": {"zh-CN": "示例应用", "en": "Sample App"},
        "legal_name": "Sample App Co., Ltd.",
        "registry_number": "91310000MA1K00000X",
        "contact": "privacy@app.example",
        "scopes": APP_SCOPES,
    }
    return Client(**{**valid, **changes})


def make_contract(services: Services, **changes: Any) -> Contract:  # noqa: ANN401
    """Make a contract in force around now."""
    now = services.clock()
    valid: dict[str, Any] = {
        "document_sha256": "ab" * 32,
        "not_before": now - timedelta(days=1),
        "not_after": now + timedelta(days=365),
        "pairs": PAIRS,
    }
    return Contract(**{**valid, **changes})


async def register_client(services: Services, client: Client) -> tuple[Client, str]:
    """Register a client; return it with its secret."""
    secret = tokens.new_secret(services.random)

    def work(transaction: Any) -> None:  # noqa: ANN401
        transaction.perform(RegisterClient(actor=OFFICER, client=client))
        transaction.connection.execute(
            insert(tables.credentials).values(
                shard=shard_of(client.id),
                client=client.id,
                sha256=tokens.digest(secret),
                created_at=transaction.now,
            )
        )

    await services.store.write(work)
    return client, secret


async def register_app(services: Services, **changes: Any) -> tuple[Client, str]:  # noqa: ANN401
    """Register an app client with every app scope."""
    return await register_client(services, make_client(services, **changes))


async def register_partner(services: Services, **changes: Any) -> tuple[Client, str]:  # noqa: ANN401
    """Register a partner under contract for delivery."""
    valid: dict[str, Any] = {
        "kind": "partner",
        "name": {"zh-CN": "快递示例", "en": "Sample Courier"},
        "legal_name": "Sample Courier Co., Ltd.",
        "scopes": (),
        "redirect_uris": (CALLBACK,),
        "contract": make_contract(services),
    }
    return await register_client(
        services, make_client(services, **{**valid, **changes})
    )


async def register_subject(services: Services, *, notice: bool = True) -> str:
    """Register a subject, who has seen the first-use notice unless told otherwise."""
    subject = new_id("sub", services.random)
    person = Actor(kind="subject", id=subject)
    text = services.catalogue.policy.notice["en"]
    evidence = make_evidence(services.catalogue, text)

    def work(transaction: Any) -> None:  # noqa: ANN401
        transaction.perform(RegisterSubject(actor=OFFICER, subject=subject))
        if notice:
            transaction.perform(
                SeeNotice(actor=person, subject=subject, evidence=evidence)
            )

    await services.store.write(work)
    return subject


async def grant(
    services: Services,
    subject: str,
    client: Client,
    capability: str = "device.camera",
    purpose: str = "scan_qr",
    **changes: Any,  # noqa: ANN401
) -> Grant:
    """Let a subject say yes; elements default to all that the contract names."""
    pair = services.catalogue.pairs[capability, purpose]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    if client.contract is not None:
        part = client.contract.pair(capability, purpose)
        assert part is not None
        required, optional = part.required, part.optional
        shown = item_text(
            services.catalogue,
            client,
            pair,
            "en",
            required=required,
            optional=optional,
            retention_days=part.retention_days,
        )
        evidence = make_evidence(
            services.catalogue, "", kind="gateway_page", text_sha256=shown.sha256
        )
        changes.setdefault("retention_days", part.retention_days)
    else:
        evidence = make_evidence(services.catalogue, pair.question["en"])

    def work(transaction: Any) -> Subject:  # noqa: ANN401
        done = transaction.perform(
            GiveGrant(
                actor=Actor(kind="subject", id=subject),
                subject=subject,
                client=client.id,
                capability=capability,
                purpose=purpose,
                required=required,
                optional=optional,
                **{
                    "elements": (*required, *optional),
                    "evidence": evidence,
                    "grant": transaction.new_id("gra"),
                    "grant_set": transaction.new_id("gst"),
                    "pairwise": transaction.new_id("psn"),
                    "receipt": transaction.new_id("rcp"),
                    **changes,
                },
            )
        )
        state = done.state
        assert isinstance(state, Subject)
        return state

    state = await services.store.write(work)
    found = state.grant_for((client.id, capability, purpose))
    assert found is not None
    return found


async def withdraw(services: Services, subject: str, grant_id: str) -> None:
    """Let a subject take a grant back."""
    act = WithdrawGrant(
        actor=Actor(kind="subject", id=subject),
        subject=subject,
        grant=grant_id,
        receipt=new_id("rcp", services.random),
    )
    await services.store.write(lambda transaction: transaction.perform(act))


async def issue_token(services: Services, client: Client, **changes: Any) -> str:  # noqa: ANN401
    """Issue a live token; a client token with the client's scopes by default."""
    given: dict[str, Any] = {
        "kind": "client",
        "client": client.id,
        "life": tokens.CLIENT_LIFE,
        "client_epoch": client.epoch,
        "scope": client.scopes,
        **changes,
    }
    secret, _ = await services.store.write(
        lambda transaction: tokens.issue(transaction, **given)
    )
    return secret
