"""A22: a key is its caller's alone; one act, and never a lever on another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.product import Client, Person, Product


def identity_of(product: Product, person: Person) -> None:
    """Let the app keep a name, so that both partners have something to fetch."""
    path = f"/v1/subjects/{person.id}/data/identity?purpose=order_fulfilment"
    product.call("PUT", path, {"data": {"name": "Made Up"}})


def test_partners_of_one_person_learn_nothing_from_keys(
    product: Product, victim: Person, courier: Client, reader: Client
) -> None:
    """The same key, the same address: no shared release id, no mismatch, no join."""
    first, second = victim.grant(courier), victim.grant(reader)
    path, other = (
        f"/v1/data/{one}" for one in ("transaction?purpose=delivery", "identity?")
    )

    product.call("GET", path, token=first["access_token"], idempotency_key="probe")
    same = product.call(
        "GET", path, token=second["access_token"], idempotency_key="probe"
    )
    different = product.call(
        "GET",
        f"{other}purpose=sign_in",
        token=second["access_token"],
        idempotency_key="probe",
    )

    assert same.json()["code"] != "idempotency_mismatch"
    assert different.status_code == 200


def test_other_body_under_a_key_is_refused(product: Product, victim: Person) -> None:
    """Same key, same route, another body: 422, and nothing is done."""
    key = victim.id
    first = product.call(
        "POST", "/v1/subjects", {"reference": key}, idempotency_key=key
    )

    told = product.call(
        "POST", "/v1/subjects", {"reference": "b" + key}, idempotency_key=key
    )

    assert first.status_code == 201
    assert (told.status_code, told.json()["code"]) == (422, "idempotency_mismatch")


def test_concurrent_retries_are_one_act(
    product: Product, victim: Person, courier: Client
) -> None:
    """Sixteen withdrawals under one key: one receipt."""
    victim.grant(courier)
    path = f"/v1/me/grants/{victim.grants()[0]['id']}/withdraw"

    with ThreadPoolExecutor(16) as pool:
        told = list(
            pool.map(
                lambda _: product.call(
                    "POST", path, token=victim.token, idempotency_key="w"
                ),
                range(16),
            )
        )

    assert {one.status_code for one in told} == {200}
    assert len({one.json()["receipt"]["id"] for one in told}) == 1


@pytest.mark.parametrize("key", ["", "a" * 256, "a\tb"])
def test_odd_keys_are_refused(product: Product, victim: Person, key: str) -> None:
    """A key that cannot be kept is no key."""
    told = product.call(
        "POST", "/v1/subjects", {"reference": victim.id}, idempotency_key=key
    )

    assert told.status_code == 400
    assert told.json()["code"].startswith("idempotency_key_")
