"""The httpx2 transports against a real socket: limits, failures, time."""

import asyncio
import contextlib
import socketserver
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import httpx2
import pytest

from aseanbiz import (
    AsyncHttpx2Transport,
    ConnectFailed,
    DeadlineExceeded,
    GatewayError,
    Httpx2Transport,
    ProtocolViolation,
    Request,
    Response,
    TransportFailure,
)
from sdk.python.tests.scripted import Mode

Carry = Callable[[Request, float], Response]


@contextmanager
def serving(
    *raw: bytes, wait: threading.Event | None = None, pause: float = 0.0
) -> Iterator[str]:
    """Serve the same bytes to everyone.

    ``wait`` holds back the last part; ``pause`` is the seconds between parts.
    """
    heads: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heads.append(self.request.recv(65536))
            with contextlib.suppress(OSError):  # the client has seen enough
                for part in raw[:-1]:
                    self.request.sendall(part)
                    threading.Event().wait(pause)
                if wait is not None:
                    wait.wait(10)
                self.request.sendall(raw[-1])

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = False
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        serving.heads = heads  # type: ignore[attr-defined]
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/x"
        finally:
            if wait is not None:
                wait.set()
            server.shutdown()
            thread.join()


@pytest.fixture(params=["blocking", "asyncio"])
def carry(request: pytest.FixtureRequest) -> Iterator[Carry]:
    """Send one request over each transport in turn."""
    if cast("Mode", request.param) == "blocking":
        transport = Httpx2Transport()
        yield transport.send
        transport.close()
        return

    def send(asked: Request, timeout: float) -> Response:
        async def once() -> Response:
            transport = AsyncHttpx2Transport()
            try:
                return await transport.send(asked, timeout)
            finally:
                await transport.aclose()

        return asyncio.run(once())

    yield send


def head(length: int | None, *more: str, status: str = "200 OK") -> bytes:
    """Make the head of an answer."""
    lines = [f"HTTP/1.1 {status}", "Connection: close", *more]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_answer_arrives_as_it_was(carry: Carry) -> None:
    """Status, headers and bytes, none of them touched."""
    with serving(head(2, "X-Request-Id: req_1"), b"{}") as url:
        response = carry(Request("GET", url), 5.0)

    assert (response.status, response.body) == (200, b"{}")
    assert response.header("x-request-id") == "req_1"


def test_only_our_headers_matter(carry: Carry) -> None:
    """No compression is asked for; the body and the token go as they are."""
    headers = (("Authorization", "Bearer t"), ("Accept-Encoding", "identity"))
    with serving(head(2), b"{}") as url:
        carry(Request("POST", url, headers, b'{"a":1}'), 5.0)
        (seen,) = serving.heads  # type: ignore[attr-defined]

    assert b"authorization: bearer t\r\n" in seen.lower()
    assert seen.lower().count(b"accept-encoding: identity") == 1
    assert b"gzip" not in seen.lower()


@pytest.mark.parametrize("announced", [True, False])
def test_huge_answer_is_refused(carry: Carry, *, announced: bool) -> None:
    """One byte over 1 MiB is too much, whether announced or not."""
    body = b" " * (1024 * 1024 + 1)
    with (
        serving(head(len(body) if announced else None), body) as url,
        pytest.raises(ProtocolViolation, match="1 MiB"),
    ):
        carry(Request("GET", url), 5.0)


def test_full_page_is_accepted(carry: Carry) -> None:
    """1 MiB is the gateway's own limit and passes."""
    body = b" " * (1024 * 1024)
    with serving(head(len(body)), body) as url:
        response = carry(Request("GET", url), 5.0)

    assert len(response.body) == 1024 * 1024


def test_compressed_answer_is_refused(carry: Carry) -> None:
    """Nobody unpacks a bomb that nobody asked for."""
    with (
        serving(head(4, "Content-Encoding: gzip"), b"\x1f\x8b\x08\x00") as url,
        pytest.raises(ProtocolViolation, match="compressed"),
    ):
        carry(Request("GET", url), 5.0)


def test_redirect_is_not_followed(carry: Carry) -> None:
    """The token must not travel to wherever a proxy points."""
    moved = head(0, "Location: http://127.0.0.1:1/evil", status="302 Found")
    with serving(moved, b"") as url:
        response = carry(Request("GET", url), 5.0)

    assert response.status == 302


def test_truncated_answer_may_have_been_seen(carry: Carry) -> None:
    """A body shorter than announced is a failure, not an answer."""
    with (
        serving(head(100), b"{") as url,
        pytest.raises(TransportFailure) as caught,
    ):
        carry(Request("GET", url), 5.0)

    assert type(caught.value) is TransportFailure
    assert caught.value.sent


def test_no_connection_has_not_been_seen(carry: Carry) -> None:
    """Nobody listens there."""
    with pytest.raises(ConnectFailed) as caught:
        carry(Request("GET", "http://127.0.0.1:1/x"), 5.0)

    assert not caught.value.sent


@pytest.mark.parametrize("parts", [(b"",), (head(2), b"{}")], ids=["head", "body"])
def test_silence_ends_with_the_timeout(carry: Carry, parts: tuple[bytes, ...]) -> None:
    """Whether the head or the body stays away."""
    begun = time.monotonic()
    with (
        serving(*parts, wait=threading.Event()) as url,
        pytest.raises(DeadlineExceeded) as caught,
    ):
        carry(Request("GET", url), 0.15)

    assert caught.value.sent
    assert time.monotonic() - begun < 5


def test_dripping_body_ends_with_the_timeout(carry: Carry) -> None:
    """Each byte comes in time, and all of them together do not."""
    drip = [b" "] * 100
    begun = time.monotonic()
    with (
        serving(head(len(drip)), *drip, pause=0.02) as url,
        pytest.raises(DeadlineExceeded),
    ):
        carry(Request("GET", url), 0.2)

    assert time.monotonic() - begun < 1.5  # all of it takes two seconds


def test_crash_report_of_a_broken_read_holds_no_secret(carry: Carry) -> None:
    """The frames of the HTTP library held the request; they are not kept."""
    headers = (("Authorization", "Bearer canary-token"),)
    with (
        serving(head(100), b"{") as url,
        pytest.raises(TransportFailure) as caught,
    ):
        carry(Request("POST", url, headers, b'{"a":"canary-body"}'), 5.0)

    trace = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    frames = "".join(line for line in trace.format() if "test_transports" not in line)
    assert "httpcore2" not in frames
    assert "canary" not in frames.replace("'canary' not in", "")


def test_client_of_the_parent_is_left_behind_in_a_fork(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two processes must not talk over one connection; nor close the other's."""
    with serving(head(2), b"{}") as url, closing(Httpx2Transport()) as transport:
        transport.send(Request("GET", url), 5.0)
        parent = vars(transport)["_own"]

        with monkeypatch.context() as child:
            child.setattr("os.getpid", lambda: -1)
            transport.send(Request("GET", url), 5.0)
            assert vars(transport)["_own"] is not parent
            assert not parent.is_closed
            transport.close()

        parent.close()


def test_forgotten_client_is_reported() -> None:
    """Connections left open are said, as the standard library says files."""
    with serving(head(2), b"{}") as url:
        transport = Httpx2Transport()
        transport.send(Request("GET", url), 5.0)
        client = vars(transport)["_own"]
        with pytest.warns(ResourceWarning, match="not closed"):
            del transport
        client.close()


async def test_forgotten_async_client_is_reported() -> None:
    """As long as its loop still runs; afterwards nobody could close it."""
    with serving(head(2), b"{}") as url:
        transport = AsyncHttpx2Transport()
        await transport.send(Request("GET", url), 5.0)
        (client,) = vars(transport)["_own"].values()
        with pytest.warns(ResourceWarning, match="not closed"):
            del transport
        await client.aclose()


def test_cookies_are_not_kept() -> None:
    """One user's cookie does not ride along with the next user's call."""
    with (
        serving(head(2, "Set-Cookie: a=b; Path=/"), b"{}") as url,
        closing(Httpx2Transport()) as transport,
    ):
        transport.send(Request("GET", url), 5.0)
        transport.send(Request("GET", url), 5.0)
        heads = serving.heads  # type: ignore[attr-defined]

    assert len(heads) == 2
    assert b"cookie" not in heads[1].lower()


@contextmanager
def closing(transport: Httpx2Transport) -> Iterator[Httpx2Transport]:
    """Close a transport at the end."""
    try:
        yield transport
    finally:
        transport.close()


def test_given_client_is_used_and_not_closed() -> None:
    """Who brings a client keeps it."""
    seen: list[httpx2.Request] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, stream=httpx2.ByteStream(b"{}"))

    with httpx2.Client(transport=httpx2.MockTransport(reply)) as client:
        with closing(Httpx2Transport(client)) as transport:
            response = transport.send(Request("GET", "https://gateway.example/x"), 1.0)

        assert not client.is_closed
    assert response.body == b"{}"
    assert seen[0].url.host == "gateway.example"


@pytest.mark.parametrize(
    "foreign",
    [
        cls
        for cls in vars(httpx2).values()
        if isinstance(cls, type) and issubclass(cls, httpx2.TransportError)
    ],
)
def test_every_foreign_failure_has_one_of_ours(
    foreign: type[httpx2.TransportError],
) -> None:
    """Nothing of the HTTP library's errors reaches the caller."""

    def fail(_: httpx2.Request) -> httpx2.Response:
        raise foreign("canary")

    with (
        httpx2.Client(transport=httpx2.MockTransport(fail)) as client,
        pytest.raises(GatewayError) as caught,
    ):
        Httpx2Transport(client).send(Request("GET", "https://gateway.example/x"), 1.0)

    assert isinstance(caught.value, TransportFailure)
    assert "canary" not in str(caught.value)


def test_sources_name_no_other_http_client() -> None:
    """One HTTP library, behind one boundary."""
    source = Path(__file__).parents[1] / "src" / "aseanbiz"
    users = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "import httpx2" in path.read_text(encoding="utf-8")
    }

    assert all(user.startswith("_drive/httpx2_") for user in users)
