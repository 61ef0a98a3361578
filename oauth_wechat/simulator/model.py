"""Who exists in the simulated WeChat, and the identifiers they get."""

import base64
import hashlib
from typing import Literal

import msgspec

AppKind = Literal["web"]


class SimulatedApp(msgspec.Struct, frozen=True, kw_only=True):
    """An application as WeChat would have it registered.

    ``domains`` are host names without port; a redirect must name one of them
    exactly. Apps with one ``platform_account`` share their users' unionids.
    """

    appid: str
    secret: str
    name: str
    domains: tuple[str, ...]
    kind: AppKind = "web"
    platform_account: str = "platform"

    def __repr__(self) -> str:
        return f"SimulatedApp(appid={self.appid!r}, name={self.name!r})"


class SimulatedUser(msgspec.Struct, frozen=True, kw_only=True):
    """A WeChat user; ``risk`` earns 40226, ``snapshot`` a made-up identity."""

    id: str
    nickname: str
    risk: bool = False
    snapshot: bool = False


def openid_of(appid: str, user: str) -> str:
    """Return the user's openid in one app: 'o' and 27 characters."""
    return "o" + _digest("openid", appid, user)


def unionid_of(platform_account: str, user: str) -> str:
    """Return the user's unionid across one platform account's apps."""
    return "u" + _digest("unionid", platform_account, user)


def _digest(*parts: str) -> str:
    # The parts are joined by a character that no id contains, so that two
    # different pairs never hash alike.
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:27]
