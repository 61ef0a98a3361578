"""The front door answers as the plain route does, and a check says what it must."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from gateway.services import Services
from permissions.acts import SwitchFunction
from permissions.state import Client
from tests.conftest import FakeClock
from tests.factories import (
    OFFICER,
    grant,
    issue_token,
    register_app,
    register_partner,
    register_subject,
    withdraw,
)

Http = httpx2.AsyncClient
NOBODY = "sub_" + "a" * 26
NO_CLIENT = "cli_" + "a" * 26
FRONT, PLAIN = "/v1/check", "/v1/check/"  # the slash is not in the dictionary


def make_check(subject: str, /, **changes: object) -> dict[str, object]:
    """Make a question about the camera; change only what the test is about."""
    return {
        "subject": subject,
        "capability": "device.camera",
        "purpose": "scan_qr",
        **changes,
    }


class Caller:
    """An app client with a live token, and a subject who has seen the notice."""

    def __init__(self, http: Http, client: Client, token: str, subject: str) -> None:
        self.http, self.client, self.token, self.subject = http, client, token, subject

    async def post(self, path: str, content: bytes, **headers: str) -> httpx2.Response:
        """Send bytes as JSON, authenticated; headers override."""
        sent = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return await self.http.post(path, content=content, headers=sent)

    async def check(self, **changes: Any) -> Any:  # noqa: ANN401
        """Ask at the front door; return the decision."""
        content = msgspec.json.encode(make_check(self.subject, **changes))
        response = await self.post(FRONT, content)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
async def caller(services: Services, http: Http) -> Caller:
    """Give an app client and a subject."""
    client, _ = await register_app(services)
    token = await issue_token(services, client)
    return Caller(http, client, token, await register_subject(services))


def seen(response: httpx2.Response) -> tuple[int, list[tuple[str, str]], object]:
    """Return all of an answer but its own request id."""
    headers = sorted(
        (name, value)
        for name, value in response.headers.multi_items()
        if name not in {"x-request-id", "content-length"}
    )
    told = response.json()
    if told.get("request_id"):
        assert told["request_id"] == response.headers["x-request-id"]
        told["request_id"] = ""
    return response.status_code, headers, told


BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "deep": (b"[" * 100_000, {}, 413),
    "deep within the limit": (b"[" * 60_000, {}, 400),
    "invalid UTF-8": (b'{"subject": "\xff"}', {}, 400),
    "duplicate keys": (b'{"subject": "a", "subject": "b"}', {}, 400),
    "NUL": (b'{"subject": "\\u0000"}', {}, 400),
    "huge": (b'{"subject": "' + b"a" * 70_000 + b'"}', {}, 413),
    "empty": (b"", {}, 400),
    "cut off": (b'{"subject": ', {}, 400),
    "a list": (b"[]", {}, 400),
    "nothing named": (b"{}", {}, 400),
    "NaN": (b'{"subject": NaN}', {}, 400),
    "a lone surrogate": (b'{"subject": "\\ud800"}', {}, 400),
    "not JSON by its type": (b"{}", {"content_type": "text/plain"}, 415),
    "a form": (b"a=1", {"content_type": "application/x-www-form-urlencoded"}, 415),
    "Latin-1 by its type": (
        b"{}",
        {"content_type": "application/json; charset=latin-1"},
        415,
    ),
    "compressed": (b"{}", {"content_encoding": "gzip"}, 415),
    "no token": (b"{}", {"authorization": ""}, 401),
    "not a bearer": (b"{}", {"authorization": "Basic YTpi"}, 401),
    "an unknown token": (b"{}", {"authorization": "Bearer " + "a" * 43}, 401),
    "a huge token": (b"{}", {"authorization": "Bearer " + "a" * 5_000}, 401),
    "an empty token": (b"{}", {"authorization": "Bearer"}, 401),
}

FIELDS: dict[str, tuple[dict[str, object], int]] = {
    "allowed": ({}, 200),
    "an extra field": ({"extra": 1}, 400),
    "an extra field with a name of its own": ({"<b>": 1}, 400),
    "a number for a text": ({"purpose": 5}, 400),
    "a text for a truth": ({"use": "true"}, 400),
    "a malformed subject": ({"subject": "sub_x"}, 400),
    "a subject with a line break": ({"subject": NOBODY + "\n"}, 400),
    "another kind of id": ({"subject": "cli_" + "a" * 26}, 400),
    "a malformed client": ({"client": "me"}, 400),
    "an unknown subject": ({"subject": NOBODY}, 200),
    "an unknown client": ({"client": NO_CLIENT}, 200),
    "an unknown capability": ({"capability": "device.microphone"}, 200),
    "an unknown purpose": ({"purpose": "advertising"}, 200),
    "an undeclared pair": ({"capability": "device.album"}, 200),
    "a scene of another pair": ({"scene": "publish_form"}, 200),
    "an element that is not there": ({"elements": ["name"]}, 200),
    "too many elements": ({"elements": ["name"] * 65}, 400),
    "a text with colons": ({"device": "a:b:c"}, 200),
    "a text with an escape": ({"device": 'a"b'}, 200),
    "nulls for what may be left out": ({"client": None, "scene": None}, 200),
    "a record": ({"record": "o1"}, 200),
    "confirmed": ({"consistency": "confirm"}, 200),
    "any other consistency": ({"consistency": "eventual"}, 400),
    "a version of nobody": ({"consistency": "17.999999"}, 400),
    "a version of no shard": ({"consistency": "64.0"}, 400),
    "a partner's version": ({"consistency": "gst_aaaa.1"}, 400),
    "a version in other digits": ({"consistency": "\u0661.\u0662"}, 400),
    "the first version": ({"consistency": "17.0"}, 200),
}


class TestParity:
    @pytest.mark.parametrize("case", BODIES)
    async def test_bad_bodies_get_the_same_answer(
        self, caller: Caller, case: str
    ) -> None:
        """Status, headers and body are equal at both doors, and never a 5xx."""
        content, headers, status = BODIES[case]

        front = await caller.post(FRONT, content, **headers)
        plain = await caller.post(PLAIN, content, **headers)

        assert seen(front) == seen(plain)
        assert front.status_code == status

    @pytest.mark.parametrize("case", FIELDS)
    async def test_questions_get_the_same_answer(
        self, caller: Caller, services: Services, case: str
    ) -> None:
        """Whatever is asked, both doors say the same."""
        await grant(services, caller.subject, caller.client)
        changes, status = FIELDS[case]
        content = msgspec.json.encode(make_check(caller.subject, **changes))

        front = await caller.post(FRONT, content)
        plain = await caller.post(PLAIN, content)

        assert seen(front) == seen(plain)
        assert front.status_code == status

    async def test_a_repeated_parameter_is_refused_at_both(
        self, caller: Caller
    ) -> None:
        """A query does not belong here, and an ambiguous one is refused."""
        front = await caller.post(FRONT + "?a=1&a=2", b"{}")
        plain = await caller.post(PLAIN + "?a=1&a=2", b"{}")

        assert seen(front) == seen(plain)
        assert front.json()["code"] == "repeated_parameter"

    async def test_other_callers_are_refused_at_both(
        self, caller: Caller, services: Services
    ) -> None:
        """People, partners and apps without the scope cannot check."""
        partner, _ = await register_partner(services, scopes=("gateway.check",))
        limited, _ = await register_app(services, scopes=("gateway.asks",))
        tokens = [
            await issue_token(services, partner),
            await issue_token(services, limited),
            await issue_token(
                services, caller.client, kind="user", subject=caller.subject
            ),
        ]
        content = msgspec.json.encode(make_check(caller.subject))

        for token in tokens:
            front = await caller.post(FRONT, content, authorization=f"Bearer {token}")
            plain = await caller.post(PLAIN, content, authorization=f"Bearer {token}")

            assert seen(front) == seen(plain)
            assert front.json()["code"] == "insufficient_scope"

    async def test_both_doors_carry_the_standing_headers(self, caller: Caller) -> None:
        """Every answer is kept out of caches and frames."""
        for path in (FRONT, PLAIN):
            headers = (await caller.post(path, b"{}")).headers

            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]

    async def test_other_methods_are_for_the_plain_door(self, caller: Caller) -> None:
        """A method that the path does not take is 405 and names those it does."""
        response = await caller.http.get(FRONT)

        assert response.status_code == 405
        assert "POST" in response.headers["allow"]


class TestCheck:
    async def test_a_yes_is_an_allow_until_it_is_taken_back(
        self, caller: Caller, services: Services
    ) -> None:
        """The next check after a withdrawal is a deny that says so."""
        held = await grant(services, caller.subject, caller.client)
        allowed = await caller.check()
        await withdraw(services, caller.subject, held.id)

        denied = await caller.check()

        assert (allowed["effect"], allowed["grant"]) == ("allow", held.id)
        assert (denied["effect"], denied["reason"]) == ("deny", "withdrawn")

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"subject": NOBODY}, "subject_gone"),
            ({"client": NO_CLIENT}, "pair_not_declared"),
            ({"capability": "device.microphone"}, "capability_unknown"),
            ({"purpose": "advertising"}, "purpose_unknown"),
            ({"capability": "device.album"}, "pair_not_declared"),
            ({"scene": "publish_form"}, "not_in_scene"),
        ],
    )
    async def test_what_is_unknown_is_denied_with_its_reason(
        self, caller: Caller, changes: dict[str, object], reason: str
    ) -> None:
        """Unknown means deny, and says why."""
        told = await caller.check(**changes)

        assert (told["effect"], told["reason"]) == ("deny", reason)

    async def test_an_app_may_ask_for_another_client(
        self, caller: Caller, services: Services
    ) -> None:
        """What another client holds is decided for that client."""
        other, _ = await register_app(services)
        held = await grant(services, caller.subject, other)

        told = await caller.check(client=other.id)

        assert told["grant"] == held.id
        assert (await caller.check())["reason"] == "not_asked"

    async def test_a_version_that_was_returned_has_been_seen(
        self, caller: Caller, services: Services
    ) -> None:
        """Read your own write: the version of an act is never ahead."""
        await grant(services, caller.subject, caller.client)
        version = (await caller.check())["version"]

        told = await caller.check(consistency=version)

        assert told["effect"] == "allow"

    async def test_a_store_that_is_gone_is_unavailable(
        self, caller: Caller, services: Services
    ) -> None:
        """What cannot be read is neither a yes nor a server error."""
        await caller.check()  # token and client are in memory now
        await services.store.close()

        response = await caller.post(FRONT, msgspec.json.encode(make_check(NOBODY)))

        assert response.status_code == 503
        assert response.json()["code"] == "decision_unavailable"


class TestUse:
    async def test_a_one_time_yes_is_an_answer_once(
        self, caller: Caller, services: Services
    ) -> None:
        """Of fifty that race for it, one is answered yes."""
        await grant(services, caller.subject, caller.client, one_time=True)
        before = await caller.check()

        told = await asyncio.gather(*(caller.check(use=True) for _ in range(50)))

        assert before["effect"] == "ask"
        assert [one["effect"] for one in told].count("allow") == 1
        assert {one["reason"] for one in told} == {"granted", "used"}

    async def test_a_lasting_yes_is_not_used_up(
        self, caller: Caller, services: Services
    ) -> None:
        """Using what lasts writes nothing."""
        await grant(services, caller.subject, caller.client)

        first = await caller.check(use=True)
        second = await caller.check(use=True)

        assert first == second
        assert first["effect"] == "allow"

    async def test_a_lost_answer_is_had_again_and_counts_once(
        self, caller: Caller, services: Services, clock: FakeClock
    ) -> None:
        """The same key within a minute gets its own answer; another key does not."""
        await grant(services, caller.subject, caller.client, one_time=True)
        content = msgspec.json.encode(make_check(caller.subject, use=True))
        first = await caller.post(FRONT, content, idempotency_key="mine")

        again = await caller.post(FRONT, content, idempotency_key="mine")
        plain = await caller.post(PLAIN, content, idempotency_key="other")
        clock.advance(timedelta(seconds=60))
        late = await caller.post(FRONT, content, idempotency_key="mine")

        assert again.json() == first.json()
        assert plain.json()["reason"] == "used"
        assert late.json()["reason"] == "used"

    async def test_a_retry_decides_again(
        self, caller: Caller, services: Services
    ) -> None:
        """What has changed since the lost answer counts: closed is closed."""
        await grant(services, caller.subject, caller.client, one_time=True)
        content = msgspec.json.encode(make_check(caller.subject, use=True))
        await caller.post(FRONT, content, idempotency_key="mine")
        await services.store.write(
            lambda transaction: transaction.perform(
                SwitchFunction(
                    actor=OFFICER,
                    function=services.catalogue.purposes["scan_qr"].function,
                    is_open=False,
                )
            )
        )

        again = await caller.post(FRONT, content, idempotency_key="mine")

        assert again.json()["reason"] == "function_closed"

    async def test_a_key_is_for_one_question(
        self, caller: Caller, services: Services
    ) -> None:
        """The same key with another body is refused, and nothing is used."""
        await grant(services, caller.subject, caller.client, one_time=True)
        asked = make_check(caller.subject, use=True)
        await caller.post(FRONT, msgspec.json.encode(asked), idempotency_key="mine")

        other = await caller.post(
            FRONT,
            msgspec.json.encode(asked | {"device": "d"}),
            idempotency_key="mine",
        )

        assert other.status_code == 422
        assert other.json()["code"] == "idempotency_mismatch"


async def test_ids_differ_between_answers(caller: Caller) -> None:
    """Each answer has a request id of its own, so that one can be found again."""
    first = await caller.post(FRONT, b"{}")
    second = await caller.post(FRONT, b"{}")

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
