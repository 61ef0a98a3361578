"""A6: the code flow as RFC 9700 attacks it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.attacks.product import COOKIE, FORM, Client, Page, Person, Product, query_of

VARIANTS: Final[dict[str, Callable[[str], str]]] = {
    "slash": lambda uri: uri + "/",
    "question mark": lambda uri: uri + "?",
    "query": lambda uri: uri + "?x=1",
    "hash": lambda uri: uri + "#",
    "fragment": lambda uri: uri + "#x",
    "NUL": lambda uri: uri + "%00",
    "line break": lambda uri: uri + "\n",
    "space": lambda uri: " " + uri,
    "upper case": lambda uri: uri.upper(),
    "path case": lambda uri: uri.replace("callback", "Callback"),
    "percent": lambda uri: uri.replace("callback", "%63allback"),
    "dots": lambda uri: uri.replace("callback", "x/../callback"),
    "trailing dot": lambda uri: uri.replace("127.0.0.1", "127.0.0.1."),
    "localhost": lambda uri: uri.replace("127.0.0.1", "localhost"),
    "short address": lambda uri: uri.replace("127.0.0.1", "127.1"),
    "decimal address": lambda uri: uri.replace("127.0.0.1", "2130706433"),
    "user name": lambda uri: uri.replace("127.0.0.1", "user@127.0.0.1"),
    "backslash": lambda uri: uri.replace("127.0.0.1", "evil.example\\@127.0.0.1"),
    "scheme": lambda uri: uri.replace("http:", "https:"),
    "port": lambda uri: f"http://127.0.0.1:1{urlsplit(uri).path}",
    "no scheme": lambda uri: uri.removeprefix("http:"),
    "javascript": lambda uri: f"javascript:alert(1)//{uri}",
    "nothing": lambda uri: uri[:0],
}


class TestRedirects:
    @pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS)
    def test_only_the_registered_string_is_led_to(
        self, victim: Person, courier: Client, change: Callable[[str], str]
    ) -> None:
        """Any other one ends on a page of ours: no redirect, for errors neither."""
        uri = change(courier.redirect_uri)

        told = victim.browser.get(courier.url(redirect_uri=uri))

        assert told.status_code == 400
        assert "location" not in told.headers

    @pytest.mark.parametrize(
        "back",
        ["https://evil.example", "//evil.example", "/\\evil.example", "/%0d%0ax", "x"],
    )
    def test_no_page_leads_where_it_was_not_told_to(
        self, product: Product, back: str
    ) -> None:
        """What comes in an address or a form of a stranger is a path of ours."""
        told = httpx2.post(
            product.origin + "/locale",
            content=f"locale=en&csrf=&back={back}",
            headers={"content-type": FORM},
        )
        waiting = httpx2.get(
            product.origin + "/login", params={"request": back, "next": back}
        )

        for answer in (told, waiting):
            assert answer.headers["location"].startswith("/")
            assert not answer.headers["location"].startswith(("//", "/\\"))

    def test_state_comes_back_exactly_and_inert(
        self, victim: Person, courier: Client
    ) -> None:
        """A state is data: neither a header nor a parameter of its own."""
        state = "a b&code=x#\r\nSet-Cookie: x=1;\u202e%00"
        form = victim.consent(courier, state=state)

        told = victim.allow(form)

        assert query_of(told)["state"] == state
        assert "x=1" not in str(told.headers.get("set-cookie"))


class TestPkce:
    @pytest.mark.parametrize(
        "changes",
        [
            {"code_challenge": None},
            {"code_challenge": ""},
            {"code_challenge_method": "plain"},
            {"code_challenge_method": "s256"},
            {"code_challenge": "short"},
            {"code_challenge": "a" * 44},
        ],
    )
    def test_request_without_s256_gets_no_page(
        self, victim: Person, courier: Client, changes: dict[str, str | None]
    ) -> None:
        """Downgrades are told to the client, and issue nothing."""
        told = victim.browser.get(courier.url(**changes))

        assert query_of(told)["error"] == "invalid_request"

    @pytest.mark.parametrize(
        "changes",
        [{"code_verifier": "w" * 43}, {"redirect_uri": "http://127.0.0.1/"}],
    )
    def test_failed_proof_burns_the_code(
        self, victim: Person, courier: Client, changes: dict[str, str]
    ) -> None:
        """Whoever guesses has one try."""
        code = victim.code(courier)

        told = [courier.redeem(code, **changes), courier.redeem(code)]

        assert [one.json()["error"] for one in told] == ["invalid_grant"] * 2


class TestCodes:
    def test_replay_ends_what_the_code_brought(
        self, victim: Person, courier: Client
    ) -> None:
        """The second use is refused and takes the first one's token along."""
        code = victim.code(courier)
        token = courier.redeem(code).json()["access_token"]

        told = courier.redeem(code)

        assert told.json()["error"] == "invalid_grant"
        assert courier.post("/oauth/introspect", token=token).json() == {
            "active": False
        }

    def test_parallel_redemption_leaves_no_live_token(
        self, victim: Person, courier: Client
    ) -> None:
        """One of sixteen wins, and the others end what it won."""
        code = victim.code(courier)

        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(lambda _: courier.redeem(code), range(16)))

        won = [one.json()["access_token"] for one in told if one.status_code == 200]
        assert len(won) == 1
        assert courier.post("/oauth/introspect", token=won[0]).json() == {
            "active": False
        }

    def test_other_clients_code_is_worth_nothing(
        self, victim: Person, courier: Client, reader: Client
    ) -> None:
        """Injected at another client it is refused, and not burnt for its own."""
        code = victim.code(courier)

        stolen = reader.redeem(code, redirect_uri=courier.redirect_uri)

        assert stolen.json()["error"] == "invalid_grant"
        assert courier.redeem(code).status_code == 200

    def test_every_answer_names_its_issuer(
        self, product: Product, victim: Person, courier: Client
    ) -> None:
        """Mix-up ends at a client that looks (RFC 9207)."""
        yes = victim.allow(victim.consent(courier))
        no = victim.browser.get(courier.url(scope="data.credit"))

        assert {query_of(one)["iss"] for one in (yes, no)} == {product.origin}


class TestClients:
    @pytest.mark.parametrize(
        "fields",
        [
            {"client_secret": "x"},
            {"client_id": "cli_" + "a" * 26},
            {"client_assertion": "x", "client_assertion_type": "x"},
        ],
    )
    def test_second_method_is_refused(
        self, courier: Client, fields: dict[str, str]
    ) -> None:
        """Two identities in one request are none."""
        told = courier.post("/oauth/token", grant_type="client_credentials", **fields)

        assert told.json()["error"] == "invalid_request"

    def test_credentials_in_the_address_are_refused(
        self, product: Product, courier: Client
    ) -> None:
        """They would end up in logs and histories."""
        told = product.http.post(
            f"/oauth/token?client_id={courier.id}&client_secret={courier.secret}",
            data={"grant_type": "client_credentials"},
        )

        assert told.status_code in {400, 401}

    @pytest.mark.parametrize(
        "grant", ["password", "implicit", "refresh_token", "x", "urn:x"]
    )
    def test_other_grants_do_not_exist(self, courier: Client, grant: str) -> None:
        """Nothing but the two that are offered."""
        told = courier.post("/oauth/token", grant_type=grant, refresh_token="x")

        assert told.status_code == 400


class TestWeChatCallback:
    """Log-in CSRF: bringing somebody into an account by a callback."""

    @pytest.mark.parametrize(
        "query",
        [
            "code=a&state=b",
            "state=b",
            "code=a",
            "code=a&state=b&state=c",
            "code=a&code=b&state=c",
            "code=authdeny&state=b",
            "code=%ff&state=%ff",
            "",
        ],
    )
    def test_unknown_state_signs_nobody_in(self, product: Product, query: str) -> None:
        """A callback that this gateway did not begin changes nothing."""
        person = product.person()

        told = person.browser.get(f"/login/wechat/web/callback?{query}")

        assert told.status_code in {400, 404}
        assert person.browser.get("/me").headers["location"] == "/login"

    def test_state_of_another_browser_signs_nobody_in(self, product: Product) -> None:
        """Mallory's own state, sent to somebody else, ends on a warning."""
        mallory, victim = product.person(), product.person()
        name = next(
            form.action
            for form in _login_page(mallory).forms
            if form.action.startswith("/login/wechat/")
        )
        form = _login_page(mallory).form(name)
        state = query_of(mallory.send(form, []))["state"]

        told = victim.browser.get(f"{name}/callback?code=x&state={state}")

        assert told.status_code == 403
        assert victim.browser.get("/me").headers["location"] == "/login"
        assert victim.browser.cookies.get(COOKIE)


def _login_page(person: Person) -> Page:
    notice = person.browser.get("/notice")
    assert notice.status_code == 200
    person.send(person.page("/notice").form("/notice"), [])
    return person.page("/login")


def test_random_codes_and_tokens_are_refused(product: Product, courier: Client) -> None:
    """Nothing to guess: 256 bits, and one answer for whatever is wrong."""
    answers = {
        product.call("GET", "/v1/me/grants", token=secrets.token_urlsafe(32)).text[:120]
        for _ in range(5)
    }
    codes = {courier.redeem(secrets.token_hex(32)).text for _ in range(5)}

    assert len(answers) == len(codes) == 1
