"""People, for the app that registered them."""

from collections.abc import Mapping, Sequence
from functools import partial

from aseanbiz._aio.pager import AsyncPager
from aseanbiz._core import subjects
from aseanbiz._core.exchange import Credentials
from aseanbiz._core.setup import Setup
from aseanbiz._drive.aio import AsyncDriver
from aseanbiz._models import Grant, Session, Stored, Subject


class AsyncSubjects:
    """Register people, read them, keep their data, hand them over."""

    def __init__(
        self, driver: AsyncDriver, setup: Setup, credentials: Credentials
    ) -> None:
        self._driver = driver
        self._setup = setup
        self._credentials = credentials

    async def register(
        self,
        reference: str,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Subject:
        """Return the subject of your own id for a person, new or known.

        The gateway keeps only a keyed hash of ``reference``.
        """
        return await self._driver.run(
            subjects.register(
                self._setup, self._credentials, reference, idempotency_key, timeout
            )
        )

    async def get(self, subject: str, *, timeout: float | None = None) -> Subject:
        """Return one subject."""
        return await self._driver.run(
            subjects.get(self._setup, self._credentials, subject, timeout)
        )

    def grants(
        self, subject: str, *, timeout: float | None = None
    ) -> AsyncPager[Grant]:
        """Iterate over the subject's grants, ended ones included."""
        return AsyncPager(
            self._driver,
            partial(subjects.grants, self._setup, self._credentials, subject, timeout),
        )

    async def put_data(
        self,
        subject: str,
        category: str,
        *,
        purpose: str,
        data: Mapping[str, object] | None = None,
        records: Sequence[Mapping[str, object]] | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Stored:
        """Keep data of one category, as far as the subject allows it.

        Give ``data`` for a category of one object, ``records`` for a list of
        records with id and time. Nothing allowed at all is `NotAllowed`.
        """
        return await self._driver.run(
            subjects.put_data(
                self._setup,
                self._credentials,
                subject,
                category,
                purpose=purpose,
                data=data,
                records=records,
                key=idempotency_key,
                timeout=timeout,
            )
        )

    async def session(
        self,
        subject: str,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Session:
        """Return a user token for a person whom the app has logged in itself.

        Its hand-over link signs the same person in on the gateway's pages.
        """
        return await self._driver.run(
            subjects.session(
                self._setup, self._credentials, subject, idempotency_key, timeout
            )
        )
