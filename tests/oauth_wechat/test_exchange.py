"""The code exchange against a fake that knows only the protocol's tables."""

import json
import logging
import traceback
from collections.abc import Callable

import httpx2
import pytest

from oauth_wechat import (
    ROWS,
    Identity,
    RestartLogin,
    Secret,
    SnapshotUser,
    WeChatApp,
    WeChatError,
    WeChatMisconfigured,
    WeChatUnavailable,
    exchange,
)

APPID, SECRET, CODE = "wx0123456789abcdef", "app-secret-7f3a", "021CodeOfAUser"
OPENID, UNIONID = "oAbCdEfGhIjKlMnOpQrStUvWxYz1", "uZyXwVuTsRqPoNmLkJiHgFeDcBa9"
TOKENS = ("ACCESS-11", "REFRESH-22")
CONFIDENTIAL = (SECRET, CODE, OPENID, UNIONID, *TOKENS)

Answer = httpx2.Response | Exception


class FakeWeChat:
    """Answer the token endpoint: what is queued first, then by the tables."""

    def __init__(self) -> None:
        self.codes = {CODE}
        self.used: set[str] = set()
        self.queue: list[Answer] = []
        self.seen: list[httpx2.URL] = []
        self.client = httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Note the call; take the next queued answer, else the tables'."""
        self.seen.append(httpx2.URL(request.url))
        if self.queue:
            queued = self.queue.pop(0)
            if isinstance(queued, httpx2.RequestError):
                queued.request = request  # as the real transports do
            if isinstance(queued, Exception):
                raise queued
            return queued
        return self.by_the_tables(dict(request.url.params.multi_items()), request)

    def by_the_tables(
        self, query: dict[str, str], request: httpx2.Request
    ) -> httpx2.Response:
        """Answer by method, appid, secret, grant type and code."""
        code = query.get("code", "")
        if request.method != "GET":
            return says(43001)
        if query.get("appid") != APPID:
            return says(40013)
        if query.get("secret") != SECRET:
            return says(40125)
        if query.get("grant_type") != "authorization_code":
            return says(40002)
        if code in self.used:
            return says(40163)
        if code not in self.codes:
            return says(40029)
        self.used.add(code)
        return tokens()


def says(errcode: int) -> httpx2.Response:
    """Answer with an error the way WeChat does: inside HTTP 200."""
    errmsg = f"invalid {CODE} of {OPENID}, rid: 5f62e0dc-3452f1c9"
    return plain({"errcode": errcode, "errmsg": errmsg})


def tokens(**changes: object) -> httpx2.Response:
    """Answer with an identity."""
    access_token, refresh_token = TOKENS
    return plain(
        {
            "access_token": access_token,
            "expires_in": 7200,
            "refresh_token": refresh_token,
            "openid": OPENID,
            "scope": "snsapi_login",
            "unionid": UNIONID,
            **changes,
        }
    )


def plain(body: dict[str, object]) -> httpx2.Response:
    """Label JSON as text/plain without a charset, as WeChat does."""
    return httpx2.Response(
        200, content=json.dumps(body), headers={"content-type": "text/plain"}
    )


def make_app(secret: str = SECRET) -> WeChatApp:
    """Make an app whose API is the fake."""
    return WeChatApp(
        name="web",
        appid=APPID,
        secret=Secret(secret),
        open_base="https://open.example",
        api_base="https://api.example",
    )


class Naps:
    """Count the pauses instead of taking them."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Note how long the pause would have been."""
        self.taken.append(seconds)


@pytest.fixture
def wechat() -> FakeWeChat:
    """Make a fake with one fresh code."""
    return FakeWeChat()


@pytest.fixture
def naps() -> Naps:
    """Make a sleep that returns at once."""
    return Naps()


class TestExchange:
    async def test_code_becomes_an_identity(
        self, wechat: FakeWeChat, naps: Naps
    ) -> None:
        """One call, no pause, no profile."""
        identity = await exchange(
            make_app(), Secret(CODE), client=wechat.client, sleep=naps
        )

        assert identity == Identity(appid=APPID, openid=OPENID, unionid=UNIONID)
        assert [url.path for url in wechat.seen] == ["/sns/oauth2/access_token"]
        assert naps.taken == []

    async def test_parameters_come_in_the_documented_order(
        self, wechat: FakeWeChat
    ) -> None:
        """Appid and secret, not client_id and client_secret, in the query."""
        await exchange(make_app(), Secret(CODE), client=wechat.client)

        assert (
            wechat.seen[0].query
            == (
                f"appid={APPID}&secret={SECRET}&code={CODE}&grant_type=authorization_code"
            ).encode()
        )

    async def test_odd_characters_arrive_whole(self, wechat: FakeWeChat) -> None:
        """A code with an ampersand cannot add a parameter."""
        odd = "a&secret=x#%+é"
        wechat.codes.add(odd)

        await exchange(make_app(), Secret(odd), client=wechat.client)

        assert dict(wechat.seen[0].params)["code"] == odd

    async def test_second_exchange_fails(self, wechat: FakeWeChat) -> None:
        """A code buys one identity."""
        await exchange(make_app(), Secret(CODE), client=wechat.client)

        with pytest.raises(RestartLogin) as caught:
            await exchange(make_app(), Secret(CODE), client=wechat.client)
        assert caught.value.reason == "code_used"

    async def test_unknown_code_restarts_the_login(self, wechat: FakeWeChat) -> None:
        """Expired, foreign and invented codes look the same."""
        with pytest.raises(RestartLogin) as caught:
            await exchange(make_app(), Secret("invented"), client=wechat.client)

        assert caught.value.reason == "code_invalid"

    async def test_wrong_secret_alerts_the_operator(self, wechat: FakeWeChat) -> None:
        """The user can do nothing about it."""
        with pytest.raises(WeChatMisconfigured):
            await exchange(make_app("other"), Secret(CODE), client=wechat.client)

    async def test_snapshot_user_is_nobody(self, wechat: FakeWeChat) -> None:
        """A made-up identity is an error of its own, without the identity."""
        wechat.queue = [tokens(is_snapshotuser=1)]

        with pytest.raises(SnapshotUser) as caught:
            await exchange(make_app(), Secret(CODE), client=wechat.client)
        assert OPENID not in f"{caught.value!r} {vars(caught.value)}"


class TestBusy:
    async def test_retried_once_with_the_same_code(
        self, wechat: FakeWeChat, naps: Naps
    ) -> None:
        """Busy, a pause, and then the identity."""
        wechat.queue = [says(-1)]

        identity = await exchange(
            make_app(), Secret(CODE), client=wechat.client, sleep=naps
        )

        assert identity.openid == OPENID
        assert wechat.seen[0] == wechat.seen[1]
        assert naps.taken == [0.5]

    async def test_twice_busy_restarts_the_login(
        self, wechat: FakeWeChat, naps: Naps
    ) -> None:
        """Exactly one retry, then a new code is needed."""
        wechat.queue = [says(-1), says(-1), tokens()]

        with pytest.raises(RestartLogin) as caught:
            await exchange(make_app(), Secret(CODE), client=wechat.client, sleep=naps)
        assert (caught.value.errcode, caught.value.retryable) == (-1, False)
        assert len(wechat.seen) == 2

    async def test_code_consumed_by_the_busy_call(
        self, wechat: FakeWeChat, naps: Naps
    ) -> None:
        """Busy, yet consumed: the retry finds it used, and that is the end."""
        wechat.queue = [says(-1)]
        wechat.used.add(CODE)

        with pytest.raises(RestartLogin) as caught:
            await exchange(make_app(), Secret(CODE), client=wechat.client, sleep=naps)
        assert caught.value.reason == "code_used"

    @pytest.mark.parametrize("errcode", sorted(set(ROWS) - {-1}))
    async def test_nothing_else_is_retried(
        self, wechat: FakeWeChat, naps: Naps, errcode: int
    ) -> None:
        """Each other errcode ends the exchange at the first answer."""
        wechat.queue = [says(errcode)]

        with pytest.raises(WeChatError) as caught:
            await exchange(make_app(), Secret(CODE), client=wechat.client, sleep=naps)
        assert caught.value.errcode == errcode
        assert caught.value.reaction is ROWS[errcode].sns
        assert len(wechat.seen) == 1


BROKEN: dict[str, Callable[[], Answer]] = {
    "ConnectError": lambda: httpx2.ConnectError(f"no route for {CODE}"),
    "ReadTimeout": lambda: httpx2.ReadTimeout(f"late with {SECRET}"),
    "RemoteProtocolError": lambda: httpx2.RemoteProtocolError("peer closed"),
    "http_502": lambda: httpx2.Response(502, text="<h1>Bad Gateway</h1>"),
    "http_302": lambda: httpx2.Response(302, headers={"location": "https://x.example"}),
    "http_400": lambda: httpx2.Response(400, json={"errcode": 40029}),
    "unreadable_body": lambda: httpx2.Response(200, text="<html>busy</html>"),
    "DecodingError": lambda: httpx2.DecodingError("bad gzip"),
}


class TestUnavailable:
    @pytest.mark.parametrize("reason", BROKEN)
    async def test_is_told_once_and_not_retried(
        self, wechat: FakeWeChat, naps: Naps, reason: str
    ) -> None:
        """The code may be consumed, so the same call is not made again."""
        wechat.queue = [BROKEN[reason]()]

        with pytest.raises(WeChatUnavailable) as caught:
            await exchange(make_app(), Secret(CODE), client=wechat.client, sleep=naps)
        assert caught.value.reason == reason
        assert not caught.value.retryable
        assert len(wechat.seen) == 1

    async def test_redirect_is_not_followed(self, wechat: FakeWeChat) -> None:
        """Even by a client told to: the query would reach another host."""
        wechat.client.follow_redirects = True
        wechat.queue = [BROKEN["http_302"]()]

        with pytest.raises(WeChatUnavailable):
            await exchange(make_app(), Secret(CODE), client=wechat.client)
        assert [url.host for url in wechat.seen] == ["api.example"]


def whole_story(error: BaseException) -> str:
    """Return everything a debugger could print: chain, frames, all locals."""
    story = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join([*story.format(), repr(error), repr(vars(error))])


class TestConfidential:
    @pytest.mark.parametrize("reason", BROKEN)
    async def test_broken_lines_tell_nothing(
        self, wechat: FakeWeChat, reason: str
    ) -> None:
        """No URL, no foreign exception, no local variable with a secret in it."""
        wechat.queue = [BROKEN[reason]()]

        with pytest.raises(WeChatUnavailable) as caught:
            await exchange(make_app(), Secret(CODE), client=wechat.client)
        story = our_part(whole_story(caught.value))
        assert [each for each in CONFIDENTIAL if each in story] == []
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("errcode", sorted(ROWS))
    async def test_errors_tell_nothing(
        self, wechat: FakeWeChat, naps: Naps, errcode: int
    ) -> None:
        """Though the message quotes the code and an openid."""
        wechat.queue = [says(errcode), says(errcode)]

        with pytest.raises(WeChatError) as caught:
            await exchange(make_app(), Secret(CODE), client=wechat.client, sleep=naps)
        story = our_part(whole_story(caught.value))
        assert [each for each in CONFIDENTIAL if each in story] == []

    async def test_snapshot_tells_nothing(self, wechat: FakeWeChat) -> None:
        """Not even the made-up identity."""
        wechat.queue = [tokens(is_snapshotuser=1)]

        with pytest.raises(SnapshotUser) as caught:
            await exchange(make_app(), Secret(CODE), client=wechat.client)
        story = our_part(whole_story(caught.value))
        assert [each for each in CONFIDENTIAL if each in story] == []

    @pytest.mark.parametrize("answer", [tokens, lambda: says(40029)])
    async def test_logs_tell_nothing(
        self,
        wechat: FakeWeChat,
        caplog: pytest.LogCaptureFixture,
        answer: Callable[[], httpx2.Response],
    ) -> None:
        """The HTTP client logs each URL; ours reads as a URL without a query."""
        caplog.set_level(logging.DEBUG)
        wechat.queue = [answer()]

        try:
            await exchange(make_app(), Secret(CODE), client=wechat.client)
        except WeChatError:
            logging.getLogger("test").exception("login_failed")

        assert "https://api.example/sns/oauth2/access_token" in caplog.text
        assert [each for each in CONFIDENTIAL if each in caplog.text] == []


def our_part(story: str) -> str:
    """Leave out the test's own frame, whose locals hold the fake."""
    marker = "async def exchange" if "async def exchange" in story else "in exchange"
    return story[story.index(marker) :]
