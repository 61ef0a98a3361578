"""The consent page: nothing ticked, this browser, this text, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Table, select

from gateway.oauth import clients
from permissions.acts import GiveGrant, RefuseGrant
from permissions.ledger import decode
from permissions.store import tables
from permissions.texts import item_text
from tests.conftest import ISSUER
from tests.factories import register_subject, withdraw
from tests.oauth.flows import Page, Partner, World, details, query_of

TWO = {
    "scope": "data.transaction data.identity",
    "authorization_details": details({}, {"capability": "data.identity"}),
}


async def acts_of(world: World, subject: str) -> list[Any]:
    """Return the subject's answers in the ledger, oldest first."""
    held = tables.ledger
    query = select(held.c.body).where(held.c.owner == subject).order_by(held.c.seq)
    bodies = await world.services.store.read(lambda near: near.scalars(query).all())
    acts = [decode(body).act for body in bodies]
    return [act for act in acts if isinstance(act, GiveGrant | RefuseGrant)]


async def rows_of(world: World, table: Table) -> list[Any]:
    """Return every row of a table."""
    query = select(table)
    return list(await world.services.store.read(lambda near: near.execute(query).all()))


class TestPage:
    async def test_nothing_is_ticked_and_both_buttons_are_there(
        self, world: World
    ) -> None:
        """No pre-ticked box (R15); allow and deny; a box for each item and element."""
        partner = await world.partner()
        await world.subject()

        _, page = await world.person.open_consent(partner.url(**TWO))

        assert page.ticked == []
        assert sorted(page.buttons) == ["allow", "deny"]
        assert page.boxes == [
            ("item", "0"),
            ("element", "0:amount"),
            ("item", "1"),
            ("element", "1:phone"),
            ("element", "1:address"),
        ]

    async def test_may_only_lead_to_the_stored_redirect(self, world: World) -> None:
        """form-action names our own origin and the client's, and no other."""
        partner = await world.partner()
        await world.subject()
        first = await world.person.get(partner.url())

        shown = await world.person.get(first.headers["location"])

        policy = shown.headers["content-security-policy"]
        assert "form-action 'self' https://partner.example;" in policy
        assert shown.headers["cache-control"] == "no-store"

    async def test_says_who_asks_for_what(self, world: World) -> None:
        """Legal name, registry number and the question of the catalogue (PIPL 23)."""
        partner = await world.partner()
        await world.subject()
        first = await world.person.get(partner.url())

        text = (await world.person.get(first.headers["location"])).text

        assert partner.client.legal_name in text
        assert partner.client.registry_number in text
        question = world.services.catalogue.pairs["data.transaction", "delivery"]
        assert question.question["en"] in text


class TestAnswer:
    async def test_each_item_is_an_act_with_its_own_evidence(
        self, world: World
    ) -> None:
        """One GiveGrant for each item, with the hash of exactly the words shown."""
        partner = await world.partner()
        subject = await world.subject()

        await partner.token(**TWO)

        orders, identity = await acts_of(world, subject)
        catalogue = world.services.catalogue
        for act, part in zip(
            (orders, identity), ("transaction", "identity"), strict=True
        ):
            assert isinstance(act, GiveGrant)
            pair = catalogue.pairs[f"data.{part}", "delivery"]
            shown = item_text(
                catalogue,
                partner.client,
                pair,
                "en",
                required=act.required,
                optional=act.optional,
                retention_days=30,
            )
            assert act.evidence.text_sha256 == shown.sha256
            assert act.evidence.kind == "gateway_page"
            assert act.evidence.control == f"capability-data.{part}"
            assert act.evidence.initial == "unticked"
            assert act.evidence.authentication == "wechat"
            assert act.evidence.shown_at == world.clock.now
            assert act.actor.id == subject
        assert orders.receipt != identity.receipt

    async def test_only_what_is_ticked_is_given(self, world: World) -> None:
        """An item brings its required elements; the others come one by one."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url(**TWO))

        done = await world.person.answer(
            address, page, [("item", "1"), ("element", "1:phone")]
        )
        token = (await partner.redeem(query_of(done)["code"])).json()

        assert token["scope"] == "data.identity"
        (granted,) = token["authorization_details"]
        assert granted["elements"] == ["name", "phone"]
        assert granted["withheld"] == [{"element": "address", "reason": "refused"}]
        no, yes = await acts_of(world, subject)
        assert isinstance(no, RefuseGrant)
        assert no.capability == "data.transaction"
        assert isinstance(yes, GiveGrant)

    async def test_element_without_its_item_is_asked_again(self, world: World) -> None:
        """A detail of an item that was left: neither a yes nor a no, so no act."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url())

        again = await world.person.answer(address, page, [("element", "0:amount")])

        assert again.status_code == 422
        assert "consent-error" in again.text
        assert await acts_of(world, subject) == []

    async def test_yes_without_any_detail_is_asked_again(self, world: World) -> None:
        """An item of optional elements alone needs one of them."""
        partner = await world.partner()
        subject = await world.subject()
        wanted = details({"elements": {"optional": ["amount", "status"]}})
        address, page = await world.person.open_consent(
            partner.url(authorization_details=wanted)
        )

        again = await world.person.answer(address, page, [("item", "0")])
        assert await acts_of(world, subject) == []
        done = await world.person.answer(
            address, Page(again.text), [("item", "0"), ("element", "0:amount")]
        )

        assert again.status_code == 422
        assert "consent-error" in again.text
        assert "code" in query_of(done)

    async def test_allow_without_a_tick_is_asked_again(self, world: World) -> None:
        """It is neither a yes nor a no: nothing is stored, and the page says so."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url(**TWO))

        again = await world.person.answer(address, page, [], "allow")

        assert again.status_code == 422
        assert "consent-error" in again.text
        assert await acts_of(world, subject) == []
        done = await world.person.answer(address, Page(again.text), [("item", "0")])
        assert "code" in query_of(done)

    async def test_no_keeps_nothing_but_the_refusal(self, world: World) -> None:
        """Deny: refusal acts and access_denied."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url(**TWO))

        done = await world.person.answer(address, page, [], "deny")

        said = query_of(done)
        assert said == {"error": "access_denied", "state": "s-1", "iss": ISSUER}
        refusals = await acts_of(world, subject)
        assert [type(act) for act in refusals] == [RefuseGrant, RefuseGrant]
        known = await world.standing(subject, partner.client.id)
        assert not known.sets
        assert {grant.state for grant in known.grants.values()} == {"refused"}

    async def test_deny_ignores_ticked_boxes(self, world: World) -> None:
        """The button decides."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url())

        done = await world.person.answer(address, page, page.boxes, "deny")

        assert query_of(done)["error"] == "access_denied"
        assert not any(
            isinstance(act, GiveGrant) for act in await acts_of(world, subject)
        )

    async def test_only_missing_parts_are_asked(self, world: World) -> None:
        """What is live is listed, what is missing asked; both reach the token."""
        partner = await world.partner()
        await world.subject()
        address, page = await world.person.open_consent(partner.url())
        await world.person.answer(address, page, [("item", "0")])

        address, page = await world.person.open_consent(partner.url(**TWO))
        done = await world.person.answer(
            address, page, [("item", "0"), ("element", "0:amount")]
        )
        token = (await partner.redeem(query_of(done)["code"])).json()

        assert page.boxes[:2] == [("item", "0"), ("element", "0:amount")]
        (granted,) = token["authorization_details"]
        assert granted["elements"] == ["order_no", "status", "amount"]

    async def test_no_to_more_keeps_what_is_live(self, world: World) -> None:
        """Leaving the rest empty still answers with what was given before."""
        partner = await world.partner()
        await world.subject()
        await partner.token()

        address, page = await world.person.open_consent(partner.url(**TWO))
        done = await world.person.answer(address, page, [])
        token = (await partner.redeem(query_of(done)["code"])).json()

        assert token["scope"] == "data.transaction"


class TestOnce:
    async def test_double_submit_tells_the_first_outcome(self, world: World) -> None:
        """No second act, no second code, and no changing one's mind afterwards."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url())

        first = await world.person.allow(address, page)
        again = await world.person.allow(address, page)
        other = await world.person.answer(address, page, [], "deny")
        back = await world.person.get(address)

        target = first.headers["location"]
        assert "code=" in target
        for answer in (again, other, back):
            assert answer.headers["location"] == target
        assert len(await acts_of(world, subject)) == 1

    async def test_ten_at_once_are_one(self, world: World) -> None:
        """Pressed many times in a row: one act, one code."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url())

        answers = await asyncio.gather(
            *(world.person.allow(address, page) for _ in range(10))
        )

        assert len({answer.headers["location"] for answer in answers}) == 1
        assert len(await acts_of(world, subject)) == 1

    async def test_time_over_stores_nothing(self, world: World) -> None:
        """After fifteen minutes: a page, no redirect, no act."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url())
        world.clock.advance(timedelta(minutes=15))

        late = await world.person.allow(address, page)
        look = await world.person.get(address)

        assert late.status_code == look.status_code == 410
        assert await acts_of(world, subject) == []

    async def test_code_is_not_in_the_store(self, world: World) -> None:
        """The database holds nothing that could be redeemed."""
        partner = await world.partner()
        await world.subject()
        code = await partner.code()

        for table in (tables.authorization_codes, tables.authorization_requests):
            rows = await rows_of(world, table)
            assert rows
            assert code not in str(rows)


class TestForgery:
    @pytest.fixture
    async def partner(self, world: World) -> Partner:
        """Give a partner; somebody is signed in."""
        await world.subject()
        return await world.partner()

    async def test_another_browser_learns_nothing(
        self, world: World, partner: Partner
    ) -> None:
        """The page and its form are 404 elsewhere, as for an id that does not exist."""
        address, page = await world.person.open_consent(partner.url())
        world.http.cookies.clear()
        await world.person.sign_in(await register_subject(world.services))

        look = await world.person.get(address)
        send = await world.person.allow(address, page)
        none = await world.person.get("/oauth/consent/req_" + "a" * 26)

        assert look.status_code == send.status_code == none.status_code == 404

    @pytest.mark.parametrize(
        "changes",
        [
            {"csrf": "0" * 64},
            {"csrf": ""},
            {"nonce": "A" * 43},
            {"nonce": ""},
        ],
    )
    async def test_wrong_nonce_or_token_is_403(
        self, world: World, partner: Partner, changes: dict[str, str]
    ) -> None:
        """And nothing is done; the right form still works afterwards."""
        address, page = await world.person.open_consent(partner.url())
        fields = [*(page.hidden | changes).items(), *page.boxes, ("decision", "allow")]

        forged = await world.person.post(address, fields)
        right = await world.person.allow(address, page)

        assert forged.status_code == 403
        assert "code" in query_of(right)

    async def test_form_of_an_earlier_look_is_stale(
        self, world: World, partner: Partner
    ) -> None:
        """The nonce belongs to the last look."""
        address, old = await world.person.open_consent(partner.url())
        await world.person.get(address)

        assert (await world.person.allow(address, old)).status_code == 403

    async def test_form_of_another_log_in_is_refused(
        self, world: World, partner: Partner
    ) -> None:
        """Same browser, other person: the form was not theirs."""
        address, page = await world.person.open_consent(partner.url())
        other = await register_subject(world.services)
        await world.person.sign_in(other)

        answer = await world.person.allow(address, page)

        assert answer.status_code == 403
        assert await acts_of(world, other) == []

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "null"},
            {"origin": "https://evil.example"},
            {"sec-fetch-site": "cross-site"},
        ],
    )
    async def test_cross_origin_is_403(
        self, world: World, partner: Partner, headers: dict[str, str]
    ) -> None:
        """Another site cannot press the button."""
        address, page = await world.person.open_consent(partner.url())
        fields = [*page.hidden.items(), *page.boxes, ("decision", "allow")]

        answer = await world.person.post(address, fields, **headers)

        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "boxes",
        [
            [("item", "1")],
            [("item", "0"), ("element", "0:payment_account")],
            [("item", "0"), ("element", "0:order_no")],
            [("item", "data.identity")],
            [("item", "-1")],
        ],
    )
    async def test_what_was_not_offered_is_422(
        self, world: World, partner: Partner, boxes: list[tuple[str, str]]
    ) -> None:
        """Ids that the page does not have: nothing is done."""
        address, page = await world.person.open_consent(partner.url())

        answer = await world.person.answer(address, page, boxes)

        assert answer.status_code == 422
        assert "code" in query_of(
            await world.person.answer(address, page, [("item", "0")])
        )

    @pytest.mark.parametrize(
        "extra", [[("x", "1")], [("nonce", "x")], [("decision", "deny")]]
    )
    async def test_form_of_another_shape_is_400(
        self, world: World, partner: Partner, extra: list[tuple[str, str]]
    ) -> None:
        """Unknown and repeated fields are refused."""
        address, page = await world.person.open_consent(partner.url())
        fields = [*page.hidden.items(), ("decision", "allow"), *extra]

        assert (await world.person.post(address, fields)).status_code == 400

    async def test_json_is_no_form(self, world: World, partner: Partner) -> None:
        """text/plain and JSON cannot be sent by a cross-site form in our place."""
        address, page = await world.person.open_consent(partner.url())

        for kind in ("text/plain", "application/json"):
            answer = await world.http.post(
                address,
                content=str(page.hidden),
                headers={"content-type": kind, "accept": "text/html"},
            )
            assert answer.status_code == 400

    async def test_session_gets_a_new_id_for_the_page(
        self, world: World, partner: Partner
    ) -> None:
        """A cookie known from before the page does not open it (fixation)."""
        before = dict(world.http.cookies)
        address, page = await world.person.open_consent(partner.url())
        after = dict(world.http.cookies)
        world.http.cookies.clear()
        world.http.cookies.update(before)

        stolen = await world.person.allow(address, page)

        assert before != after
        assert stolen.status_code == 403


class TestWhatChangesMeanwhile:
    async def test_changed_text_is_shown_again(self, world: World) -> None:
        """The partner is renamed between look and answer: 409, new words, no act."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url())
        renamed = msgspec.structs.replace(
            partner.client, name={"zh-CN": "新名称", "en": "New Name"}
        )
        await world.services.store.write(lambda tx: clients.register(tx, renamed))

        answer = await world.person.allow(address, page)

        assert answer.status_code == 409
        assert "New Name" in answer.text
        assert await acts_of(world, subject) == []
        done = await world.person.allow(address, Page(answer.text))
        assert "code" in query_of(done)

    async def test_suspended_client_gets_a_page(self, world: World) -> None:
        """No redirect and no act."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url())
        name = partner.client.id
        await world.services.store.write(lambda tx: clients.suspend(tx, name))

        answer = await world.person.allow(address, page)

        assert answer.status_code == 403
        assert "location" not in answer.headers
        assert await acts_of(world, subject) == []

    async def test_removed_redirect_uri_gets_a_page(self, world: World) -> None:
        """The address is checked again when the answer goes there."""
        partner = await world.partner()
        await world.subject()
        address, page = await world.person.open_consent(partner.url())
        moved = msgspec.structs.replace(
            partner.client, redirect_uris=("https://partner.example/new",)
        )
        await world.services.store.write(lambda tx: clients.register(tx, moved))

        answer = await world.person.allow(address, page)

        assert answer.status_code == 403

    async def test_withdrawn_while_waiting_asks_again(self, world: World) -> None:
        """A pending request does not live on a right that was taken back."""
        partner = await world.partner()
        subject = await world.subject()
        await partner.token()
        address, page = await world.person.open_consent(partner.url(**TWO))
        known = await world.standing(subject, partner.client.id)
        (grant,) = known.grants

        await withdraw(world.services, subject, grant)
        answer = await world.person.allow(address, page)

        assert answer.status_code == 409
        assert len([name for name, _ in Page(answer.text).boxes if name == "item"]) == 2

    async def test_signed_out_person_logs_in_again(self, world: World) -> None:
        """The page waits behind the log-in."""
        partner = await world.partner()
        await world.subject()
        address, _ = await world.person.open_consent(partner.url())
        held = tables.web_sessions
        await world.services.store.write(
            lambda tx: tx.connection.execute(
                held.update().values(subject=None, auth_time=None)
            )
        )

        answer = await world.person.get(address)

        assert answer.headers["location"].startswith("/login?request=req_")


class TestRefusedLately:
    async def test_is_not_asked_again_within_the_window(self, world: World) -> None:
        """R26: a page with reconsider and go back, and no box to tick."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url())
        await world.person.answer(address, page, [], "deny")

        address, page = await world.person.open_consent(partner.url())

        assert page.boxes == []
        assert sorted(page.buttons) == ["deny", "reconsider"]
        done = await world.person.answer(address, page, [], "deny")
        assert query_of(done)["error"] == "access_denied"
        assert len(await acts_of(world, subject)) == 1

    async def test_person_may_reconsider(self, world: World) -> None:
        """Their own wish opens the form again."""
        partner = await world.partner()
        await world.subject()
        address, page = await world.person.open_consent(partner.url())
        await world.person.answer(address, page, [], "deny")
        address, page = await world.person.open_consent(partner.url())

        again = await world.person.answer(address, page, [], "reconsider")
        assert again.headers["location"] == address
        shown = Page((await world.person.get(address)).text)
        done = await world.person.allow(address, shown)

        assert "code" in query_of(done)

    async def test_is_asked_again_after_the_window(self, world: World) -> None:
        """48 hours later to the second, and not before."""
        partner = await world.partner()
        subject = await world.subject()
        address, page = await world.person.open_consent(partner.url())
        await world.person.answer(address, page, [], "deny")

        world.clock.advance(timedelta(hours=48) - timedelta(microseconds=1))
        await world.person.sign_in(subject)
        _, before = await world.person.open_consent(partner.url())
        world.clock.advance(timedelta(microseconds=1))
        _, after = await world.person.open_consent(partner.url())

        assert before.boxes == []
        assert ("item", "0") in after.boxes

    async def test_other_items_are_still_asked(self, world: World) -> None:
        """A no to one item does not silence the others."""
        partner = await world.partner()
        await world.subject()
        address, page = await world.person.open_consent(partner.url())
        await world.person.answer(address, page, [], "deny")

        address, page = await world.person.open_consent(partner.url(**TWO))
        done = await world.person.allow(address, page)
        token = (await partner.redeem(query_of(done)["code"])).json()

        assert token["scope"] == "data.identity"
