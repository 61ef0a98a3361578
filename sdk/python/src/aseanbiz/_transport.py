"""The boundary to the network: two values and two protocols."""

from typing import Protocol

import msgspec

Headers = tuple[tuple[str, str], ...]


class Request(msgspec.Struct, frozen=True):
    """One HTTP request; its repr shows neither query, headers nor body."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first header of that name, whatever its case."""
        return _header(self.headers, name)

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url.partition('?')[0]})"


class Response(msgspec.Struct, frozen=True):
    """One complete HTTP answer; its repr shows neither headers nor body."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first header of that name, whatever its case."""
        return _header(self.headers, name)

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"


def _header(headers: Headers, name: str) -> str | None:
    lowered = name.lower()
    return next((value for key, value in headers if key.lower() == lowered), None)


class Transport(Protocol):
    """Carry one request to the gateway and its answer back, blocking.

    It follows no redirect, repeats nothing and keeps no cookies. An answer of
    more than 1 MiB, or one that is compressed, is a `ProtocolViolation`. What
    fails on the way is a `ConnectFailed` if the gateway cannot have seen the
    request, a `DeadlineExceeded` once ``timeout`` seconds have passed, else a
    `TransportFailure`.
    """

    def send(self, request: Request, timeout: float) -> Response:
        """Return the complete answer within ``timeout`` seconds."""

    def close(self) -> None:
        """Give connections back; nothing is sent afterwards."""


class AsyncTransport(Protocol):
    """The same contract as `Transport`, awaited."""

    async def send(
        self,
        request: Request,
        timeout: float,  # noqa: ASYNC109 - the contract of both modes is one
    ) -> Response:
        """Return the complete answer within ``timeout`` seconds."""

    async def aclose(self) -> None:
        """Give connections back; nothing is sent afterwards."""
