"""The pages under ``/connect``: the QR code, the phone, the poll."""

import io
from typing import Annotated, Literal
from urllib.parse import urlencode, urlsplit

import msgspec
import segno
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from oauth_wechat.simulator.attempt import POLL, NotPossible, Status, Trigger, can
from oauth_wechat.simulator.knobs import DenyStyle
from oauth_wechat.simulator.texts import BANNER, TEXTS
from oauth_wechat.simulator.world import Attempt, World

_MOST_STATE = 128
_TRIGGERS = tuple(Trigger[name] for name in ("SCAN", "ALLOW", "DISALLOW", "CANCEL"))


Page = Template | Redirect


class Press(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A button pressed on the QR page or on the phone."""

    uuid: str
    action: Literal["scan", "allow", "disallow", "cancel", "expire", "refresh"]
    user: str | None = None
    deny_style: DenyStyle | None = None


@get("/connect/qrconnect")
async def show_qr(
    request: Request[object, object, State], world: NamedDependency[World]
) -> Page:
    """Open an attempt and show its QR code; with ``uuid``, show one again.

    The knob ``user_action`` can play the user, who then answers at once.
    """
    pairs = list(request.query_params.multi_items())
    query = dict(pairs)
    lang = "en" if query.get("lang") == "en" else "cn"
    if "uuid" in query:
        return _qr_page(_known(world, query["uuid"]), world)
    refusal = _refusal(world, pairs)
    appid = query.get("appid")
    world.record("GET", "/connect/qrconnect", appid, refusal or "shown")
    if refusal is not None:
        return _page("error.html.j2", lang, {"reason": refusal}, status=400)
    knobs = world.knobs.read(appid)
    attempt = world.open(
        world.apps[query["appid"]],
        query["redirect_uri"],
        query.get("state", ""),
        lang,
        knobs,
    )
    match knobs.user_action:
        case "allow":
            world.step(attempt, Trigger.SCAN)
            world.step(attempt, Trigger.ALLOW)
        case "cancel":
            world.step(attempt, Trigger.CANCEL)
        case "disallow":
            world.step(attempt, Trigger.SCAN)
            world.step(attempt, Trigger.DISALLOW)
        case "manual" | "ignore":
            pass
    if attempt.callbacks:
        return _see_other(attempt.callbacks[0])
    return _qr_page(attempt, world)


@post("/connect/qrconnect", status_code=HTTP_303_SEE_OTHER)
async def press_on_qr_page(
    data: URLEncodedBody[Press], world: NamedDependency[World]
) -> Page:
    """Do what the button says and move the browser as WeChat would.

    Allowed, or refused in a style with a callback: to the site. Otherwise back
    to the page; a refusal without callback leaves the user there.
    """
    attempt = _known(world, data.uuid)
    if data.action == "refresh":
        attempt = world.open(
            attempt.app,
            attempt.redirect_uri,
            attempt.state,
            attempt.lang,
            attempt.knobs,
        )
        return _see_other(_own("qrconnect", attempt))
    try:
        _press(world, "/connect/qrconnect", attempt, data)
    except NotPossible:
        return _qr_page(attempt, world, status=409)
    if attempt.callbacks:
        return _see_other(attempt.callbacks[0])
    return _see_other(_own("qrconnect", attempt))


@get("/connect/confirm")
async def show_phone(uuid: FromQuery[str], world: NamedDependency[World]) -> Page:
    """Show the phone's page; looking at it changes nothing."""
    return _phone_page(_known(world, uuid), world)


@post("/connect/confirm", status_code=HTTP_303_SEE_OTHER)
async def press_on_phone(
    data: URLEncodedBody[Press], world: NamedDependency[World]
) -> Page:
    """Do what the button says and acknowledge; the QR page moves by its poll."""
    attempt = _known(world, data.uuid)
    if data.action == "refresh":
        raise ValidationException("a phone cannot refresh the QR code")
    try:
        _press(world, "/connect/confirm", attempt, data)
    except NotPossible:
        return _phone_page(attempt, world, status=409)
    return _see_other(_own("confirm", attempt))


@get("/connect/qrcode/{uuid:str}")
async def draw_qr(
    request: Request[object, object, State],
    uuid: FromPath[str],
    world: NamedDependency[World],
) -> Response[bytes]:
    """Draw the QR code: the address of the phone's page."""
    attempt = _known(world, uuid)
    base = str(request.base_url).rstrip("/")
    drawing = io.BytesIO()
    segno.make_qr(f"{base}/connect/{_own('confirm', attempt)}").save(
        drawing, kind="svg", scale=6, border=4, light="#fff"
    )
    return Response(drawing.getvalue(), media_type="image/svg+xml")


@get("/connect/l/qrconnect")
async def poll(uuid: FromQuery[str], world: NamedDependency[World]) -> Response[str]:
    """Answer the QR page's poll at once, in WeChat's form.

    The header ``Simulator-Callbacks`` says how many callbacks wait at
    ``/connect/landing``: the real page builds them itself.
    """
    attempt = world.attempt(uuid)
    number = 402 if attempt is None else POLL[attempt.status]
    confirmed = attempt is not None and attempt.status is Status.CONFIRMED
    code = attempt.codes[0] if attempt is not None and confirmed else ""
    return Response(
        f"window.wx_errcode={number};window.wx_code='{code}';",
        media_type="text/javascript",
        headers={
            "Simulator-Callbacks": str(0 if attempt is None else len(attempt.callbacks))
        },
    )


@get("/connect/landing")
async def land(
    uuid: FromQuery[str],
    world: NamedDependency[World],
    number: Annotated[int, QueryParameter(name="n", ge=0, le=1)] = 0,
) -> Page:
    """Send the browser to the n-th callback, or back to the page without one."""
    attempt = _known(world, uuid)
    if number < len(attempt.callbacks):
        return _see_other(attempt.callbacks[number])
    return _see_other(_own("qrconnect", attempt))


def _known(world: World, uuid: str) -> Attempt:
    attempt = world.attempt(uuid)
    if attempt is None:
        raise NotFoundException("no such attempt; open the log-in again")
    return attempt


def _refusal(world: World, pairs: list[tuple[str, str]]) -> str | None:
    """Return why the link cannot be opened, None when it can."""
    query = dict(pairs)
    app = world.apps.get(query.get("appid", ""))
    if len(query) != len(pairs):
        return "repeated_parameter"
    if app is None:
        return "appid_unknown"
    if _host(query.get("redirect_uri", "")) not in app.domains:
        return "domain_mismatch"
    if query.get("response_type") != "code":
        return "response_type_unknown"
    if query.get("scope") != "snsapi_login":
        return "scope_unknown"
    if len(query.get("state", "")) > _MOST_STATE:
        return "state_too_long"
    return None


def _host(redirect_uri: str) -> str | None:
    """Return the host of an http(s) URL, None for anything else."""
    try:
        target = urlsplit(redirect_uri)
        _ = target.port  # raises for a port that is no number
    except ValueError:
        return None
    return target.hostname if target.scheme in {"http", "https"} else None


def _press(world: World, path: str, attempt: Attempt, press: Press) -> None:
    """Let the chosen user press; raises NotPossible for a step out of turn."""
    if press.user is not None:
        if press.user not in world.users:
            raise ValidationException("no such user; see /sim/users")
        attempt.user = press.user
    if press.deny_style is not None:
        attempt.deny_style = press.deny_style
    trigger = Trigger(press.action)
    if attempt.knobs.user_action == "ignore" and trigger is not Trigger.EXPIRE:
        raise NotPossible(attempt.status, trigger)
    world.step(attempt, trigger)
    world.record("POST", path, attempt.app.appid, press.action)


def _own(page: str, attempt: Attempt) -> str:
    # Relative, so that the simulator can be mounted under any path.
    return f"{page}?{urlencode({'uuid': attempt.uuid})}"


def _see_other(location: str) -> Redirect:
    return Redirect(location, status_code=HTTP_303_SEE_OTHER)


def _qr_page(attempt: Attempt, world: World, status: int = 200) -> Template:
    return _attempt_page("qr.html.j2", attempt, world, status)


def _phone_page(attempt: Attempt, world: World, status: int = 200) -> Template:
    return _attempt_page("phone.html.j2", attempt, world, status)


def _attempt_page(name: str, attempt: Attempt, world: World, status: int) -> Template:
    target = urlsplit(attempt.redirect_uri)
    ignored = attempt.knobs.user_action == "ignore"
    context: dict[str, object] = {
        "attempt": attempt,
        "domain": target.hostname,
        "users": world.users.values(),
        "poll": POLL[attempt.status],
        "possible": {
            trigger.value: not ignored and can(attempt.status, trigger)
            for trigger in _TRIGGERS
        },
        "open": can(attempt.status, Trigger.EXPIRE),
        "when": {
            trigger.value: ""
            if ignored
            else " ".join(
                str(POLL[status])
                for status in (Status.WAITING, Status.SCANNED)
                if can(status, trigger)
            )
            for trigger in _TRIGGERS
        },
    }
    # Not the netloc: a user name in it could end the policy and begin another.
    port = f":{target.port}" if target.port else ""
    site = f"{target.scheme}://{target.hostname}{port}"
    return _page(name, attempt.lang, context, status=status, site=site)


def _page(
    name: str, lang: str, context: dict[str, object], *, status: int, site: str = ""
) -> Template:
    # No form-action: Chromium applies it to every redirect that follows, and
    # a log-in may end at another site. The site may be called by the script
    # for one thing only: the first half of a double callback.
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; "
        f"img-src 'self' data:; connect-src 'self' {site}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return Template(
        template_name=name,
        context={"t": TEXTS[lang], "banner": BANNER, **context},
        status_code=status,
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )
