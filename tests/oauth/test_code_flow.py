"""The code flow of a small partner, with the client library it already has."""

from __future__ import annotations

from typing import Any

from authlib.integrations.httpx_client import AsyncOAuth2Client

from tests.conftest import ISSUER
from tests.factories import CALLBACK
from tests.oauth.flows import World, details, query_of, redeem, request_url


async def consented(
    world: World,
    oauth: AsyncOAuth2Client,
    **extra: Any,  # noqa: ANN401 - further parameters
) -> str:
    """Let the person in the browser allow everything; return the callback."""
    url, _ = request_url(oauth, **extra)
    address, page = await world.person.open_consent(url)
    done = await world.person.allow(address, page)
    assert done.status_code == 303, done.text
    return str(done.headers["location"])


class TestStockClient:
    async def test_gets_a_token_with_nothing_but_configuration(
        self, world: World
    ) -> None:
        """Authlib's client: scope in, consent, code, PKCE, token what was given."""
        partner = await world.partner()
        await world.subject()
        async with partner.oauth() as oauth:
            callback = await consented(world, oauth)

            token = await redeem(oauth, callback)

        assert callback.startswith(CALLBACK + "?")
        assert token["token_type"] == "Bearer"
        assert token["expires_in"] == 300
        assert token["scope"] == "data.transaction"
        assert token["grant_id"].startswith("gst_")
        assert "refresh_token" not in token
        (granted,) = token["authorization_details"]
        assert granted["identifier"].startswith("gra_")
        assert granted["receipt"].startswith("rcp_")
        assert (granted["capability"], granted["purpose"]) == (
            "data.transaction",
            "delivery",
        )
        assert granted["elements"] == ["order_no", "status", "amount"]
        assert granted["withheld"] == []
        assert granted["separate"] == "share"
        assert granted["retention"] == "P30D"
        assert granted["locations"] == [f"{ISSUER}/v1/data/transaction"]

    async def test_works_with_the_secret_in_the_form(self, world: World) -> None:
        """client_secret_post is as good as Basic."""
        partner = await world.partner()
        await world.subject()
        method = "client_secret_post"
        async with partner.oauth(token_endpoint_auth_method=method) as oauth:
            callback = await consented(world, oauth)

            token = await redeem(oauth, callback)

        assert token["expires_in"] == 300

    async def test_revokes_by_its_own_method(self, world: World) -> None:
        """RFC 7009 through the stock client: the token ends, the grant stays."""
        partner = await world.partner()
        subject = await world.subject()
        async with partner.oauth() as oauth:
            token = await redeem(oauth, await consented(world, oauth))

            answer = await oauth.revoke_token(
                f"{ISSUER}/oauth/revoke", token=token["access_token"]
            )

        assert (answer.status_code, answer.content) == (200, b"")
        seen = await partner.introspect(token["access_token"])
        assert seen == {"active": False}
        (grant,) = (await world.standing(subject, partner.client.id)).grants.values()
        assert grant.state == "granted"

    async def test_details_narrow_what_is_asked(self, world: World) -> None:
        """Elements and records of authorization_details come back as granted."""
        partner = await world.partner()
        await world.subject()
        wanted = details(
            {"elements": {"required": ["order_no"]}, "records": ["o-1"]},
            {"capability": "data.identity", "elements": {"optional": ["phone"]}},
        )
        scope = "data.transaction data.identity"
        async with partner.oauth(scope=scope) as oauth:
            callback = await consented(world, oauth, authorization_details=wanted)

            token = await redeem(oauth, callback)

        orders, identity = token["authorization_details"]
        assert (orders["elements"], orders["records"]) == (["order_no"], ["o-1"])
        assert identity["elements"] == ["phone"]
        assert token["scope"] == scope

    async def test_second_log_in_skips_the_page(self, world: World) -> None:
        """What is live is not asked again, and no grant is created."""
        partner = await world.partner()
        await world.subject()
        async with partner.oauth() as oauth:
            first = await redeem(oauth, await consented(world, oauth))
            url, state = request_url(oauth, prompt="none")

            again = await world.person.get(url)

            said = query_of(again)
            assert said["state"] == state
            second = await redeem(oauth, again.headers["location"])
        assert second["authorization_details"] == first["authorization_details"]

    async def test_an_app_uses_the_same_flow(self, world: World) -> None:
        """The app profile: catalogue's pairs, 600 seconds, a free loopback port."""
        client = await world.app_client(redirect_uris=("http://127.0.0.1/cb",))
        await world.subject()
        async with client.oauth(
            redirect_uri="http://127.0.0.1:4711/cb", scope=None
        ) as oauth:
            callback = await consented(world, oauth, authorization_details=details({}))

            token = await redeem(oauth, callback)

        assert callback.startswith("http://127.0.0.1:4711/cb?")
        assert token["expires_in"] == 600
        assert token["authorization_details"][0]["separate"] == "none"


class TestMetadata:
    async def test_says_only_what_is_offered(self, world: World) -> None:
        """Each endpoint named is a route; nothing unbuilt is promised; CORS is open."""
        answer = await world.http.get("/.well-known/oauth-authorization-server")

        said = answer.json()
        assert said["issuer"] == ISSUER
        assert answer.headers["access-control-allow-origin"] == "*"
        assert said["code_challenge_methods_supported"] == ["S256"]
        assert said["response_types_supported"] == ["code"]
        assert said["authorization_response_iss_parameter_supported"] is True
        assert "none" not in said["token_endpoint_auth_methods_supported"]
        for name in said:
            assert not name.startswith(("request_", "registration", "jwks", "device"))
        for name, address in said.items():
            if name.endswith("_endpoint"):
                found = await world.http.get(address.removeprefix(ISSUER))
                assert found.status_code in {400, 405}, name
