"""Put the simulator together: one ASGI app in place of both WeChat hosts."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar
from litestar.di import Provide
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig

from oauth_wechat.simulator.admin import admin_router
from oauth_wechat.simulator.model import SimulatedApp, SimulatedUser
from oauth_wechat.simulator.pages import (
    draw_qr,
    land,
    poll,
    press_on_phone,
    press_on_qr_page,
    show_phone,
    show_qr,
)
from oauth_wechat.simulator.sns import Sleep, sns_handlers
from oauth_wechat.simulator.world import World

_HERE: Final = Path(__file__).parent


def create_simulator(
    *,
    apps: Iterable[SimulatedApp],
    users: Iterable[SimulatedUser],
    clock: Callable[[], datetime],
    random: Callable[[int], bytes],
    admin_token: str,
    production: bool = False,
    sleep: Sleep = asyncio.sleep,
) -> Litestar:
    """Make the simulator; serve it on loopback, at the root or mounted.

    ``clock`` returns an aware instant, ``random`` n bytes, ``sleep`` plays
    latency. The first user is the one who acts when nobody is chosen.

    Raises RuntimeError in production, where it would log anybody in as
    anybody; ValueError without an app, a user or an admin token.
    """
    if production:
        raise RuntimeError(
            "the WeChat simulator logs anybody in as anybody, so it does not start "
            "in production; set the base URLs of the real WeChat"
        )
    if not admin_token:
        raise ValueError("admin_token must not be empty")
    world = World(apps, users, clock, random)

    async def provide_world() -> World:
        return world

    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return Litestar(
        route_handlers=[
            show_qr,
            press_on_qr_page,
            show_phone,
            press_on_phone,
            draw_qr,
            poll,
            land,
            *sns_handlers(sleep),
            admin_router(admin_token),
            create_static_files_router("/static", [_HERE / "static"]),
        ],
        dependencies={"world": Provide(provide_world)},
        template_config=TemplateConfig(
            instance=JinjaTemplateEngine.from_environment(templates)
        ),
        openapi_config=None,
        logging_config=None,
    )
