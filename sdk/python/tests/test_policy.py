"""The pure rules, at their edges."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aseanbiz import (
    AsyncGateway,
    ClientSecret,
    ConfigError,
    Gateway,
    Response,
    Want,
)
from aseanbiz._core.budget import FLOOR, SHARE, Budget
from aseanbiz._policy.addresses import checked_base, path_of
from aseanbiz._policy.backoff import may_repeat, pauses, retry_after
from sdk.python.tests.scripted import SECRET, Scenario, answer


class TestPauses:
    def test_they_double_up_to_two_seconds(self) -> None:
        """The ceiling is 0.1 s, doubled each time, never over 2 s."""
        ceilings = list(itertools.islice(pauses(lambda: 1.0), 8))

        assert ceilings == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0])

    def test_jitter_is_full(self) -> None:
        """Down to nothing: callers that fell together do not rise together."""
        assert next(pauses(lambda: 0.0)) == 0.0


class TestMayRepeat:
    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_unknown_outcome_needs_a_repeatable_call(self, status: int) -> None:
        """A code that may have been used is not sent again."""
        assert may_repeat(status, repeatable=True)
        assert not may_repeat(status, repeatable=False)

    @pytest.mark.parametrize("status", [429, 503])
    def test_turned_away_is_always_repeatable(self, status: int) -> None:
        """Nothing had begun."""
        assert may_repeat(status, repeatable=False)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "date", "seconds"),
        [
            ("5", None, 5.0),
            (" 7 ", None, 7.0),
            ("-5", None, None),
            ("1.5", None, None),
            ("٣", None, None),
            ("soon", "Thu, 01 Jan 2026 00:00:00 GMT", None),
            ("Thu, 01 Jan 2026 00:00:03 GMT", None, None),
            ("Thu, 01 Jan 2026 00:00:03 GMT", "Thu, 01 Jan 2026 00:00:00 GMT", 3.0),
            ("Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:03 GMT", 0.0),
        ],
    )
    def test_only_what_is_certain_counts(
        self, value: str, date: str | None, seconds: float | None
    ) -> None:
        """Seconds, or a date against the answer's own date; else nothing."""
        headers = {"Retry-After": value} | ({"Date": date} if date else {})

        assert retry_after(answer(b"", 503, headers)) == seconds

    @given(st.text(), st.text())
    def test_it_is_total(self, value: str, date: str) -> None:
        """No header can break the reading of an answer."""
        headers = (("Retry-After", value), ("Date", date))

        demanded = retry_after(Response(503, headers))

        assert demanded is None or demanded >= 0


class TestBudget:
    @given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=300))
    def test_share_is_never_overdrawn(self, steps: list[tuple[float, bool]]) -> None:
        """Whatever the rhythm: a tenth of the requests, and a floor."""
        budget, now = Budget(), 0.0
        requests: list[float] = []
        retries: list[float] = []
        for pause, retry in steps:
            now += pause
            budget.requested(now)
            requests.append(now)
            window = int(now) - 9  # whole seconds, ten of them
            allowed = FLOOR + SHARE * sum(one >= window for one in requests)
            taken = sum(one >= window for one in retries)

            spent = retry and budget.take(now)

            assert spent == (retry and taken < allowed)
            if spent:
                retries.append(now)


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "https://gateway.example",
            "https://gateway.example:8443/inner/",
            "http://127.0.0.1:8000",
            "http://[::1]:8000",
            "http://localhost:8000",
        ],
    )
    def test_good_ones_lose_only_the_slash(self, url: str) -> None:
        """Https anywhere, http on this machine."""
        assert checked_base(url, "url") == url.rstrip("/")

    @pytest.mark.parametrize(
        "url",
        [
            "http://gateway.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://0.0.0.0:80",
            "https://user:canary@gateway.example",
            "https://canary@gateway.example",
            "https://gateway.example?canary",
            "https://gateway.example#canary",
            "https://gateway.example\\@evil.example",
            "https://gateway.example/ canary",
            "https://gateway.example\ncanary",
            "https://g\u0430teway.example",
            "https://gateway.example:99999",
            "https://gateway.example:canary",
            "https://[::1",
            "ftp://gateway.example",
            "gateway.example",
            "https://",
            "",
        ],
    )
    def test_bad_ones_are_refused_without_being_quoted(self, url: str) -> None:
        """A token must not go there; and the message repeats no password."""
        with pytest.raises(ConfigError) as caught:
            checked_base(url, "url")

        assert caught.value.setting == "url"
        assert "canary" not in str(caught.value)
        assert caught.value.__cause__ is None

    @given(st.text(min_size=1).filter(lambda one: one not in {".", ".."}))
    def test_a_segment_stays_one(self, segment: str) -> None:
        """No id adds a slash, a query or a fragment."""
        try:
            path = path_of("v1", segment)
        except UnicodeEncodeError:
            return  # a lone surrogate is no text

        assert path.count("/") == 2
        assert not set(path) & set("?#\\ \n")


class TestEnvironment:
    @pytest.mark.parametrize("mode", [Gateway, AsyncGateway])
    def test_three_variables_are_enough(
        self, monkeypatch: pytest.MonkeyPatch, mode: type[Gateway | AsyncGateway]
    ) -> None:
        """No I/O, no other setting."""
        monkeypatch.setenv("ASEANBIZ_URL", "https://gateway.example")
        monkeypatch.setenv("ASEANBIZ_CLIENT_ID", "cli_1")
        monkeypatch.setenv("ASEANBIZ_CLIENT_SECRET", SECRET)

        gateway = mode.from_env()

        assert repr(gateway).endswith("Gateway('https://gateway.example')")

    @pytest.mark.parametrize("missing", ["URL", "CLIENT_ID", "CLIENT_SECRET"])
    def test_a_missing_one_is_named(
        self, monkeypatch: pytest.MonkeyPatch, missing: str
    ) -> None:
        """An empty one is missing too."""
        monkeypatch.setenv("ASEANBIZ_URL", "https://gateway.example")
        monkeypatch.setenv("ASEANBIZ_CLIENT_ID", "cli_1")
        monkeypatch.setenv("ASEANBIZ_CLIENT_SECRET", SECRET)
        monkeypatch.setenv(f"ASEANBIZ_{missing}", "")

        with pytest.raises(ConfigError) as caught:
            Gateway.from_env()

        assert caught.value.setting == f"ASEANBIZ_{missing}"
        assert SECRET not in str(caught.value)

    def test_what_is_given_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With everything given, nothing is read."""
        for name in ("URL", "CLIENT_ID", "CLIENT_SECRET"):
            monkeypatch.delenv(f"ASEANBIZ_{name}", raising=False)
        script = Scenario("blocking").script

        gateway = Gateway.from_env(
            url="https://other.example", auth=ClientSecret("a", "b"), transport=script
        )

        assert "other.example" in repr(gateway)

    async def test_issuer_may_differ_from_the_inner_address(self) -> None:
        """The browser goes to the public one."""
        scenario = Scenario("blocking", issuer="https://public.example")

        flow = await scenario.of(
            lambda gw: gw.consent.start(
                [Want(capability="data.x")],
                purpose="p",
                redirect_uri="https://p.example",
            )
        )

        assert flow.url.startswith("https://public.example/oauth/authorize?")
