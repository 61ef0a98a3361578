"""The arithmetic of the bench: what is compared, and what is left out."""

from __future__ import annotations

import pytest

from bench.cells import Cell, Ratio, median_cpu_us, median_rate, paired, quantile


def make_cell(answers: int, cpu_seconds: float | None = 1.0) -> Cell:
    """Make a cell of two seconds."""
    return Cell(answers=answers, seconds=2.0, cpu_seconds=cpu_seconds)


def test_ratio_is_the_median_of_pairs_not_of_medians() -> None:
    """A slow spell that hits both of a round does not change their ratio."""
    ours = [make_cell(200), make_cell(20), make_cell(300)]
    theirs = [make_cell(100), make_cell(10), make_cell(100)]

    ratio = paired(ours, theirs, "rate")

    assert ratio == Ratio(median=2.0, low=2.0, high=3.0, pairs=3)


def test_dropped_cell_drops_its_round() -> None:
    """A path never gets a ratio from a cell in which an answer was wrong."""
    ratio = paired([None, make_cell(30)], [make_cell(10), make_cell(10)], "rate")

    assert ratio == Ratio(median=3.0, low=3.0, high=3.0, pairs=1)
    assert paired([None], [make_cell(10)], "rate") is None


def test_less_cpu_time_is_a_higher_ratio() -> None:
    """By CPU as by rate, more is better."""
    ratio = paired([make_cell(100, 1.0)], [make_cell(100, 3.0)], "cpu")

    assert ratio is not None
    assert ratio.median == pytest.approx(3.0)


def test_unknown_cpu_time_gives_no_figure() -> None:
    """Where the OS does not tell, nothing is claimed."""
    silent = make_cell(100, None)

    assert paired([silent], [make_cell(100)], "cpu") is None
    assert median_cpu_us([silent, None]) is None


def test_medians_leave_dropped_cells_out() -> None:
    """Rates are per second, CPU time in microseconds per answer."""
    cells = [make_cell(100), None, make_cell(200)]

    assert median_rate(cells) == pytest.approx(75)
    assert median_cpu_us(cells) == pytest.approx(7_500)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)]
)
def test_quantile_was_measured(share: float, expected: int) -> None:
    """A quantile is one of the values, by nearest rank."""
    assert quantile(list(range(100, 0, -1)), share) == expected
