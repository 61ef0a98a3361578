"""The arithmetic: from cells, measured in turns, to ratios that can be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec

By = Literal["rate", "cpu"]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of load: right answers, wall time, CPU time of the server.

    ``cpu_seconds`` is user and system together; None where the OS does not tell.
    """

    answers: int
    seconds: float
    cpu_seconds: float | None = None

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    @property
    def cpu_us(self) -> float | None:
        """CPU microseconds per answer; None where unknown, or too short to tell."""
        if not self.cpu_seconds or not self.answers:
            return None
        return self.cpu_seconds / self.answers * 1e6


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times the reference: median, least and most of the paired ratios."""

    median: float
    low: float
    high: float
    pairs: int


def paired(
    candidate: Sequence[Cell | None], reference: Sequence[Cell | None], by: By
) -> Ratio | None:
    """Compare cells of the same round, never across rounds; more is better.

    A dropped cell (None) drops its round. None where no round is left, or no cell
    knows its CPU time.
    """
    found: list[float] = []
    for ours, theirs in zip(candidate, reference, strict=True):
        if ours is None or theirs is None:
            continue
        if by == "rate":
            found.append(ours.rate / theirs.rate)
        elif ours.cpu_us is not None and theirs.cpu_us is not None:
            found.append(theirs.cpu_us / ours.cpu_us)
    if not found:
        return None
    return Ratio(
        median=median(found), low=min(found), high=max(found), pairs=len(found)
    )


def median_rate(cells: Sequence[Cell | None]) -> float | None:
    """Return the median answers per second of the cells that were not dropped."""
    rates = [cell.rate for cell in cells if cell is not None]
    return median(rates) if rates else None


def median_cpu_us(cells: Sequence[Cell | None]) -> float | None:
    """Return the median CPU microseconds per answer, None where unknown."""
    costs = [cell.cpu_us for cell in cells if cell is not None]
    known = [cost for cost in costs if cost is not None]
    return median(known) if known else None


def quantile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile: no value between two that were measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
