"""The consent flow: who began it, whom it answers, what it brought."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from aseanbiz import (
    CallbackRejected,
    ClientSecret,
    ConnectFailed,
    Flow,
    GrantEnded,
    GrantSet,
    OAuthFailure,
    TransportFailure,
    Want,
)
from sdk.python.tests.scripted import URL, Reply, Scenario, answer

CALLBACK = "https://partner.example/callback"
CODE = "canary-code"
GRANTED = {
    "access_token": "canary-grant-token",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "data.identity",
    "grant_id": "gst_1",
    "authorization_details": [
        {
            "type": "consented_data",
            "identifier": "gra_1",
            "capability": "data.identity",
            "purpose": "delivery",
            "elements": ["name"],
            "withheld": [{"element": "phone", "reason": "refused"}],
            "one_time": False,
            "expires_at": "2027-01-01T00:00:00Z",
            "policy_version": "7",
            "separate": "share",
            "receipt": "rcp_1",
        }
    ],
}


async def begin(scenario: Scenario) -> Flow:
    """Start a flow for name and phone."""
    wants = [Want(capability="data.identity", elements=("name", "phone"))]
    return await scenario.of(
        lambda gw: gw.consent.start(
            wants, purpose="delivery", redirect_uri=CALLBACK, locale="zh-CN"
        )
    )


def query(flow: Flow) -> dict[str, str]:
    """Return the parameters of the authorize URL."""
    return {k: v for k, [v] in parse_qs(urlsplit(flow.url).query).items()}


def callback(flow: Flow, **changes: object) -> str:
    """Make the callback that answers the flow; None leaves a parameter out."""
    values = {"code": CODE, "state": query(flow)["state"], "iss": URL, **changes}
    present = {name: value for name, value in values.items() if value is not None}
    return f"{CALLBACK}?{urlencode(present, doseq=True)}"


async def finish(scenario: Scenario, state: bytes, url: str) -> GrantSet:
    """Finish a flow."""
    return await scenario.of(lambda gw: gw.consent.finish(state, url))


class TestStart:
    async def test_url_asks_for_exactly_this(self, scenario: Scenario) -> None:
        """Code, S256, the items with their purpose; nothing is sent yet."""
        flow = await begin(scenario)

        asked = query(flow)
        assert flow.url.startswith(f"{URL}/oauth/authorize?")
        assert json.loads(asked.pop("authorization_details")) == [
            {
                "type": "consented_data",
                "capability": "data.identity",
                "purpose": "delivery",
                "elements": {"required": [], "optional": ["name", "phone"]},
            }
        ]
        assert len(asked.pop("state")) >= 22
        assert len(asked.pop("code_challenge")) == 43
        assert asked == {
            "response_type": "code",
            "client_id": "cli_1",
            "redirect_uri": CALLBACK,
            "scope": "data.identity",
            "code_challenge_method": "S256",
            "ui_locales": "zh-CN",
        }
        assert scenario.script.requests == []

    async def test_no_two_flows_are_alike(self, scenario: Scenario) -> None:
        """State and verifier are fresh each time."""
        one, two = query(await begin(scenario)), query(await begin(scenario))

        assert one["state"] != two["state"]
        assert one["code_challenge"] != two["code_challenge"]

    async def test_wanting_nothing_is_an_error(self, scenario: Scenario) -> None:
        """An empty question has no honest answer."""
        with pytest.raises(ValueError, match="at least one"):
            await scenario.of(
                lambda gw: gw.consent.start([], purpose="p", redirect_uri=CALLBACK)
            )


class TestFinish:
    async def test_it_brings_what_the_user_gave(self, scenario: Scenario) -> None:
        """Granted and withheld elements are named; the verifier fits."""
        flow = await begin(scenario)
        scenario.script.replies = [answer(GRANTED)]

        grants = await finish(scenario, flow.state, callback(flow))

        assert grants.id == "gst_1"
        assert grants.items[0].elements == ("name",)
        assert grants.items[0].withheld[0].reason == "refused"
        form = scenario.form()
        assert (form["code"], form["redirect_uri"]) == (CODE, CALLBACK)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert challenge == query(flow)["code_challenge"]
        assert 43 <= len(form["code_verifier"]) <= 128

    async def test_it_survives_a_restart(self, scenario: Scenario) -> None:
        """The state is all that is needed, in another process too."""
        flow = await begin(scenario)
        scenario.gateway = scenario.make()
        scenario.script.replies = [answer(GRANTED)]

        grants = await finish(scenario, bytes(flow.state), callback(flow))

        assert grants.id == "gst_1"

    async def test_state_tells_no_verifier(self, scenario: Scenario) -> None:
        """Even a state that leaked to a browser gives nobody the verifier."""
        flow = await begin(scenario)
        scenario.script.replies = [answer(GRANTED)]
        await finish(scenario, flow.state, callback(flow))

        opened = base64.urlsafe_b64decode(flow.state)

        assert scenario.form()["code_verifier"].encode() not in opened
        assert repr(flow.state) == str(flow.state) == "FlowState(hidden)"

    @pytest.mark.parametrize(
        ("changes", "check"),
        [
            ({"state": "another"}, "state"),
            ({"state": None}, "state"),
            ({"state": "\udcff"}, "state"),
            ({"iss": "https://evil.example"}, "iss"),
            ({"iss": f"{URL}/"}, "iss"),
            ({"iss": None}, "iss"),
            ({"iss": [URL, URL]}, "iss"),
            ({"code": None}, "code"),
            ({"code": ""}, "code"),
            ({"code": [CODE, "two"]}, "code"),
            ({"code": None, "error": "access_denied"}, "denied"),
            ({"error": "server_error"}, "denied"),
            ({"error": "access_denied", "state": "another"}, "state"),
            ({"error": "access_denied", "iss": None}, "iss"),
        ],
    )
    async def test_callback_that_is_no_answer_is_rejected(
        self, scenario: Scenario, changes: dict[str, Any], check: str
    ) -> None:
        """State, then issuer, then the rest; nothing is sent for a wrong one."""
        flow = await begin(scenario)
        if changes.get("state") == "\udcff":
            url = callback(flow, state="X").replace("state=X", "state=%ff")
        else:
            url = callback(flow, **changes)

        with pytest.raises(CallbackRejected) as caught:
            await finish(scenario, flow.state, url)

        assert caught.value.check == check
        assert scenario.script.requests == []

    async def test_doubled_state_is_rejected(self, scenario: Scenario) -> None:
        """Two readers of the URL could see two states, even equal ones."""
        flow = await begin(scenario)
        state = query(flow)["state"]

        with pytest.raises(CallbackRejected) as caught:
            await finish(scenario, flow.state, callback(flow, state=[state, "other"]))

        assert caught.value.check == "state"

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda _: b"",
            lambda _: b"\xff\x00",
            lambda state: state[:-4],
            lambda state: b"A" + state[1:] if state[:1] != b"A" else b"B" + state[1:],
            lambda state: state[:-8] + b"AAAAAAAA",
        ],
        ids=["empty", "no base64", "cut", "first byte", "last bytes"],
    )
    async def test_spoilt_state_is_rejected(
        self, scenario: Scenario, spoil: Callable[[bytes], bytes]
    ) -> None:
        """Whatever is not exactly what `start` gave is no state."""
        flow = await begin(scenario)

        with pytest.raises(CallbackRejected) as caught:
            await finish(scenario, spoil(flow.state), callback(flow))

        assert caught.value.check == "state"

    async def test_state_of_another_client_is_rejected(
        self, scenario: Scenario
    ) -> None:
        """A state is sealed with the client's own secret."""
        flow = await begin(scenario)
        scenario.gateway = scenario.make(auth=ClientSecret("cli_1", "another"))

        with pytest.raises(CallbackRejected):
            await finish(scenario, flow.state, callback(flow))

    async def test_old_flow_is_rejected(self, scenario: Scenario) -> None:
        """After half an hour nobody comes back from the consent page."""
        flow = await begin(scenario)
        scenario.clock.now += 1800

        with pytest.raises(CallbackRejected):
            await finish(scenario, flow.state, callback(flow))

    async def test_state_works_once(self, scenario: Scenario) -> None:
        """A callback replayed is not sent on."""
        flow = await begin(scenario)
        scenario.script.replies = [answer(GRANTED)]
        await finish(scenario, flow.state, callback(flow))

        with pytest.raises(CallbackRejected):
            await finish(scenario, flow.state, callback(flow))

        assert len(scenario.script.requests) == 1

    async def test_code_that_never_left_may_be_tried_again(
        self, scenario: Scenario
    ) -> None:
        """Without a connection the code is unused; the user need not start anew."""
        flow = await begin(scenario)
        scenario.script.replies = [ConnectFailed()] * 3
        with pytest.raises(ConnectFailed):
            await finish(scenario, flow.state, callback(flow))
        scenario.script.replies = [answer(GRANTED)]

        grants = await finish(scenario, flow.state, callback(flow))

        assert grants.id == "gst_1"

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (TransportFailure(), TransportFailure),
            (answer({"error": "invalid_grant"}, 400), OAuthFailure),
        ],
    )
    async def test_code_is_never_sent_twice(
        self, scenario: Scenario, reply: Reply, kind: type[Exception]
    ) -> None:
        """A second use would revoke what the first one brought (RFC 6749 §4.1.2)."""
        flow = await begin(scenario)
        scenario.script.replies = [reply, answer(GRANTED)]

        with pytest.raises(kind):
            await finish(scenario, flow.state, callback(flow))
        with pytest.raises(CallbackRejected):
            await finish(scenario, flow.state, callback(flow))

        assert len(scenario.script.requests) == 1


class TestEnd:
    async def test_it_forgets_and_revokes(self, scenario: Scenario) -> None:
        """Afterwards there is no token here, nor one that works there."""
        flow = await begin(scenario)
        scenario.script.replies = [answer(GRANTED), answer(b"")]
        await finish(scenario, flow.state, callback(flow))

        await scenario.of(lambda gw: gw.grant("gst_1").end())

        assert scenario.path() == "POST /oauth/revoke"
        assert scenario.form() == {"token": "canary-grant-token"}
        with pytest.raises(GrantEnded):
            await scenario.of(
                lambda gw: gw.grant("gst_1").release("identity", purpose="p")
            )

    async def test_ending_twice_is_no_error(self, scenario: Scenario) -> None:
        """There is nothing to revoke, so nothing is sent."""
        await scenario.of(lambda gw: gw.grant("gst_1").end())

        assert scenario.script.requests == []
