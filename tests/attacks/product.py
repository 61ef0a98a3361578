"""The running product as an attacker meets it: addresses, sockets, other accounts."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

ROOT: Final = Path(__file__).parent.parent.parent
COOKIE: Final = "gateway-session"
VERIFIER: Final = "attack-verifier-" + "v" * 40
CHALLENGE: Final = "a5al3xIXywyDZLHqdsjqDaxEJ3x8YrQg7KFcp1XJ5aQ"
FORM: Final = "application/x-www-form-urlencoded"
_COMMAND: Final = ("-m", "gateway.cli", "demo", "--json", "--data-dir")
_START_S: Final = 60.0


class Product:
    """A demo in a process of its own: gateway, WeChat, one app, two partners."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, *_COMMAND, str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self.programme = self._programme()
        except BaseException:
            self.close()
            raise
        self.origin: str = self.programme["gateway"]
        self.http = httpx2.Client(base_url=self.origin, timeout=30, trust_env=False)
        self.courier = Client(self, "courier")
        self.reader = Client(self, "reader")
        self._token = ""
        self._people: list[Person] = []

    def _programme(self) -> dict[str, Any]:
        out, text = self._process.stdout, b""
        assert out is not None
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self._process.communicate()
            if select.select([out], [], [], 1.0)[0]:
                text += os.read(out.fileno(), 65536)
                with contextlib.suppress(json.JSONDecodeError):
                    found: dict[str, Any] = json.loads(text)
                    return found
        raise AssertionError("the demo did not start")

    def close(self) -> None:
        """End the demo as Ctrl-C does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=30)
        if hasattr(self, "http"):
            self.http.close()

    @property
    def gateway_pid(self) -> int:
        """The process that serves the gateway's port."""
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                line = (process / "cmdline").read_bytes()
                if b"gateway.cli\0serve" in line and str(self.folder).encode() in line:
                    return int(process.name)
        raise AssertionError("no process serves the gateway")

    def resident_mb(self) -> float:
        """Return how much memory the gateway holds now."""
        text = Path(f"/proc/{self.gateway_pid}/status").read_text()
        line = next(one for one in text.splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    @property
    def logs(self) -> str:
        """Everything that the gateway has written to its log."""
        return (self.folder / "logs" / "gateway.log").read_text()

    @property
    def token(self) -> str:
        """A token of the app, with every scope it has."""
        if not self._token:
            app = self.programme["clients"]["app"]
            answer = self.http.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(app["id"], app["secret"]),
            )
            self._token = answer.json()["access_token"]
        return self._token

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        **headers: str,
    ) -> httpx2.Response:
        """Call the API with a token, the app's unless another is named."""
        sent = {"authorization": f"Bearer {token or self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = None
        if body is not None:
            sent.setdefault("content-type", "application/json")
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.request(
            method, self.origin + path, headers=sent, content=content
        )

    def raw(self, data: bytes, seconds: float = 15.0) -> bytes:
        """Send bytes over a connection of their own; return all that comes back."""
        address = urlsplit(self.origin)
        told = b""
        with socket.create_connection((address.hostname, address.port)) as line:
            line.settimeout(seconds)
            with contextlib.suppress(OSError):
                line.sendall(data)
                while piece := line.recv(65536):
                    told += piece
        return told

    def person(self) -> Person:
        """Return somebody new, who has read the notice, in a browser of their own."""
        found = Person(self)
        self._people.append(found)
        return found

    def send_home(self) -> None:
        """Close every browser that is still open."""
        while self._people:
            self._people.pop().browser.close()


class Client:
    """A registered client of the demo."""

    def __init__(self, product: Product, name: str) -> None:
        found = product.programme["clients"][name]
        self.product = product
        self.id: str = found["id"]
        self.secret: str = found["secret"]
        self.redirect_uri: str = found["redirect_uri"]
        self.scope = "data.identity" if name == "reader" else "data.transaction"

    def post(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form with this client's secret."""
        auth = (self.id, self.secret)
        return self.product.http.post(path, data=fields, auth=auth)

    def url(self, **changes: str | None) -> str:
        """Return an authorization request; None leaves a parameter out."""
        given = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": "s-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        sent = {name: value for name, value in given.items() if value is not None}
        return f"/oauth/authorize?{urlencode(sent)}"

    def redeem(self, code: str, **changes: str) -> httpx2.Response:
        """Send a code to the token endpoint."""
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.post("/oauth/token", **given)


class Person:
    """A subject with a browser, and what an attacker may do with one."""

    def __init__(self, product: Product) -> None:
        self.product = product
        registered = product.call(
            "POST", "/v1/subjects", {"reference": secrets.token_hex(16)}
        )
        self.id: str = registered.json()["id"]
        self.token: str = self.session()["token"]
        self.browser = httpx2.Client(
            base_url=product.origin,
            headers={"accept": "text/html", "accept-language": "en"},
            timeout=30,
            trust_env=False,
        )
        notice = product.call("GET", "/v1/notice", token=self.token).json()
        seen = {
            "text": notice["sha256"]["en"],
            "locale": "en",
            "shown_at": "2026-01-01T00:00:00Z",
            "control": {"id": "ok", "initial": "button", "action": "tap"},
        }
        product.call("POST", "/v1/notice", seen, token=self.token)

    def session(self) -> dict[str, Any]:
        """Let the app vouch for them: a token and a hand-over link."""
        opened = self.product.call("POST", f"/v1/subjects/{self.id}/sessions", {})
        found: dict[str, Any] = opened.json()
        return found

    def log_in(self, other: Person | None = None) -> Person:
        """Come over from the app, or be brought into another one's account."""
        link = (other or self).session()["handover_url"]
        answer = self.browser.get(link)
        assert answer.status_code == 303, answer.text
        return self

    @property
    def cookie(self) -> str:
        """The cookie of the browser's session."""
        return self.browser.cookies.get(COOKIE) or ""

    @cookie.setter
    def cookie(self, value: str) -> None:
        self.browser.cookies.clear()
        self.browser.cookies.set(COOKIE, value, domain="127.0.0.1")

    def page(self, path: str) -> Page:
        """Open a page that has to be there."""
        answer = self.browser.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return Page(answer.text)

    def consent(self, client: Client, **changes: str | None) -> Form:
        """Be sent here by a client; return the form of its consent page."""
        first = self.browser.get(client.url(**changes))
        address = first.headers.get("location", "")
        assert address.startswith("/oauth/consent/"), (first.status_code, address)
        return self.page(address).form("/oauth/consent/")

    def send(
        self, form: Form, extra: list[tuple[str, str]], **headers: str
    ) -> httpx2.Response:
        """Send a form with these boxes and buttons."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.browser.post(
            form.action,
            content=urlencode([*form.hidden.items(), *extra]),
            headers={"content-type": FORM, **named},
        )

    def allow(self, form: Form) -> httpx2.Response:
        """Tick every box and allow."""
        return self.send(form, [*form.boxes, ("decision", "allow")])

    def code(self, client: Client) -> str:
        """Allow everything that a client asks; return its code."""
        return query_of(self.allow(self.consent(client)))["code"]

    def grant(self, client: Client) -> dict[str, Any]:
        """Allow everything that a client asks; return its token answer."""
        answer = client.redeem(self.code(client))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def grants(self) -> list[dict[str, Any]]:
        """Return everything they have answered."""
        answer = self.product.call("GET", "/v1/me/grants", token=self.token)
        found: list[dict[str, Any]] = answer.json()["items"]
        return found


class Form:
    """One form of a page."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.hidden: dict[str, str] = {}
        self.boxes: list[tuple[str, str]] = []


class Page(HTMLParser):
    """A page as a machine reads it: forms, and tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms and what they send."""
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag == "form":
            self.forms.append(Form(found["action"]))
        if tag == "input" and self.forms:
            if found["type"] == "hidden":
                self.forms[-1].hidden[found["name"]] = found["value"]
            else:
                self.forms[-1].boxes.append((found["name"], found["value"]))

    def form(self, action: str) -> Form:
        """Return the first form whose action begins so."""
        return next(form for form in self.forms if form.action.startswith(action))


def query_of(answer: httpx2.Response) -> dict[str, str]:
    """Return the query of a redirect to a client."""
    assert answer.status_code == 303, (answer.status_code, answer.text)
    query = parse_qs(urlsplit(answer.headers["location"]).query, strict_parsing=True)
    return {name: values[0] for name, values in query.items()}


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Product]:
    """Run the product in a folder."""
    product = Product(folder)
    try:
        yield product
    finally:
        product.close()
