"""What the samples' bit of a web server promises: escaping, origins, sessions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import httpx2
import pytest

from examples.web import Answer, Html, Site, Visit, see

WORDS = {"en": {"hello": "Hello & welcome"}, "zh-CN": {"hello": "你好"}}


class Guest:
    """A session; each has its own."""

    def __init__(self) -> None:
        self.visits = 0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site[Guest]]:
    """Serve a site with one page and one form."""
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "layout.html").write_text("<html lang=$lang>$body</html>")
    (templates / "page.html").write_text("$t_hello: $text $part")
    (templates / "error.html").write_text("error $code")
    with create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    site = Site(
        "guests", tmp_path, WORDS, Guest, port=port, form_target="http://b.test"
    )

    @site.on("GET", "/")
    def show(visit: Visit[Guest]) -> Answer:
        visit.session.visits += 1
        part = Html(f"<i>{visit.session.visits}</i>")
        return visit.page("page", text=visit.query.get("text", ""), part=part)

    @site.on("POST", "/")
    def leave(visit: Visit[Guest]) -> Answer:
        visit.restart()
        return see("/")

    server = site.server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def http(site: Site[Guest]) -> Iterator[httpx2.Client]:
    """Give a client that keeps cookies."""
    with httpx2.Client(base_url=site.address, trust_env=False) as http:
        yield http


def test_values_are_escaped(http: httpx2.Client) -> None:
    """Whatever is not our own HTML is text; words of ours are, too."""
    text = http.get("/", params={"text": "<script>"}).text

    assert text == "<html lang=en>Hello &amp; welcome: &lt;script&gt; <i>1</i></html>"


def test_form_of_another_site_is_refused(http: httpx2.Client) -> None:
    """What another site makes a browser send changes nothing."""
    http.get("/")

    answer = http.post("/", headers={"Origin": "http://evil.test"})

    assert answer.status_code == 403
    assert "<i>2</i>" in http.get("/").text


def test_session_begins_anew_when_somebody_else_comes(http: httpx2.Client) -> None:
    """The key changes with the person, and the old one is dead."""
    http.get("/")
    old = http.cookies["guests"]

    http.post("/")

    assert http.cookies["guests"] != old
    assert "<i>1</i>" in http.get("/", headers={"Cookie": f"guests={old}"}).text


def test_key_of_a_stranger_is_not_taken_over(http: httpx2.Client) -> None:
    """A planted key would wait for the log-in of whoever carries it."""
    http.get("/", headers={"Cookie": "guests=planted.en"})

    assert not http.cookies["guests"].startswith("planted")


def test_other_host_name_is_refused(http: httpx2.Client) -> None:
    """A name that somebody points at this machine reaches nothing (rebinding)."""
    assert http.get("/", headers={"Host": "evil.test"}).status_code == 421


def test_language_is_the_browsers_until_it_is_chosen(http: httpx2.Client) -> None:
    """The choice outlives the page on which it was made."""
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}

    before = http.get("/", headers=chinese).text
    http.get("/", params={"lang": "en"}, headers=chinese)

    assert "你好" in before
    assert "Hello" in http.get("/", headers=chinese).text


def test_too_much_is_refused(http: httpx2.Client) -> None:
    """A form is small; a body without a length is none."""
    assert http.post("/", content=b"x" * 20_000).status_code == 413


def test_log_holds_no_query(
    http: httpx2.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """A callback's query holds a code: method, path and status are enough."""
    http.get("/", params={"code": "secret-code"})

    assert capsys.readouterr().err == "GET / 200\n"
