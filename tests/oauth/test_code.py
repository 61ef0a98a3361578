"""Authorization codes: sixty seconds, one client, one use, one winner."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.oauth import clients
from tests.factories import CALLBACK, make_contract, withdraw
from tests.oauth.flows import VERIFIER, World, details
from tests.oauth.test_token_endpoint import error_of


class TestRedemption:
    async def test_lives_sixty_seconds(self, world: World) -> None:
        """At 59 s it is good, at 60 s it is not."""
        partner = await world.partner()
        await world.subject()
        early = await partner.code()
        late = await partner.code(prompt="consent")

        world.clock.advance(timedelta(seconds=59))
        good = await partner.redeem(early)
        world.clock.advance(timedelta(seconds=1))
        bad = await partner.redeem(late)

        assert good.status_code == 200
        assert (bad.status_code, error_of(bad)) == (400, "invalid_grant")

    @pytest.mark.parametrize(
        "changes",
        [
            {"code_verifier": "w" * 43},
            {"redirect_uri": CALLBACK + "/"},
            {"redirect_uri": CALLBACK.upper()},
        ],
    )
    async def test_failed_check_burns_it(
        self, world: World, changes: dict[str, str]
    ) -> None:
        """A wrong verifier or redirect URI is a stolen code: it is used up."""
        partner = await world.partner()
        await world.subject()
        code = await partner.code()

        wrong = await partner.redeem(code, **changes)
        right = await partner.redeem(code)

        assert error_of(wrong) == "invalid_grant"
        assert error_of(right) == "invalid_grant"

    @pytest.mark.parametrize(
        "changes",
        [
            {"code_verifier": ""},
            {"code_verifier": "short"},
            {"code_verifier": "ü" * 43},
            {"redirect_uri": ""},
            {"code": ""},
        ],
    )
    async def test_malformed_request_burns_nothing(
        self, world: World, changes: dict[str, str]
    ) -> None:
        """What cannot be right is refused before the code is looked at."""
        partner = await world.partner()
        await world.subject()
        code = await partner.code()

        malformed = await partner.redeem(**{"code": code, **changes})
        right = await partner.redeem(code)

        assert error_of(malformed) == "invalid_request"
        assert right.status_code == 200

    async def test_is_bound_to_its_client(self, world: World) -> None:
        """Another client's try neither burns the code nor ends its family."""
        partner, other = await world.partner(), await world.partner()
        await world.subject()
        code = await partner.code()

        before = await other.redeem(code)
        token = await partner.redeem(code)
        after = await other.redeem(code)

        assert error_of(before) == error_of(after) == "invalid_grant"
        live = await partner.introspect(token.json()["access_token"])
        assert live["active"] is True

    async def test_wrong_secret_burns_nothing(self, world: World) -> None:
        """Client authentication comes first."""
        partner = await world.partner()
        await world.subject()
        code = await partner.code()

        stranger = await partner.post(
            "/oauth/token",
            secret="x" * 43,
            grant_type="authorization_code",
            code=code,
            redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )
        right = await partner.redeem(code)

        assert stranger.status_code == 401
        assert right.status_code == 200

    async def test_replay_ends_the_family(self, world: World) -> None:
        """RFC 6749 §4.1.2: the tokens that came from the code die with it.

        The refusal is an error and is committed all the same.
        """
        partner = await world.partner()
        await world.subject()
        code = await partner.code()
        token = (await partner.redeem(code)).json()["access_token"]
        assert (await partner.introspect(token))["active"] is True

        replay = await partner.redeem(code)

        assert error_of(replay) == "invalid_grant"
        assert await partner.introspect(token) == {"active": False}

    async def test_of_fifty_at_once_one_wins_and_the_family_dies(
        self, world: World
    ) -> None:
        """The conditional update has one winner; the others are replays."""
        partner = await world.partner()
        await world.subject()
        code = await partner.code()

        answers = await asyncio.gather(*(partner.redeem(code) for _ in range(50)))

        won = [answer for answer in answers if answer.status_code == 200]
        lost = [answer for answer in answers if answer.status_code == 400]
        assert (len(won), len(lost)) == (1, 49)
        assert {error_of(answer) for answer in lost} == {"invalid_grant"}
        token = won[0].json()["access_token"]
        assert await partner.introspect(token) == {"active": False}


class TestWhatHappenedMeanwhile:
    async def test_withdrawn_right_is_not_issued(self, world: World) -> None:
        """Everything withdrawn between code and token: the code is refused."""
        partner = await world.partner()
        subject = await world.subject()
        code = await partner.code()
        (grant,) = (await world.standing(subject, partner.client.id)).grants

        await withdraw(world.services, subject, grant)
        answer = await partner.redeem(code)

        assert error_of(answer) == "invalid_grant"

    async def test_partly_withdrawn_code_gives_the_rest(self, world: World) -> None:
        """The answer names what may be used now, not what was given once."""
        partner = await world.partner()
        subject = await world.subject()
        code = await partner.code(
            scope="data.transaction data.identity",
            authorization_details=details({}, {"capability": "data.identity"}),
        )
        known = await world.standing(subject, partner.client.id)
        grant = known.grant_for((partner.client.id, "data.identity", "delivery"))
        assert grant is not None

        await withdraw(world.services, subject, grant.id)
        body = (await partner.redeem(code)).json()

        assert body["scope"] == "data.transaction"
        (left,) = body["authorization_details"]
        assert left["capability"] == "data.transaction"

    async def test_suspended_client_keeps_its_code_but_not_the_right(
        self, world: World
    ) -> None:
        """Suspended: nothing is consumed; resumed: the old code is worth nothing."""
        partner = await world.partner()
        await world.subject()
        code = await partner.code()
        store, name = world.services.store, partner.client.id

        await store.write(lambda tx: clients.suspend(tx, name))
        suspended = await partner.redeem(code)
        await store.write(lambda tx: clients.resume(tx, name))
        resumed = await partner.redeem(code)

        assert error_of(suspended) == "unauthorized_client"
        assert error_of(resumed) == "invalid_grant"

    async def test_ended_contract_gets_no_token(self, world: World) -> None:
        """The contract's last instant counts, with a code in hand too."""
        end = world.clock.now + timedelta(seconds=30)
        partner = await world.partner(
            contract=make_contract(world.services, not_after=end)
        )
        await world.subject()
        code = await partner.code()

        world.clock.advance(timedelta(seconds=30))
        answer = await partner.redeem(code)

        assert error_of(answer) == "unauthorized_client"
