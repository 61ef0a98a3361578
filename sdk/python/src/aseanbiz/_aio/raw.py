"""The way to routes without a method."""

from collections.abc import Mapping

from aseanbiz._core import raw
from aseanbiz._core.exchange import Credentials
from aseanbiz._core.setup import Setup
from aseanbiz._drive.aio import AsyncDriver
from aseanbiz._models import RawResponse


class AsyncRaw:
    """Send calls that the SDK has no method for yet."""

    def __init__(
        self, driver: AsyncDriver, setup: Setup, credentials: Credentials
    ) -> None:
        self._driver = driver
        self._setup = setup
        self._credentials = credentials

    async def request(
        self,
        method: str,
        path: str,
        json: Mapping[str, object] | None = None,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> RawResponse:
        """Send one call with the client's own token; no 2xx raises as elsewhere."""
        return await self._driver.run(
            raw.request(
                self._setup,
                self._credentials,
                method,
                path,
                json,
                key=idempotency_key,
                timeout=timeout,
            )
        )
