"""Asks, for the app's back end."""

from typing import Literal

from aseanbiz._core import asks
from aseanbiz._core.exchange import Credentials
from aseanbiz._core.setup import Setup
from aseanbiz._decisions import Decision
from aseanbiz._drive.aio import AsyncDriver
from aseanbiz._models import AskTicket


class AsyncAsks:
    """Get leave to ask, and report what was not a yes."""

    def __init__(
        self, driver: AsyncDriver, setup: Setup, credentials: Credentials
    ) -> None:
        self._driver = driver
        self._setup = setup
        self._credentials = credentials

    async def open(
        self,
        subject: str,
        capability: str,
        *,
        purpose: str,
        scene: str,
        device: str | None = None,
        user_initiated: bool = False,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> AskTicket:
        """Return the text to show and leave to ask once.

        Too early after a refusal is `NotAllowed` with ``next_ask_at``; nothing
        to ask, because it is granted, is `Conflict`.
        """
        return await self._driver.run(
            asks.open_ask(
                self._setup,
                self._credentials,
                subject=subject,
                capability=capability,
                purpose=purpose,
                scene=scene,
                device=device,
                user_initiated=user_initiated,
                key=idempotency_key,
                timeout=timeout,
            )
        )

    async def outcome(
        self,
        ask_id: str,
        answer: Literal["refused", "dismissed", "settings"],
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Decision:
        """Report what was not a yes; return the decision that follows.

        A yes comes from the user alone: `me`.
        """
        return await self._driver.run(
            asks.outcome(
                self._setup,
                self._credentials,
                ask_id,
                answer,
                key=idempotency_key,
                timeout=timeout,
            )
        )
