"""Where a browser is sent to log in, and the state that must come back."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from oauth_wechat.apps import WeChatApp

Language = Literal["cn", "en"]

# WeChat often says nothing when a user refuses, so time must end the attempt.
LOGIN_LIVES: Final = timedelta(minutes=10)

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_STATE_BYTES: Final = 16  # 128 bits
_STATE_CHARACTERS: Final = 22  # 62**22 > 2**128 > 62**21
_STATE: Final = re.compile(r"[0-9A-Za-z]{22,64}", re.ASCII)


def new_state(random: Callable[[int], bytes]) -> str:
    """Return an unguessable state: 128 bits as 22 base62 characters.

    ``random`` gives n random bytes, such as `secrets.token_bytes`. Only
    letters and digits, at most 64, because H5 links are checked by pattern
    and refused past 128 bytes.
    """
    number = int.from_bytes(random(_STATE_BYTES), "big")
    digits = []
    for _ in range(_STATE_CHARACTERS):
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))


def is_state(text: str) -> bool:
    """Say whether the text has the form of a state; ours are 22 characters."""
    return _STATE.fullmatch(text) is not None


def authorize_url(
    app: WeChatApp, redirect_uri: str, state: str, lang: Language | None = None
) -> str:
    """Return the URL of WeChat's QR page for one log-in.

    Built by hand: WeChat documents the order of the parameters and the
    fragment, and other channels reject a link with any other order, while
    OAuth libraries put ``response_type`` first and say ``client_id``.

    Raises ValueError for a relative redirect_uri or one with a fragment, since
    WeChat has been seen to insert ``?code=`` before the fragment; and for a
    state that `new_state` did not make.
    """
    target = urlsplit(redirect_uri)
    if target.scheme not in {"http", "https"} or not target.hostname:
        raise ValueError("redirect_uri must be an absolute http(s) URL")
    if "#" in redirect_uri:
        raise ValueError("redirect_uri must not have a fragment; WeChat breaks it")
    if not is_state(state):
        raise ValueError("state must be 22 to 64 base62 characters; use new_state")
    parameters = [
        ("appid", app.appid),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("scope", "snsapi_login"),
        ("state", state),
    ]
    if lang is not None:
        parameters.append(("lang", lang))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters)
    return f"{app.open_base}/connect/qrconnect?{query}#wechat_redirect"
