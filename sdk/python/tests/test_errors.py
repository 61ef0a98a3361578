"""Errors: they travel, they explain themselves, they tell no secrets."""

import asyncio
import copy
import logging
import pickle
import traceback
from collections.abc import Iterator

import pytest

import aseanbiz
from aseanbiz import (
    ApiError,
    AskOffer,
    AskRequired,
    CallbackRejected,
    ClientSecret,
    ConfigError,
    DecisionError,
    Denied,
    Gateway,
    GatewayError,
    GrantEnded,
    OAuthFailure,
    Problem,
    ProtocolViolation,
    ReleaseExpired,
    Secret,
    TransportFailure,
)
from sdk.python.tests.scripted import (
    SECRET,
    TOKEN,
    URL,
    Scenario,
    answer,
    broken,
    problem,
)


def classes(root: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    """Walk the tree, so that a new class is tested from its first day."""
    yield root
    for child in root.__subclasses__():
        yield from classes(child)


def make(kind: type[GatewayError]) -> GatewayError:
    """Make one of each; a class that fits no line fails here."""
    offer = AskOffer(capability="data.x", purpose="p", text={"en": "May we?"})
    if issubclass(kind, ApiError):
        return kind(Problem(detail="d"), status=418, request_id="req_1", fix="f")
    if issubclass(kind, TransportFailure):
        return kind()
    special: dict[type[GatewayError], GatewayError] = {
        GatewayError: GatewayError("something"),
        ConfigError: ConfigError("url", "a URL"),
        ProtocolViolation: ProtocolViolation("html", status=200),
        OAuthFailure: OAuthFailure("invalid_grant", status=400),
        CallbackRejected: CallbackRejected("state"),
        GrantEnded: GrantEnded("gst_1", "unknown"),
        DecisionError: DecisionError("no", reason="x", fallback=None),
        AskRequired: AskRequired(reason="not_asked", fallback="f", ask=offer),
        Denied: Denied(reason="withdrawn", fallback=None, fix="f", next_ask_at=None),
        ReleaseExpired: ReleaseExpired(release_id="r", valid_for_ms=1, took_ms=2),
    }
    return special[kind]


@pytest.mark.parametrize("kind", list(classes()))
class TestEachError:
    def test_it_is_public(self, kind: type[GatewayError]) -> None:
        """Whoever is to catch it can import it."""
        assert getattr(aseanbiz, kind.__name__) is kind

    def test_it_survives_travel(self, kind: type[GatewayError]) -> None:
        """Through pickle, copy and an exception group, with all it carries."""
        error = make(kind)
        error.add_note("seen on replica 2")

        for again in (
            pickle.loads(pickle.dumps(error)),  # noqa: S301
            copy.copy(error),
            copy.deepcopy(error),
            pickle.loads(  # noqa: S301
                pickle.dumps(ExceptionGroup("several", [error]))
            ).exceptions[0],
        ):
            assert type(again) is kind
            assert again.__dict__ == error.__dict__
            assert str(again) == str(error)
            assert again.__notes__ == ["seen on replica 2"]

    def test_it_is_one_line_with_a_code(self, kind: type[GatewayError]) -> None:
        """One line in a log: code first, request id last."""
        error = make(kind)

        assert str(error).startswith(f"{error.code}: ")
        assert "\n" not in str(error)
        if error.request_id:
            assert str(error).endswith("[req_1]")


class TestWhatTheGatewaySays:
    async def test_codes_and_ids_are_kept_and_text_is_not_shown(
        self, scenario: Scenario
    ) -> None:
        """The detail may repeat what was sent: it is there, but in no line."""
        headers = {"X-Request-Id": "req_1"}
        scenario.script.replies = [
            problem(400, "unknown_field", headers, detail="canary", fix="drop_it")
        ]

        with pytest.raises(ApiError) as caught:
            await scenario.of(lambda gw: gw.subjects.get("sub_1"))

        error = caught.value
        assert (error.code, error.request_id, error.fix, error.status) == (
            "unknown_field",
            "req_1",
            "drop_it",
            400,
        )
        assert error.problem.detail == "canary"
        assert "canary" not in f"{error} {error!r} {error.problem!r}"

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>canary</html>",
            b'{"code":"Canary line\\nbreak","fix":"canary\\n"}',
            b'{"code":{"canary":1}}',
            b"[" * 100_000,
            b'"canary',
            b"\xff\xfe",
            b"",
        ],
    )
    async def test_body_that_is_no_problem_changes_nothing(
        self, scenario: Scenario, body: bytes
    ) -> None:
        """The status alone decides, and nothing of the body is shown."""
        headers = {"X-Request-Id": "canary id\r\nSet-Cookie: x"}
        scenario.script.replies = [answer(body, 404, headers)]

        with pytest.raises(aseanbiz.NotFound) as caught:
            await scenario.of(lambda gw: gw.subjects.get("sub_1"))

        assert caught.value.code == "not_found"
        assert caught.value.request_id is None
        assert "canary" not in str(caught.value).lower()

    @pytest.mark.parametrize("status", [100, 204, 301, 304, 399])
    async def test_odd_status_is_no_success(
        self, scenario: Scenario, status: int
    ) -> None:
        """Neither a redirect nor an empty answer is a subject."""
        scenario.script.replies = [answer(b"", status)]

        with pytest.raises(ProtocolViolation):
            await scenario.of(lambda gw: gw.subjects.get("sub_1"))


def everything_about(error: BaseException) -> str:
    """Return all that a crash reporter could collect."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(trace.format()) + repr(error) + str(vars(error))


class TestSecrets:
    def test_a_secret_shows_itself_nowhere(self) -> None:
        """Neither printed nor formatted nor pickled."""
        secret = Secret("canary")

        assert (
            "canary" not in f"{secret} {secret!r} {secret:>30} {[secret]} %s" % secret
        )
        assert secret.reveal() == "canary"
        assert secret == Secret("canary")
        assert secret != Secret("other")
        assert secret != "canary"
        for act in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="pickle"):
                act(secret)

    def test_credentials_and_clients_hide_it(self) -> None:
        """What is printed by accident holds no secret; clients do not travel."""
        auth = ClientSecret("cli_1", SECRET)
        gateway = Gateway(URL, auth=auth, transport=Scenario("blocking").script)

        assert SECRET not in f"{auth!r} {gateway!r} {vars(gateway)}"
        with pytest.raises(TypeError, match="settings"):
            pickle.dumps(gateway)

    @pytest.mark.parametrize(
        "reply",
        [
            broken(),
            problem(400, "bad", detail="d"),
            problem(500, "bad"),
            answer(b"<html>"),
            problem(401, "invalid_token"),
        ],
    )
    async def test_crash_reports_hold_none(
        self,
        scenario: Scenario,
        reply: aseanbiz.Response | Exception,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Not even a report with all local variables of our frames."""
        caplog.set_level(logging.DEBUG)
        scenario.script.replies = [reply] * 3

        with pytest.raises(GatewayError) as caught:
            await scenario.of(lambda gw: gw.subjects.get("sub_1"))

        collected = everything_about(caught.value) + caplog.text
        assert SECRET not in collected
        assert TOKEN not in collected

    async def test_failing_token_request_holds_none(self, scenario: Scenario) -> None:
        """The one request that carries the secret itself."""
        scenario.script.tokens = [answer({"error": "invalid_client"}, 401)]

        with pytest.raises(GatewayError) as caught:
            await scenario.of(lambda gw: gw.subjects.get("sub_1"))

        collected = everything_about(caught.value)
        basic = scenario.script.token_requests[0].header("authorization") or ""
        assert SECRET not in collected
        assert basic.removeprefix("Basic ") not in collected

    def test_real_connection_failure_holds_none(self) -> None:
        """Nor do the frames of the HTTP library below."""
        gateway = Gateway("http://127.0.0.1:1", auth=ClientSecret("cli_1", SECRET))

        with gateway, pytest.raises(TransportFailure) as caught:
            gateway.subjects.get("sub_1")

        collected = everything_about(caught.value)
        basic = ClientSecret("cli_1", SECRET).basic().reveal().removeprefix("Basic ")
        assert SECRET not in collected
        assert basic not in collected

    def test_real_async_connection_failure_holds_none(self) -> None:
        """The same, awaited."""

        async def call() -> None:
            url, auth = "http://127.0.0.1:1", ClientSecret("cli_1", SECRET)
            async with aseanbiz.AsyncGateway(url, auth=auth) as gateway:
                await gateway.subjects.get("sub_1")

        with pytest.raises(TransportFailure) as caught:
            asyncio.run(call())

        collected = everything_about(caught.value)
        basic = ClientSecret("cli_1", SECRET).basic().reveal().removeprefix("Basic ")
        assert basic not in collected
