"""The fold: what each act does to what was before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from permissions.acts import ReleaseData
from permissions.catalogue.model import Catalogue
from permissions.fold import FoldError, apply, fold
from permissions.ledger import Entry
from permissions.state import Grant
from tests.permissions.actors import (
    ANN,
    APP,
    CAMERA,
    DELIVERY,
    PARTNER,
    START,
    Acts,
    World,
)


@pytest.fixture
def world(catalogue: Catalogue) -> World:
    """Give a world in which Ann, the app and a partner are known."""
    return World.ready(catalogue)


def delivery(world: World) -> Grant:
    """Return the grant that speaks for delivery by the partner."""
    grant = world.subject().grant_for((PARTNER.id, *DELIVERY))
    assert grant is not None
    return grant


class TestGrowth:
    def test_more_elements_join_the_grant(self, world: World) -> None:
        """A second yes on the same terms widens; what was in force keeps its epoch."""
        world.perform(world.acts.give(DELIVERY, PARTNER, elements=("name",)))
        first = delivery(world)
        world.perform(world.acts.give(DELIVERY, PARTNER, elements=("name", "phone")))

        grown = delivery(world)

        assert grown.id == first.id
        assert grown.elements["name"] == first.elements["name"]
        assert grown.elements["phone"] == grown.seq > first.seq
        assert len(world.subject().grants) == 1

    def test_fewer_elements_take_nothing_away(self, world: World) -> None:
        """A yes is no withdrawal of what it leaves out."""
        world.perform(world.acts.give(DELIVERY, PARTNER))
        world.perform(world.acts.give(DELIVERY, PARTNER, elements=("name",)))

        assert set(delivery(world).elements) == {"name", "phone", "address"}

    @pytest.mark.parametrize(
        "terms",
        [
            {"expires_at": START + timedelta(days=1)},
            {"one_time": True},
            {"records": ("order-1",)},
        ],
    )
    def test_other_terms_begin_a_new_grant(
        self, world: World, terms: dict[str, Any]
    ) -> None:
        """On other terms the old grant ends in the entry in which the new begins."""
        world.perform(world.acts.give(DELIVERY, PARTNER))
        first = delivery(world)
        world.perform(world.acts.give(DELIVERY, PARTNER, **terms))

        second = delivery(world)

        assert second.id != first.id
        ended = world.subject().grants[first.id]
        assert (ended.state, ended.until, ended.seq) == (
            "withdrawn",
            START,
            second.seq,
        )
        assert second.grant_set == first.grant_set

    def test_what_has_run_out_does_not_grow(self, world: World) -> None:
        """After its end a grant takes nothing in."""
        end = START + timedelta(hours=1)
        world.perform(world.acts.give(DELIVERY, PARTNER, expires_at=end))
        first = delivery(world)
        world.now = end

        later = world.acts.give(DELIVERY, PARTNER, expires_at=end + timedelta(hours=1))
        world.perform(later)

        assert delivery(world).id == later.grant != first.id


class TestGrantSet:
    def test_one_for_each_client(self, world: World) -> None:
        """All grants to one client share a set, with one pairwise id for ever."""
        first = world.acts.give()
        world.perform(first)
        world.perform(world.acts.give(("device.camera", "take_photo")))
        world.perform(world.acts.give(DELIVERY, PARTNER))

        sets = world.subject().sets

        assert set(sets) == {APP.id, PARTNER.id}
        assert (sets[APP.id].id, sets[APP.id].pairwise) == (
            first.grant_set,
            first.pairwise,
        )

    def test_counts_its_acts(self, world: World) -> None:
        """The version a partner sees counts the acts on its own set alone."""
        yes = world.acts.give(DELIVERY, PARTNER)
        for act in (
            yes,
            world.acts.give(),
            world.acts.withdraw(yes.grant),
            world.acts.give(DELIVERY, PARTNER),
        ):
            world.perform(act)

        assert world.subject().sets[PARTNER.id].acts == 3
        assert world.subject().sets[APP.id].acts == 1

    def test_refusal_makes_none(self, world: World) -> None:
        """Somebody who only said no has no set, and no pairwise id."""
        world.perform(world.acts.refuse())

        assert world.subject().sets == {}
        assert world.subject().grants


class TestEnds:
    def test_withdrawal_keeps_the_record(self, world: World) -> None:
        """What ended stays readable: since when, until when, under which receipt."""
        yes = world.acts.give()
        world.perform(yes)
        world.now += timedelta(hours=1)
        no = world.acts.withdraw(yes.grant)
        world.perform(no)

        grant = world.subject().grants[yes.grant]

        assert (grant.since, grant.until) == (START, world.now)
        assert (grant.state, grant.receipt) == ("withdrawn", no.receipt)

    def test_use_keeps_the_receipt_of_the_yes(self, world: World) -> None:
        """Using up is not the person's act; their receipt stays that of the yes."""
        yes = world.acts.give(one_time=True)
        world.perform(yes)
        world.perform(world.acts.use(yes.grant))

        grant = world.subject().grants[yes.grant]

        assert (grant.state, grant.receipt) == ("used", yes.receipt)

    def test_release_changes_nothing(self, world: World) -> None:
        """A release is recorded; no right, version or count moves."""
        before = world.subject()
        act = ReleaseData(
            actor=world.acts.register().actor,
            subject=ANN,
            client=PARTNER.id,
            release="rel_x",
            category="identity",
            purpose="delivery",
            elements=("name",),
            withheld={},
            grant=None,
            basis="consent",
            records=None,
            body_mac="00",
        )

        world.perform(act)

        assert world.subject() is before
        assert world.entries[-1].act is act


class TestOrder:
    def test_states_are_frozen(self, world: World) -> None:
        """A state handed out earlier never changes under its holder."""
        before = world.subject()
        world.perform(world.acts.give())

        assert before.grants == {}
        assert world.subject().grants

    def test_fold_is_apply_from_the_start(self, world: World) -> None:
        """Folding the entries gives what performing them gave."""
        yes = world.acts.give()
        for act in (yes, world.acts.refuse(), world.acts.withdraw(yes.grant)):
            world.perform(act)

        assert fold(world.entries) == world.states

    @pytest.mark.parametrize("missing", [0, 2])
    def test_act_before_its_owner(self, world: World, missing: int) -> None:
        """A ledger in which something acts before it exists was not ours."""
        world.perform(world.acts.give())
        world.perform(world.acts.suspend())
        entries = [e for n, e in enumerate(world.entries) if n != missing]

        with pytest.raises(FoldError):
            fold(entries)

    def test_end_of_what_never_was(self, catalogue: Catalogue, world: World) -> None:
        """An entry that ends an unknown grant was not ours."""
        act = Acts(catalogue).withdraw("gra_none")
        entry: Entry = replace(world.entries[-1], act=act)

        with pytest.raises(FoldError):
            apply(world.subject(), entry)


def test_key_of_a_grant(world: World) -> None:
    """A grant speaks for client, capability and purpose, kept apart as a tuple."""
    world.perform(world.acts.give())

    (grant,) = world.subject().grants.values()

    assert grant.key == (APP.id, *CAMERA)
