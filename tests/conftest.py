"""What every test may ask for: a clock, a catalogue, a gateway on a fresh store."""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.app import create_app
from gateway.keys import write_keyring
from gateway.services import Services
from gateway.settings import Settings, WeChatAppSettings, WeChatSettings
from gateway.tokens import TokenMemory
from permissions.catalogue.load import load
from permissions.catalogue.model import Catalogue
from permissions.store.sqlite import FILE, open_store

ISSUER = "http://127.0.0.1:8400"


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time it is."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Move forward; a negative step moves back."""
        self.now += by


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands at a known instant."""
    return FakeClock()


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Give the catalogue that ships with the product."""
    return load()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give the settings of a development gateway with one WeChat app."""
    return Settings(
        data_dir=tmp_path / "data",
        issuer=ISSUER,
        wechat=WeChatSettings(
            open_base="http://wechat.test",
            api_base="http://wechat.test",
            apps={
                "web": WeChatAppSettings(
                    channel="website",
                    appid="wxsim0000000000001",
                    secret="0123456789abcdef0123456789abcdef",
                )
            },
        ),
    )


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Path:
    """Make an empty database once: migrating it anew for each test costs most of it."""
    folder = tmp_path_factory.mktemp("empty-store")

    async def make() -> None:
        store = open_store(
            folder, catalogue=catalogue, clock=FakeClock(), random=secrets.token_bytes
        )
        await store.close()

    asyncio.run(make())
    return folder / FILE


@pytest.fixture(scope="session")
def trust() -> ssl.SSLContext:
    """Load the certificates once; a client of its own loads them each time."""
    return ssl.create_default_context()


@pytest.fixture
async def services(
    settings: Settings,
    clock: FakeClock,
    catalogue: Catalogue,
    empty_store: Path,
    trust: ssl.SSLContext,
) -> AsyncIterator[Services]:
    """Open a gateway's parts on an empty store, with repeatable randomness."""
    seeded = random.Random(20230407)  # noqa: S311 - repeatable on purpose
    settings.data_dir.mkdir(mode=0o700)
    shutil.copyfile(empty_store, settings.data_dir / FILE)
    async with (
        open_store(
            settings.data_dir,
            catalogue=catalogue,
            clock=clock,
            random=seeded.randbytes,
        ) as store,
        httpx2.AsyncClient(verify=trust) as http,
    ):
        yield Services(
            settings=settings,
            catalogue=catalogue,
            store=store,
            keys=write_keyring(
                settings.data_dir / "keyring.json", seeded.randbytes, generated=True
            ),
            clock=clock,
            random=seeded.randbytes,
            tokens=TokenMemory(),
            http=http,
        )


@pytest.fixture
def app(services: Services) -> Any:  # noqa: ANN401 - an ASGI application
    """Wire the application as it is served."""
    return create_app(services)


@pytest.fixture
async def http(app: Any) -> AsyncIterator[httpx2.AsyncClient]:  # noqa: ANN401
    """Give a client that speaks HTTP to the application and follows no redirect."""
    transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 50000))
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield client
