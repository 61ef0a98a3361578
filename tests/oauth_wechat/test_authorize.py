"""The log-in URL and its state."""

import itertools
import random
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_wechat import Secret, WeChatApp, authorize_url, is_state, new_state

STATE = "0123456789abcdefghijAB"
CALLBACK = "https://app.example/login/wechat/website/web/callback?next=a b&x=微"


def make_app(open_base: str = "https://open.example") -> WeChatApp:
    """Make an app at a WeChat of its own; change only what the test is about."""
    return WeChatApp(
        name="web",
        appid="wx0123456789abcdef",
        secret=Secret("app-secret-7f3a"),
        open_base=open_base,
        api_base="https://api.example",
    )


class TestAuthorizeUrl:
    def test_parameters_come_in_the_documented_order(self) -> None:
        """Appid first, state last, then WeChat's own fragment."""
        url = authorize_url(make_app(), "https://app.example/cb", STATE)

        assert url == (
            "https://open.example/connect/qrconnect?appid=wx0123456789abcdef"
            "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code"
            f"&scope=snsapi_login&state={STATE}#wechat_redirect"
        )

    def test_language_follows_the_state(self) -> None:
        """The optional parameter does not disturb the documented ones."""
        url = authorize_url(make_app(), "https://app.example/cb", STATE, "en")

        assert url.endswith(f"&state={STATE}&lang=en#wechat_redirect")

    def test_redirect_uri_survives_whatever_it_holds(self) -> None:
        """Spaces, ampersands and Chinese come back as they went in."""
        url = authorize_url(make_app(), CALLBACK, STATE)

        assert dict(parse_qsl(urlsplit(url).query))["redirect_uri"] == CALLBACK
        assert "+" not in url

    @pytest.mark.parametrize(
        "redirect_uri",
        ["/cb", "app.example/cb", "javascript:alert(1)", "https://a.example/#", ""],
    )
    def test_bad_redirect_uri_is_refused(self, redirect_uri: str) -> None:
        """Relative, foreign-schemed or with a fragment: WeChat would break it."""
        with pytest.raises(ValueError, match="redirect_uri"):
            authorize_url(make_app(), redirect_uri, STATE)

    @pytest.mark.parametrize("state", ["", "short", "a" * 65, STATE + "&x=1"])
    def test_foreign_state_is_refused(self, state: str) -> None:
        """Only what new_state makes goes out."""
        with pytest.raises(ValueError, match="new_state"):
            authorize_url(make_app(), "https://app.example/cb", state)

    def test_secret_stays_out(self) -> None:
        """The browser never sees the app secret."""
        url = authorize_url(make_app(), "https://app.example/cb", STATE)

        assert "app-secret" not in url


class TestWeChatApp:
    @pytest.mark.parametrize("base", ["open.example", "https://a.example/", "ftp://a"])
    def test_base_must_be_a_plain_url(self, base: str) -> None:
        """A wrong base fails when the settings are read, not at the log-in."""
        with pytest.raises(ValueError, match="open_base of WeChat app 'web'"):
            make_app(open_base=base)

    def test_repr_hides_the_secret(self) -> None:
        """Settings get printed."""
        assert "app-secret" not in repr(make_app())


class TestNewState:
    @given(st.binary(min_size=16, max_size=16))
    def test_every_state_is_base62_of_fixed_length(self, entropy: bytes) -> None:
        """Also H5 takes it: letters and digits, at most 64."""
        state = new_state(lambda _: entropy)

        assert re.fullmatch("[0-9A-Za-z]{22}", state)
        assert is_state(state)

    @given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
    def test_no_entropy_is_lost(self, one: bytes, other: bytes) -> None:
        """Different 128 bits give different states."""
        assert (new_state(lambda _: one) == new_state(lambda _: other)) == (
            one == other
        )

    def test_asks_for_128_bits(self) -> None:
        """The source decides the strength, so it is asked for enough."""
        source = random.Random(5)  # noqa: S311 - a test wants repeatable bytes
        asked: list[int] = []

        def draw(count: int) -> bytes:
            asked.append(count)
            return source.randbytes(count)

        states = {new_state(draw) for _ in itertools.repeat(None, 100)}

        assert set(asked) == {16}
        assert len(states) == 100
