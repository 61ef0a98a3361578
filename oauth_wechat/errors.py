"""WeChat's error codes as data, and the one place that makes them exceptions."""

import re
from enum import StrEnum
from typing import ClassVar, Final, Literal

import msgspec

Surface = Literal["sns", "cgi-bin"]

_RID: Final = re.compile(r"\b(?:rid|req_id):\s*([0-9A-Za-z_-]{4,64})", re.ASCII)


class Reaction(StrEnum):
    """What to do about an error; the letters are those of the error table."""

    RETRY = "R"
    RESTART_LOGIN = "L"
    CONFIGURATION = "C"
    QUOTA = "Q"
    USER_REFUSED = "U"


class Row(msgspec.Struct, frozen=True):
    """One error code: its name, and the reaction on each family of endpoints.

    ``sns`` counts for the log-in endpoints under ``/sns``, where a token is
    the user's and only a new log-in mends it; ``cgi_bin`` for those called
    with the app's own token, which the app can fetch anew.
    """

    errcode: int
    reason: str
    sns: Reaction
    cgi_bin: Reaction

    def reaction(self, surface: Surface) -> Reaction:
        """Return what to do when this code came from that family."""
        return self.sns if surface == "sns" else self.cgi_bin


def _rows() -> dict[int, Row]:
    r, login = Reaction.RETRY, Reaction.RESTART_LOGIN
    c, q, u = Reaction.CONFIGURATION, Reaction.QUOTA, Reaction.USER_REFUSED
    rows = (
        Row(-1, "busy", r, r),
        Row(40001, "credential_invalid", login, r),
        Row(40002, "grant_type_invalid", c, c),
        Row(40003, "openid_invalid", login, login),
        Row(40013, "appid_invalid", c, c),
        Row(40014, "access_token_invalid", login, r),
        Row(40029, "code_invalid", login, login),
        Row(40030, "refresh_token_invalid", login, login),
        Row(40125, "secret_invalid", c, c),
        Row(40163, "code_used", login, login),
        Row(40164, "ip_not_listed", c, c),
        Row(40226, "user_high_risk", u, u),
        Row(41001, "access_token_missing", c, c),
        Row(41002, "appid_missing", c, c),
        Row(41003, "refresh_token_missing", c, c),
        Row(41004, "secret_missing", c, c),
        Row(41008, "code_missing", c, c),
        Row(41009, "openid_missing", c, c),
        Row(42001, "access_token_expired", r, r),
        Row(42002, "refresh_token_expired", login, login),
        Row(42003, "code_expired", login, login),
        Row(42007, "password_changed", login, login),
        Row(43001, "get_required", c, c),
        Row(43002, "post_required", c, c),
        Row(43003, "https_required", c, c),
        Row(45009, "daily_quota", q, q),
        Row(45011, "minute_quota", q, q),
        Row(47001, "body_unreadable", c, c),
        # A snapshot user's token earns this too, but such a user is turned
        # away by the flag in the token response, before any further call.
        Row(48001, "scope_missing", c, c),
        Row(50001, "not_authorized_by_user", login, login),
        Row(50002, "user_restricted", u, u),
        Row(87008, "sig_method_invalid", c, c),
        Row(87009, "signature_invalid", login, login),
    )
    return {row.errcode: row for row in rows}


ROWS: Final = _rows()


class WeChatError(Exception):
    """Something between WeChat and a logged-in user went wrong.

    ``reason`` is a stable snake_case word, ``errcode`` WeChat's number where
    there was one, ``rid`` WeChat's request id for their support. Nothing else
    of the answer is kept: WeChat's own message may quote what was sent.
    ``retryable`` says whether the same call, unchanged, may be made again.
    """

    code: ClassVar[str] = "wechat_error"
    fix: ClassVar[str] = "restart_login"
    reaction: ClassVar[Reaction] = Reaction.RESTART_LOGIN
    advice: ClassVar[str] = "start the log-in again"

    def __init__(
        self,
        reason: str,
        errcode: int | None = None,
        rid: str | None = None,
        retryable: bool = False,  # noqa: FBT001, FBT002 - positional: pickled as args
    ) -> None:
        super().__init__(reason, errcode, rid, retryable)
        self.reason, self.errcode, self.rid = reason, errcode, rid
        self.retryable = retryable

    def __str__(self) -> str:
        number = "" if self.errcode is None else f" (errcode {self.errcode})"
        request = "" if self.rid is None else f", rid {self.rid}"
        return f"WeChat: {self.reason}{number}{request}; {self.advice}"


class WeChatUnavailable(WeChatError):
    """WeChat is busy, unreachable or answers in riddles (R).

    On a code exchange it is not retryable: the code may already be consumed,
    so trying later means a new log-in.
    """

    code = "wechat_unavailable"
    fix = "try_later"
    reaction = Reaction.RETRY
    advice = "try again later, or log in another way"


class RestartLogin(WeChatError):
    """The code, token or openid leads nowhere; a new log-in may (L)."""

    code = "wechat_restart_login"


class WeChatMisconfigured(WeChatError):
    """Only the operator can mend this: alert, never retry (C)."""

    code = "wechat_misconfigured"
    fix = "alert_operator"
    reaction = Reaction.CONFIGURATION
    advice = "check appid, secret and listed addresses on the open platform"


class WeChatRateLimited(WeChatError):
    """A quota is used up (Q).

    ``retry_after_s`` is 60 for the minute quota and None for the daily one,
    which ends when WeChat resets it.
    """

    code = "wechat_rate_limited"
    fix = "try_later"
    reaction = Reaction.QUOTA
    advice = "wait for the quota"

    @property
    def retry_after_s(self) -> int | None:
        """Seconds to wait at least; None means until the daily reset."""
        return 60 if self.reason == "minute_quota" else None


class UserBlocked(WeChatError):
    """WeChat holds this user back; another log-in method may serve them (U)."""

    code = "wechat_user_blocked"
    fix = "use_other_login"
    reaction = Reaction.USER_REFUSED
    advice = "offer another way to log in"


class SnapshotUser(WeChatError):
    """WeChat gave the identity of a visitor who only looks at a snapshot page.

    Such an openid is made up, so nobody is authenticated and nothing may be
    stored; the user has to choose "使用完整服务" (use the full service).
    """

    code = "wechat_snapshot_user"
    fix = "use_full_service"
    advice = "ask the user to choose 使用完整服务 (use the full service), then again"

    def __init__(
        self,
        reason: str = "snapshot_user",
        errcode: int | None = None,
        rid: str | None = None,
        retryable: bool = False,  # noqa: FBT001, FBT002 - positional: pickled as args
    ) -> None:
        super().__init__(reason, errcode, rid, retryable)


_CLASSES: Final[dict[Reaction, type[WeChatError]]] = {
    Reaction.RETRY: WeChatUnavailable,
    Reaction.RESTART_LOGIN: RestartLogin,
    Reaction.CONFIGURATION: WeChatMisconfigured,
    Reaction.QUOTA: WeChatRateLimited,
    Reaction.USER_REFUSED: UserBlocked,
}


def error_for(
    errcode: int, errmsg: object = None, surface: Surface = "sns"
) -> WeChatError:
    """Return the error for one errcode; ``errmsg`` is only searched for a rid.

    The message never decides anything: its wording and its suffixes change.
    A code that is not in `ROWS` restarts the log-in, which is always safe.

    Raises ValueError for 0, which is no error.
    """
    if errcode == 0:
        raise ValueError("errcode 0 means success; there is no error to make")
    found = _RID.search(errmsg) if isinstance(errmsg, str) else None
    rid = found[1] if found else None
    row = ROWS.get(errcode)
    if row is None:
        return RestartLogin("unknown_errcode", errcode, rid)
    reaction = row.reaction(surface)
    again = reaction is Reaction.RETRY or row.reason == "minute_quota"
    return _CLASSES[reaction](row.reason, errcode, rid, again)
