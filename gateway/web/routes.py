"""The routes of this package."""

from __future__ import annotations

from litestar import get
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from gateway.web import handover, login, policy, wechat
from gateway.web.pages import redirect
from gateway.web.privacy import privacy_centre


@get("/", include_in_schema=False)
async def show_start() -> Redirect:
    """Lead whoever types the address alone to the privacy centre."""
    return redirect("/me")


route_handlers: list[ControllerRouterHandler] = [
    show_start,
    login.show_login,
    login.show_notice,
    login.read_notice,
    login.show_logout,
    login.log_out,
    login.choose_locale,
    wechat.start,
    wechat.callback,
    handover.take_over,
    privacy_centre,
    policy.show_policy,
    policy.show_policy_version,
    policy.show_own_policy,
    policy.show_sdks,
    policy.show_contact,
]
