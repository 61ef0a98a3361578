"""One evaluation: the decision of a check, at both doors, in the standard's shape."""

from __future__ import annotations

import json
from typing import Any, get_args

import httpx2
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.authzen import evaluation
from gateway.authzen.model import Evaluation, check_of
from gateway.services import Services
from permissions.decision import (
    FIXES,
    Allow,
    AllowReason,
    Ask,
    AskReason,
    AskText,
    Decision,
    Deny,
    DenyReason,
)
from tests.factories import (
    grant,
    issue_token,
    register_app,
    register_partner,
    withdraw,
)
from tests.gateway.authzen.asking import (
    NO_CLIENT,
    NOBODY,
    ONE,
    PLAIN,
    Pep,
    make_evaluation,
)
from tests.gateway.authzen.schema import faults, load

REQUEST, RESPONSE = load("evaluation-request"), load("evaluation-response")


def seen(response: httpx2.Response) -> tuple[int, list[tuple[str, str]], object]:
    """Return all of an answer but its own request id."""
    headers = sorted(
        (name, value)
        for name, value in response.headers.multi_items()
        if name not in {"x-request-id", "content-length"}
    )
    told = response.json()
    if "request_id" in told:
        assert told["request_id"].startswith("req_")
        told["request_id"] = ""
    return response.status_code, headers, told


BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "deep": (b"[" * 100_000, {}, 413),
    "deep within the limit": (b"[" * 60_000, {}, 400),
    "deep in the context": (
        b'{"context": {"x": ' + b'{"a":' * 40 + b"1" + b"}" * 42,
        {},
        400,
    ),
    "deep in an unknown field": (
        b'{"x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        {},
        400,
    ),
    "invalid UTF-8": (b'{"subject": "\xff"}', {}, 400),
    "invalid UTF-8 in a field to ignore": (b'{"x": "\xff"}', {}, 400),
    "duplicate keys": (b'{"subject": {}, "subject": {}}', {}, 400),
    "NUL": (b'{"x": "\\u0000"}', {}, 400),
    "huge": (b'{"subject": "' + b"a" * 70_000 + b'"}', {}, 413),
    "empty": (b"", {}, 400),
    "cut off": (b'{"subject": ', {}, 400),
    "a list": (b"[]", {}, 400),
    "nothing named": (b"{}", {}, 400),
    "NaN": (b'{"subject": NaN}', {}, 400),
    "a lone surrogate": (b'{"x": "\\ud800"}', {}, 400),
    "not JSON by its type": (b"{}", {"content_type": "text/plain"}, 415),
    "compressed": (b"{}", {"content_encoding": "gzip"}, 415),
    "no token": (b"{}", {"authorization": ""}, 401),
    "an unknown token": (b"{}", {"authorization": "Bearer " + "a" * 43}, 401),
}

USER = {"type": "user", "id": NOBODY}
FIELDS: dict[str, tuple[dict[str, object], int]] = {
    "allowed": ({}, 200),
    "unknown fields": ({"extra": {"a": [1, None]}, "<b>": "a:b"}, 200),
    "unknown fields of an entity": ({"action": {"name": "scan_qr", "x": 1}}, 200),
    "properties": (
        {"action": {"name": "scan_qr", "properties": {"a": {"b": []}}}},
        200,
    ),
    "properties that are no object": (
        {"action": {"name": "scan_qr", "properties": []}},
        400,
    ),
    "an empty context": ({"context": {}}, 200),
    "a context of others": ({"context": {"time": "2026-11-22T08:00Z"}}, 200),
    "a context that is none": ({"context": None}, 400),
    "a context that is a list": ({"context": []}, 400),
    "a subject that is a text": ({"subject": NOBODY}, 400),
    "a subject without an id": ({"subject": {"type": "user"}}, 400),
    "a subject without a type": ({"subject": {"id": NOBODY}}, 400),
    "a number for an id": ({"subject": {"type": "user", "id": 1}}, 400),
    "a malformed subject": ({"subject": {"type": "user", "id": "alice"}}, 400),
    "a subject with a line break": (
        {"subject": {"type": "user", "id": NOBODY + "\n"}},
        400,
    ),
    "another kind of id": ({"subject": {"type": "user", "id": NO_CLIENT}}, 400),
    "an unknown subject": ({"subject": USER}, 200),
    "a subject of another type": ({"subject": {"type": "group", "id": "all"}}, 200),
    "a resource of another type": ({"resource": {"type": "file", "id": "a"}}, 200),
    "an unknown capability": (
        {"resource": {"type": "capability", "id": "device.microphone"}},
        200,
    ),
    "an empty capability": ({"resource": {"type": "capability", "id": ""}}, 200),
    "a long capability": (
        {"resource": {"type": "capability", "id": "a" * 9_000}},
        200,
    ),
    "an unknown purpose": ({"action": {"name": "advertising"}}, 200),
    "an empty purpose": ({"action": {"name": ""}}, 200),
    "no action": ({"action": None}, 400),
    "another client": ({"context": {"client": NO_CLIENT}}, 200),
    "a malformed client": ({"context": {"client": "me"}}, 400),
    "a device": ({"context": {"device": "a:b"}}, 200),
    "a scene of another pair": ({"context": {"scene": "publish_form"}}, 200),
    "a number for a scene": ({"context": {"scene": 1}}, 400),
    "nulls for what may be left out": ({"context": {"client": None}}, 200),
    "confirmed": ({"context": {"consistency": "confirm"}}, 200),
    "any other consistency": ({"context": {"consistency": "eventual"}}, 400),
    "a version of nobody": ({"context": {"consistency": "17.999999"}}, 400),
    "the first version": ({"context": {"consistency": "17.0"}}, 200),
}


class TestParity:
    @pytest.mark.parametrize("case", BODIES)
    async def test_bad_bodies_get_the_same_answer(self, pep: Pep, case: str) -> None:
        """Status, headers and body are equal at both doors, and never a 5xx."""
        content, headers, status = BODIES[case]

        front = await pep.post(ONE, content, **headers)
        plain = await pep.post(PLAIN, content, **headers)

        assert seen(front) == seen(plain)
        assert front.status_code == status

    @pytest.mark.parametrize("case", FIELDS)
    async def test_questions_get_the_same_answer(
        self, pep: Pep, services: Services, case: str
    ) -> None:
        """Whatever is asked, both doors say the same, and what the schema refuses."""
        await grant(services, pep.subject, pep.client)
        changes, status = FIELDS[case]
        asked = make_evaluation(pep.subject, **changes)
        content = msgspec.json.encode(asked)

        front = await pep.post(ONE, content)
        plain = await pep.post(PLAIN, content)

        assert seen(front) == seen(plain)
        assert front.status_code == status
        if faults(REQUEST, asked):
            assert status == 400

    @pytest.mark.parametrize("at", ["subject", "action", "context"])
    async def test_a_key_said_twice_is_refused_at_both(self, pep: Pep, at: str) -> None:
        """Also where one of the two would be ignored, or is in what is ignored."""
        asked = make_evaluation(pep.subject, context={"scene": "scan_screen"})
        twice = {
            "subject": (b'"type":"user"', b'"type":"user","type":"user"'),
            "action": (b'"name"', b'"properties":{"a":1,"a":2},"name"'),
            "context": (b'"scene"', b'"x":1,"x":2,"scene"'),
        }[at]
        content = msgspec.json.encode(asked).replace(*twice)

        front = await pep.post(ONE, content)
        plain = await pep.post(PLAIN, content)

        assert seen(front) == seen(plain)
        assert front.json()["code"] == "duplicate_key"

    async def test_other_callers_are_refused_at_both(
        self, pep: Pep, services: Services
    ) -> None:
        """People, partners and apps without the scope cannot ask."""
        partner, _ = await register_partner(services, scopes=("gateway.check",))
        limited, _ = await register_app(services, scopes=("gateway.asks",))
        tokens = [
            await issue_token(services, partner),
            await issue_token(services, limited),
            await issue_token(services, pep.client, kind="user", subject=pep.subject),
        ]
        content = msgspec.json.encode(make_evaluation(pep.subject))

        for token in tokens:
            front = await pep.post(ONE, content, authorization=f"Bearer {token}")
            plain = await pep.post(PLAIN, content, authorization=f"Bearer {token}")

            assert seen(front) == seen(plain)
            assert front.json()["code"] == "insufficient_scope"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACES = (
    ("subject",),
    ("subject", "id"),
    ("subject", "type"),
    ("subject", "properties"),
    ("resource", "id"),
    ("action", "name"),
    ("action", "properties"),
    ("context",),
    ("context", "client"),
    ("context", "scene"),
    ("context", "consistency"),
    ("context", "x"),
    ("x",),
)


def text_of(value: object, twice: str | None) -> str:
    """Write JSON as anybody might: a key said twice, NaN, surrogates."""
    if not isinstance(value, dict):
        return json.dumps(value)
    members = [
        f"{json.dumps(key)}:{text_of(inner, twice)}"
        for key, inner in value.items()
        for _ in range(2 if key == twice else 1)
    ]
    return "{" + ",".join(members) + "}"


class TestAnyBody:
    @settings(
        max_examples=300,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        changes=st.lists(st.tuples(st.sampled_from(PLACES), values), max_size=3),
        twice=st.sampled_from([None] * 9 + ["id", "x", "scene"]),
    )
    async def test_is_answered_alike_and_never_with_a_5xx(
        self,
        pep: Pep,
        changes: list[tuple[tuple[str, ...], object]],
        twice: str | None,
    ) -> None:
        """The doors agree on whatever JSON comes, and take no more than the schema."""
        asked: Any = make_evaluation(pep.subject)
        for place, value in changes:
            inner = asked
            for key in place[:-1]:
                if not isinstance(inner.get(key), dict):
                    inner[key] = {}
                inner = inner[key]
            inner[place[-1]] = value
        content = text_of(asked, twice).encode()

        front = await pep.post(ONE, content)
        plain = await pep.post(PLAIN, content)

        assert seen(front) == seen(plain)
        assert front.status_code in {200, 400}
        if front.status_code == 200:
            assert faults(REQUEST, asked) == []
            assert faults(RESPONSE, front.json()) == []


ALL: list[Decision] = [
    *(
        Ask(
            version="1.1",
            reason=reason,
            ask=AskText(capability="c", purpose="p", text={}),
            fallback="",
            fallback_text={},
        )
        for reason in get_args(AskReason)
    ),
    *(
        Deny(version="1.1", reason=reason, fallback="", fallback_text={}, fix="wait")
        for reason in get_args(DenyReason)
    ),
    *(
        Allow(version="1.1", reason=reason, grant=None, valid_for_ms=1)
        for reason in get_args(AllowReason)
    ),
]


class TestDecision:
    @pytest.mark.parametrize(
        "decision", ALL, ids=lambda one: f"{type(one).__name__}-{one.reason}"
    )
    async def test_is_true_for_allow_alone(
        self,
        services: Services,
        monkeypatch: pytest.MonkeyPatch,
        decision: Decision,
    ) -> None:
        """Each reason there is comes with its own decision, and only allow is yes."""

        async def decided(*_: object) -> Decision:
            return decision

        monkeypatch.setattr(evaluation, "decided", decided)
        asked = check_of(msgspec.convert(make_evaluation(NOBODY), Evaluation))
        nobody: Any = None  # the decision is made up: nobody has to be asked

        told = msgspec.to_builtins(await evaluation.evaluated(services, nobody, asked))

        assert told["decision"] is isinstance(decision, Allow)
        assert told["context"] == msgspec.to_builtins(decision)
        assert faults(RESPONSE, told) == []

    def test_every_deny_has_its_turn(self) -> None:
        """The list above is as long as the closed list of reasons."""
        assert {one.reason for one in ALL} >= FIXES.keys()

    async def test_is_that_of_a_check(self, pep: Pep, services: Services) -> None:
        """Before a yes, with it and without it again: the check's very words."""
        asked = {
            "subject": pep.subject,
            "capability": "device.camera",
            "purpose": "scan_qr",
        }
        pairs = [(await pep.ask("/v1/check", asked), await pep.evaluate())]
        held = await grant(services, pep.subject, pep.client)
        pairs.append((await pep.ask("/v1/check", asked), await pep.evaluate()))
        await withdraw(services, pep.subject, held.id)
        pairs.append((await pep.ask("/v1/check", asked), await pep.evaluate()))

        assert [told["context"] for _, told in pairs] == [check for check, _ in pairs]
        assert [told["decision"] for _, told in pairs] == [False, True, False]
        assert [told["context"]["effect"] for _, told in pairs] == [
            "ask",
            "allow",
            "deny",
        ]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"subject": USER}, "subject_gone"),
            ({"subject": {"type": "group", "id": "all"}}, "subject_gone"),
            (
                {"resource": {"type": "file", "id": "device.camera"}},
                "capability_unknown",
            ),
            (
                {"resource": {"type": "capability", "id": "device.microphone"}},
                "capability_unknown",
            ),
            ({"action": {"name": "advertising"}}, "purpose_unknown"),
            ({"context": {"client": NO_CLIENT}}, "pair_not_declared"),
            ({"context": {"scene": "publish_form"}}, "not_in_scene"),
        ],
    )
    async def test_is_no_where_something_is_unknown(
        self, pep: Pep, services: Services, changes: dict[str, object], reason: str
    ) -> None:
        """Whatever is well-formed is answered, though the person did say yes."""
        await grant(services, pep.subject, pep.client)

        told = await pep.evaluate(**changes)

        assert (told["decision"], told["context"]["reason"]) == (False, reason)

    async def test_of_a_type_unknown_here_borrows_no_users_id(
        self, pep: Pep, services: Services
    ) -> None:
        """An id counts within its type: a device with a user's id is no user."""
        await grant(services, pep.subject, pep.client)

        told = await pep.evaluate(subject={"type": "device", "id": pep.subject})

        assert told["decision"] is False

    async def test_may_be_about_another_client(
        self, pep: Pep, services: Services
    ) -> None:
        """The context names the client; left out, it is the caller."""
        other, _ = await register_app(services)
        await grant(services, pep.subject, other)

        told = await pep.evaluate(context={"client": other.id})

        assert told["decision"] is True
        assert (await pep.evaluate())["decision"] is False

    async def test_has_seen_the_version_named(
        self, pep: Pep, services: Services
    ) -> None:
        """The version of an answer is good as the consistency of the next."""
        await grant(services, pep.subject, pep.client)
        version = (await pep.evaluate())["context"]["version"]

        told = await pep.evaluate(context={"consistency": version})

        assert told["decision"] is True

    async def test_never_uses_up_a_one_time_yes(
        self, pep: Pep, services: Services
    ) -> None:
        """AuthZEN has no word for a use; the check has."""
        await grant(services, pep.subject, pep.client, one_time=True)

        told = await pep.evaluate(context={"use": True}, use=True)

        assert told["decision"] is False

    async def test_is_unavailable_without_the_store(
        self, pep: Pep, services: Services
    ) -> None:
        """What cannot be read is neither a yes nor a server error."""
        await pep.evaluate()  # token and client are in memory now
        await services.store.close()

        response = await pep.post(ONE, msgspec.json.encode(make_evaluation(NOBODY)))

        assert response.status_code == 503
        assert response.json()["code"] == "decision_unavailable"

    async def test_says_where_a_mistake_is_and_repeats_nothing(self, pep: Pep) -> None:
        """The message names the field; what was in it stays with the caller."""
        asked = make_evaluation("13800138000")

        response = await pep.post(ONE, msgspec.json.encode(asked))

        assert response.json()["field"] == "subject.id"
        assert "13800138000" not in response.text


class TestRequestId:
    @pytest.mark.parametrize("path", [ONE, PLAIN, ONE + "s", "/access/v1/nowhere"])
    async def test_of_the_caller_comes_back(self, pep: Pep, path: str) -> None:
        """On a yes, a mistake and a wrong path alike."""
        for content in (msgspec.json.encode(make_evaluation(pep.subject)), b"{}"):
            response = await pep.post(path, content, x_request_id="bfe9-ab:1 x")

            assert response.headers.get_list("x-request-id") == ["bfe9-ab:1 x"]

    async def test_of_the_gateway_stays_in_its_errors(self, pep: Pep) -> None:
        """Whoever reports an error names what the gateway's log names."""
        response = await pep.post(ONE, b"{}", x_request_id="mine")

        assert response.json()["request_id"].startswith("req_")

    @pytest.mark.parametrize("strange", ["", "a" * 129, "a\tb", "\u00e4"])
    async def test_that_is_strange_is_replaced(self, pep: Pep, strange: str) -> None:
        """Only 1 to 128 printable ASCII characters are repeated."""
        sent = [
            (b"authorization", f"Bearer {pep.token}".encode()),
            (b"content-type", b"application/json"),
            (b"x-request-id", strange.encode()),
        ]

        response = await pep.http.post(ONE, content=b"{}", headers=sent)

        (named,) = response.headers.get_list("x-request-id")
        assert named.startswith("req_")

    async def test_is_the_gateways_elsewhere(self, pep: Pep) -> None:
        """The rest of the API has one id, which is the gateway's."""
        response = await pep.post("/v1/check", b"{}", x_request_id="mine")

        assert response.headers["x-request-id"] == response.json()["request_id"]
