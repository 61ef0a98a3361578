"""What a running gateway is made of; put together in `gateway.app` alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import httpx2
import msgspec

from gateway.keys import KeyRing
from gateway.settings import Settings
from gateway.tokens import TokenMemory
from permissions.catalogue.model import Catalogue
from permissions.ids import Random
from permissions.store.sqlite import SqliteStore


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that routes work with, handed to them as a dependency."""

    settings: Settings
    catalogue: Catalogue
    store: SqliteStore
    keys: KeyRing
    clock: Callable[[], datetime]
    random: Random
    tokens: TokenMemory
    http: httpx2.AsyncClient
