"""When somebody may be asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from permissions.asks import ASK_AGAIN, ask_window, next_ask_at
from permissions.catalogue.model import Catalogue

REFUSED_AT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # where Europe skips an hour
WINDOW = timedelta(hours=48)


class TestNextAskAt:
    def test_is_the_window_later(self) -> None:
        """The window is a span of time: no change of the clocks moves it."""
        assert next_ask_at(REFUSED_AT, WINDOW) - REFUSED_AT == WINDOW

    def test_of_another_zone_is_the_same_instant(self) -> None:
        """An instant is an instant, however it is written."""
        there = REFUSED_AT.astimezone(timezone(timedelta(hours=8)))

        assert next_ask_at(there, WINDOW) == next_ask_at(REFUSED_AT, WINDOW)

    def test_empty_window_asks_at_once(self) -> None:
        """A window of nothing is allowed, and keeps nobody quiet."""
        assert next_ask_at(REFUSED_AT, timedelta(0)) == REFUSED_AT

    def test_time_without_a_zone(self) -> None:
        """A time that could mean any of 24 hours is refused."""
        with pytest.raises(ValueError, match="time zone"):
            next_ask_at(REFUSED_AT.replace(tzinfo=None), WINDOW)

    def test_negative_window(self) -> None:
        """A window that ends before it begins is refused."""
        with pytest.raises(ValueError, match="negative"):
            next_ask_at(REFUSED_AT, -WINDOW)


class TestWindow:
    def test_comes_from_the_catalogue(self, catalogue: Catalogue) -> None:
        """The default is 48 hours (R26)."""
        assert ask_window(catalogue) == timedelta(hours=48)

    @pytest.mark.parametrize(
        ("unit", "window"),
        [
            ("seconds", timedelta(seconds=3)),
            ("hours", timedelta(hours=3)),
            ("days", timedelta(days=3)),
        ],
    )
    def test_units(self, catalogue: Catalogue, unit: str, window: timedelta) -> None:
        """Seconds, hours and days are spans of time."""
        assert ask_window(with_clock(catalogue, unit)) == window

    @pytest.mark.parametrize("unit", ["working_days", "years"])
    def test_units_that_need_a_calendar(self, catalogue: Catalogue, unit: str) -> None:
        """A unit whose length depends on the date is refused."""
        with pytest.raises(ValueError, match="seconds, hours or days"):
            ask_window(with_clock(catalogue, unit))


def with_clock(catalogue: Catalogue, unit: str) -> Catalogue:
    """Give the window three of a unit."""
    clock = replace(catalogue.clocks[ASK_AGAIN], duration=3, unit=unit)
    return replace(catalogue, clocks=catalogue.clocks | {ASK_AGAIN: clock})
