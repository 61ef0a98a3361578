"""What paths are measured against: the least that a server of each kind can do."""

from __future__ import annotations

import select
import socket
from typing import Final

import msgspec
from litestar import Litestar, post
from litestar.params import JSONBody
from litestar.types import ASGIApp, Receive, Scope, Send

PATH: Final = "/echo"
_ANSWER: Final = b"{}"
STATIC: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_ANSWER), _ANSWER)
)


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """The three texts that every check has."""

    subject: str
    capability: str
    purpose: str


def bare_litestar() -> ASGIApp:
    """Return reference L: a Litestar POST, struct in, struct out, nothing else."""

    @post(PATH, status_code=200)
    async def echo(data: JSONBody[Echo]) -> Echo:
        return data

    return Litestar(route_handlers=[echo], openapi_config=None, logging_config=None)


def raw_asgi() -> ASGIApp:
    """Return reference R: the same echo, by hand."""
    decode = msgspec.json.Decoder(Echo).decode
    encode = msgspec.json.Encoder().encode

    async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message["body"]
            more = message["more_body"]
        told = encode(decode(body))
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", b"%d" % len(told)),
                ],
            }
        )
        await send({"type": "http.response.body", "body": told, "more_body": False})

    return echo


def serve_static(listener: socket.socket) -> None:
    """Answer whatever comes with the same bytes: what the generator can do at most."""
    listener.settimeout(None)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    callers: dict[int, socket.socket] = {}
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                caller, _ = listener.accept()
                callers[caller.fileno()] = caller
                poll.register(caller, select.POLLIN)
            elif callers[number].recv(1 << 16):
                callers[number].sendall(STATIC)
            else:
                poll.unregister(number)
                callers.pop(number).close()
