"""The memory of what the ledger says forgets in time, and never too much."""

from __future__ import annotations

import pytest

from permissions.catalogue.model import Catalogue
from permissions.ids import shard_of
from permissions.standings import Standings
from permissions.state import FunctionState
from tests.permissions.actors import ANN, APP, BOB, World


@pytest.fixture
def world(catalogue: Catalogue) -> World:
    """Give a world in which Ann, the app and a partner are known."""
    return World.ready(catalogue)


def filled(world: World) -> Standings:
    """Make a memory that knows Ann and the app."""
    standings = Standings()
    standings.keep(("subject", ANN), world.subject())
    standings.keep(("client", APP.id), world.client(APP.id))
    return standings


class TestStanding:
    def test_names_what_is_missing(self) -> None:
        """A memory that does not know says whom to read."""
        standings = Standings()

        assert standings.missing(ANN, APP.id) == [("subject", ANN), ("client", APP.id)]
        with pytest.raises(KeyError):
            standings.standing(ANN, APP.id)

    def test_is_put_together_from_both(self, world: World) -> None:
        """A standing is the subject, the client, and the head of the shard."""
        standings = filled(world)
        standings.start([(shard_of(ANN), 9)], ["scanning"])

        standing = standings.standing(ANN, APP.id)

        assert standing.subject == world.subject()
        assert standing.client == world.client(APP.id)
        assert standing.version == f"{shard_of(ANN)}.9"
        assert standing.closed == {"scanning"}

    def test_remembers_that_there_is_nobody(self) -> None:
        """An unknown subject is known to be unknown, until it registers."""
        standings = Standings()
        standings.keep(("subject", BOB), None)
        standings.keep(("client", APP.id), None)
        assert standings.missing(BOB, APP.id) == []
        assert standings.standing(BOB, APP.id).subject is None

        standings.acted(shard_of(BOB), 1, ("subject", BOB))

        assert standings.missing(BOB, APP.id) == [("subject", BOB)]

    def test_kinds_are_kept_apart(self, world: World) -> None:
        """A client under a subject's id is not that subject."""
        standings = Standings()
        standings.keep(("client", ANN), world.client(APP.id))

        assert ("subject", ANN) in standings.missing(ANN, ANN)


class TestActed:
    def test_drops_only_what_changed(self, world: World) -> None:
        """An act about a subject leaves the client in memory."""
        standings = filled(world)

        standings.acted(shard_of(ANN), 5, ("subject", ANN))

        assert standings.missing(ANN, APP.id) == [("subject", ANN)]
        assert standings.head(shard_of(ANN)) == 5

    def test_without_effect_keeps_all(self, world: World) -> None:
        """A release moves the head and nothing else."""
        standings = filled(world)

        standings.acted(shard_of(ANN), 5, None)

        assert standings.missing(ANN, APP.id) == []
        assert standings.head(shard_of(ANN)) == 5

    def test_head_never_goes_back(self) -> None:
        """News that come late do not lower what has been seen."""
        standings = Standings()
        standings.acted(1, 5, None)
        standings.acted(1, 4, None)
        standings.start([(1, 3)], [])

        assert standings.head(1) == 5

    def test_functions_close_and_open(self) -> None:
        """What is closed is remembered, function by function."""
        standings = Standings()
        standings.keep(("subject", ANN), None)
        standings.keep(("client", APP.id), None)
        for function, is_open in (("a", False), ("b", False), ("a", True)):
            standings.switched(FunctionState(id=function, is_open=is_open, seq=1))

        assert standings.standing(ANN, APP.id).closed == {"b"}


class TestCapacity:
    def test_oldest_goes_first(self) -> None:
        """A full memory gives up what it has had longest."""
        standings = Standings(capacity=2)
        for key in ("one", "two", "three"):
            standings.keep(("client", key), None)

        assert [standings.missing(ANN, key)[1:] for key in ("one", "two", "three")] == [
            [("client", "one")],
            [],
            [],
        ]

    @pytest.mark.parametrize("capacity", [-1, 0, 1])
    def test_holds_at_least_one_standing(self, capacity: int) -> None:
        """Less than a subject and a client could never answer."""
        with pytest.raises(ValueError, match="at least 2"):
            Standings(capacity=capacity)
