"""The discovery document names what is offered, and OpenAPI describes it."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx2
import pytest

from tests.conftest import ISSUER
from tests.gateway.authzen.asking import ACTIONS, MANY, ONE, RESOURCES, Pep

WELL_KNOWN = "/.well-known/authzen-configuration"
OFFERED = {
    "access_evaluation_endpoint": ONE,
    "access_evaluations_endpoint": MANY,
    "search_resource_endpoint": RESOURCES,
    "search_action_endpoint": ACTIONS,
}


async def test_is_the_issuer_with_its_endpoints(http: httpx2.AsyncClient) -> None:
    """Whoever knows the issuer finds the endpoints, and no subject search."""
    response = await http.get(WELL_KNOWN)

    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "policy_decision_point": ISSUER,
        **{name: ISSUER + path for name, path in OFFERED.items()},
    }


async def test_can_be_read_by_scripts_of_other_sites(http: httpx2.AsyncClient) -> None:
    """It says nothing of anybody: any origin, without credentials, and cached."""
    headers = (await http.get(WELL_KNOWN)).headers

    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["cache-control"] == "public, max-age=300"


async def test_each_endpoint_is_there(pep: Pep) -> None:
    """What is named takes a POST, and refuses an empty one as malformed."""
    told = (await pep.http.get(WELL_KNOWN)).json()

    for name in OFFERED:
        response = await pep.post(urlsplit(told[name]).path, b"{}")

        assert response.status_code == 400, name


@pytest.mark.parametrize("path", OFFERED.values())
async def test_openapi_describes_each(http: httpx2.AsyncClient, path: str) -> None:
    """A developer finds request, answer and errors of each route in the document."""
    document = (await http.get("/openapi/openapi.json")).json()

    told = document["paths"][path]["post"]

    assert told["tags"] == ["authzen"]
    assert told["requestBody"]["content"]["application/json"]["schema"]
    assert told["responses"]["200"]["content"]["application/json"]["schema"]
    assert told["responses"].keys() >= {"400", "401", "403", "503"}


async def test_openapi_describes_the_document_itself(http: httpx2.AsyncClient) -> None:
    """The discovery document is a route like the others."""
    document = (await http.get("/openapi/openapi.json")).json()

    assert document["paths"][WELL_KNOWN]["get"]["summary"]
