"""Every scenario runs under both drivers."""

from typing import cast

import pytest

from sdk.python.tests.scripted import Mode, Scenario


@pytest.fixture(params=["blocking", "asyncio"])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Make a client over an empty script."""
    return Scenario(cast("Mode", request.param))
