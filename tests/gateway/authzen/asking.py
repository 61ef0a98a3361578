"""A policy enforcement point for tests: an app client that asks in AuthZEN's words."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec

from gateway.services import Services
from permissions.state import Client
from tests.factories import issue_token, register_app, register_subject

NOBODY = "sub_" + "b" * 26
NO_CLIENT = "cli_" + "a" * 26
ONE, PLAIN = "/access/v1/evaluation", "/access/v1/evaluation/"
MANY = "/access/v1/evaluations"
RESOURCES, ACTIONS = "/access/v1/search/resource", "/access/v1/search/action"


def make_evaluation(subject: str, /, **changes: object) -> dict[str, Any]:
    """Make a question about the camera; change only what the test is about."""
    return {
        "subject": {"type": "user", "id": subject},
        "resource": {"type": "capability", "id": "device.camera"},
        "action": {"name": "scan_qr"},
        **changes,
    }


class Pep:
    """An app client with a live token, and a subject who has seen the notice."""

    def __init__(
        self, http: httpx2.AsyncClient, client: Client, token: str, subject: str
    ) -> None:
        self.http, self.client, self.token, self.subject = http, client, token, subject

    async def post(self, path: str, content: bytes, **headers: str) -> httpx2.Response:
        """Send bytes as JSON, authenticated; headers override."""
        sent = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return await self.http.post(path, content=content, headers=sent)

    async def ask(self, path: str, body: object) -> Any:  # noqa: ANN401
        """Send a body whose answer has to be 200; return the answer."""
        response = await self.post(path, msgspec.json.encode(body))
        assert response.status_code == 200, response.text
        return response.json()

    async def evaluate(self, **changes: object) -> Any:  # noqa: ANN401
        """Ask one question at the front door; return the answer."""
        return await self.ask(ONE, make_evaluation(self.subject, **changes))


async def make_pep(services: Services, http: httpx2.AsyncClient) -> Pep:
    """Register an app client and a subject."""
    client, _ = await register_app(services)
    token = await issue_token(services, client)
    return Pep(http, client, token, await register_subject(services))
