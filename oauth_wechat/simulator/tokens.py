"""The rules of the API under ``/sns``: what is checked, in which order."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from oauth_wechat.simulator.attempt import Status, Trigger
from oauth_wechat.simulator.knobs import Knobs
from oauth_wechat.simulator.model import (
    SimulatedApp,
    SimulatedUser,
    openid_of,
    unionid_of,
)
from oauth_wechat.simulator.world import Attempt, Token, World

TOKEN_LIVES: Final = timedelta(seconds=7200)
REFRESH_LIVES: Final = timedelta(days=30)

_MESSAGES: Final = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40030: "invalid refresh_token",
    40125: "invalid appsecret",
    40163: "code been used",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41003: "refresh_token missing",
    41004: "appsecret missing",
    41008: "missing code",
    41009: "missing openid",
    42001: "access_token expired",
    42002: "refresh_token expired",
    43001: "require GET method",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    48001: "api unauthorized",
}

Answer = dict[str, Any]


def refusal(errcode: int) -> Answer:
    """Return the body WeChat sends for an errcode, without suffix."""
    return {"errcode": errcode, "errmsg": _MESSAGES.get(errcode, "error")}


def exchange_code(
    world: World, query: Mapping[str, str], method: str, knobs: Knobs
) -> Answer:
    """Answer ``/sns/oauth2/access_token``.

    The order of the checks: faults, method, appid, secret, grant type, code,
    risk. WeChat's own order is unknown.
    """
    appid = query.get("appid")
    if isinstance(knobs.fault, int):
        return refusal(knobs.fault)
    if knobs.busy_times and world.knobs.take_busy(appid):
        if knobs.consume_code_on_busy:
            _consume(world, query.get("code", ""))
        return refusal(-1)
    app = _checked_app(world, query, method)
    if isinstance(app, int):
        return refusal(app)
    if query.get("grant_type") != "authorization_code":
        return refusal(40002)
    attempt = _checked_code(world, query, app, knobs)
    if isinstance(attempt, int):
        return refusal(attempt)
    user = world.users.get(attempt.user)
    if user is None:
        return refusal(40029)
    if user.risk:
        return refusal(40226)
    _consume(world, query["code"])
    token = _new_token(world, app, user)
    answer = _token_body(token)
    if not knobs.omit_unionid:
        answer["unionid"] = unionid_of(app.platform_account, user.id)
    if knobs.snapshot or user.snapshot:
        answer["is_snapshotuser"] = 1
    return answer


def refresh_token(
    world: World, query: Mapping[str, str], method: str, knobs: Knobs
) -> Answer:
    """Answer ``/sns/oauth2/refresh_token``; it takes no secret.

    Before expiry the access token stays and lives longer, after it there is a
    new one; the refresh token itself is never renewed.
    """
    if isinstance(knobs.fault, int):
        return refusal(knobs.fault)
    if method != "GET":
        return refusal(43001)
    appid = query.get("appid")
    if not appid:
        return refusal(41002)
    if appid not in world.apps:
        return refusal(40013)
    if query.get("grant_type") != "refresh_token":
        return refusal(40002)
    wanted = query.get("refresh_token")
    if not wanted:
        return refusal(41003)
    now = world.now()
    token = next(
        (each for each in world.tokens.values() if each.refresh_token == wanted), None
    )
    if token is None or token.app.appid != appid:
        return refusal(40030)
    if now >= token.refresh_ends_at:
        return refusal(42002)
    if now >= token.expires_at:
        del world.tokens[token.access_token]
        token.access_token = world.text(64)
        world.tokens[token.access_token] = token
    token.expires_at = now + TOKEN_LIVES
    return _token_body(token)


def check_token(
    world: World, query: Mapping[str, str], method: str, knobs: Knobs
) -> Answer:
    """Answer ``/sns/auth``: whether the token lives and is this user's."""
    if isinstance(knobs.fault, int):
        return refusal(knobs.fault)
    token = _checked_token(world, query, method)
    if isinstance(token, int):
        return refusal(token)
    return {"errcode": 0, "errmsg": "ok"}


def profile(
    world: World, query: Mapping[str, str], method: str, knobs: Knobs
) -> Answer:
    """Answer ``/sns/userinfo``, as empty of demographics as the real one.

    The gateway never calls it; it exists so that a test can see that.
    """
    if isinstance(knobs.fault, int):
        return refusal(knobs.fault)
    token = _checked_token(world, query, method)
    if isinstance(token, int):
        return refusal(token)
    user = world.users[token.user]
    return {
        "openid": token.openid,
        "nickname": user.nickname,
        "sex": 0,
        "province": "",
        "city": "",
        "country": "",
        "headimgurl": "",
        "privilege": [],
        "unionid": unionid_of(token.app.platform_account, user.id),
    }


def _checked_app(
    world: World, query: Mapping[str, str], method: str
) -> SimulatedApp | int:
    if method != "GET":
        return 43001
    appid = query.get("appid")
    if not appid:
        return 41002
    app = world.apps.get(appid)
    if app is None:
        return 40013
    secret = query.get("secret")
    if not secret:
        return 41004
    return app if secret == app.secret else 40125


def _checked_code(
    world: World, query: Mapping[str, str], app: SimulatedApp, knobs: Knobs
) -> Attempt | int:
    code = query.get("code")
    if not code:
        return 41008
    if knobs.code == "used":
        return 40163
    if knobs.code != "ok":  # expired, foreign_app
        return 40029
    known = world.codes.get(code)
    if known is None or known.app.appid != app.appid:
        return 40029
    attempt = world.attempt(known.uuid)
    if attempt is None or attempt.status is Status.CODE_EXPIRED:
        return 40029
    if code not in attempt.codes:
        return 40163
    return attempt


def _consume(world: World, code: str) -> None:
    """Use the code up; with its last code, the attempt is redeemed."""
    known = world.codes.get(code)
    attempt = known and world.attempt(known.uuid)
    if (
        attempt is None
        or attempt.status is not Status.CONFIRMED
        or code not in attempt.codes
    ):
        return
    attempt.codes.remove(code)
    if not attempt.codes:
        world.step(attempt, Trigger.REDEEM)


def _new_token(world: World, app: SimulatedApp, user: SimulatedUser) -> Token:
    now = world.now()
    token = Token(
        app=app,
        user=user.id,
        openid=openid_of(app.appid, user.id),
        access_token=world.text(64),
        refresh_token=world.text(64),
        expires_at=now + TOKEN_LIVES,
        refresh_ends_at=now + REFRESH_LIVES,
    )
    world.tokens[token.access_token] = token
    return token


def _token_body(token: Token) -> Answer:
    return {
        "access_token": token.access_token,
        "expires_in": int(TOKEN_LIVES.total_seconds()),
        "refresh_token": token.refresh_token,
        "openid": token.openid,
        "scope": "snsapi_login",
    }


def _checked_token(world: World, query: Mapping[str, str], method: str) -> Token | int:
    if method != "GET":
        return 43001
    wanted, openid = query.get("access_token"), query.get("openid")
    if not wanted:
        return 41001
    if not openid:
        return 41009
    token = world.tokens.get(wanted)
    if token is None:
        return 40014
    if token.openid != openid:
        return 40003
    return 42001 if world.now() >= token.expires_at else token
