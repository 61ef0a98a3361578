"""A person with a browser, and a partner with a stock OAuth client, over HTTP.

The client is Authlib's own and gets nothing but configuration; the person follows
the forms of the pages.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gateway.services import Services
from gateway.web import sessions
from gateway.web.visits import cookie_name
from permissions.state import Client, Subject
from tests.conftest import ISSUER, FakeClock
from tests.factories import CALLBACK, register_app, register_partner, register_subject

VERIFIER = "v" * 20 + "-0123456789-0123456789-0123456789"
CHALLENGE = create_s256_code_challenge(VERIFIER)


class Page(HTMLParser):
    """The form of a page: hidden values, and the boxes with their state."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.boxes: list[tuple[str, str]] = []
        self.ticked: list[tuple[str, str]] = []
        self.buttons: list[str] = []
        self._in_form = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what belongs to the consent form."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._in_form = "/oauth/consent/" in found.get("action", "")
        if not self._in_form:
            return
        if tag == "button":
            self.buttons.append(found.get("value", ""))
        if tag != "input":
            return
        if found.get("type") == "hidden":
            self.hidden[found["name"]] = found["value"]
        if found.get("type") == "checkbox":
            self.boxes.append((found["name"], found["value"]))
            if "checked" in found:
                self.ticked.append((found["name"], found["value"]))

    def handle_endtag(self, tag: str) -> None:
        """Leave the form."""
        if tag == "form":
            self._in_form = False


class World:
    """The gateway from outside: its application, one browser, and the clock."""

    def __init__(
        self,
        app: Any,  # noqa: ANN401 - an ASGI application
        services: Services,
        http: httpx2.AsyncClient,
        clock: FakeClock,
    ) -> None:
        self.app = app
        self.services = services
        self.http = http
        self.clock = clock

    @property
    def person(self) -> Person:
        """Whoever sits in front of the browser."""
        return Person(self.services, self.http)

    async def partner(self, **changes: Any) -> Partner:  # noqa: ANN401
        """Register a partner under contract for delivery."""
        client, secret = await register_partner(self.services, **changes)
        return Partner(self, client, secret)

    async def app_client(self, **changes: Any) -> Partner:  # noqa: ANN401
        """Register an app client."""
        client, secret = await register_app(self.services, **changes)
        return Partner(self, client, secret)

    async def subject(self) -> str:
        """Register somebody who has seen the notice, and sign them in."""
        subject = await register_subject(self.services)
        await self.person.sign_in(subject)
        return subject

    async def standing(self, subject: str, client: str) -> Subject:
        """Return what the ledger says about somebody."""
        found = (await self.services.store.standing(subject, client)).subject
        assert found is not None
        return found


@dataclass(frozen=True, repr=False)
class Partner:
    """A registered client, and the stock library it uses."""

    world: World
    client: Client
    secret: str

    @asynccontextmanager
    async def oauth(self, **options: Any) -> AsyncIterator[AsyncOAuth2Client]:  # noqa: ANN401
        """Open Authlib's client, configured as a partner would from our metadata."""
        given = {
            "scope": "data.transaction",
            "redirect_uri": CALLBACK,
            "code_challenge_method": "S256",
            **options,
        }
        async with AsyncOAuth2Client(
            self.client.id,
            self.secret,
            transport=httpx2.ASGITransport(
                app=self.world.app, client=("127.0.0.1", 50001)
            ),
            base_url=ISSUER,
            **given,
        ) as oauth:
            yield oauth

    async def post(
        self, path: str, *, secret: str | None = None, **fields: str
    ) -> httpx2.Response:
        """Send a form with Basic authentication."""
        auth = (self.client.id, self.secret if secret is None else secret)
        return await self.world.http.post(path, data=fields, auth=auth)

    async def introspect(self, token: str) -> dict[str, Any]:
        """Introspect a token."""
        answer = await self.post("/oauth/introspect", token=token)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def redeem(self, code: str, **changes: str) -> httpx2.Response:
        """Send a code to the token endpoint."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **changes,
        }
        return await self.post("/oauth/token", **fields)

    def url(self, **changes: str | None) -> str:
        """Return an authorization request by hand; None leaves a parameter out."""
        parameters = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": CALLBACK,
            "scope": "data.transaction",
            "state": "s-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        sent = {name: value for name, value in parameters.items() if value is not None}
        return f"/oauth/authorize?{urlencode(sent)}"

    async def code(self, **changes: str | None) -> str:
        """Let the person in the browser allow everything; return the code."""
        address, page = await self.world.person.open_consent(self.url(**changes))
        done = await self.world.person.allow(address, page)
        return query_of(done)["code"]

    async def token(self, **changes: str | None) -> dict[str, Any]:
        """Let the person in the browser allow everything; return the token answer."""
        answer = await self.redeem(await self.code(**changes))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


class Person:
    """Somebody in front of a browser, who is signed in where the test says so."""

    def __init__(self, services: Services, http: httpx2.AsyncClient) -> None:
        self.services = services
        self.http = http

    async def sign_in(self, subject: str) -> None:
        """Sign in as the pages would after a log-in, keeping the browser."""
        services = self.services
        name = cookie_name(services.settings)
        cookie = self.http.cookies.get(name)

        def work(tx: Any) -> str:  # noqa: ANN401
            session = sessions.find(tx.connection, cookie, tx.now) if cookie else None
            if session is None:
                _, session = sessions.open_session(tx, locale="en")
            secret, _ = sessions.sign_in(tx, session, subject, "wechat")
            return secret

        secret = await services.store.write(work)
        self.http.cookies.clear()
        self.http.cookies.set(name, secret, domain="127.0.0.1")

    async def get(self, url: str) -> httpx2.Response:
        """Open an address, as a browser does."""
        return await self.http.get(url, headers={"accept": "text/html"})

    async def post(
        self, url: str, fields: list[tuple[str, str]], **headers: str
    ) -> httpx2.Response:
        """Send a form."""
        return await self.http.post(
            url,
            content=urlencode(fields),
            headers={
                "accept": "text/html",
                "content-type": "application/x-www-form-urlencoded",
                **headers,
            },
        )

    async def open_consent(self, url: str) -> tuple[str, Page]:
        """Open an authorization request that leads to the page; return the page."""
        first = await self.get(url)
        assert first.status_code == 303, first.text
        address = first.headers["location"]
        assert address.startswith("/oauth/consent/"), address
        shown = await self.get(address)
        assert shown.status_code == 200, shown.text
        return address, Page(shown.text)

    async def allow(self, address: str, page: Page) -> httpx2.Response:
        """Tick every box and allow."""
        return await self.answer(address, page, page.boxes)

    async def answer(
        self,
        address: str,
        page: Page,
        boxes: list[tuple[str, str]],
        decision: str = "allow",
    ) -> httpx2.Response:
        """Send the form with these boxes ticked."""
        fields = [*page.hidden.items(), *boxes, ("decision", decision)]
        return await self.post(address, fields)


def query_of(response: httpx2.Response) -> dict[str, str]:
    """Return the query of the redirect that a response is; each value once."""
    assert response.status_code == 303, response.text
    query = parse_qs(urlsplit(response.headers["location"]).query, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


def request_url(oauth: AsyncOAuth2Client, **extra: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return where the client sends the browser, and its state."""
    url, state = oauth.create_authorization_url(
        f"{ISSUER}/oauth/authorize", code_verifier=VERIFIER, **extra
    )
    return url, state


async def redeem(oauth: AsyncOAuth2Client, callback: str) -> dict[str, Any]:
    """Exchange the code in a callback, checking state as the client does."""
    token: dict[str, Any] = await oauth.fetch_token(
        f"{ISSUER}/oauth/token",
        authorization_response=callback,
        code_verifier=VERIFIER,
    )
    return token


def details(*entries: dict[str, Any]) -> str:
    """Return an authorization_details parameter; ``data.transaction`` by default."""
    return json.dumps(
        [
            {
                "type": "consented_data",
                "capability": "data.transaction",
                "purpose": "delivery",
                **entry,
            }
            for entry in entries
        ]
    )
