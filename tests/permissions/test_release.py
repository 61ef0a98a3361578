"""The projection adds what a decision allows, and accounts for every element."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from permissions.decision import Allow
from permissions.release import Judged, Record, Value, project

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
NAMES = ("order_no", "status", "amount", "items", "payment_account")
REASONS = ("withdrawn", "element_not_granted", "not_asked")


def make_record(ident: str, **elements: Value) -> Record:
    """Make one record as it is held."""
    return Record(id=ident, at=NOW, updated_at=NOW, elements=elements)


@st.composite
def judgements(draw: st.DrawFn) -> tuple[tuple[str, ...], Judged]:
    """Draw elements that were asked for, and what was decided about each."""
    asked = draw(st.lists(st.sampled_from(NAMES), unique=True))
    allowed = tuple(name for name in asked if draw(st.booleans()))
    withheld = {
        name: draw(st.sampled_from(REASONS)) for name in asked if name not in allowed
    }
    decision = Allow(version="1.1", reason="granted", grant="gra_x", valid_for_ms=1)
    return tuple(asked), Judged(decision=decision, allowed=allowed, withheld=withheld)


records = st.lists(
    st.builds(
        make_record,
        st.text("abc", min_size=1, max_size=3),
        **{name: st.text(max_size=5) for name in NAMES[:3]},
    ),
    max_size=5,
)


class TestProject:
    @given(drawn=judgements(), held=records)
    def test_accounts_for_each_element_once(
        self, drawn: tuple[tuple[str, ...], Judged], held: list[Record]
    ) -> None:
        """Released, withheld and absent together are what was asked, and disjoint."""
        asked, judged = drawn

        made = project(judged, held)

        told = [*made.released, *made.withheld, *made.absent]
        assert sorted(told) == sorted(asked)

    @given(drawn=judgements(), held=records)
    def test_nothing_goes_out_that_was_not_allowed(
        self, drawn: tuple[tuple[str, ...], Judged], held: list[Record]
    ) -> None:
        """Every value belongs to a released element, as its record holds it."""
        _, judged = drawn

        made = project(judged, held)

        for item, record in zip(made.items, held, strict=False):
            assert item.keys() <= {"id", "at", *made.released}
            assert set(made.released) <= set(judged.allowed)
            assert all(
                record.elements[name] == item[name]
                for name in made.released
                if name in item
            )

    @given(drawn=judgements(), held=records)
    def test_nothing_allowed_lets_no_record_out(
        self, drawn: tuple[tuple[str, ...], Judged], held: list[Record]
    ) -> None:
        """Where every element is withheld not even an id or a time goes out."""
        _, judged = drawn

        made = project(judged, held)

        assert judged.allowed or made.items == ()

    def test_an_object_has_no_id(self) -> None:
        """A category that is one object goes out as its elements alone."""
        decision = Allow(version="1.1", reason="granted", grant="gra_x", valid_for_ms=1)
        judged = Judged(decision=decision, allowed=("status", "amount"), withheld={})

        made = project(judged, [make_record("", status="sent", items="secret")])

        assert made.items == ({"status": "sent"},)
        assert (made.released, made.absent) == (("status",), ("amount",))
