"""The token endpoint: who may ask, in which form, and what bad input gets."""

from __future__ import annotations

import base64
import logging
from datetime import timedelta
from typing import Any

import pytest

from gateway.oauth import clients
from gateway.settings import SettingsError, load_settings
from tests.conftest import ISSUER
from tests.factories import APP_SCOPES, make_contract
from tests.oauth.flows import Partner, World

CREDENTIALS = {"grant_type": "client_credentials"}
FORM = "application/x-www-form-urlencoded"


def error_of(answer: Any) -> str:  # noqa: ANN401 - a response
    """Return the error of an OAuth answer, which must have the form of one."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"error", "error_description"}
    return str(body["error"])


class TestClientCredentials:
    async def test_gives_every_service_scope_by_default(self, world: World) -> None:
        """Without a wish the client gets what it is registered for (RFC 6749 3.3)."""
        app = await world.app_client()

        answer = await app.post("/oauth/token", **CREDENTIALS)

        body = answer.json()
        assert body["token_type"] == "Bearer"
        assert body["expires_in"] == 600
        assert body["scope"].split() == list(APP_SCOPES)
        assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
        assert answer.headers["cache-control"] == "no-store"

    async def test_token_has_256_random_bits(self, world: World) -> None:
        """Authlib's own would have 42 characters of an alphabet of 62."""
        app = await world.app_client()

        body = (await app.post("/oauth/token", **CREDENTIALS)).json()

        padded = body["access_token"] + "="
        assert len(base64.urlsafe_b64decode(padded)) == 32

    async def test_narrows_to_the_scope_asked(self, world: World) -> None:
        """A scope of the client's own narrows; a foreign one is refused."""
        app = await world.app_client()

        narrow = await app.post("/oauth/token", **CREDENTIALS, scope="gateway.check")
        wide = await app.post("/oauth/token", **CREDENTIALS, scope="gateway.admin")
        data = await app.post("/oauth/token", **CREDENTIALS, scope="data.identity")

        assert narrow.json()["scope"] == "gateway.check"
        assert error_of(wide) == "invalid_scope"
        assert error_of(data) == "invalid_scope"
        assert wide.json()["error_description"].endswith(" ".join(APP_SCOPES))

    async def test_partner_has_no_scope_in_its_own_name(self, world: World) -> None:
        """A partner without service scopes gets no token without a person."""
        partner = await world.partner()

        answer = await partner.post("/oauth/token", **CREDENTIALS)

        assert (answer.status_code, error_of(answer)) == (400, "invalid_scope")

    async def test_lives_600_seconds_and_not_one_more(self, world: World) -> None:
        """Authlib's own would live ten days."""
        app = await world.app_client()
        token = (await app.post("/oauth/token", **CREDENTIALS)).json()["access_token"]

        world.clock.advance(timedelta(seconds=599))
        before = await app.introspect(token)
        world.clock.advance(timedelta(seconds=1))
        after = await app.introspect(token)

        assert before["active"] is True
        assert after == {"active": False}

    async def test_ends_with_the_client_and_does_not_come_back(
        self, world: World
    ) -> None:
        """Suspension kills the token; resuming revives nothing; a new one works."""
        app = await world.app_client()
        token = (await app.post("/oauth/token", **CREDENTIALS)).json()["access_token"]
        store, name = world.services.store, app.client.id

        await store.write(lambda tx: clients.suspend(tx, name))
        refused = await app.post("/oauth/token", **CREDENTIALS)
        suspended = await app.introspect(token)
        await store.write(lambda tx: clients.resume(tx, name))
        resumed = await app.introspect(token)
        fresh = await app.post("/oauth/token", **CREDENTIALS)

        assert (refused.status_code, error_of(refused)) == (400, "unauthorized_client")
        assert suspended == resumed == {"active": False}
        assert (await app.introspect(fresh.json()["access_token"]))["active"] is True


class TestClientAuthentication:
    @pytest.mark.parametrize("method", ["basic", "post"])
    async def test_unknown_client_and_wrong_secret_look_alike(
        self, world: World, method: str
    ) -> None:
        """Nobody learns from an answer which clients exist (security A10)."""
        app = await world.app_client()
        stranger = Partner(world, app.client, "x" * 43)
        ids = [app.client.id, "cli_" + "a" * 26]

        answers = []
        for name in ids:
            if method == "basic":
                answers.append(
                    await world.http.post(
                        "/oauth/token", data=CREDENTIALS, auth=(name, stranger.secret)
                    )
                )
            else:
                fields = {"client_id": name, "client_secret": stranger.secret}
                answers.append(
                    await world.http.post("/oauth/token", data=CREDENTIALS | fields)
                )

        wrong, unknown = answers
        assert wrong.status_code == unknown.status_code == 401
        assert error_of(wrong) == "invalid_client"
        assert wrong.content == unknown.content
        assert wrong.headers["www-authenticate"] == unknown.headers["www-authenticate"]

    async def test_several_methods_at_once_are_refused(self, world: World) -> None:
        """RFC 6749 §2.3: one method per request, even where both are right."""
        app = await world.app_client()
        both = {"client_id": app.client.id, "client_secret": app.secret}

        answer = await app.post("/oauth/token", **CREDENTIALS, **both)
        assertion = await app.post("/oauth/token", **CREDENTIALS, client_assertion="x")

        assert (answer.status_code, error_of(answer)) == (400, "invalid_request")
        assert error_of(assertion) == "invalid_request"

    async def test_no_secret_is_no_method(self, world: World) -> None:
        """``none`` is not offered: a bare client_id authenticates nobody."""
        app = await world.app_client()

        bare = await world.http.post(
            "/oauth/token", data=CREDENTIALS | {"client_id": app.client.id}
        )
        nothing = await world.http.post("/oauth/token", data=CREDENTIALS)
        empty = await world.http.post(
            "/oauth/token",
            data=CREDENTIALS | {"client_id": app.client.id, "client_secret": ""},
        )

        for answer in (bare, nothing, empty):
            assert (answer.status_code, error_of(answer)) == (401, "invalid_client")

    async def test_another_client_id_beside_basic_is_refused(
        self, world: World
    ) -> None:
        """Two names in one request are two claims."""
        app = await world.app_client()

        same = await app.post("/oauth/token", **CREDENTIALS, client_id=app.client.id)
        other = await app.post("/oauth/token", **CREDENTIALS, client_id="cli_other")

        assert same.status_code == 200
        assert error_of(other) == "invalid_request"

    @pytest.mark.parametrize(
        "value",
        [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic " + base64.b64encode(b"no colon").decode(),
            "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
            "Basic " + base64.b64encode(b"%ff:%fe").decode(),
            "Basic " + base64.b64encode(b"%00:x").decode(),
            "Basic " + base64.b64encode(b":secret").decode(),
            "Basic " + "A" * 10_000,
            "Bearer abc",
            "Digest abc",
        ],
    )
    async def test_unreadable_authorization_is_a_failed_one(
        self, world: World, value: str
    ) -> None:
        """Whatever the header holds, the answer is invalid_client, never a 500."""
        answer = await world.http.post(
            "/oauth/token", data=CREDENTIALS, headers={"authorization": value}
        )

        assert (answer.status_code, error_of(answer)) == (401, "invalid_client")

    async def test_basic_is_percent_decoded(self, world: World) -> None:
        """RFC 6749 §2.3.1 wants both halves form-encoded first."""
        app = await world.app_client()
        encoded = "".join(f"%{ord(char):02X}" for char in app.secret)
        value = base64.b64encode(f"{app.client.id}:{encoded}".encode()).decode()

        answer = await world.http.post(
            "/oauth/token",
            data=CREDENTIALS,
            headers={"authorization": f"basic {value}"},
        )

        assert answer.status_code == 200

    async def test_expired_contract_gets_no_token(self, world: World) -> None:
        """The clock ends a contract without any job."""
        partner = await world.partner(
            contract=make_contract(
                world.services, not_after=world.clock.now + timedelta(days=1)
            )
        )
        world.clock.advance(timedelta(days=1))

        answer = await partner.post("/oauth/token", **CREDENTIALS)

        assert error_of(answer) == "unauthorized_client"


class TestBadInput:
    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (b"grant_type=client_credentials&grant_type=client_credentials", FORM),
            (b"grant_type=client_credentials&x=%00", FORM),
            (b"grant_type=client_credentials&x=%ff", FORM),
            (b"grant_type=\xff", FORM),
            (b"x=1&" * 300, FORM),
            (b"", FORM),
            (b'{"grant_type": "client_credentials"}', "application/json"),
            (b"grant_type=client_credentials", "text/plain"),
            (b"grant_type=client_credentials", FORM + "; charset=gbk"),
        ],
    )
    async def test_is_invalid_request(
        self, world: World, body: bytes, kind: str
    ) -> None:
        """Duplicates, NUL, bad UTF-8, other types: 400, never 500."""
        app = await world.app_client()

        answer = await world.http.post(
            "/oauth/token",
            content=body,
            headers={"content-type": kind},
            auth=(app.client.id, app.secret),
        )

        assert (answer.status_code, error_of(answer)) == (400, "invalid_request")

    async def test_large_body_is_413(self, world: World) -> None:
        """64 kB and no more."""
        answer = await world.http.post(
            "/oauth/token",
            content=b"x=" + b"a" * 70_000,
            headers={"content-type": FORM},
        )

        assert (answer.status_code, error_of(answer)) == (413, "invalid_request")

    async def test_credentials_in_the_address_are_refused(self, world: World) -> None:
        """Addresses end up in logs."""
        answer = await world.http.post("/oauth/token?client_secret=x", data=CREDENTIALS)

        assert error_of(answer) == "invalid_request"

    async def test_unknown_parameters_are_ignored(self, world: World) -> None:
        """RFC 6749 §3.2, unlike /v1."""
        app = await world.app_client()

        answer = await app.post("/oauth/token", **CREDENTIALS, unheard_of="1")

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "grant_type",
        [
            "password",
            "refresh_token",
            "implicit",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "canary_4711",
        ],
    )
    async def test_other_grants_are_not_offered(
        self, world: World, grant_type: str
    ) -> None:
        """And the answer does not repeat what was sent."""
        app = await world.app_client()

        answer = await app.post("/oauth/token", grant_type=grant_type)

        assert error_of(answer) == "unsupported_grant_type"
        assert "canary" not in answer.text

    async def test_get_is_not_a_token_request(self, world: World) -> None:
        """POST alone (RFC 6749 §3.2)."""
        assert (await world.http.get("/oauth/token")).status_code == 405


class TestSecrecy:
    async def test_nothing_is_logged(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The library logs what it issues at DEBUG; our answers do not show it."""
        partner = await world.partner()
        await world.subject()
        with caplog.at_level(logging.DEBUG):
            code = await partner.code()
            token = (await partner.redeem(code)).json()["access_token"]

        assert "<token response>" in caplog.text
        for secret in (code, token, partner.secret):
            assert secret not in caplog.text

    async def test_host_header_decides_nothing(self, world: World) -> None:
        """Addresses come from the settings alone."""
        app = await world.app_client()
        evil = {"host": "evil.example"}

        answer = await world.http.post(
            "/oauth/token",
            data=CREDENTIALS,
            auth=(app.client.id, app.secret),
            headers=evil,
        )
        said = await world.http.get(
            "/.well-known/oauth-authorization-server", headers=evil
        )

        assert answer.status_code == 200
        assert said.json()["issuer"] == ISSUER

    def test_no_switch_allows_plain_http(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The library's environment switch opens nothing; the issuer is checked."""
        monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")

        with pytest.raises(SettingsError, match="https"):
            load_settings(None, {"GATEWAY_ISSUER": "http://gateway.example"})
