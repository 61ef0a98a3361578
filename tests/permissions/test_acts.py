"""Each act says whose it is, and whether a decision can change."""

from __future__ import annotations

from typing import get_args

import pytest

from permissions.acts import (
    Act,
    effect_of,
    owner_of,
)
from permissions.catalogue.model import Catalogue
from tests.permissions.actors import ANN, APP, Acts


@pytest.fixture
def acts(catalogue: Catalogue) -> Acts:
    """Give a source of valid acts."""
    return Acts(catalogue)


class TestOwner:
    def test_of_each_kind(self, acts: Acts) -> None:
        """An act belongs to one subject, client or function, and to its shard."""
        assert owner_of(acts.give()) == ("subject", ANN)
        assert owner_of(acts.refuse()) == ("subject", ANN)
        assert owner_of(acts.client()) == ("client", APP.id)
        assert owner_of(acts.suspend()) == ("client", APP.id)
        assert owner_of(acts.switch("scanning", is_open=False)) == (
            "function",
            "scanning",
        )


class TestEffect:
    @pytest.mark.parametrize(
        "make",
        ["register", "notice", "client", "suspend", "give", "refuse"],
    )
    def test_whatever_changes_state_evicts(self, acts: Acts, make: str) -> None:
        """Only what leaves every state as it was may leave memories as they were."""
        act: Act = getattr(acts, make)()

        assert effect_of(act) != "none"

    def test_withdrawal_narrows(self, acts: Acts) -> None:
        """A withdrawal waits for everybody who might still say yes."""
        assert effect_of(acts.withdraw("gra_x")) == "narrow"
        assert effect_of(acts.suspend()) == "narrow"
        assert effect_of(acts.give()) == "widen"


@pytest.mark.parametrize("kind", get_args(Act), ids=lambda kind: kind.__name__)
def test_tag_is_the_name_in_the_ledger(kind: type) -> None:
    """Each act has a name of its own in the ledger, by subject and verb."""
    tag = str(kind.__struct_config__.tag)  # type: ignore[attr-defined]

    assert tag.count(".") == 1
    assert [str(k.__struct_config__.tag) for k in get_args(Act)].count(tag) == 1
