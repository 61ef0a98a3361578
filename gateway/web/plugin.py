"""The pages as one part of the application: sessions, templates, files."""

from __future__ import annotations

from typing import Final

from litestar.config.app import AppConfig
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.plugins import InitPlugin
from litestar.static_files import create_static_files_router

from gateway.web.pages import STATIC, template_config
from gateway.web.visits import provide_session, provide_visitor, send_cookie

# Files hold nothing of anybody, and carry their version in the address.
_CACHED: Final = CacheControlHeader(public=True, max_age=86400)  # seconds


class PagesPlugin(InitPlugin):
    """Give every route the dependencies ``session`` and ``visitor``, and pages.

    ``session`` is the browser's session, made on first use; ``visitor`` the same or
    None, for pages that need none.
    """

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add what the pages need to an application that is being put together."""
        app_config.dependencies["session"] = Provide(provide_session)
        app_config.dependencies["visitor"] = Provide(provide_visitor)
        app_config.before_send.append(send_cookie)
        app_config.template_config = template_config()
        app_config.route_handlers.append(
            create_static_files_router(
                path="/static",
                directories=[STATIC],
                cache_control=_CACHED,
                include_in_schema=False,
            )
        )
        return app_config
