"""OpenAPI describes every route of the API, with its errors and its key."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from gateway.api.routes import route_handlers
from gateway.oauth.clients import APP_SCOPES
from gateway.services import Services
from tests.gateway.api.parties import make_meeting

ROUTES = sorted(
    (f"/{template.strip('/')}", method)
    for router in route_handlers
    for handler in router.routes  # type: ignore[union-attr]
    for template in [handler.path_format]
    for method in handler.methods
    if method != "OPTIONS"
)

ACTS = {
    "/v1/asks/{ask}/outcome",
    "/v1/me/asks/{ask}/answer",
    "/v1/me/grants/{grant}/withdraw",
}


@pytest.fixture
async def paths(http: httpx2.AsyncClient) -> Any:  # noqa: ANN401
    """Return what OpenAPI says about each path."""
    return (await http.get("/openapi/openapi.json")).json()["paths"]


def test_the_routes_are_found() -> None:
    """The list below is not empty by mistake."""
    assert ("/v1/check", "POST") in ROUTES
    assert {path for path, _ in ROUTES} >= ACTS


@pytest.mark.parametrize(("path", "method"), ROUTES)
async def test_each_route_tells_its_errors(
    paths: Any,  # noqa: ANN401
    path: str,
    method: str,
) -> None:
    """A developer learns from the document what can go wrong."""
    told = paths[path][method.lower()]

    assert {"400", "401", "403"} <= told["responses"].keys()
    assert told["summary"]
    content = told["responses"]["401"]["content"]
    assert list(content) == ["application/problem+json"]


@pytest.mark.parametrize(("path", "method"), ROUTES)
async def test_each_route_tells_who_may_call_it(
    http: httpx2.AsyncClient, path: str, method: str
) -> None:
    """Which token, and with which scope, is said in words that the document defines."""
    document = (await http.get("/openapi/openapi.json")).json()

    (needed,) = document["paths"][path][method.lower()]["security"]

    ((kind, scopes),) = needed.items()
    scheme = document["components"]["securitySchemes"][kind]
    if kind == "app":
        known = scheme["flows"]["clientCredentials"]["scopes"]
        assert known.keys() == APP_SCOPES
        assert scopes
        assert known.keys() >= {*scopes}
    else:
        assert scopes == []


async def test_no_page_loads_from_elsewhere(http: httpx2.AsyncClient) -> None:
    """There is the document and nothing around it: no script of another company."""
    document = await http.get("/openapi")
    assert document.headers["content-type"].endswith("+json")

    for path in ("/openapi/swagger", "/openapi/redoc", "/openapi/elements"):
        answer = await http.get(path)

        assert answer.status_code == 404, path
        assert "<script" not in answer.text


CORPUS = {
    "deep": b"[" * 60_000,
    "deep in a field": b'{"reference": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
    "invalid UTF-8": b'{"reference": "\xff"}',
    "duplicates": b'{"reference": "a", "reference": "b"}',
    "NUL": b'{"reference": "\\u0000", "data": {"name": "\\u0000"}}',
    "huge": b'{"reference": "' + b"a" * 1_100_000 + b'"}',
    "wrong types": b'{"reference": {}, "subject": [], "data": 1, "answer": null}',
    "extra fields": b'{"is_admin": true}',
    "a list": b"[1, 2]",
    "a number": b"1e999",
    "NaN": b"NaN",
    "cut off": b'{"reference": "',
    "empty": b"",
}


@pytest.mark.parametrize("case", CORPUS)
async def test_bad_bodies_are_the_callers_mistake(
    services: Services, http: httpx2.AsyncClient, case: str
) -> None:
    """Whatever is sent to whichever route, the answer is a problem below 500."""
    meeting = await make_meeting(services, http)
    ids = {
        "{subject}": meeting.subject,
        "{ask}": "ask_" + "a" * 26,
        "{grant}": "gra_" + "a" * 26,
        "{category}": "identity",
    }

    for path, method in ROUTES:
        address = path
        for name, value in ids.items():
            address = address.replace(name, value)
        for party in (meeting.app, meeting.person):
            response = await party.send_bytes(
                method, f"{address}?purpose=order_fulfilment", CORPUS[case]
            )

            assert response.status_code < 500, (path, response.text)
            if response.status_code >= 400:
                kind = response.headers["content-type"]
                assert kind == "application/problem+json", path
            elif method != "GET":
                assert case == "empty"
