"""WeChat log-in: authorization URL, callback, code exchange, errors, identity."""

from oauth_wechat.apps import Channel, WeChatApp
from oauth_wechat.authorize import (
    LOGIN_LIVES,
    Language,
    authorize_url,
    is_state,
    new_state,
)
from oauth_wechat.callback import (
    Callback,
    Code,
    Malformed,
    MalformedReason,
    Refusal,
    Refused,
    read_callback,
)
from oauth_wechat.errors import (
    ROWS,
    Reaction,
    RestartLogin,
    Row,
    SnapshotUser,
    Surface,
    UserBlocked,
    WeChatError,
    WeChatMisconfigured,
    WeChatRateLimited,
    WeChatUnavailable,
    error_for,
)
from oauth_wechat.exchange import Sleep, exchange
from oauth_wechat.identity import Identity, read_identity
from oauth_wechat.secret import Secret

__all__ = [
    "LOGIN_LIVES",
    "ROWS",
    "Callback",
    "Channel",
    "Code",
    "Identity",
    "Language",
    "Malformed",
    "MalformedReason",
    "Reaction",
    "Refusal",
    "Refused",
    "RestartLogin",
    "Row",
    "Secret",
    "Sleep",
    "SnapshotUser",
    "Surface",
    "UserBlocked",
    "WeChatApp",
    "WeChatError",
    "WeChatMisconfigured",
    "WeChatRateLimited",
    "WeChatUnavailable",
    "authorize_url",
    "error_for",
    "exchange",
    "is_state",
    "new_state",
    "read_callback",
    "read_identity",
]
