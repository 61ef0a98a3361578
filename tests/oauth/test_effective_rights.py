"""What a live token may do: what it holds, as far as the user allows it now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.oauth import clients
from permissions.acts import Actor, SwitchFunction, UseGrant
from permissions.state import Grant
from tests.conftest import ISSUER
from tests.factories import grant, make_contract, withdraw
from tests.oauth.flows import World, details, query_of

BOTH = {
    "scope": "data.transaction data.identity",
    "authorization_details": details({}, {"capability": "data.identity"}),
}
INACTIVE = {"active": False}


def rights_of(seen: dict[str, Any]) -> dict[str, list[str]]:
    """Return elements by capability, as introspection tells them."""
    return {
        detail["capability"]: detail["elements"]
        for detail in seen["authorization_details"]
    }


async def grant_of(world: World, subject: str, client: str, capability: str) -> Grant:
    """Return the grant that speaks for a capability and delivery."""
    known = await world.standing(subject, client)
    found = known.grant_for((client, capability, "delivery"))
    assert found is not None
    return found


class TestIntrospection:
    async def test_tells_the_partner_its_own_view(self, world: World) -> None:
        """Pairwise sub, the set's own version, and the rights of this moment."""
        partner = await world.partner()
        subject = await world.subject()
        answer = await partner.token(**BOTH)
        known = await world.standing(subject, partner.client.id)
        own = known.sets[partner.client.id]

        seen = await partner.introspect(answer["access_token"])

        assert seen["active"] is True
        assert seen["sub"] == own.pairwise
        assert seen["grant_id"] == own.id == answer["grant_id"]
        assert seen["version"] == f"{own.id}.2"
        assert seen["scope"] == BOTH["scope"]
        assert seen["client_id"] == partner.client.id
        assert seen["token_type"] == "Bearer"
        assert seen["exp"] - seen["iat"] == 300
        assert seen["iss"] == ISSUER
        assert 0 < seen["valid_for_ms"] <= 1980
        assert rights_of(seen) == {
            "data.transaction": ["order_no", "status", "amount"],
            "data.identity": ["name", "phone", "address"],
        }

    async def test_tells_the_operator_the_subject(self, world: World) -> None:
        """An app with gateway.introspect sees sub_ and the ledger's version."""
        partner, app = await world.partner(), await world.app_client()
        subject = await world.subject()
        token = (await partner.token())["access_token"]

        seen = await app.introspect(token)

        assert seen["sub"] == subject
        assert seen["client_id"] == partner.client.id
        shard, _, seq = seen["version"].partition(".")
        assert shard.isdigit()
        assert seq.isdigit()

    async def test_foreign_token_is_inactive(self, world: World) -> None:
        """Another partner, or an app without the scope, learns nothing at all."""
        partner, other = await world.partner(), await world.partner()
        app = await world.app_client(scopes=("gateway.check",))
        await world.subject()
        token = (await partner.token())["access_token"]

        for caller in (other, app):
            assert await caller.introspect(token) == INACTIVE
        assert await partner.introspect("x" * 43) == INACTIVE
        assert await partner.introspect("ü" * 5_000) == INACTIVE

    async def test_hint_is_only_a_hint(self, world: World) -> None:
        """RFC 7662 §2.1: a wrong or unknown one changes nothing."""
        partner = await world.partner()
        await world.subject()
        token = (await partner.token())["access_token"]

        for hint in ("refresh_token", "canary"):
            answer = await partner.post(
                "/oauth/introspect", token=token, token_type_hint=hint
            )
            assert answer.json()["active"] is True

    async def test_caller_has_to_authenticate(self, world: World) -> None:
        """RFC 7662 §2.1; a bearer token is not client authentication here."""
        partner = await world.partner()
        await world.subject()
        token = (await partner.token())["access_token"]

        bare = await world.http.post("/oauth/introspect", data={"token": token})
        bearer = await world.http.post(
            "/oauth/introspect",
            data={"token": token},
            headers={"authorization": f"Bearer {token}"},
        )
        missing = await partner.post("/oauth/introspect")

        assert bare.status_code == bearer.status_code == 401
        assert missing.json()["error"] == "invalid_request"

    async def test_expires_to_the_second(self, world: World) -> None:
        """300 seconds for a partner; valid_for_ms never reaches beyond."""
        partner = await world.partner()
        await world.subject()
        token = (await partner.token())["access_token"]

        world.clock.advance(timedelta(seconds=299))
        last = await partner.introspect(token)
        world.clock.advance(timedelta(seconds=1))

        assert last["valid_for_ms"] == 1000
        assert await partner.introspect(token) == INACTIVE


class TestNarrowing:
    async def test_withdrawing_one_grant_takes_just_that(self, world: World) -> None:
        """The same live token loses one right at the next call; the others live."""
        partner = await world.partner()
        subject = await world.subject()
        token = (await partner.token(**BOTH))["access_token"]
        gone = await grant_of(world, subject, partner.client.id, "data.identity")

        await withdraw(world.services, subject, gone.id)
        seen = await partner.introspect(token)

        assert list(rights_of(seen)) == ["data.transaction"]
        assert seen["scope"] == "data.transaction"

    async def test_withdrawing_all_ends_the_token(self, world: World) -> None:
        """No right left: inactive."""
        partner = await world.partner()
        subject = await world.subject()
        token = (await partner.token())["access_token"]
        gone = await grant_of(world, subject, partner.client.id, "data.transaction")

        await withdraw(world.services, subject, gone.id)

        assert await partner.introspect(token) == INACTIVE

    async def test_consenting_again_revives_no_old_token(self, world: World) -> None:
        """The new yes is for new tokens; the old one stays dead."""
        partner = await world.partner()
        subject = await world.subject()
        old = (await partner.token())["access_token"]
        gone = await grant_of(world, subject, partner.client.id, "data.transaction")
        await withdraw(world.services, subject, gone.id)

        new = (await partner.token())["access_token"]

        assert await partner.introspect(old) == INACTIVE
        assert (await partner.introspect(new))["active"] is True

    async def test_widening_reaches_no_old_token(self, world: World) -> None:
        """An element given later is not in the token that was issued before."""
        partner = await world.partner()
        await world.subject()
        address, page = await world.person.open_consent(partner.url())
        done = await world.person.answer(address, page, [("item", "0")])
        old = (await partner.redeem(query_of(done)["code"])).json()["access_token"]
        address, page = await world.person.open_consent(partner.url())
        boxes = [("item", "0"), ("element", "0:amount")]
        done = await world.person.answer(address, page, boxes)
        new = (await partner.redeem(query_of(done)["code"])).json()["access_token"]

        before = rights_of(await partner.introspect(old))
        after = rights_of(await partner.introspect(new))

        assert before == {"data.transaction": ["order_no", "status"]}
        assert after == {"data.transaction": ["order_no", "status", "amount"]}

    async def test_token_holds_its_own_request_alone(self, world: World) -> None:
        """What the same person gave the same client otherwise stays out of it."""
        partner = await world.partner()
        await world.subject()
        await partner.token(**BOTH)

        narrow = (await partner.token(prompt="consent"))["access_token"]

        assert list(rights_of(await partner.introspect(narrow))) == ["data.transaction"]

    async def test_suspending_ends_and_resuming_revives_nothing(
        self, world: World
    ) -> None:
        """The client epoch outlives the suspension (oauth.md 4)."""
        partner = await world.partner()
        await world.subject()
        token = (await partner.token())["access_token"]
        store, name = world.services.store, partner.client.id

        await store.write(lambda tx: clients.suspend(tx, name))
        suspended = await partner.introspect(token)
        await store.write(lambda tx: clients.resume(tx, name))
        resumed = await partner.introspect(token)
        fresh = query_of(await world.person.get(partner.url(prompt="none")))

        assert suspended == resumed == INACTIVE
        new = (await partner.redeem(fresh["code"])).json()["access_token"]
        assert (await partner.introspect(new))["active"] is True

    async def test_contract_ends_by_the_clock(self, world: World) -> None:
        """One second before its end a token lives, at the end it does not."""
        end = world.clock.now + timedelta(seconds=100)
        partner = await world.partner(
            contract=make_contract(world.services, not_after=end)
        )
        await world.subject()
        token = (await partner.token())["access_token"]

        world.clock.advance(timedelta(seconds=99))
        before = await partner.introspect(token)
        world.clock.advance(timedelta(seconds=1))

        assert before["valid_for_ms"] == 1000
        assert await partner.introspect(token) == INACTIVE

    async def test_grant_ends_by_the_clock(self, world: World) -> None:
        """expires_at of the grant at -1 s, 0 and afterwards."""
        partner = await world.partner()
        await world.subject()
        end = world.clock.now + timedelta(seconds=100)
        entry = {"expires_at": end.isoformat()}
        token = await partner.token(authorization_details=details(entry))
        (granted,) = token["authorization_details"]

        world.clock.advance(timedelta(seconds=99))
        before = await partner.introspect(token["access_token"])
        world.clock.advance(timedelta(seconds=1))
        after = await partner.introspect(token["access_token"])

        assert granted["expires_at"] == end.isoformat().replace("+00:00", "Z")
        assert before["active"] is True
        assert after == INACTIVE

    async def test_closed_function_silences_its_rights(self, world: World) -> None:
        """R04: closed reads as no right."""
        partner = await world.partner()
        await world.subject()
        token = (await partner.token())["access_token"]
        act = SwitchFunction(
            actor=Actor(kind="officer", id="test"), function="delivery", is_open=False
        )

        await world.services.store.write(lambda tx: tx.perform(act))

        assert await partner.introspect(token) == INACTIVE

    async def test_one_time_grant_counts_until_it_is_spent(self, world: World) -> None:
        """Looking does not use it up; using it ends the token's right."""
        partner = await world.partner()
        subject = await world.subject()
        entry = {"one_time": True}
        token = await partner.token(authorization_details=details(entry))
        (granted,) = token["authorization_details"]
        assert granted["one_time"] is True

        looked = [await partner.introspect(token["access_token"]) for _ in range(2)]
        act = UseGrant(
            actor=Actor(kind="gateway", id="release"),
            subject=subject,
            grant=granted["identifier"],
        )
        await world.services.store.write(lambda tx: tx.perform(act))

        assert [seen["active"] for seen in looked] == [True, True]
        assert await partner.introspect(token["access_token"]) == INACTIVE

    async def test_one_partner_is_nothing_to_another(self, world: World) -> None:
        """A withdrawal towards one changes nothing for the other; subs differ."""
        first, second = await world.partner(), await world.partner()
        subject = await world.subject()
        one = (await first.token())["access_token"]
        two = (await second.token())["access_token"]
        gone = await grant_of(world, subject, first.client.id, "data.transaction")
        subs = [
            (await who.introspect(token))["sub"]
            for who, token in ((first, one), (second, two))
        ]

        await withdraw(world.services, subject, gone.id)

        assert subs[0] != subs[1]
        assert await first.introspect(one) == INACTIVE
        assert (await second.introspect(two))["active"] is True

    @settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(steps=st.lists(st.sampled_from(["withdraw", "give", "look"]), max_size=6))
    async def test_withdrawn_right_never_returns_to_a_token(
        self, world: World, steps: list[str]
    ) -> None:
        """Whatever follows a withdrawal, the token before it stays without."""
        partner = await world.partner()
        subject = await world.subject()
        token = (await partner.token())["access_token"]
        dead = False
        for step in steps:
            right = await grant_of(
                world, subject, partner.client.id, "data.transaction"
            )
            if step == "withdraw":
                await withdraw(world.services, subject, right.id)
                dead = True
            elif step == "give":
                await grant(
                    world.services,
                    subject,
                    partner.client,
                    "data.transaction",
                    "delivery",
                )

            seen = await partner.introspect(token)

            assert seen["active"] is not dead


class TestRevocation:
    async def test_ends_one_token_and_nothing_else(self, world: World) -> None:
        """Token, grant and log-in are three things (oauth.md 3.7)."""
        partner = await world.partner()
        await world.subject()
        first = (await partner.token())["access_token"]
        code = query_of(await world.person.get(partner.url(prompt="none")))["code"]
        second = (await partner.redeem(code)).json()["access_token"]

        answer = await partner.post("/oauth/revoke", token=first)

        assert (answer.status_code, answer.content) == (200, b"")
        assert await partner.introspect(first) == INACTIVE
        assert (await partner.introspect(second))["active"] is True
        still = query_of(await world.person.get(partner.url(prompt="none")))
        assert "code" in still

    @pytest.mark.parametrize("hint", ["", "refresh_token", "canary"])
    async def test_foreign_and_unknown_tokens_are_200_and_untouched(
        self, world: World, hint: str
    ) -> None:
        """The library would refuse both, and tell which tokens exist."""
        partner, other = await world.partner(), await world.partner()
        await world.subject()
        token = (await partner.token())["access_token"]
        said = {"token_type_hint": hint}

        foreign = await other.post("/oauth/revoke", token=token, **said)
        unknown = await other.post("/oauth/revoke", token="x" * 43, **said)

        for answer in (foreign, unknown):
            assert (answer.status_code, answer.content) == (200, b"")
        assert (await partner.introspect(token))["active"] is True

    async def test_twice_is_once(self, world: World) -> None:
        """A dead token is revoked without complaint."""
        partner = await world.partner()
        await world.subject()
        token = (await partner.token())["access_token"]

        answers = [await partner.post("/oauth/revoke", token=token) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]

    async def test_needs_the_client_and_a_token(self, world: World) -> None:
        """Authentication first, then the parameter."""
        partner = await world.partner()

        nobody = await world.http.post("/oauth/revoke", data={"token": "x"})
        nothing = await partner.post("/oauth/revoke")

        assert nobody.status_code == 401
        assert nothing.json()["error"] == "invalid_request"


async def test_refused_form_gives_no_token_a_right(world: World) -> None:
    """A no after a yes to more leaves the live token as it was."""
    partner = await world.partner()
    await world.subject()
    token = (await partner.token())["access_token"]
    address, page = await world.person.open_consent(partner.url(**BOTH))

    await world.person.answer(address, page, [], "deny")

    assert list(rights_of(await partner.introspect(token))) == ["data.transaction"]
