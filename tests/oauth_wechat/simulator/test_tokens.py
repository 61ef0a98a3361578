"""The rules of the simulated API, and the levers that bend them."""

import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from oauth_wechat import ROWS, Identity, RestartLogin, WeChatError, read_identity
from oauth_wechat.simulator import Knobs, SimulatedApp, SimulatedUser
from oauth_wechat.simulator.attempt import CODE_LIVES, Status, Trigger
from oauth_wechat.simulator.knobs import KnobBoard, KnobChange
from oauth_wechat.simulator.model import openid_of, unionid_of
from oauth_wechat.simulator.sns import Rules
from oauth_wechat.simulator.tokens import (
    REFRESH_LIVES,
    TOKEN_LIVES,
    Answer,
    check_token,
    exchange_code,
    profile,
    refresh_token,
)
from oauth_wechat.simulator.wire import wire
from oauth_wechat.simulator.world import Attempt, World

APP = SimulatedApp(
    appid="wxsim1", secret="sim-secret-1", name="Web", domains=("site.example",)
)
OTHER = SimulatedApp(
    appid="wxsim2", secret="sim-secret-2", name="Two", domains=("two.example",)
)


def make_world(**changes: bool) -> World:
    """Make a world with two apps and one user; change the user."""
    user = msgspec.convert({"id": "li", "nickname": "李雷", **changes}, SimulatedUser)
    start = datetime(2026, 11, 1, 9, tzinfo=UTC)
    randbytes = random.Random(7).randbytes  # noqa: S311 - repeatable on purpose
    return World([APP, OTHER], [user], lambda: start, randbytes)


def confirmed(world: World, **changes: str) -> Attempt:
    """Return an attempt that the user allowed; change its knobs."""
    knobs = msgspec.convert(changes, Knobs)
    attempt = world.open(APP, "https://site.example/cb?a=1", "state", "cn", knobs)
    world.step(attempt, Trigger.SCAN)
    world.step(attempt, Trigger.ALLOW)
    return attempt


def trade(world: World, code: str, /, **changes: str) -> Answer:
    """Exchange a code with a good query; change one parameter."""
    method = changes.pop("method", "GET")
    query = {
        "appid": APP.appid,
        "secret": APP.secret,
        "code": code,
        "grant_type": "authorization_code",
        **changes,
    }
    return exchange_code(world, query, method, world.knobs.read(query["appid"]))


def turn(world: World, next: int | None = None, **values: bool | int | str) -> None:  # noqa: A002 - the lever's own name
    """Turn knobs for all apps."""
    world.knobs.turn(KnobChange(values=dict(values), next=next))


class TestIdentifiers:
    def test_openid_is_o_and_27_characters(self) -> None:
        """And differs by app and by user."""
        ids = {openid_of(app, user) for app in ("a", "b") for user in ("x", "y")}

        assert len(ids) == 4
        assert {(each[0], len(each)) for each in ids} == {("o", 28)}

    def test_unionid_joins_the_apps_of_one_platform(self) -> None:
        """It depends on the platform account and the user alone."""
        assert unionid_of("p", "x") == unionid_of("p", "x")
        assert unionid_of("p", "x") != unionid_of("q", "x")
        assert openid_of("ab", "c") != openid_of("a", "bc")


class TestExchangeCode:
    def test_fresh_code_gives_an_identity(self) -> None:
        """With both tokens, as WeChat does, and no snapshot mark."""
        world = make_world()
        attempt = confirmed(world)

        answer = trade(world, attempt.codes[0])

        assert answer["openid"] == openid_of("wxsim1", "li")
        assert answer["unionid"] == unionid_of("platform", "li")
        assert "is_snapshotuser" not in answer
        assert "errcode" not in answer
        assert attempt.status is Status.REDEEMED

    def test_used_code(self) -> None:
        """The second exchange is told so."""
        world = make_world()
        code = confirmed(world).codes[0]
        trade(world, code)

        assert trade(world, code)["errcode"] == 40163

    def test_expired_code(self) -> None:
        """At the exact instant it is over."""
        world = make_world()
        attempt = confirmed(world)
        world.advance(CODE_LIVES)

        assert trade(world, attempt.codes[0])["errcode"] == 40029

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"method": "POST", "appid": ""}, 43001),
            ({"appid": "", "secret": ""}, 41002),
            ({"appid": "wxnone", "secret": ""}, 40013),
            ({"secret": "", "grant_type": ""}, 41004),
            ({"secret": "wrong", "grant_type": ""}, 40125),
            ({"grant_type": "client_credential", "code": ""}, 40002),
            ({"code": ""}, 41008),
            ({"code": "invented"}, 40029),
            ({"appid": "wxsim2", "secret": "sim-secret-2"}, 40029),
        ],
    )
    def test_checks_in_order(self, changes: dict[str, str], errcode: int) -> None:
        """The first wrong thing is told, and the code stays fresh."""
        world = make_world()
        code = confirmed(world).codes[0]

        assert trade(world, code, **changes)["errcode"] == errcode
        assert "openid" in trade(world, code)

    def test_risky_user_is_blocked(self) -> None:
        """The code is good, the user is not."""
        world = make_world(risk=True)

        assert trade(world, confirmed(world).codes[0])["errcode"] == 40226

    def test_removed_user_is_no_user(self) -> None:
        """A code of somebody who is gone is invalid."""
        world = make_world()
        code = confirmed(world).codes[0]
        world.users.clear()

        assert trade(world, code)["errcode"] == 40029

    def test_two_codes_of_a_double_callback(self) -> None:
        """Each is worth one exchange; the attempt ends with the last."""
        world = make_world()
        attempt = confirmed(world, duplicate_callback="second_code")
        first, second = attempt.codes

        seen = [
            ("openid" in trade(world, code), attempt.status) for code in (first, second)
        ]

        assert seen == [(True, Status.CONFIRMED), (True, Status.REDEEMED)]
        assert [url.count("a=1&code=") for url in attempt.callbacks] == [1, 1]


class TestKnobs:
    @pytest.mark.parametrize("errcode", sorted(ROWS))
    def test_any_errcode_reaches_its_class(self, errcode: int) -> None:
        """Through the rules, the wire and the client's reader."""
        world = make_world()
        turn(world, fault=errcode)

        answer = trade(world, confirmed(world).codes[0])
        wired = wire(answer, world.knobs.peek(None), "5f62e0dc")
        outcome = read_identity(wired.content, APP.appid)

        assert isinstance(outcome, WeChatError)
        assert (outcome.errcode, outcome.reaction) == (errcode, ROWS[errcode].sns)
        assert outcome.rid == "5f62e0dc"

    @pytest.mark.parametrize(
        ("fate", "errcode"),
        [("expired", 40029), ("used", 40163), ("foreign_app", 40029)],
    )
    def test_fate_of_codes(self, fate: str, errcode: int) -> None:
        """A fresh code is treated as if it were not."""
        world = make_world()
        turn(world, code=fate)

        assert trade(world, confirmed(world).codes[0])["errcode"] == errcode

    def test_busy_a_number_of_times(self) -> None:
        """Then the same code succeeds."""
        world = make_world()
        turn(world, busy_times=2)
        code = confirmed(world).codes[0]

        errcodes = [trade(world, code).get("errcode") for _ in range(3)]

        assert errcodes == [-1, -1, None]

    def test_busy_may_consume_the_code(self) -> None:
        """The nastiest case: busy, and yet it was the code's one exchange."""
        world = make_world()
        turn(world, busy_times=1, consume_code_on_busy=True)
        code = confirmed(world).codes[0]

        errcodes = [trade(world, code)["errcode"] for _ in range(2)]

        assert errcodes == [-1, 40163]

    def test_busy_with_an_expired_code_consumes_nothing(self) -> None:
        """There is nothing left to consume."""
        world = make_world()
        turn(world, busy_times=1, consume_code_on_busy=True)
        code = confirmed(world).codes[0]
        world.advance(CODE_LIVES)

        assert trade(world, code)["errcode"] == -1

    @pytest.mark.parametrize("by", ["knob", "user"])
    def test_snapshot_user(self, by: str) -> None:
        """By lever or by nature; the client's reader sees the mark."""
        world = make_world(snapshot=by == "user")
        if by == "knob":
            turn(world, snapshot=True)

        answer = trade(world, confirmed(world).codes[0])

        assert answer["is_snapshotuser"] == 1

    def test_unionid_can_be_left_out(self) -> None:
        """As for an app that is bound to no platform account."""
        world = make_world()
        turn(world, omit_unionid=True)

        assert "unionid" not in trade(world, confirmed(world).codes[0])

    def test_change_for_the_next_calls_runs_out(self) -> None:
        """Two calls are hit, the third is not."""
        world = make_world()
        turn(world, next=2, fault=45011)
        code = confirmed(world).codes[0]

        errcodes = [trade(world, code).get("errcode") for _ in range(3)]

        assert errcodes == [45011, 45011, None]

    def test_change_for_one_app_spares_the_other(self) -> None:
        """And looking does not use it up."""
        board = KnobBoard()
        board.turn(KnobChange(values={"fault": -1}, appid="wxsim2", next=1))

        assert board.read("wxsim1").fault is None
        assert board.peek("wxsim2").fault == -1
        assert board.read("wxsim2").fault == -1
        assert board.read("wxsim2").fault is None

    def test_newest_change_wins(self) -> None:
        """Knob by knob; what it does not name stays."""
        board = KnobBoard()
        board.turn(KnobChange(values={"fault": -1, "snapshot": True}))
        board.turn(KnobChange(values={"fault": None}))

        knobs = board.read(None)

        assert (knobs.fault, knobs.snapshot) == (None, True)

    @pytest.mark.parametrize(
        "values", [{"falt": 1}, {"fault": "odd"}, {"busy_times": -1}, {"snapshot": 1}]
    )
    def test_unknown_knob_or_value_is_refused(
        self, values: dict[str, bool | int | str | None]
    ) -> None:
        """A lever that does nothing would make a test that cannot fail."""
        board = KnobBoard()

        with pytest.raises(msgspec.ValidationError):
            board.turn(KnobChange(values=values))
        assert board.read(None) == Knobs()


class TestWire:
    @pytest.mark.parametrize(
        "encoding",
        [
            "text_plain_nocharset",
            "utf8",
            "encoding_param",
            "gbk_bytes",
            "bom",
            "control_chars",
            "pua_emoji",
        ],
    )
    @pytest.mark.parametrize("zero", [True, False])
    def test_every_encoding_is_read(self, encoding: str, zero: bool) -> None:  # noqa: FBT001
        """The client reads the same identity and the same error in each."""
        world = make_world()
        turn(world, encoding=encoding, errcode_zero_on_success=zero)
        code = confirmed(world).codes[0]

        good, used = (
            wire(trade(world, code), world.knobs.peek(None), "rid-1234")
            for _ in range(2)
        )

        assert read_identity(good.content, "wxsim1") == Identity(
            appid="wxsim1",
            openid=openid_of("wxsim1", "li"),
            unionid=unionid_of("platform", "li"),
        )
        error = read_identity(used.content, "wxsim1")
        assert isinstance(error, RestartLogin)
        assert (error.errcode, error.rid) == (40163, "rid-1234")

    @pytest.mark.parametrize(
        ("encoding", "sign"),
        [
            ("bom", b"\xef\xbb\xbf{"),
            ("gbk_bytes", "成功".encode("gbk")),
            ("control_chars", b"\x01\x08\n"),
            ("pua_emoji", "\ue415".encode()),
        ],
    )
    def test_encoding_does_what_it_says(self, encoding: str, sign: bytes) -> None:
        """Otherwise the test above would prove nothing."""
        knobs = msgspec.convert({"encoding": encoding}, Knobs)

        assert sign in wire({"openid": "o1"}, knobs, "rid").content

    @pytest.mark.parametrize(
        ("suffix", "errmsg"),
        [
            ("none", "invalid code"),
            ("rid", "invalid code, rid: r-1"),
            ("hints", "invalid code, hints: [ req_id: r-1 ]"),
        ],
    )
    def test_suffix_of_the_message(self, suffix: str, errmsg: str) -> None:
        """Each form that was seen."""
        knobs = msgspec.convert({"errmsg_suffix": suffix}, Knobs)
        wired = wire({"errcode": 40029, "errmsg": "invalid code"}, knobs, "r-1")

        assert msgspec.json.decode(wired.content)["errmsg"] == errmsg


class TestTokens:
    def test_refresh_before_expiry_keeps_the_token(self) -> None:
        """It only lives longer; no unionid comes back."""
        world = make_world()
        first = trade(world, confirmed(world).codes[0])
        world.advance(TOKEN_LIVES - timedelta(seconds=1))

        second = self.refresh(world, first)
        world.advance(timedelta(seconds=2))

        assert second["access_token"] == first["access_token"]
        assert "unionid" not in second
        assert self.check(world, second)["errcode"] == 0

    def test_refresh_after_expiry_gives_a_new_token(self) -> None:
        """The old one is gone, the refresh token stays."""
        world = make_world()
        first = trade(world, confirmed(world).codes[0])
        world.advance(TOKEN_LIVES)
        assert self.check(world, first)["errcode"] == 42001

        second = self.refresh(world, first)

        assert second["refresh_token"] == first["refresh_token"]
        assert self.check(world, second)["errcode"] == 0
        assert self.check(world, first)["errcode"] == 40014

    def test_refresh_token_is_not_renewable(self) -> None:
        """Thirty days after the exchange it ends, however often it was used."""
        world = make_world()
        first = trade(world, confirmed(world).codes[0])
        world.advance(REFRESH_LIVES)

        assert self.refresh(world, first)["errcode"] == 42002

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"appid": ""}, 41002),
            ({"appid": "wxnone"}, 40013),
            ({"grant_type": "x"}, 40002),
            ({"refresh_token": ""}, 41003),
            ({"refresh_token": "invented"}, 40030),
            ({"appid": "wxsim2"}, 40030),
        ],
    )
    def test_refresh_checks(self, changes: dict[str, str], errcode: int) -> None:
        """It takes no secret, so the rest is checked with care."""
        world = make_world()
        first = trade(world, confirmed(world).codes[0])

        assert self.refresh(world, {**first, **changes})["errcode"] == errcode

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"access_token": ""}, 41001),
            ({"openid": ""}, 41009),
            ({"access_token": "invented"}, 40014),
            ({"openid": "oSomebodyElse"}, 40003),
        ],
    )
    def test_token_checks(self, changes: dict[str, str], errcode: int) -> None:
        """Token and openid must belong together, for a profile too."""
        world = make_world()
        query = {**trade(world, confirmed(world).codes[0]), **changes}

        assert self.check(world, query)["errcode"] == errcode
        assert profile(world, query, "GET", Knobs())["errcode"] == errcode

    def test_profile_has_no_demographics(self) -> None:
        """A name, a unionid, and empty fields."""
        world = make_world()
        answer = profile(world, trade(world, confirmed(world).codes[0]), "GET", Knobs())

        assert answer["nickname"] == "李雷"
        assert (answer["sex"], answer["city"], answer["headimgurl"]) == (0, "", "")

    @pytest.mark.parametrize("rules", [refresh_token, check_token, profile])
    def test_faults_and_method_come_first(self, rules: Rules) -> None:
        """On every endpoint."""
        world = make_world()

        assert rules(world, {}, "GET", Knobs(fault=45009))["errcode"] == 45009
        assert rules(world, {}, "POST", Knobs())["errcode"] == 43001

    @staticmethod
    def refresh(world: World, answer: Answer) -> Answer:
        """Refresh the tokens of an earlier answer."""
        query = {"appid": "wxsim1", "grant_type": "refresh_token", **answer}
        return refresh_token(world, query, "GET", Knobs())

    @staticmethod
    def check(world: World, answer: Answer) -> Answer:
        """Ask whether the tokens of an earlier answer live."""
        return check_token(world, answer, "GET", Knobs())
