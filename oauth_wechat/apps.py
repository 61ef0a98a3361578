"""What the operator registered at WeChat: one entry per application."""

from typing import Literal
from urllib.parse import urlsplit

import msgspec

from oauth_wechat.secret import Secret

Channel = Literal["website"]


class WeChatApp(msgspec.Struct, frozen=True, kw_only=True):
    """One WeChat application and the two hosts it talks to.

    ``name`` is ours and appears in paths; ``appid`` is WeChat's. ``open_base``
    serves the pages a browser sees, ``api_base`` the server-to-server calls;
    both are base URLs without a trailing slash, so that a simulator can stand
    in for either.

    Raises ValueError for a base that is not an http(s) URL, or that carries a
    query or a fragment: appended paths would then change their meaning.
    """

    channel: Channel = "website"
    name: str
    appid: str
    secret: Secret
    open_base: str = "https://open.weixin.qq.com"
    api_base: str = "https://api.weixin.qq.com"

    def __post_init__(self) -> None:
        for field, base in (("open_base", self.open_base), ("api_base", self.api_base)):
            parts = urlsplit(base)
            if (
                parts.scheme not in {"http", "https"}
                or not parts.hostname
                or parts.query
                or parts.fragment
                or base.endswith("/")
            ):
                raise ValueError(
                    f"{field} of WeChat app {self.name!r} must be an http(s) URL "
                    "without trailing slash, query or fragment"
                )
