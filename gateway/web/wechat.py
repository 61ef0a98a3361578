"""Log-in through WeChat: to its page with a state, and back with a code or a no."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from gateway import directory
from gateway.problems import not_found
from gateway.services import Services
from gateway.tokens import digest
from gateway.web import attempts, sessions
from gateway.web.attempts import FAILED, REFUSED, SIGNED_IN, Attempt
from gateway.web.forms import accept_form
from gateway.web.login import after_sign_in, next_path, waiting_in, with_request
from gateway.web.pages import locale_of, message_page, redirect, with_flash
from gateway.web.sessions import WebSession
from gateway.web.visits import give_cookie
from oauth_wechat import (
    Code,
    Language,
    Malformed,
    Reaction,
    Refused,
    Secret,
    WeChatApp,
    WeChatError,
    authorize_url,
    exchange,
    new_state,
    read_callback,
)
from permissions.acts import Actor
from permissions.store.transaction import Transaction

log = structlog.get_logger("gateway")

AnyRequest = Request[Any, Any, Any]

_KNOWN_BY: Final = "wechat"
_PARAMETERS: Final = 20
_WAIT_S: Final = 6.0  # an exchange takes five seconds at most
_LOOK_S: Final = 0.05
_GATEWAY: Final = Actor(kind="gateway", id="gateway")


def wechat_app(services: Services, name: str) -> WeChatApp:
    """Return a configured app; raises Problem 404 for a name that is none."""
    wechat = services.settings.wechat
    found = wechat.apps.get(name)
    if found is None:
        raise not_found()
    return WeChatApp(
        channel=found.channel,
        name=name,
        appid=found.appid,
        secret=Secret(found.secret),
        open_base=wechat.open_base,
        api_base=wechat.api_base,
    )


@post("/login/wechat/{app:str}", include_in_schema=False)
async def start(
    app: FromPath[str],
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
) -> Redirect:
    """Send the browser to WeChat with a state that only it can bring back."""
    wechat = wechat_app(services, app)
    (waiting,) = await accept_form(
        request, services, session, "wechat", app, fields=("request",)
    )
    if session.subject is None and session.notice is None:
        return redirect(with_request("/notice", waiting))
    state = new_state(services.random)
    await services.store.write(
        lambda tx: attempts.begin(
            tx, session, state, app=app, next_path=next_path(waiting)
        )
    )
    callback = f"{services.settings.issuer}/login/wechat/{app}/callback"
    lang: Language = "en" if locale_of(request, services, session) == "en" else "cn"
    return redirect(authorize_url(wechat, callback, state, lang))


@get("/login/wechat/{app:str}/callback", include_in_schema=False)
async def callback(
    app: FromPath[str],
    request: AnyRequest,
    services: NamedDependency[Services],
    session: NamedDependency[WebSession],
) -> Redirect | Template:
    """Take what the browser brings back from WeChat; a second time like the first."""
    wechat_app(services, app)  # an unknown app has no callback either
    answer = read_callback(_parameters(request))
    if isinstance(answer, Malformed):
        return _stop(request, services, session, "stale")
    sha256 = digest(answer.state)
    attempt = services.store.near(lambda near: attempts.find(near, sha256))
    if attempt is None or attempt.app != app or services.clock() >= attempt.expires_at:
        return _stop(request, services, session, "stale")
    if attempt.browser != session.browser:
        # A QR code shown to one person and scanned by another ends here.
        return _stop(request, services, session, "other_browser")
    outcome = REFUSED if isinstance(answer, Refused) else None
    if await services.store.write(lambda tx: attempts.consume(tx, attempt, outcome)):
        if isinstance(answer, Code):
            return await _log_in(request, services, session, attempt, answer.code)
        # All that is kept of a refusal is that there was one (R38).
        log.info("wechat_login_refused", app=app, reason=answer.shape)
        return _refused(services, session, attempt)
    return await _again(request, services, session, attempt)


def _parameters(request: AnyRequest) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            request.scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_PARAMETERS,
        )
    except ValueError:
        return []


async def _log_in(
    request: AnyRequest,
    services: Services,
    session: WebSession,
    attempt: Attempt,
    code: Secret,
) -> Redirect | Template:
    wechat = wechat_app(services, attempt.app)
    try:
        identity = await exchange(wechat, code, client=services.http)
    except WeChatError as error:
        reason = _REASONS[error.reaction]
        log.warning("wechat_login_failed", app=wechat.name, code=error.code)
        await services.store.write(
            lambda tx: attempts.conclude(tx, attempt, f"{FAILED}:{reason}")
        )
        return _stop(request, services, session, reason)

    def work(tx: Transaction) -> tuple[str, str]:
        entry = directory.wechat(services.keys, identity.appid, identity.openid)
        subject, _ = directory.find_or_register(tx, entry, _GATEWAY)
        attempts.conclude(tx, attempt, f"{SIGNED_IN}:{subject}")
        secret, _ = sessions.sign_in(tx, session, subject, _KNOWN_BY)
        return subject, secret

    subject, secret = await services.store.write(work)
    give_cookie(request, services, secret)
    return redirect(after_sign_in(services, subject, attempt.next))


async def _again(
    request: AnyRequest, services: Services, session: WebSession, attempt: Attempt
) -> Redirect | Template:
    """Give a repeated callback the first one's outcome, without a new exchange.

    Browsers and WeChat repeat callbacks, and the browser then drops the first
    answer, cookie included: so the same browser is signed in here as well.
    """
    ended = await _outcome(services, attempt)
    word, _, about = (ended.outcome or "").partition(":")
    if word == REFUSED:
        return _refused(services, session, attempt)
    if word == FAILED:
        return _stop(request, services, session, about)
    subject = ended.subject
    if subject is None:
        return _stop(request, services, session, "stale")
    if session.subject is None:
        secret, _ = await services.store.write(
            lambda tx: sessions.sign_in(tx, session, subject, _KNOWN_BY)
        )
        give_cookie(request, services, secret)
    return redirect(after_sign_in(services, subject, attempt.next))


async def _outcome(services: Services, attempt: Attempt) -> Attempt:
    """Wait for the first callback of an attempt to end; bounded."""
    ended = attempt
    try:
        async with asyncio.timeout(_WAIT_S):
            while ended.outcome is None and services.clock() < attempt.expires_at:
                ended = (
                    services.store.near(
                        lambda near: attempts.find(near, attempt.sha256)
                    )
                    or attempt
                )
                if ended.outcome is None:
                    await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        return attempt
    return ended


def _refused(services: Services, session: WebSession, attempt: Attempt) -> Redirect:
    path = with_request("/login", waiting_in(attempt.next))
    return redirect(with_flash(services.keys, session, path, "wechat_cancelled"))


def _stop(
    request: AnyRequest, services: Services, session: WebSession, reason: str
) -> Template:
    status = {"unavailable": 503, "other_browser": 403, "held_back": 403}
    return message_page(
        request,
        services,
        session,
        reason,
        status=status.get(reason, 400),
        onward="/login",
    )


_REASONS: Final = {
    Reaction.RETRY: "unavailable",
    Reaction.RESTART_LOGIN: "stale",
    Reaction.CONFIGURATION: "unavailable",
    Reaction.QUOTA: "unavailable",
    Reaction.USER_REFUSED: "held_back",
}
