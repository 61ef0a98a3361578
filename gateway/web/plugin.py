"""The pages as one part of the application: sessions, templates, files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.plugins import InitPlugin
from litestar.static_files import create_static_files_router

from gateway.services import Services
from gateway.web.pages import template_config
from gateway.web.visits import provide_session, provide_visitor, send_cookie

_STATIC: Final = Path(__file__).parent / "static"


class PagesPlugin(InitPlugin):
    """Give every route the dependencies ``session`` and ``visitor``, and pages.

    ``session`` is the browser's session, made on first use; ``visitor`` the same or
    None, for pages that need none.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add what the pages need to an application that is being put together."""
        app_config.dependencies["session"] = Provide(provide_session)
        app_config.dependencies["visitor"] = Provide(provide_visitor)
        app_config.before_send.append(send_cookie)
        app_config.template_config = template_config()
        app_config.state["services"] = self._services
        app_config.state["issuer"] = self._services.settings.issuer
        app_config.route_handlers.append(
            create_static_files_router(
                path="/static", directories=[_STATIC], include_in_schema=False
            )
        )
        return app_config
