"""The outermost layer: ids, and what happens to an error nobody foresaw."""

from __future__ import annotations

import io
import json
import secrets
from typing import Any, cast

import httpx2
import pytest
from litestar import get
from litestar.exceptions import InternalServerException

from gateway.app import create_app
from gateway.logs import configure_logs
from gateway.requests import RequestLayer
from gateway.services import Services
from gateway.web.routes import route_handlers

CANARY = "a-value-that-must-not-show"


@pytest.fixture
def lines() -> io.StringIO:
    """Collect what is logged."""
    stream = io.StringIO()
    configure_logs(stream)
    return stream


def make_client(inner: Any) -> httpx2.AsyncClient:  # noqa: ANN401
    """Speak HTTP to one layer around an application."""
    layer: Any = RequestLayer(
        inner, secrets.token_bytes, log_requests=True, is_secure=False
    )
    transport = httpx2.ASGITransport(app=layer)
    return httpx2.AsyncClient(transport=transport, base_url="http://test")


async def test_unforeseen_error_is_a_plain_500(lines: io.StringIO) -> None:
    """The answer and the log carry the request id, and nothing of the error."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG001
        raise RuntimeError(CANARY)

    async with make_client(broken) as client:
        answer = await client.get(f"/?q={CANARY}")

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-request-id"] in lines.getvalue()
    assert CANARY not in answer.text + lines.getvalue()


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("kind", [RuntimeError, InternalServerException])
async def test_route_that_breaks_is_logged_and_answered_like_any_refusal(
    services: Services,
    lines: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Exception],
    accept: str,
) -> None:
    """No framework answers in our place, in silence: people get a page, too."""

    @get("/broken")
    async def broken() -> None:
        raise kind(CANARY)

    monkeypatch.setattr("gateway.app.web_routes", [*route_handlers, broken])
    transport = httpx2.ASGITransport(app=cast("Any", create_app(services)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
        answer = await client.get("/broken", headers={"Accept": accept})

    assert answer.status_code == 500
    is_page = answer.headers["content-type"].startswith("text/html")
    assert is_page == (accept == "text/html")
    assert answer.headers["x-request-id"] in answer.text
    assert CANARY not in answer.text + lines.getvalue()
    logged = json.loads(lines.getvalue().splitlines()[-1])
    assert (logged["event"], logged["error"]) == ("request_failed", kind.__name__)
    assert logged["request_id"] == answer.headers["x-request-id"]


async def test_request_is_logged_without_its_path(
    services: Services, lines: io.StringIO
) -> None:
    """An address that no route knows leaves no trace of itself in the log."""
    app: Any = create_app(services, log_requests=True)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
        await client.get(f"/{CANARY}?q={CANARY}")

    logged = json.loads(lines.getvalue().splitlines()[-1])
    assert logged["status"] == 404
    assert CANARY not in lines.getvalue()
