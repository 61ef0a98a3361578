"""Every token with a person behind it traces to that person's acts."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from permissions.acts import GiveGrant
from permissions.ledger import decode
from permissions.store import tables
from tests.factories import withdraw
from tests.oauth.flows import Page, World, details, query_of

BOTH: Final = {
    "scope": "data.transaction data.identity",
    "authorization_details": details({}, {"capability": "data.identity"}),
}
_BOXES: Final = ("item 0", "element 0:amount", "item 1", "element 1:phone")


async def given_in(world: World, subject: str) -> set[tuple[str, str, int]]:
    """Return every (client, element, seq) that a yes in the ledger put in force."""
    held = tables.ledger
    query = select(held.c.body).where(held.c.owner == subject)
    bodies = await world.services.store.read(lambda near: near.scalars(query).all())
    entries = [decode(body) for body in bodies]
    return {
        (entry.act.client, element, entry.seq)
        for entry in entries
        if isinstance(entry.act, GiveGrant)
        for element in entry.act.elements
    }


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(flows=st.lists(st.sets(st.sampled_from(_BOXES)), min_size=1, max_size=4))
async def test_no_token_without_an_act(world: World, flows: list[set[str]]) -> None:
    """Whatever was ticked, taken back and ticked again: no element without its yes."""
    partner = await world.partner()
    subject = await world.subject()
    for ticked in flows:
        address, page = await world.person.open_consent(
            partner.url(**BOTH, prompt="consent")
        )
        if "reconsider" in page.buttons:
            await world.person.answer(address, page, [], "reconsider")
            page = Page((await world.person.get(address)).text)
        boxes = [(name, value) for name, _, value in map(_split, ticked)]
        items = {value for name, value in boxes if name == "item"}
        kept = [
            (name, value)
            for name, value in boxes
            if value.partition(":")[0] in items and (name, value) in page.boxes
        ]
        done = await world.person.answer(
            address, page, kept, "allow" if kept else "deny"
        )
        code = query_of(done).get("code")
        if code is not None:
            assert (await partner.redeem(code)).status_code == 200
            known = await world.standing(subject, partner.client.id)
            live = [one.id for one in known.grants.values() if one.state == "granted"]
            await withdraw(world.services, subject, live[0])

    held = tables.tokens
    query = select(held).where(held.c.subject == subject)
    rows = await world.services.store.read(lambda near: near.execute(query).all())
    proven = await given_in(world, subject)
    for row in rows:
        for elements in row.rights.values():
            for element in elements:
                assert any(
                    client == row.client and name == element and seq <= row.epoch
                    for client, name, seq in proven
                )


def _split(box: str) -> tuple[str, str, str]:
    return box.partition(" ")
