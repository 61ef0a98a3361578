"""The default transport of `AsyncGateway`."""

import asyncio
import os
import warnings
from weakref import WeakKeyDictionary

import httpx2

from aseanbiz._drive.httpx2_answers import Collected, bare, failure_of, no_cookies
from aseanbiz._errors import DeadlineExceeded
from aseanbiz._transport import Request, Response

Clients = WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient]


class AsyncHttpx2Transport:
    """Send through httpx2, over a client per event loop or the one given.

    A given client is never closed here. Connections belong to the loop that
    opened them, so each loop has its own; those of a closed loop or of the
    parent of a fork are dropped, not awaited.
    """

    def __init__(self, client: httpx2.AsyncClient | None = None) -> None:
        self._given = client
        self._own: Clients = WeakKeyDictionary()
        self._pid = os.getpid()

    async def send(
        self,
        request: Request,
        timeout: float,  # noqa: ASYNC109 - the contract of both modes is one
    ) -> Response:
        """Return the complete answer; see `AsyncTransport`."""
        client = self._client()
        asked = client.build_request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.body or None,
            timeout=timeout,
        )
        try:
            async with asyncio.timeout(timeout):
                answer = await client.send(asked, stream=True, follow_redirects=False)
                try:
                    collected = Collected(answer)
                    async for chunk in answer.aiter_raw():
                        collected.add(chunk)
                    return collected.complete()
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise DeadlineExceeded from bare(error)
        except httpx2.TransportError as error:
            raise failure_of(error) from bare(error)

    async def aclose(self) -> None:
        """Close the running loop's client, if it is our own."""
        client = self._own.pop(asyncio.get_running_loop(), None)
        if client is not None and self._pid == os.getpid():
            await client.aclose()

    def _client(self) -> httpx2.AsyncClient:
        if self._given is not None:
            return self._given
        if self._pid != os.getpid():
            self._own, self._pid = WeakKeyDictionary(), os.getpid()
        loop = asyncio.get_running_loop()
        client = self._own.get(loop)
        if client is None:
            client = httpx2.AsyncClient(cookies=no_cookies())
            self._own[loop] = client
        return client

    def __del__(self) -> None:
        # No I/O here. What belongs to a closed loop is lost without harm.
        own = getattr(self, "_own", None) or {}
        if any(not loop.is_closed() for loop in own) and self._pid == os.getpid():
            warnings.warn("a gateway client was not closed", ResourceWarning, 2)
