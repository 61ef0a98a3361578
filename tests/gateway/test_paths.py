"""Paths in other spellings reach nothing."""

from __future__ import annotations

import httpx2
import pytest

from gateway.services import Services
from tests.conftest import ISSUER
from tests.gateway.api.parties import make_meeting


@pytest.mark.parametrize(
    "path",
    [
        "//v1/subjects",
        "/v1//subjects",
        "/%2Fv1/subjects",
        "///v1/subjects",
        "/v1/subjects//",
        "/v1/subjects/%00",
        "/static/%00",
        "/static/" + "a" * 300,
        "/static/" + "%F0%9F%98%80" * 64,
        "/\u202e",
    ],
)
async def test_another_spelling_is_not_found(
    http: httpx2.AsyncClient, services: Services, path: str
) -> None:
    """It neither walks around the rules for bodies nor breaks a file system."""
    app = (await make_meeting(services, http)).app
    url = ISSUER + path  # a path alone would lose its second slash

    posted = await app.send("POST", url, {"reference": "a"})
    got = await app.send("GET", url)

    assert (posted.status_code, got.status_code) == (404, 404)
    assert posted.json()["code"] == "not_found"
    assert "x-request-id" in got.headers


async def test_longest_path_of_ours_passes(
    http: httpx2.AsyncClient, services: Services
) -> None:
    """The limit is far above what a route needs."""
    meeting = await make_meeting(services, http)

    told = await meeting.app.send("GET", f"/v1/subjects/{meeting.subject}/grants")

    assert told.status_code == 200
