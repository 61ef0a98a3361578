"""A person in front of a browser: pages, their forms, cookies, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx2

from gateway.api.sessions import HANDOVER_LIFE
from gateway.services import Services
from gateway.tokens import digest
from permissions.ids import shard_of
from permissions.store import tables
from tests.conftest import ISSUER

COOKIE = "gateway-session"


@dataclass
class Form:
    """One form of a page, with the test hooks of its controls."""

    action: str
    method: str
    hidden: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)  # hooks of tick boxes
    hooks: list[str] = field(default_factory=list)  # of buttons

    @property
    def fields(self) -> dict[str, str]:
        """The hidden values by name."""
        return dict(self.hidden)


class Page(HTMLParser):
    """A page as read: its forms and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._form: Form | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms and their controls."""
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag == "form":
            self._form = Form(found["action"], found["method"])
            self.forms.append(self._form)
        elif self._form is not None and tag == "button":
            self._form.hooks.append(found.get("data-testid", ""))
        elif self._form is not None and tag == "input":
            if found["type"] == "hidden":
                self._form.hidden.append((found["name"], found["value"]))
            else:
                self._form.boxes.append(found["data-testid"])

    def handle_endtag(self, tag: str) -> None:
        """Leave a form."""
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        """Keep the text that a person reads."""
        self.text += data

    def form(self, hook: str) -> Form:
        """Return the form with a control of this hook."""
        found = [form for form in self.forms if hook in form.hooks]
        assert found, f"no form with {hook} on this page"
        return found[0]

    @property
    def hooks(self) -> set[str]:
        """Every test hook of the page."""
        return {
            found["data-testid"] for _, found in self.tags if "data-testid" in found
        }


class Browser:
    """A browser on the gateway's pages; it follows no redirect by itself."""

    def __init__(self, services: Services, http: httpx2.AsyncClient) -> None:
        self.services = services
        self.http = http
        http.headers["accept"] = "text/html"
        http.headers["accept-language"] = "en"

    @property
    def cookie(self) -> str:
        """The session's cookie, or an empty text."""
        return self.http.cookies.get(COOKIE) or ""

    @cookie.setter
    def cookie(self, value: str) -> None:
        self.http.cookies.clear()
        self.http.cookies.set(COOKIE, value, domain="127.0.0.1")

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """Go to an address."""
        return await self.http.get(path.removeprefix(ISSUER), headers=headers)

    async def page(self, path: str) -> Page:
        """Go to an address that is a page."""
        answer = await self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.headers)
        return Page(answer.text)

    async def press(self, form: Form, **changes: str) -> httpx2.Response:
        """Send a form as a browser does, with its own origin."""
        return await self.http.post(
            form.action,
            data={**form.fields, **changes},
            headers={"origin": ISSUER, "sec-fetch-site": "same-origin"},
        )

    async def follow(self, answer: httpx2.Response) -> Page:
        """Follow redirects until there is a page."""
        for _ in range(5):
            if answer.status_code != 303:
                break
            answer = await self.get(answer.headers["location"])
        assert answer.status_code == 200, answer.status_code
        return Page(answer.text)

    async def read_notice(self, path: str = "/login") -> Page:
        """Begin a log-in: read the notice, and see the ways to log in."""
        notice = await self.follow(await self.get(path))
        return await self.follow(await self.press(notice.form("notice-continue")))

    async def hand_over(self, subject: str, client: str = "cli_sample") -> Page:
        """Sign in as an app would bring somebody here."""
        ticket = await add_ticket(self.services, subject, client)
        return await self.follow(await self.get(f"/handover/{ticket}"))


async def add_ticket(services: Services, subject: str, client: str) -> str:
    """Make a hand-over ticket, as an app's call does."""
    ticket = services.random(32).hex()
    sha256 = digest(ticket)
    row = {
        "shard": shard_of(sha256),
        "sha256": sha256,
        "subject": subject,
        "client": client,
        "expires_at": services.clock() + HANDOVER_LIFE,
        "used_at": None,
    }
    await services.store.write(
        lambda tx: tx.connection.execute(tables.handovers.insert().values(row))
    )
    return ticket
