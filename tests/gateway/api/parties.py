"""The two sides of an ask: an app's back end, and the person in front of it."""

from __future__ import annotations

from typing import Any

import httpx2

from gateway.services import Services
from gateway.tokens import USER_LIFE
from permissions.state import Client
from tests.factories import issue_token, register_app, register_subject

SHOWN_AT = "2026-11-22T07:59:59Z"


class Party:
    """Somebody with a live token who speaks HTTP to the gateway."""

    def __init__(self, http: httpx2.AsyncClient, token: str) -> None:
        self._http, self._token = http, token

    async def send(
        self, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> httpx2.Response:
        """Send a request; ``body`` as JSON, ``key`` as Idempotency-Key."""
        headers = {"authorization": f"Bearer {self._token}"}
        if key is not None:
            headers["idempotency-key"] = key
        if body is None:
            return await self._http.request(method, path, headers=headers)
        return await self._http.request(method, path, headers=headers, json=body)

    async def send_bytes(
        self, method: str, path: str, content: bytes
    ) -> httpx2.Response:
        """Send bytes that say they are JSON, with a key."""
        headers = {
            "authorization": f"Bearer {self._token}",
            "content-type": "application/json",
            "idempotency-key": "k",
        }
        return await self._http.request(method, path, headers=headers, content=content)

    async def get(self, path: str) -> Any:  # noqa: ANN401
        """Return the body of an answer that has to be 200."""
        response = await self.send("GET", path)
        assert response.status_code == 200, response.text
        return response.json()


class Meeting:
    """An app client, one subject, and both of their tokens."""

    def __init__(self, client: Client, subject: str, app: Party, person: Party) -> None:
        self.client, self.subject = client, subject
        self.app, self.person = app, person

    async def ask(self, **changes: object) -> httpx2.Response:
        """Ask for leave to scan a code; change only what the test is about."""
        asked = {
            "subject": self.subject,
            "capability": "device.camera",
            "purpose": "scan_qr",
            "scene": "scan_screen",
            **changes,
        }
        return await self.app.send("POST", "/v1/asks", asked)

    async def ticket(self, **changes: object) -> Any:  # noqa: ANN401
        """Return a ticket that has to be given."""
        response = await self.ask(**changes)
        assert response.status_code == 201, response.text
        return response.json()

    async def answer(
        self,
        ticket: dict[str, Any],
        answer: str = "granted",
        *,
        key: str = "k",
        **changes: object,
    ) -> httpx2.Response:
        """Let the person answer a ticket in English."""
        body = {**make_shown(ticket["sha256"]["en"]), "answer": answer, **changes}
        path = f"/v1/me/asks/{ticket['id']}/answer"
        return await self.person.send("POST", path, body, key=key)

    async def outcome(
        self,
        ticket: dict[str, Any],
        answer: str = "refused",
        *,
        key: str | None = "k",
    ) -> httpx2.Response:
        """Let the app report what was not a yes."""
        path = f"/v1/asks/{ticket['id']}/outcome"
        return await self.app.send("POST", path, {"answer": answer}, key=key)

    async def check(self) -> Any:  # noqa: ANN401
        """Return what the gateway decides about the camera now."""
        asked = {
            "subject": self.subject,
            "capability": "device.camera",
            "purpose": "scan_qr",
        }
        return (await self.app.send("POST", "/v1/check", asked)).json()


def make_shown(sha256: str) -> dict[str, object]:
    """Make what was on a screen: a text by its hash, and a button."""
    return {
        "text": sha256,
        "locale": "en",
        "shown_at": SHOWN_AT,
        "control": {"id": "allow", "initial": "button", "action": "tap"},
    }


async def make_meeting(
    services: Services, http: httpx2.AsyncClient, *, notice: bool = True
) -> Meeting:
    """Register an app and a subject, and give each a token."""
    client, _ = await register_app(services)
    subject = await register_subject(services, notice=notice)
    app = await issue_token(services, client)
    person = await issue_token(
        services, client, kind="user", subject=subject, life=USER_LIFE
    )
    return Meeting(client, subject, Party(http, app), Party(http, person))
