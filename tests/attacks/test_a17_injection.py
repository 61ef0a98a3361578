"""A17: whatever a text says, it stays a text."""

from __future__ import annotations

from typing import Final

import pytest

from tests.attacks.product import Client, Page, Person, Product

NASTY: Final = (
    "'; DROP TABLE grants; --",
    '" OR 1=1 --',
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}",
    "${7*7}",
    "%(name)s %s %d",
    "=cmd|' /C calc'!A0",
    "javascript:alert(1)",
    "\u202eevil\u2066",
    "a\u2028b",
    "../../etc/passwd",
)


@pytest.mark.parametrize("text", NASTY)
def test_addresses_are_shown_as_text(victim: Person, text: str) -> None:
    """Pages repeat an address at most inside an escaped value."""
    for path in ("/policy", "/sdks", "/me", "/me/partners", "/logout", "/nowhere"):
        for name in ("done", "request", "before", "x"):
            answer = victim.browser.get(path, params={name: text})

            assert answer.status_code < 500
            page = Page(answer.text)
            assert "<script>alert" not in answer.text
            assert not [found for _, found in page.tags if "onerror" in found]
            assert not [tag for tag, _ in page.tags if tag == "script"]
            assert "49" not in {form.action for form in page.forms}


@pytest.mark.parametrize("text", NASTY)
def test_values_come_back_as_they_went_in(
    product: Product, victim: Person, courier: Client, text: str
) -> None:
    """Stored, released, and never read as anything but a value."""
    path = f"/v1/subjects/{victim.id}/data/transaction?purpose=order_fulfilment"
    record = {"id": "o1", "at": "2026-01-01T00:00:00Z", "order_no": text}
    kept = product.call("PUT", path, {"records": [record]})
    token = victim.grant(courier)["access_token"]

    answer = product.call(
        "GET", "/v1/data/transaction?purpose=delivery&elements=order_no", token=token
    )

    assert kept.status_code == 200, kept.text
    assert [one["order_no"] for one in answer.json()["records"]] == [text]
    assert text not in victim.browser.get("/me/activity").text


@pytest.mark.parametrize("text", NASTY)
def test_parameters_are_never_statements(
    product: Product, victim: Person, text: str
) -> None:
    """Each place that takes an id or a name refuses, in the shape of an answer."""
    for path in ("/v1/me/grants", "/me/activity", "/oauth/authorize"):
        for name in ("cursor", "state", "client", "limit", "before", "client_id"):
            answer = product.call("GET", path, token=victim.token)
            odd = victim.browser.get(
                path,
                params={name: text},
                headers={"authorization": f"Bearer {victim.token}"},
            )
            assert answer.status_code < 500
            assert odd.status_code < 500
            assert "sqlite" not in odd.text.lower()
