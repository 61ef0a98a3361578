"""Lists that come in pages."""

from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from aseanbiz._core.commands import Operation
from aseanbiz._drive.aio import AsyncDriver
from aseanbiz._errors import ProtocolViolation
from aseanbiz._models import Page

T = TypeVar("T")


class AsyncPager(Generic[T]):
    """Iterate over items, fetching the next page when it is needed.

    Each iteration starts anew at the first page.
    """

    def __init__(
        self, driver: AsyncDriver, fetch: Callable[[str | None], Operation[Page[T]]]
    ) -> None:
        self._driver = driver
        self._fetch = fetch

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Iterate over whole pages."""
        cursor: str | None = None
        while True:
            page = await self._driver.run(self._fetch(cursor))
            yield page
            if page.next_cursor is None:
                return
            if page.next_cursor == cursor:
                raise ProtocolViolation("the list does not move on")
            cursor = page.next_cursor
