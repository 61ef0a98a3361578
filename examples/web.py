"""The little of a web server that the samples share, so that they show the gateway.

One process, sessions in memory, pages from `string.Template`. A real app keeps the
framework it has: nothing here is needed to use the SDK.
"""

from __future__ import annotations

import argparse
import html
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import ClassVar, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from aseanbiz import GatewayError

Session = TypeVar("Session")
Words = Mapping[str, Mapping[str, str]]  # by locale

_HOST = "127.0.0.1"
_MOST_SESSIONS = 1000
_LONGEST_FORM = 10_000  # bytes
_TYPES = {".css": "text/css", ".svg": "image/svg+xml"}


class Html(str):
    """Text that is HTML already; every other value is escaped when filled in."""

    __slots__ = ()


@dataclass(frozen=True)
class Answer:
    """What goes back to the browser."""

    body: str = ""
    status: int = 200
    location: str | None = None


def see(location: str) -> Answer:
    """Send the browser to another page, whatever it sent."""
    return Answer(status=303, location=location)


@dataclass
class Visit(Generic[Session]):
    """One request of one browser; ``session`` is the sample's own."""

    site: Site[Session]
    session: Session
    locale: str
    url: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    _key: str

    def restart(self) -> Session:
        """Begin a new session under a new key: somebody else is here now."""
        self.site.sessions.pop(self._key, None)
        self._key, self.session = self.site.open()
        return self.session

    def fill(self, template: str, **values: str) -> Html:
        """Fill in one template; whatever is not `Html` is escaped."""
        words = {f"t_{name}": text for name, text in self.words.items()}
        text = (self.site.folder / "templates" / f"{template}.html").read_text("utf-8")
        return Html(
            Template(text).substitute(
                {
                    name: value if isinstance(value, Html) else html.escape(value)
                    for name, value in (words | values).items()
                }
            )
        )

    def page(self, template: str, *, status: int = 200, **values: str) -> Answer:
        """Return a whole page around one template."""
        body = self.fill(template, **values)
        return Answer(self.fill("layout", lang=self.locale, body=body), status)

    @property
    def words(self) -> Mapping[str, str]:
        """The sample's words in the language of this browser."""
        return self.site.words[self.locale]

    @property
    def cookie(self) -> str:
        """What ties the browser to its session; sent with every answer."""
        value = f"{self._key}.{self.locale}"
        return f"{self.site.name}={value}; Path=/; HttpOnly; SameSite=Lax"


class Site(Generic[Session]):
    """Routes, words and sessions of one sample.

    ``form_target`` is the origin that a form may lead to by redirect, beside the
    sample itself.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        words: Words,
        new: Callable[[], Session],
        *,
        port: int,
        form_target: str,
    ) -> None:
        self.name, self.folder, self.words = name, folder, words
        self.port, self.form_target = port, form_target
        self.address = f"http://{_HOST}:{port}"
        self.sessions: dict[str, Session] = {}
        self.routes: dict[tuple[str, str], Callable[[Visit[Session]], Answer]] = {}
        self._new = new

    def on(
        self, method: str, path: str
    ) -> Callable[
        [Callable[[Visit[Session]], Answer]], Callable[[Visit[Session]], Answer]
    ]:
        """Register the function below for a method and path."""

        def register(
            route: Callable[[Visit[Session]], Answer],
        ) -> Callable[[Visit[Session]], Answer]:
            self.routes[method, path] = route
            return route

        return register

    def open(self) -> tuple[str, Session]:
        """Start a session; the oldest goes where there are too many."""
        while len(self.sessions) >= _MOST_SESSIONS:
            self.sessions.pop(next(iter(self.sessions)), None)
        key = secrets.token_urlsafe(32)
        session = self.sessions[key] = self._new()
        return key, session

    def server(self) -> ThreadingHTTPServer:
        """Open the port; the caller runs and closes the server."""
        handler = type("_Handler", (_Handler,), {"site": self})
        server = ThreadingHTTPServer((_HOST, self.port), handler)
        server.daemon_threads = True
        return server

    def serve(self) -> None:
        """Answer on this machine until told to stop."""
        with self.server() as server:
            sys.stdout.write(f"{self.name} on {self.address}\n")
            sys.stdout.flush()
            server.serve_forever()


def port_from_arguments(description: str, default: int) -> int:
    """Read ``--port`` from the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=default)
    port: int = parser.parse_args().port
    return port


class _Handler(BaseHTTPRequestHandler):
    site: ClassVar[Site[object]]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body go out one after the other

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LONGEST_FORM:
            self.close_connection = True
            self._send(Answer("too much", 413), None)
            return
        body = self.rfile.read(int(length)).decode("utf-8", "replace")
        if self.headers.get("Origin") not in (None, self.site.address):
            self._send(Answer("this form came from another site", 403), None)
            return
        self._answer({name: values[-1] for name, values in parse_qs(body).items()})

    def _answer(self, form: Mapping[str, str]) -> None:
        parts = urlsplit(self.path)
        if self.headers.get("Host") != urlsplit(self.site.address).netloc:
            self._send(Answer(f"open {self.site.address}", 421), None)
            return
        if self.command == "GET" and self._asset(parts.path):
            return
        visit = self._visit(form)
        route = self.site.routes.get((self.command, parts.path))
        if route is None:
            answer = visit.page("error", status=404, code="not_found")
        else:
            try:
                answer = route(visit)
            except GatewayError as error:  # its text holds no personal data
                sys.stderr.write(f"{error}\n")
                answer = visit.page("error", status=502, code=error.code)
        self._send(answer, visit)

    def _visit(self, form: Mapping[str, str]) -> Visit[object]:
        query = parse_qs(urlsplit(self.path).query)
        flat = {name: values[-1] for name, values in query.items()}
        try:
            cookies = SimpleCookie(self.headers.get("Cookie", ""))
        except CookieError:
            cookies = SimpleCookie()
        kept = cookies[self.site.name].value if self.site.name in cookies else ""
        key, _, locale = kept.partition(".")
        accepted = self.headers.get("Accept-Language", "")
        preferred = "zh-CN" if accepted.lower().startswith("zh") else "en"
        for choice in (flat.get("lang"), locale, preferred):
            if choice in self.site.words:
                locale = choice
                break
        session = self.site.sessions.get(key)
        if session is None:  # a key that we did not make is not taken over
            key, session = self.site.open()
        url = self.site.address + self.path
        return Visit(self.site, session, locale, url, flat, form, key)

    def _asset(self, path: str) -> bool:
        kind = _TYPES.get(Path(path).suffix)
        file = self.site.folder / "templates" / Path(path).name
        if kind is None or not file.is_file():
            return False
        self._send(Answer(file.read_text("utf-8")), None, kind)
        return True

    def _send(
        self, answer: Answer, visit: Visit[object] | None, kind: str = "text/html"
    ) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            # no-referrer would make browsers send "Origin: null" with our own forms.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": (
                "default-src 'none'; style-src 'self'; img-src 'self' data:; "
                "base-uri 'none'; frame-ancestors 'none'; "
                f"form-action 'self' {self.site.form_target}"
            ),
        }.items():
            self.send_header(name, value)
        if answer.location is not None:
            self.send_header("Location", answer.location)
        if visit is not None:
            self.send_header("Set-Cookie", visit.cookie)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log method and path alone: a query may hold a code."""
        _ = size
        path = urlsplit(getattr(self, "path", "")).path
        sys.stderr.write(f"{self.command} {path} {int(code)}\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing more: what a stranger sent may be anything."""
