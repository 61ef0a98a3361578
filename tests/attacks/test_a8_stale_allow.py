"""A8: no yes after an acknowledged withdrawal, however many ask at the same time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.attacks.product import Client, Person, Product

ROUNDS = 12
ASKERS = 4


def test_withdrawal_races_every_reader(
    product: Product, victim: Person, courier: Client
) -> None:
    """Whatever begins after the acknowledgement is refused, with the same token."""
    for turn in range(ROUNDS):
        token = victim.grant(courier)["access_token"]
        grant = victim.grants()[0]["id"]
        ended = threading.Event()
        late: list[tuple[float, Any]] = []

        def ask(token: str, ended: threading.Event, late: list[Any]) -> None:
            while not ended.is_set():
                began = time.perf_counter()
                live = courier.post("/oauth/introspect", token=token).json()
                late.append((began, live["active"]))
                began = time.perf_counter()
                data = product.call(
                    "GET", "/v1/data/transaction?purpose=delivery", token=token
                )
                late.append((began, data.status_code == 200))
                body = {
                    "subject": victim.id,
                    "capability": "data.transaction",
                    "purpose": "delivery",
                    "client": courier.id,
                }
                began = time.perf_counter()
                decision = product.call("POST", "/v1/check", body).json()
                late.append((began, decision["effect"] == "allow"))

        with ThreadPoolExecutor(ASKERS) as pool:
            for _ in range(ASKERS):
                pool.submit(ask, token, ended, late)
            time.sleep(0.02)
            answer = product.call(
                "POST",
                f"/v1/me/grants/{grant}/withdraw",
                token=victim.token,
                idempotency_key=f"{victim.id}-{turn}",
            )
            acknowledged = time.perf_counter()
            time.sleep(0.05)
            ended.set()

        assert answer.status_code == 200
        assert any(began > acknowledged for began, _ in late)
        assert not [
            began for began, allowed in late if allowed and began > acknowledged
        ]


def test_pending_code_dies_with_the_grant(
    product: Product, victim: Person, courier: Client
) -> None:
    """A code that was not redeemed yet is no way around a withdrawal."""
    code = victim.code(courier)
    grant = victim.grants()[0]["id"]
    product.call(
        "POST",
        f"/v1/me/grants/{grant}/withdraw",
        token=victim.token,
        idempotency_key=grant,
    )

    assert courier.redeem(code).json()["error"] == "invalid_grant"


def test_new_yes_revives_no_old_token(
    product: Product, victim: Person, courier: Client
) -> None:
    """The token of before stays dead when the person says yes again."""
    old = victim.grant(courier)["access_token"]
    grant = victim.grants()[0]["id"]
    product.call(
        "POST",
        f"/v1/me/grants/{grant}/withdraw",
        token=victim.token,
        idempotency_key=grant,
    )

    new = victim.grant(courier)["access_token"]

    assert courier.post("/oauth/introspect", token=old).json() == {"active": False}
    assert courier.post("/oauth/introspect", token=new).json()["active"]
