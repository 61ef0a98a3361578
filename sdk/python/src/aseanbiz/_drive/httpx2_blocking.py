"""The default transport of `Gateway`."""

import os
import threading
import time
import warnings

import httpx2

from aseanbiz._drive.httpx2_answers import Collected, bare, failure_of, no_cookies
from aseanbiz._errors import DeadlineExceeded
from aseanbiz._transport import Request, Response


class Remaining(dict[str, float]):
    """The timeouts of one request: what is left when a phase begins.

    A fixed number would be granted anew to connecting, sending and reading,
    and so be overrun.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._until = time.monotonic() + seconds

    def get(self, key: str, default: object = None) -> float:  # noqa: ARG002
        """Return the seconds left, for every phase alike; never 0, which is none."""
        return max(self._until - time.monotonic(), 0.001)

    def check(self) -> None:
        """Raise `DeadlineExceeded` once nothing is left."""
        if time.monotonic() >= self._until:
            raise DeadlineExceeded


class Httpx2Transport:
    """Send through httpx2, over a client of its own or the one given.

    A given client is never closed here. After a fork a client of our own is
    left behind unclosed: its connections are the parent's.

    The time is checked after every piece of a body; a peer that sends the
    head byte by byte can outlast it, since a blocking read waits anew.
    """

    def __init__(self, client: httpx2.Client | None = None) -> None:
        self._given = client
        self._own: httpx2.Client | None = None
        self._making = threading.Lock()
        self._pid = os.getpid()

    def send(self, request: Request, timeout: float) -> Response:
        """Return the complete answer; see `Transport`."""
        client = self._client()
        remaining = Remaining(timeout)
        asked = client.build_request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.body or None,
            extensions={"timeout": remaining},
        )
        try:
            answer = client.send(asked, stream=True, follow_redirects=False)
            try:
                collected = Collected(answer)
                for chunk in answer.iter_raw():
                    collected.add(chunk)
                    remaining.check()
                return collected.complete()
            finally:
                answer.close()
        except httpx2.TransportError as error:
            raise failure_of(error) from bare(error)

    def close(self) -> None:
        """Close the client, if it is our own."""
        if self._own is not None and self._pid == os.getpid():
            self._own.close()

    def _client(self) -> httpx2.Client:
        if self._given is not None:
            return self._given
        with self._making:  # two first calls at once make one client
            if self._own is None or self._pid != os.getpid():
                self._own = httpx2.Client(cookies=no_cookies())
                self._pid = os.getpid()
            return self._own

    def __del__(self) -> None:
        # No I/O here: it may run anywhere, at interpreter exit too.
        own = getattr(self, "_own", None)
        if own is not None and not own.is_closed and self._pid == os.getpid():
            warnings.warn("a gateway client was not closed", ResourceWarning, 2)
