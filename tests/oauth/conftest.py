"""What every test here needs at once: the gateway, a browser, and the clock."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from gateway.services import Services
from tests.conftest import FakeClock
from tests.oauth.flows import World


@pytest.fixture
def world(
    app: Any,  # noqa: ANN401 - an ASGI application
    services: Services,
    http: httpx2.AsyncClient,
    clock: FakeClock,
) -> World:
    """Give a gateway as seen over HTTP, with one browser."""
    return World(app=app, services=services, http=http, clock=clock)
