"""A gateway whose WeChat is played by the test, and a browser in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec
import pytest

from gateway.app import create_app
from gateway.services import Services
from tests.conftest import ISSUER
from tests.gateway.web.browser import Browser


@dataclass
class FakeWeChat:
    """WeChat's token endpoint: what it answers, and which codes it was shown."""

    answer: dict[str, Any] = field(
        default_factory=lambda: {"openid": "oOpenid-of-somebody", "access_token": "t"}
    )
    codes: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None  # where there is one, an answer waits for it

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one exchange."""
        self.codes.append(request.url.params["code"])
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        return httpx2.Response(200, json=self.answer)


@pytest.fixture
def wechat() -> FakeWeChat:
    """Give a WeChat that says yes to every code."""
    return FakeWeChat()


@pytest.fixture
async def web(services: Services, wechat: FakeWeChat) -> AsyncIterator[Services]:
    """Give the parts of a gateway that speaks to the fake WeChat."""
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(wechat)) as http:
        yield msgspec.structs.replace(services, http=http)


@pytest.fixture
async def site(web: Services) -> httpx2.ASGITransport:
    """Give the way to the application, for one browser or several."""
    application: Any = create_app(web)
    return httpx2.ASGITransport(app=application, client=("127.0.0.1", 50000))


@pytest.fixture
async def browser(web: Services, site: httpx2.ASGITransport) -> AsyncIterator[Browser]:
    """Give a fresh browser."""
    async with httpx2.AsyncClient(transport=site, base_url=ISSUER) as http:
        yield Browser(web, http)


@pytest.fixture
async def stranger(web: Services, site: httpx2.ASGITransport) -> AsyncIterator[Browser]:
    """Give somebody else's browser."""
    async with httpx2.AsyncClient(transport=site, base_url=ISSUER) as http:
        yield Browser(web, http)
