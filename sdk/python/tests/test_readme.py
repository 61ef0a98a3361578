"""The README's examples run, as they are printed."""

import re
from pathlib import Path
from typing import Any

from aseanbiz import AsyncGateway, Gateway
from sdk.python.tests.scripted import ALLOW, Scenario, answer, broken, problem
from sdk.python.tests.test_acts import RECEIPT, SUBJECT
from sdk.python.tests.test_consent import GRANTED, callback
from sdk.python.tests.test_releases import PAGE, VALID

SESSION = {
    "token": "t",
    "expires_at": "2026-11-22T15:00:00Z",
    "handover_url": "https://gateway.example/handover/x",
    "handover_expires_at": "2026-11-22T15:00:00Z",
}
README = Path(__file__).parents[1] / "README.md"


def examples() -> dict[str, Any]:
    """Run every Python block of the README; return what they define."""
    blocks = re.findall(
        r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert len(blocks) == 5
    defined: dict[str, Any] = {}
    for block in blocks:
        exec(block, defined)  # noqa: S102 - our own page
    return defined


async def test_app_examples() -> None:
    """The check with its four ways on, and the yes on the app's own screen."""
    scenario = Scenario("asyncio")
    assert isinstance(scenario.gateway, AsyncGateway)
    ask = {"capability": "a", "purpose": "p", "text": {"en": "May we?"}}
    deny = {"effect": "deny", "reason": "withdrawn", "fallback": "picker"}
    scenario.script.replies = [
        answer(ALLOW),
        answer({"effect": "ask", "reason": "not_asked", "ask": ask}),
        answer(deny),
        answer({**deny, "reason": "os_denied"}),
    ]
    upload = examples()["upload"]

    shown = [await upload(scenario.gateway, "sub_1") for _ in range(4)]

    assert shown == [
        "open the album",
        "May we?",
        "offer picker",
        "not now: os_denied",
    ]


async def test_notice_example() -> None:
    """The notice is shown once; what was shown is told by its hash."""
    scenario = Scenario("asyncio")
    assert isinstance(scenario.gateway, AsyncGateway)
    notice = {
        "policy_version": "7",
        "seen": False,
        "text": {"en": "Welcome."},
        "sha256": {"en": "0" * 64},
    }
    seen = {**notice, "seen": True}
    scenario.script.replies = [
        answer(SESSION),
        answer(notice),
        answer(seen),
        answer(SESSION),
        answer(seen),
    ]
    show_notice = examples()["show_notice"]

    await show_notice(scenario.gateway, "sub_1")

    assert scenario.path() == "POST /v1/notice"
    assert scenario.sent()["text"] == "0" * 64

    await show_notice(scenario.gateway, "sub_1")

    assert scenario.path() == "GET /v1/notice"


async def test_ask_example() -> None:
    """Register, session, ticket, answer."""
    scenario = Scenario("asyncio")
    assert isinstance(scenario.gateway, AsyncGateway)
    ticket = {
        "id": "ask_1",
        "subject": "sub_1",
        "capability": "device.camera",
        "purpose": "scan_qr",
        "scene": "scan_screen",
        "text": {"en": "May we?"},
        "sha256": {"en": "0" * 64},
        "policy_version": "7",
        "expires_at": "2026-11-22T15:00:00Z",
    }
    scenario.script.replies = [
        answer(SUBJECT),
        answer(SESSION),
        answer(ticket),
        answer({"decision": ALLOW, "receipt": RECEIPT}),
    ]

    result = await examples()["ask_and_answer"](scenario.gateway, "user-1")

    assert result.receipt.id == "rcp_1"
    assert scenario.sent()["text"] == "0" * 64


def test_partner_examples() -> None:
    """Begin, come back, read the phone number."""
    scenario = Scenario("blocking")
    assert isinstance(scenario.gateway, Gateway)
    defined = examples()
    flow = defined["begin"](scenario.gateway)
    scenario.script.replies = [answer(GRANTED), answer(PAGE, headers=VALID)]

    grant = defined["come_back"](scenario.gateway, flow.state, callback(flow))
    phone = defined["phone_of"](scenario.gateway, grant)

    assert phone == "canary-phone"


def test_failure_example() -> None:
    """Each failure ends in its own line."""
    scenario = Scenario("blocking")
    take_back = examples()["take_back"]
    done = {"grant": "gra_1", "state": "withdrawn", "version": "17.46"}
    scenario.script.replies = [
        answer(done),
        problem(403, "insufficient_scope"),
        problem(429, "too_many", {"Retry-After": "60"}),
        *[broken()] * 3,
    ]

    lines = [take_back(scenario.gateway, "t", "gra_1") for _ in range(4)]

    assert lines[:3] == ["withdrawn", "no: insufficient_scope", "wait 60.0 s"]
    assert lines[3] == f"repeat with {scenario.keys()[-1]}"
