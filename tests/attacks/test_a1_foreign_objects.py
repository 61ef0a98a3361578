"""A1, A3, A4, A10: what is another one's looks like what does not exist."""

from __future__ import annotations

import re
import statistics
import time
from typing import Final

import pytest

from tests.attacks.product import Client, Person, Product

NOBODY: Final = "a" * 26


def told(answer: object) -> tuple[int, str]:
    """Return an answer without what differs each time."""
    status, text = answer.status_code, answer.text  # type: ignore[attr-defined]
    return status, re.sub(r"req_[a-z2-7]{26}", "req_…", text)


class TestForeignObjects:
    def test_grants_of_others_do_not_exist(
        self, product: Product, victim: Person, mallory: Person, courier: Client
    ) -> None:
        """Withdrawing another one's grant: the answer to an id that nobody has."""
        victim.grant(courier)
        theirs = victim.grants()[0]["id"]

        answers = {
            told(
                product.call(
                    "POST",
                    f"/v1/me/grants/{name}/withdraw",
                    token=mallory.token,
                    idempotency_key=name,
                )
            )
            for name in (theirs, f"gra_{NOBODY}", "gra_x", "'--")
        }

        assert {status for status, _ in answers} == {404}
        assert len({text for _, text in answers}) == 1
        assert victim.grants()[0]["state"] == "granted"

    def test_asks_of_others_do_not_exist(
        self, product: Product, victim: Person, mallory: Person
    ) -> None:
        """A ticket is answered by the person it was opened for."""
        ask = product.call(
            "POST",
            "/v1/asks",
            {
                "subject": victim.id,
                "capability": "device.camera",
                "purpose": "scan_qr",
                "scene": "scan_screen",
            },
        ).json()
        answer = {
            "answer": "granted",
            "text": ask["sha256"]["en"],
            "locale": "en",
            "shown_at": "2026-01-01T00:00:00Z",
            "control": {"id": "allow", "initial": "button", "action": "tap"},
        }

        answers = {
            told(
                product.call(
                    "POST",
                    f"/v1/me/asks/{name}/answer",
                    answer,
                    token=mallory.token,
                    idempotency_key=name,
                )
            )
            for name in (ask["id"], f"ask_{NOBODY}")
        }

        assert len(answers) == 1
        assert next(iter(answers))[0] == 404
        assert victim.grants() == mallory.grants() == []

    def test_cursor_of_another_list_is_no_cursor(
        self,
        product: Product,
        victim: Person,
        mallory: Person,
        courier: Client,
        reader: Client,
    ) -> None:
        """A page of one person leads nowhere in the list of another one."""
        for client in (courier, reader):
            victim.grant(client)
        page = product.call("GET", "/v1/me/grants?limit=1", token=victim.token).json()

        answer = product.call(
            "GET", f"/v1/me/grants?cursor={page['next_cursor']}", token=mallory.token
        )

        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")

    def test_token_reaches_its_own_subject_and_client_alone(
        self, product: Product, victim: Person, courier: Client
    ) -> None:
        """No parameter names another person, and kinds of tokens do not mix."""
        token = victim.grant(courier)["access_token"]
        path = "/v1/data/transaction?purpose=delivery"

        named = product.call("GET", f"{path}&subject=sub_{NOBODY}", token=token)
        wrong = [
            product.call("GET", path),
            product.call("GET", path, token=victim.token),
            product.call("GET", "/v1/me/grants", token=token),
            product.call("GET", "/v1/me/grants"),
            product.call("GET", f"/v1/subjects/{victim.id}", token=token),
            product.call("GET", f"/v1/subjects/{victim.id}", token=victim.token),
            product.call("POST", "/v1/check", {}, token=token),
        ]

        assert victim.id not in named.text
        assert {one.status_code for one in wrong} == {403}
        assert all(victim.id not in one.text for one in wrong)


class TestDeputies:
    def test_partner_learns_nothing_of_another_ones_token(
        self, victim: Person, courier: Client, reader: Client
    ) -> None:
        """Introspection and revocation: as for a token that never was."""
        token = victim.grant(courier)["access_token"]

        seen = [
            told(reader.post(f"/oauth/{verb}", token=one))
            for verb in ("introspect", "revoke")
            for one in (token, "never")
        ]

        assert seen[0] == seen[1]
        assert seen[2] == seen[3]
        assert courier.post("/oauth/introspect", token=token).json()["active"]

    @pytest.mark.parametrize(
        "scope",
        [
            "data.credit",
            "data.transaction data.credit",
            "gateway.check",
            "device.camera",
            "openid data.identity",
            "data.transaction\u0000",
            "*",
        ],
    )
    def test_scope_outside_the_contract_is_refused(
        self, victim: Person, courier: Client, scope: str
    ) -> None:
        """Nothing is asked of the person that no contract declares."""
        answer = victim.browser.get(courier.url(scope=scope))

        assert "/oauth/consent" not in answer.headers.get("location", "")
        assert victim.grants() == []

    @pytest.mark.parametrize("scope", ["gateway.check", "gateway.introspect", "x"])
    def test_partner_gets_no_service_scope(self, courier: Client, scope: str) -> None:
        """A partner acts for people alone."""
        answer = courier.post(
            "/oauth/token", grant_type="client_credentials", scope=scope
        )

        assert answer.json()["error"] == "invalid_scope"


class TestMassAssignment:
    @pytest.mark.parametrize(
        "extra",
        [
            {"granted_by": "me"},
            {"status": "granted"},
            {"version": "1.1"},
            {"is_admin": True},
            {"__class__": {}},
            {"id": "sub_" + NOBODY},
        ],
    )
    def test_fields_of_the_inside_are_refused(
        self, product: Product, victim: Person, extra: dict[str, object]
    ) -> None:
        """A body says what its route takes, and nothing else."""
        bodies = {
            "/v1/subjects": {"reference": victim.id},
            f"/v1/subjects/{victim.id}/sessions": {},
            "/v1/check": {
                "subject": victim.id,
                "capability": "device.camera",
                "purpose": "scan_qr",
            },
        }
        for path, body in bodies.items():
            answer = product.call("POST", path, body | extra)
            assert answer.status_code == 400
            assert answer.json()["code"] == "unknown_field"

    def test_answers_have_the_fields_they_promise(
        self, product: Product, victim: Person, courier: Client
    ) -> None:
        """A snapshot: a new field is a decision, not an accident."""
        token = victim.grant(courier)
        seen = product.call("GET", f"/v1/subjects/{victim.id}").json()
        live = courier.post("/oauth/introspect", token=token["access_token"]).json()

        assert set(seen) == {"id", "state", "notice_seen", "created_at"}
        assert set(victim.grants()[0]) == {
            "id",
            "client",
            "capability",
            "purpose",
            "elements",
            "state",
            "since",
            "until",
            "expires_at",
            "policy_version",
            "text",
        }
        assert victim.id not in str(token) + str(live)


class TestEnumeration:
    def test_unknown_client_and_wrong_secret_look_alike(
        self, product: Product, courier: Client
    ) -> None:
        """Same answer, and no time that tells which ids exist."""
        times: dict[str, list[float]] = {courier.id: [], f"cli_{NOBODY}": []}
        answers = set()
        for _ in range(60):
            for name, spent in times.items():
                began = time.perf_counter()
                answer = product.http.post(
                    "/oauth/introspect", data={"token": "x"}, auth=(name, "wrong")
                )
                spent.append(time.perf_counter() - began)
                answers.add(told(answer))

        known, unknown = (statistics.median(spent) for spent in times.values())
        assert len(answers) == 1
        assert abs(known - unknown) < 0.5 * max(known, unknown)

    def test_unknown_subject_and_erased_one_look_alike(self, product: Product) -> None:
        """A check answers 200 with a reason; routes that name a subject 404."""
        answers = {
            told(product.call("GET", f"/v1/subjects/{name}{rest}"))
            for name in ("sub_" + NOBODY, "sub_x", "x", "cli_" + NOBODY)
            for rest in ("", "/grants")
        }

        assert len(answers) == 1
