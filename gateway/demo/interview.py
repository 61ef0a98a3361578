"""What the script asks the gateway itself, with the app's credentials, over HTTP."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

import httpx2
import msgspec

from gateway.demo.folder import Credentials


class Expected(Exception):
    """A step did not go as it must: what was looked at, expected and found."""

    def __init__(self, what: str, expected: object, got: object) -> None:
        super().__init__(what, expected, got)
        self.what, self.expected, self.got = what, expected, got

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected!r}, got {self.got!r}"


def expect(what: str, expected: object, got: object) -> None:
    """Raise Expected unless both are equal."""
    if expected != got:
        raise Expected(what, expected, got)


class Interviewer:
    """A back end with the app's credentials and plain HTTP: no SDK in between."""

    def __init__(self, gateway: str, app: Credentials) -> None:
        self._http = httpx2.Client(base_url=gateway, timeout=10.0, trust_env=False)
        answer = self._http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=httpx2.BasicAuth(app.id, app.secret),
        )
        expect("status of the token request", 200, answer.status_code)
        self._token: str = answer.json()["access_token"]
        self.answered_at = 0.0  # `time.perf_counter` of the last answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def send(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> Any:  # noqa: ANN401 - whatever the route answers
        """Return what a route answers; raises Expected for an error."""
        answer = self._http.request(
            method,
            path,
            content=None if body is None else msgspec.json.encode(body),
            headers={
                "Authorization": f"Bearer {token or self._token}",
                "Content-Type": "application/json",
            },
        )
        self.answered_at = time.perf_counter()
        if not answer.is_success:
            found = f"{answer.status_code} {answer.json().get('code')}"
            raise Expected(f"{method} {path}", "success", found)
        return answer.json()

    def camera(self, subject: str) -> dict[str, Any]:
        """Ask whether the camera may scan a code now; return the decision."""
        question = {
            "subject": subject,
            "capability": "device.camera",
            "purpose": "scan_qr",
            "scene": "scan_screen",
        }
        decision: dict[str, Any] = self.send("POST", "/v1/check", question)
        return decision

    def grants(self, subject: str) -> list[dict[str, Any]]:
        """Return every grant of a person, as the person sees it."""
        session = self.send("POST", f"/v1/subjects/{subject}/sessions", {})
        found = self.send("GET", "/v1/me/grants", token=session["token"])
        items: list[dict[str, Any]] = found["items"]
        return items
