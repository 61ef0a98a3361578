"""Who WeChat says the browser belongs to, read from the token response."""

import codecs
import json
import re
from typing import Annotated, Any, Final

import msgspec

from oauth_wechat.errors import WeChatError, WeChatUnavailable, error_for

_MOST_BYTES: Final = 64 * 1024  # a token response has under 1 KiB


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A WeChat account, as one application sees it.

    The key of an account is (``appid``, ``openid``): an openid means nothing
    in another app. ``unionid`` joins apps of one open-platform account and is
    often absent; the one never stands in for the other. ``snapshot`` marks a
    made-up identity. It says that this browser holds a WeChat account, and
    nothing about a real name.
    """

    appid: str
    openid: str
    unionid: str | None = None
    snapshot: bool = False

    def __repr__(self) -> str:
        union = "None" if self.unionid is None else "•••"
        return (
            f"Identity(appid={self.appid!r}, openid=•••, unionid={union}, "
            f"snapshot={self.snapshot})"
        )


_Identifier = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{1,128}\Z")]


class _TokenResponse(msgspec.Struct):
    """The fields we read; both tokens are left unread, so they end here."""

    openid: _Identifier
    unionid: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{0,128}\Z")] | None = (
        None
    )
    is_snapshotuser: bool | int | str | None = None


def read_identity(content: bytes, appid: str) -> Identity | WeChatError:
    """Read the body of a token response; the content type is not consulted.

    WeChat labels JSON as ``text/plain``, names no charset or a wrong one, and
    reports errors inside HTTP 200. So: an ``errcode`` other than 0 decides,
    whatever else the body holds; a body that cannot be read, or that names no
    openid, is `WeChatUnavailable`. The error is returned, not raised, so that
    no traceback holds a frame in which the tokens are still at hand.
    """
    answer = _read_object(content)
    if answer is None:
        return WeChatUnavailable("unreadable_body")
    errcode = _errcode(answer.get("errcode", 0))
    if errcode is None:
        return WeChatUnavailable("unreadable_errcode")
    if errcode != 0:
        return error_for(errcode, answer.get("errmsg"))
    try:
        tokens = msgspec.convert(answer, _TokenResponse)
    except msgspec.ValidationError:  # its message may quote the value: dropped
        return WeChatUnavailable("unreadable_identity")
    return Identity(
        appid=appid,
        openid=tokens.openid,
        unionid=tokens.unionid or None,
        # Any mark but a plain "no" counts: better to turn a user away than to
        # keep an identity that was made up.
        snapshot=tokens.is_snapshotuser not in {None, 0, "0", ""},
    )


def _read_object(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object in the body, None when there is none.

    Tolerates a byte order mark, GBK bytes and raw control characters, all of
    which were seen in nicknames. msgspec is strict here on purpose, hence the
    standard parser.
    """
    if len(content) > _MOST_BYTES:
        return None
    text = _decode(content.removeprefix(codecs.BOM_UTF8))
    try:
        parsed = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _decode(content: bytes) -> str:
    """Decode as UTF-8, else GBK, else with replacement; never fail.

    GBK before replacement: its second bytes include the backslash, which
    would otherwise eat a quotation mark.
    """
    for encoding in ("utf-8", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-8", "replace")


_NUMBER: Final = re.compile(r"-?[0-9]{1,9}", re.ASCII)


def _errcode(value: object) -> int | None:
    """Return the number, also when it came as text; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value)
    return None
