"""What every test of the AuthZEN routes asks for."""

from __future__ import annotations

import httpx2
import pytest

from gateway.services import Services
from tests.gateway.authzen.asking import Pep, make_pep


@pytest.fixture
async def pep(services: Services, http: httpx2.AsyncClient) -> Pep:
    """Give an app client and a subject."""
    return await make_pep(services, http)
