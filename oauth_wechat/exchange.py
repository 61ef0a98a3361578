"""One code for one identity: the only call to WeChat that a log-in needs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeGuard
from urllib.parse import urlencode

import httpx2

from oauth_wechat.apps import WeChatApp
from oauth_wechat.errors import (
    RestartLogin,
    SnapshotUser,
    WeChatError,
    WeChatUnavailable,
)
from oauth_wechat.identity import Identity, read_identity
from oauth_wechat.secret import Secret

Sleep = Callable[[float], Awaitable[None]]

_BUSY: Final = -1
_PAUSE_S: Final = 0.5  # before the one retry; a user is waiting at the browser


class _QuietURL(httpx2.URL):
    """A URL that goes out whole and prints without its query.

    The query holds the app secret and the code, and httpx2 logs every URL at
    level INFO and keeps it on requests and exceptions.
    """

    def __str__(self) -> str:
        return str(self.copy_with(query=None))

    def __repr__(self) -> str:
        return f"URL({str(self)!r})"


async def exchange(
    app: WeChatApp,
    code: Secret,
    *,
    client: httpx2.AsyncClient,
    sleep: Sleep = asyncio.sleep,
) -> Identity:
    """Trade a code for the identity behind it; both tokens are dropped.

    Call it once per state, after the state was consumed: a code buys one
    exchange. "System busy" is retried once with the same code. A timeout, an
    HTTP error or an unreadable body is not, because the code may be consumed
    by then. No profile is fetched. The client brings timeouts and limits.

    Raises a `WeChatError`: `SnapshotUser` for a made-up identity, otherwise
    the class of the error table.
    """
    outcome = await _ask(app, code, client)
    if _is_busy(outcome):
        await sleep(_PAUSE_S)
        outcome = await _ask(app, code, client)
        if _is_busy(outcome):
            raise RestartLogin(outcome.reason, outcome.errcode, outcome.rid)
    if isinstance(outcome, WeChatError):
        raise outcome
    if outcome.snapshot:
        raise SnapshotUser
    return outcome


def _is_busy(outcome: Identity | WeChatError) -> TypeGuard[WeChatError]:
    return isinstance(outcome, WeChatError) and outcome.errcode == _BUSY


async def _ask(
    app: WeChatApp, code: Secret, client: httpx2.AsyncClient
) -> Identity | WeChatError:
    """Make the call once; return what became of it.

    Foreign exceptions end here: they carry the request, and with it the
    secret, so not even their context is kept.
    """
    request = client.build_request(
        "GET", f"{app.api_base}/sns/oauth2/access_token", headers={"Accept": "*/*"}
    )
    query = urlencode(
        [
            ("appid", app.appid),
            ("secret", app.secret.reveal()),
            ("code", code.reveal()),
            ("grant_type", "authorization_code"),
        ]
    )
    request.url = _QuietURL(request.url.copy_with(query=query.encode()))
    del query  # a traceback with locals would show it
    try:
        # A redirect would carry the secret to another host.
        response = await client.send(request, follow_redirects=False)
    except (httpx2.RequestError, httpx2.InvalidURL, httpx2.StreamError) as error:
        return WeChatUnavailable(type(error).__name__)
    if response.status_code != httpx2.codes.OK:
        return WeChatUnavailable(f"http_{response.status_code}")
    return read_identity(response.content, app.appid)
