"""Consent and releases, for partners."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from aseanbiz._core import consent, oauth, releases
from aseanbiz._core.setup import Setup
from aseanbiz._drive.aio import AsyncDriver
from aseanbiz._errors import ProtocolViolation
from aseanbiz._models import Flow, GrantSet, Release, Want


class AsyncConsent:
    """Ask users for consent, over their browser."""

    def __init__(self, driver: AsyncDriver, setup: Setup) -> None:
        self._driver = driver
        self._setup = setup

    async def start(
        self,
        wants: Sequence[Want],
        *,
        purpose: str,
        redirect_uri: str,
        locale: str | None = None,
    ) -> Flow:
        """Return where to send the browser; sends nothing itself.

        Keep ``state`` on the server, in the session of this user: it is what
        ties the callback to the person who began.
        """
        return await self._driver.run(
            consent.start(
                self._setup,
                wants,
                purpose=purpose,
                redirect_uri=redirect_uri,
                locale=locale,
            )
        )

    async def finish(
        self, state: bytes, callback_url: str, *, timeout: float | None = None
    ) -> GrantSet:
        """Return what the user gave; the token is in the store from here on.

        ``callback_url`` is the URL called, with its query. Raises
        `CallbackRejected`; its ``check`` is "denied" where the user declined.
        """
        return await self._driver.run(
            consent.finish(self._setup, state, callback_url, timeout)
        )


class AsyncGrantHandle:
    """The data of one grant set."""

    def __init__(self, driver: AsyncDriver, setup: Setup, grant_id: str) -> None:
        self._driver = driver
        self._setup = setup
        self.id = grant_id

    async def release(
        self,
        category: str,
        *,
        purpose: str,
        elements: Sequence[str] = (),
        record: str | None = None,
        since: datetime | None = None,
        cursor: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Release:
        """Return one page of a category, named without its "data." prefix.

        Raises `NotAllowed` with the decision's reason if nothing may be given,
        `ReleaseExpired` if the answer came too late to be used, `GrantEnded`
        if there is no live token.
        """
        return await self._driver.run(
            releases.release(
                self._setup,
                self.id,
                category,
                purpose=purpose,
                elements=elements,
                record=record,
                since=since,
                key=idempotency_key,
                timeout=timeout,
                cursor=cursor,
            )
        )

    async def pages(
        self,
        category: str,
        *,
        purpose: str,
        elements: Sequence[str] = (),
        since: datetime | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[Release]:
        """Iterate over all pages of a category; each is a release of its own.

        Use a page before asking for the next: each is decided anew.
        """
        cursor: str | None = None
        while True:
            page = await self.release(
                category,
                purpose=purpose,
                elements=elements,
                since=since,
                cursor=cursor,
                timeout=timeout,
            )
            yield page
            if page.next_cursor is None:
                return
            if page.next_cursor == cursor:
                raise ProtocolViolation("the list does not move on")
            cursor = page.next_cursor

    async def end(self, *, timeout: float | None = None) -> None:
        """Forget the token of this grant set and revoke it."""
        await self._driver.run(oauth.end(self._setup, self.id, timeout))
