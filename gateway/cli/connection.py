"""One HTTP/1.1 connection, on which a stranger can neither hold nor fill much.

uvicorn puts no bound on the head of a request, neither in bytes nor in time: one
connection could fill the memory, and a thousand silent ones would keep out the rest.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES: Final = 64 * 1024  # of request line and headers
HEADERS: Final = 100  # lines
WAIT_SECONDS: Final = 10.0  # for a whole head, and for the end of what nobody reads
STALL_SECONDS: Final = 30.0  # for a reader who has stopped reading


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection with limits on heads and on waiting.

    Bodies have limits of their own, where they are read. Fields behind a chunked
    body (trailers) are refused: uvicorn would add them to the headers.
    """

    wait_seconds = WAIT_SECONDS
    stall_seconds = STALL_SECONDS

    def connection_made(  # type: ignore[override] # as uvicorn does
        self, transport: asyncio.Transport
    ) -> None:
        """Begin to wait for a head."""
        self._in_head = True
        self._head_bytes = 0
        self._wait: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._begin_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind."""
        self._end_wait()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, unless a head has become too long."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES + len(data):  # the piece may hold a body
                self.send_400_response("The head of the request is too long.")
                return
        super().data_received(data)
        if self._in_head and self._head_bytes and not self.transport.is_closing():
            self._begin_wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; an exception here is a 400 for the caller."""
        if not self._in_head:
            raise ValueError("fields behind the body are not taken")
        if len(self.headers) >= HEADERS or len(value) > HEAD_BYTES:
            raise ValueError("too many headers, or too long ones")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the clock of the head."""
        self._in_head = False
        self._head_bytes = 0
        self._end_wait()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Be ready for the next head."""
        self._in_head = True
        self._end_wait()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Give a body that nobody reads any more a moment to end."""
        super().on_response_complete()
        if not self._in_head:
            self._begin_wait()

    def pause_writing(self) -> None:
        """Begin to wait for a slow reader."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the reader reads."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        super().resume_writing()

    def _begin_wait(self) -> None:
        if self._wait is None:
            self._wait = self.loop.call_later(self.wait_seconds, self._waited)

    def _end_wait(self) -> None:
        if self._wait is not None:
            self._wait.cancel()
            self._wait = None

    def _waited(self) -> None:
        self._wait = None
        # Before the first request there is no cycle at all.
        if getattr(self.cycle, "response_complete", True):
            self.transport.close()
        else:
            self._begin_wait()  # an answer is on its way; only then
