"""What both httpx2 transports share: limits, timeouts, foreign errors."""

import http.cookiejar

import httpx2

from aseanbiz._errors import (
    ConnectFailed,
    DeadlineExceeded,
    ProtocolViolation,
    TransportFailure,
)
from aseanbiz._transport import Headers, Response

MOST_BYTES = 1024 * 1024
"""The gateway's own limit of a page; more would fill the caller's memory."""

NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)


class Collected:
    """Take in the body of one answer, refusing what no gateway sends."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer
        self._body = bytearray()
        # A compressed megabyte may be a gigabyte: we asked for none.
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise ProtocolViolation("it is compressed", status=answer.status_code)

    def add(self, chunk: bytes) -> None:
        """Take one chunk; over 1 MiB in all is a `ProtocolViolation`."""
        self._body += chunk
        if len(self._body) > MOST_BYTES:
            raise ProtocolViolation("over 1 MiB", status=self._answer.status_code)

    def complete(self) -> Response:
        """Return the answer."""
        headers: Headers = tuple(self._answer.headers.multi_items())
        return Response(self._answer.status_code, headers, bytes(self._body))


def no_cookies() -> http.cookiejar.CookieJar:
    """Return a jar that takes none: one user's cookie must not ride along."""
    policy = http.cookiejar.DefaultCookiePolicy(allowed_domains=())
    return http.cookiejar.CookieJar(policy)


def bare(error: Exception) -> Exception:
    """Return the error without frames and without what it came from.

    The frames below ours hold headers and bodies in their local variables,
    and a crash report would collect them.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def failure_of(error: httpx2.TransportError) -> TransportFailure:
    """Return our error for a foreign one; raise it from `bare` of that one."""
    if isinstance(error, httpx2.TimeoutException):
        waited = isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout)
        return DeadlineExceeded(
            phase="connect" if waited else "answer", sent=not waited
        )
    if isinstance(error, NOT_SENT):
        return ConnectFailed()
    return TransportFailure()
