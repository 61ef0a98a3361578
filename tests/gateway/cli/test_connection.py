"""Connections as strangers use them: endless heads, and none at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from gateway.cli import connection
from gateway.cli.connection import HEAD_BYTES, HEADERS, BoundedConnection

App = Callable[[Any, Any, Any], Awaitable[None]]
OK = b"HTTP/1.1 200"
BAD = b"HTTP/1.1 400"


class Impatient(BoundedConnection):
    """A connection that waits for a moment only."""

    wait_seconds = 0.1
    stall_seconds = 0.1


async def say_ok(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401
    """Answer without reading the body."""
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served(app: App) -> AsyncIterator[tuple[Any, Any]]:
    """Serve an application; give one connection to it."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=Impatient,
            lifespan="off",
            port=0,
            log_config=None,
            log_level="critical",
            timeout_keep_alive=1,
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.create_task(server._serve())  # noqa: SLF001 - `serve` takes signals
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await task


async def answer(reader: Any) -> bytes:  # noqa: ANN401
    """Return what comes until the connection is cut; bounded."""
    async with asyncio.timeout(5):
        try:
            return bytes(await reader.read())
        except ConnectionResetError:
            return b""


class TestHeads:
    async def test_ordinary_requests_share_a_connection(self) -> None:
        """Limits are not noticed by those who keep within them."""
        async with served(say_ok) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * 3)
            told = await answer(reader)

        assert told.count(OK) == 3

    async def test_endless_header_is_cut(self) -> None:
        """A head that does not end is refused while it is small."""
        async with served(say_ok) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nx: ")
            for _ in range(8):
                writer.write(b"a" * HEAD_BYTES)
            told = await answer(reader)

        assert OK not in told

    async def test_too_many_headers_are_refused(self) -> None:
        """Each header costs more memory than it has bytes, so they are counted."""
        lines = b"".join(b"x-%d: 1\r\n" % n for n in range(HEADERS + 1))

        async with served(say_ok) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n" + lines + b"\r\n")
            told = await answer(reader)

        assert told.startswith(BAD)

    async def test_fields_behind_a_body_are_refused(self) -> None:
        """A trailer is no header: an Authorization there would count as one."""
        seen: list[bytes] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
            while (await receive()).get("more_body"):
                pass
            seen.extend(name for name, _ in scope["headers"])
            await say_ok(scope, receive, send)

        async with served(app) as (reader, writer):
            writer.write(
                b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
                b"0\r\nauthorization: Bearer x\r\n\r\n"
            )
            told = await answer(reader)

        assert told.startswith(BAD)
        assert b"authorization" not in seen


class TestWaiting:
    @pytest.mark.parametrize("begun", [b"", b"G", b"GET / HTTP/1.1\r\nx: "])
    async def test_head_that_does_not_come_is_not_waited_for(
        self, begun: bytes
    ) -> None:
        """A silent connection is closed, whatever it began with."""
        async with served(say_ok) as (reader, writer):
            writer.write(begun)
            told = await answer(reader)

        assert told == b""

    async def test_second_head_that_drips_is_cut(self) -> None:
        """Having been served once does not buy an endless second head."""
        async with served(say_ok) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"ok")
            writer.write(b"GET / HT")
            told = await answer(reader)

        assert told == b""

    async def test_body_that_nobody_reads_is_cut(self) -> None:
        """After the answer a body may not go on for ever."""
        async with served(say_ok) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\nx")
            told = await answer(reader)

        assert told.startswith(OK)

    async def test_slow_answer_is_not_cut(self) -> None:
        """Waiting limits the caller, never the gateway's own work."""

        async def slow(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
            await asyncio.sleep(Impatient.wait_seconds * 3)
            await say_ok(scope, receive, send)

        async with served(slow) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n\r\nG")
            told = await answer(reader)

        assert told.startswith(OK)

    async def test_reader_who_does_not_read_is_cut(self) -> None:
        """An answer waits in memory for a moment, not for ever."""
        ended = asyncio.Event()

        async def endless(_scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
            start = {"type": "http.response.start", "status": 200, "headers": []}
            await send(start)
            piece = {"type": "http.response.body", "body": b"x" * 65536}
            for _ in range(1000):
                await send({**piece, "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            ended.set()

        async with served(endless) as (_reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            async with asyncio.timeout(5):
                await ended.wait()


def test_defaults_are_seconds_not_minutes() -> None:
    """Nobody has to wait long for a slot that a silent stranger holds."""
    assert connection.WAIT_SECONDS <= 10
    assert connection.STALL_SECONDS <= 60
