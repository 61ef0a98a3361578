"""A9, A20, A21: files, logs, errors and headers tell nothing that is not theirs."""

from __future__ import annotations

import secrets
import subprocess
import sys
from typing import Final

import httpx2
import pytest

from tests.attacks.product import FORM, ROOT, Client, Person, Product

STANDING: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PATHS: Final = (
    "/healthz", "/", "/me", "/me/activity", "/login", "/notice", "/logout", "/policy",
    "/sdks", "/contact", "/nowhere", "//v1/check", "/v1/check", "/v1/nowhere",
    "/v1/me/grants", "/oauth/token", "/oauth/authorize", "/oauth/consent/x",
    "/handover/x", "/login/wechat/web/callback", "/static/none.css", "/static/%00",
    "/.well-known/none", "/policy/versions/%ff", "/openapi/none",
)  # fmt: skip
_VERIFY: Final = ("-m", "gateway.cli", "audit", "verify", "--config")
TELLING: Final = (
    "traceback", "site-packages", "litestar", "uvicorn", "sqlalchemy", "sqlite",
    "msgspec", "authlib", ".py",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "TRACE", "OPTIONS"])
def test_every_answer_has_the_headers_and_tells_nothing(
    product: Product, path: str, accept: str, method: str
) -> None:
    """Whatever the route, the method and the error."""
    answer = httpx2.request(
        method,
        product.origin + path,
        headers={"accept": accept, "origin": "https://evil.example"},
    )

    assert answer.status_code < 500
    for name, value in STANDING.items():
        assert answer.headers[name] == value, name
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    if not path.startswith("/static/"):  # files hold nothing of anybody
        assert "no-store" in answer.headers["cache-control"]
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert not [word for word in TELLING if word in answer.text.lower()]


def test_pages_of_a_person_are_never_kept(victim: Person, courier: Client) -> None:
    """No cache, shared or the browser's own, holds what is a person's."""
    form = victim.consent(courier)

    for path in ("/me", "/me/permissions", "/me/partners", "/me/activity", form.action):
        assert victim.browser.get(path).headers["cache-control"] == "no-store"


def test_canaries_reach_no_log_and_no_database(
    product: Product, courier: Client
) -> None:
    """Secrets, codes, tokens, names of people, wherever they are sent."""
    canary = f"canary{secrets.token_hex(8)}"
    http, person = product.http, product.person().log_in()
    path = f"/v1/subjects/{person.id}/data/identity?purpose=order_fulfilment"
    product.call("PUT", path, {"data": {"name": canary, "phone": canary}})
    product.call("POST", "/v1/subjects", {"reference": canary})
    product.call("POST", "/v1/subjects", b'{"reference":"' + canary.encode() + b"\xff")
    product.call("GET", f"/v1/subjects/{canary}?{canary}={canary}", token=canary)
    http.post("/oauth/token", data={"grant_type": canary}, auth=(canary, canary))
    http.post("/oauth/introspect", data={"token": canary}, auth=(canary, canary))
    http.get(f"/{canary}?{canary}", headers={"cookie": canary, "x-name": canary})
    http.get(f"/handover/{canary}")
    http.get(f"/login/wechat/web/callback?code={canary}&state={canary}")
    http.post("/locale", content=f"{canary}=1", headers={"content-type": FORM})
    product.raw(b"GET /\xff HTTP/1.1\r\nx: " + canary.encode() + b"\r\n\r\n")
    code = person.code(courier)
    token = courier.redeem(code).json()["access_token"]
    courier.redeem(code)
    links = person.session()

    logs = product.logs
    stored = b"".join(
        file.read_bytes() for file in product.folder.glob("gateway.sqlite3*")
    )

    ticket = links["handover_url"].rpartition("/")[2]
    for secret in (canary, code, token, links["token"], ticket, person.cookie):
        assert secret not in logs
    for secret in (code, token, links["token"], ticket, person.cookie, courier.secret):
        assert secret.encode() not in stored
    assert "Traceback" not in logs


def test_files_are_their_owners_alone(product: Product) -> None:
    """Key ring, database, its journals and the officer's socket."""
    names = {"keyring.json", "admin.sock", "gateway.toml"}
    found = [
        file
        for file in product.folder.iterdir()
        if file.name in names or file.name.startswith("gateway.sqlite3")
    ]

    assert names < {file.name for file in found}
    assert not [file.name for file in found if file.stat().st_mode & 0o077]


def test_ledger_still_verifies(product: Product, victim: Person) -> None:
    """A9: after whatever the attacks of this run did, the chain is whole."""
    assert victim.grants() == []

    told = subprocess.run(  # noqa: S603 - our own interpreter
        [
            sys.executable,
            "-m",
            "gateway.cli",
            "audit",
            "verify",
            "--config",
            str(product.folder / "gateway.toml"),
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )

    assert told.returncode == 0, told.stdout + told.stderr
