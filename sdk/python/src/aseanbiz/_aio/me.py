"""What a user may do, with a user token."""

from datetime import datetime
from typing import Literal

from aseanbiz._aio.pager import AsyncPager
from aseanbiz._core import me
from aseanbiz._core.credentials import Given, bearer
from aseanbiz._core.me import Seen
from aseanbiz._core.setup import Setup
from aseanbiz._drive.aio import AsyncDriver
from aseanbiz._models import AskResult, Control, Grant, Notice, Withdrawal
from aseanbiz._secret import Secret


class AsyncMe:
    """Act as one user: see the notice, answer asks, take grants back."""

    def __init__(
        self, driver: AsyncDriver, setup: Setup, user_token: Secret | str
    ) -> None:
        secret = Secret(user_token) if isinstance(user_token, str) else user_token
        self._driver = driver
        self._setup = setup
        self._credentials = Given(bearer(secret))

    async def notice(self, *, timeout: float | None = None) -> Notice:
        """Return the first-use notice, and whether it was seen."""
        return await self._driver.run(
            me.notice(self._setup, self._credentials, timeout)
        )

    async def see_notice(
        self,
        *,
        text: str,
        locale: str,
        shown_at: datetime,
        control: Control,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Notice:
        """Record that this user saw the notice; ``text`` is its SHA-256."""
        seen = Seen(text=text, locale=locale, shown_at=shown_at, control=control)
        return await self._driver.run(
            me.see_notice(
                self._setup, self._credentials, seen, idempotency_key, timeout
            )
        )

    def grants(
        self,
        *,
        state: str | None = None,
        client: str | None = None,
        timeout: float | None = None,
    ) -> AsyncPager[Grant]:
        """Iterate over this user's grants."""
        return AsyncPager(
            self._driver,
            lambda cursor: me.grants(
                self._setup,
                self._credentials,
                state=state,
                client=client,
                timeout=timeout,
                cursor=cursor,
            ),
        )

    async def answer(
        self,
        ask_id: str,
        answer: Literal["granted", "refused"],
        *,
        text: str,
        locale: str,
        shown_at: datetime,
        control: Control,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> AskResult:
        """Record this user's own answer; return the decision and the receipt.

        ``text`` is the SHA-256, from the ticket, of the sentence shown.
        """
        seen = Seen(text=text, locale=locale, shown_at=shown_at, control=control)
        return await self._driver.run(
            me.answer(
                self._setup,
                self._credentials,
                ask_id,
                answer,
                seen,
                key=idempotency_key,
                timeout=timeout,
            )
        )

    async def withdraw(
        self,
        grant_id: str,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Withdrawal:
        """Take a grant back; on return no replica answers yes any more.

        Repeating it is no error.
        """
        return await self._driver.run(
            me.withdraw(
                self._setup, self._credentials, grant_id, idempotency_key, timeout
            )
        )
