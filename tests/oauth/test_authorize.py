"""The authorization endpoint: pages for strangers, redirects for everybody else."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import func, select

from gateway.oauth import clients
from permissions.acts import Actor, SwitchFunction
from permissions.state import ContractPair
from permissions.store import tables
from tests.conftest import ISSUER
from tests.factories import CALLBACK, make_contract, register_subject
from tests.oauth.flows import CHALLENGE, World, details, query_of

FORM = "application/x-www-form-urlencoded"


def is_page(answer: httpx2.Response) -> bool:
    """Say whether an answer is an error page of ours, and no redirect."""
    return (
        answer.status_code in {400, 403}
        and "location" not in answer.headers
        and answer.headers["content-type"].startswith("text/html")
    )


async def stored_requests(world: World) -> int:
    """Count the authorization requests in the store."""
    query = select(func.count()).select_from(tables.authorization_requests)
    return await world.services.store.read(lambda near: near.scalar(query) or 0)


class TestPagesOfOurs:
    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": None},
            {"client_id": "cli_" + "a" * 26},
            {"redirect_uri": None},
            {"redirect_uri": CALLBACK + "/"},
            {"redirect_uri": CALLBACK + "?x=1"},
            {"redirect_uri": CALLBACK + "#x"},
            {"redirect_uri": "HTTPS://partner.example/callback"},
            {"redirect_uri": "https://partner.example:443/callback"},
            {"redirect_uri": "https://partner.example/a/../callback"},
            {"redirect_uri": "https://evil.example/callback"},
            {"redirect_uri": "https://partner.example@evil.example/callback"},
            {"redirect_uri": "javascript:alert(1)"},
        ],
    )
    async def test_wrong_client_or_redirect_never_redirects(
        self, world: World, changes: dict[str, str | None]
    ) -> None:
        """Redirect URIs are compared character by character (RFC 9700 §2.1)."""
        partner = await world.partner()

        answer = await world.person.get(partner.url(**changes))

        assert is_page(answer), answer.headers
        assert await stored_requests(world) == 0

    @pytest.mark.parametrize(
        ("changes", "code", "parameter"),
        [
            ({"client_id": "cli_" + "a" * 26}, "client_unknown", "client_id"),
            ({"redirect_uri": CALLBACK + "/"}, "redirect_uri_unknown", "redirect_uri"),
        ],
    )
    async def test_page_names_what_does_not_fit(
        self, world: World, changes: dict[str, str | None], code: str, parameter: str
    ) -> None:
        """Its developer is the only one who can mend it, and sees only this page."""
        partner = await world.partner()
        url = partner.url(**changes)

        page = await world.person.get(url)
        problem = await world.person.http.get(
            url, headers={"accept": "application/json"}
        )

        assert f'data-testid="message-{code}"' in page.text
        assert parameter in page.text
        assert problem.json()["code"] == code
        assert parameter in problem.json()["detail"]

    @pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
    async def test_two_clients_or_redirects_are_none(
        self, world: World, name: str
    ) -> None:
        """A repeated one is not chosen from."""
        partner = await world.partner()

        answer = await world.person.get(partner.url() + f"&{name}=x")

        assert is_page(answer)

    @pytest.mark.parametrize("raw", ["&x=%00", "&x=%ff", "&state=%0b"])
    async def test_unreadable_query_is_a_page(self, world: World, raw: str) -> None:
        """NUL and invalid UTF-8 are 400, never 500."""
        partner = await world.partner()

        assert is_page(await world.person.get(partner.url() + raw))

    async def test_suspended_client_is_a_page(self, world: World) -> None:
        """Who is cut off gets nobody sent back."""
        partner = await world.partner()
        name = partner.client.id
        await world.services.store.write(lambda tx: clients.suspend(tx, name))

        assert is_page(await world.person.get(partner.url()))

    async def test_partner_has_no_free_port(self, world: World) -> None:
        """Only an app client's loopback port is free (RFC 8252 §7.3)."""
        partner = await world.partner(redirect_uris=("http://127.0.0.1/cb",))
        app = await world.app_client(redirect_uris=("http://127.0.0.1/cb",))
        moved = "http://127.0.0.1:5000/cb"

        assert is_page(await world.person.get(partner.url(redirect_uri=moved)))
        assert (await world.person.get(app.url(redirect_uri=moved))).status_code == 303
        for other in ("http://127.0.0.1:5000/cb2", "http://127.0.0.2:5000/cb"):
            assert is_page(await world.person.get(app.url(redirect_uri=other)))


class TestErrorsByRedirect:
    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"response_type": None}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_type": "code id_token"}, "unsupported_response_type"),
            ({"response_mode": "fragment"}, "invalid_request"),
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": "s256"}, "invalid_request"),
            ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
            ({"request_uri": "urn:x"}, "request_uri_not_supported"),
            ({"prompt": "none login"}, "invalid_request"),
            ({"prompt": "canary_4711"}, "invalid_request"),
            ({"max_age": "-1"}, "invalid_request"),
            ({"max_age": "9" * 5000}, "invalid_request"),
            ({"scope": None}, "invalid_scope"),
            ({"scope": "canary_4711"}, "invalid_scope"),
            ({"scope": "device.camera"}, "invalid_scope"),
            ({"scope": "data.credit"}, "invalid_scope"),
            ({"scope": "gateway.check"}, "invalid_scope"),
            ({"authorization_details": "canary"}, "invalid_authorization_details"),
            (
                {"authorization_details": details({"purpose": "payment"})},
                "invalid_authorization_details",
            ),
            (
                {"authorization_details": details({"capability": "device.camera"})},
                "invalid_authorization_details",
            ),
            (
                {
                    "authorization_details": details(
                        {"elements": {"optional": ["payment_account"]}}
                    )
                },
                "invalid_authorization_details",
            ),
            (
                {"authorization_details": details({"expires_at": "2020-01-01T00:00Z"})},
                "invalid_authorization_details",
            ),
            ({"prompt": "none"}, "login_required"),
        ],
    )
    async def test_names_the_error_state_and_issuer(
        self, world: World, changes: dict[str, str | None], error: str
    ) -> None:
        """Every outcome carries ``iss``, early errors too, and quotes no input."""
        partner = await world.partner()

        answer = await world.person.get(partner.url(**changes))

        said = query_of(answer)
        assert answer.headers["location"].startswith(CALLBACK + "?")
        assert said.pop("error_description")
        assert said == {"error": error, "state": "s-1", "iss": ISSUER}
        assert "canary" not in answer.headers["location"]

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"code_challenge": "short"}, "code_challenge_method=S256"),
            ({"code_challenge_method": "plain"}, "code_challenge_method=S256"),
            (
                {"authorization_details": details({"elements": ["name"]})},
                "elements (an object of required and optional)",
            ),
        ],
    )
    async def test_description_names_the_parameter_and_the_fix(
        self, world: World, changes: dict[str, str | None], named: str
    ) -> None:
        """The mistakes that are made most, in characters of RFC 6749 §4.1.2.1."""
        partner = await world.partner()

        said = query_of(await world.person.get(partner.url(**changes)))

        assert named in said["error_description"]
        assert re.fullmatch(
            r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", said["error_description"]
        )

    async def test_repeated_parameter_is_an_error(self, world: World) -> None:
        """Duplicates are refused everywhere; a repeated state cannot be echoed."""
        partner = await world.partner()

        scope = query_of(await world.person.get(partner.url() + "&scope=x"))
        state = query_of(await world.person.get(partner.url() + "&state=x"))

        assert (scope["error"], scope["state"]) == ("invalid_request", "s-1")
        assert state["error"] == "invalid_request"
        assert "state" not in state

    @pytest.mark.parametrize(
        "state",
        ["a b+c&d=e%20f#g", "状态 🎫", "x" * 4000, '"<script>', "a=b?c=d"],
    )
    async def test_state_comes_back_exactly(self, world: World, state: str) -> None:
        """Whatever the client put into it."""
        partner = await world.partner()

        said = query_of(await world.person.get(partner.url(state=state, prompt="none")))

        assert said["state"] == state

    async def test_absent_state_stays_absent(self, world: World) -> None:
        """No state in, none out; a query of the redirect URI is left as it is."""
        uri = CALLBACK + "?tenant=a%20b"
        partner = await world.partner(redirect_uris=(uri,))

        answer = await world.person.get(
            partner.url(redirect_uri=uri, state=None, prompt="none")
        )

        assert answer.headers["location"].startswith(uri + "&error=login_required")
        assert "state" not in query_of(answer)

    async def test_sensitive_pair_is_not_for_this_profile(self, world: World) -> None:
        """A contract may name it; the standard profile does not release it."""
        pair = ContractPair(
            capability="data.credit", purpose="credit_check", required=("score",)
        )
        partner = await world.partner(
            contract=make_contract(world.services, pairs=(pair,))
        )

        said = query_of(await world.person.get(partner.url(scope="data.credit")))

        assert said["error"] == "invalid_scope"

    async def test_scope_with_two_purposes_wants_one_named(self, world: World) -> None:
        """Never all purposes of a capability."""
        pairs = tuple(
            ContractPair(
                capability="data.transaction", purpose=purpose, optional=("amount",)
            )
            for purpose in ("delivery", "loyalty_points")
        )
        partner = await world.partner(
            contract=make_contract(world.services, pairs=pairs)
        )
        await world.subject()

        both = query_of(await world.person.get(partner.url()))
        named = await world.person.get(
            partner.url(authorization_details=details({"purpose": "loyalty_points"}))
        )

        assert both["error"] == "invalid_scope"
        assert named.headers["location"].startswith("/oauth/consent/")

    async def test_app_asks_for_sensitive_data_alone(self, world: World) -> None:
        """One sensitive item, one text, one submit (PIPL art. 29)."""
        app = await world.app_client(redirect_uris=(CALLBACK,))
        credit = {"capability": "data.credit", "purpose": "credit_check"}
        await world.subject()

        mixed = await world.person.get(
            app.url(scope=None, authorization_details=details({}, credit))
        )
        alone = await world.person.get(
            app.url(scope=None, authorization_details=details(credit))
        )

        assert query_of(mixed)["error"] == "invalid_authorization_details"
        assert alone.headers["location"].startswith("/oauth/consent/")


class TestWhereItLeads:
    async def test_missing_method_means_s256(self, world: World) -> None:
        """S256 is the only method, so it needs no name."""
        partner = await world.partner()
        await world.subject()

        token = await partner.token(code_challenge_method=None)

        assert token["token_type"] == "Bearer"

    async def test_nobody_signed_in_goes_to_log_in(self, world: World) -> None:
        """With the id of the stored request and nothing else: no free address."""
        partner = await world.partner()

        answer = await world.person.get(partner.url())

        address = answer.headers["location"]
        assert address.startswith("/login?request=req_")
        assert await stored_requests(world) == 1

    async def test_unseen_notice_comes_first(self, world: World) -> None:
        """R01: nothing is asked before the notice has been seen."""
        partner = await world.partner()
        subject = await register_subject(world.services, notice=False)
        await world.person.sign_in(subject)

        answer = await world.person.get(partner.url())
        silent = await world.person.get(partner.url(prompt="none"))

        assert answer.headers["location"].startswith("/notice?request=req_")
        assert query_of(silent)["error"] == "interaction_required"

    async def test_form_is_the_same_request(self, world: World) -> None:
        """POST becomes a GET, so that the cookie comes along (OIDC Core 3.1.2.1)."""
        partner = await world.partner()
        await world.subject()
        query = partner.url().partition("?")[2]

        posted = await world.http.post(
            "/oauth/authorize", content=query, headers={"content-type": FORM}
        )

        assert posted.status_code == 303
        assert posted.headers["location"] == partner.url()

    async def test_silent_request_never_shows_a_page(self, world: World) -> None:
        """prompt=none: consent_required before the yes, a code after it."""
        partner = await world.partner()
        await world.subject()

        before = query_of(await world.person.get(partner.url(prompt="none")))
        await partner.token()
        after = query_of(await world.person.get(partner.url(prompt="none")))

        assert before["error"] == "consent_required"
        assert set(after) == {"code", "state", "iss"}

    async def test_login_prompt_wants_a_newer_log_in(self, world: World) -> None:
        """prompt=login: an older log-in does not count, a newer one does."""
        partner = await world.partner()
        subject = await world.subject()
        world.clock.advance(timedelta(seconds=1))

        first = await world.person.get(partner.url(prompt="login"))
        address = first.headers["location"]
        world.clock.advance(timedelta(seconds=1))
        await world.person.sign_in(subject)
        page = f"/oauth/consent/{address.partition('=')[2]}"

        assert address.startswith("/login?request=req_")
        assert (await world.person.get(page)).status_code == 200

    async def test_max_age_is_a_limit_on_the_log_in(self, world: World) -> None:
        """A log-in of exactly that age is fresh; a second more is not."""
        partner = await world.partner()
        await world.subject()
        world.clock.advance(timedelta(seconds=60))

        fresh = await world.person.get(partner.url(max_age="60"))
        stale = await world.person.get(partner.url(max_age="59"))

        assert fresh.headers["location"].startswith("/oauth/consent/")
        assert stale.headers["location"].startswith("/login?")

    async def test_consent_prompt_shows_the_screen_again(self, world: World) -> None:
        """prompt=consent asks although everything is live."""
        partner = await world.partner()
        await world.subject()
        await partner.token()

        _, page = await world.person.open_consent(partner.url(prompt="consent"))

        assert ("item", "0") in page.boxes

    async def test_asks_again_under_other_limits(self, world: World) -> None:
        """A grant of other records, end or kind is not of equal content."""
        partner = await world.partner()
        await world.subject()
        await partner.token()

        for entry in (
            {"records": ["o-1"]},
            {"one_time": True},
            {"expires_at": "2027-01-01T00:00:00Z"},
        ):
            answer = await world.person.get(
                partner.url(authorization_details=details(entry), prompt="none")
            )
            assert query_of(answer)["error"] == "consent_required", json.dumps(entry)

    async def test_closed_function_has_nothing_to_ask(self, world: World) -> None:
        """R04: what a closed function needs is not asked for."""
        partner = await world.partner()
        await world.subject()
        act = SwitchFunction(
            actor=Actor(kind="officer", id="test"), function="delivery", is_open=False
        )
        await world.services.store.write(lambda tx: tx.perform(act))

        said = query_of(await world.person.get(partner.url()))

        assert said["error"] == "access_denied"

    async def test_language_of_the_request_is_spoken(self, world: World) -> None:
        """ui_locales, where the person has chosen none in this browser."""
        partner = await world.partner()
        tag = {"ui_locales": "fr zh-Hans"}
        await world.http.get(partner.url(**tag))
        locale = await world.services.store.read(
            lambda near: near.scalar(select(tables.web_sessions.c.locale))
        )

        assert locale == "zh-CN"

    async def test_expired_requests_are_swept(self, world: World) -> None:
        """Strangers cannot pile up rows: each request sweeps its part."""
        partner = await world.partner()
        for step in range(64):
            world.clock.advance(timedelta(microseconds=step % 2))
            await world.http.get(partner.url())
        world.clock.advance(timedelta(minutes=15))
        for _ in range(64):
            world.clock.advance(timedelta(microseconds=1))
            await world.http.get(partner.url())

        assert await stored_requests(world) == 64
