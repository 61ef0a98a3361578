"""The table: what a row says, and how all of them are printed."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from typing import Final

import msgspec

from bench.cells import By

_SERVERS: Final = ("uvicorn", "uvloop", "httptools", "litestar", "msgspec")
_HEAD: Final = (
    "path", "reference", "ratio [min-max]", "goal", "CPU µs", "p50 ms", "p99 ms", "note"
)  # fmt: skip


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measured path.

    With a reference, ``ratio`` is how many times its rate (by="rate") or its CPU
    time (by="cpu"), more being better; ``goal`` is the least. Without one, ``value``
    in ``unit`` is what was measured, and ``goal`` the most it may be.
    """

    path: str
    reference: str | None = None
    ratio: float | None = None
    min: float | None = None
    max: float | None = None
    goal: float | None = None
    cpu_us: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    value: float | None = None
    unit: str | None = None
    by: By | None = None
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return this row as text, column by column."""
        if self.value is not None:
            measured, sign = f"{self.value:,.2f} {self.unit}", "≤"
        elif self.ratio is not None:
            measured = f"{self.ratio:.2f} [{self.min:.2f}-{self.max:.2f}]"
            measured += " by CPU" if self.by == "cpu" else ""
            sign = "≥"
        else:
            measured, sign = "-", ""
        return (
            self.path,
            self.reference or "-",
            measured,
            "-" if self.goal is None else f"{sign} {self.goal:g}",
            _number(self.cpu_us, 1),
            _number(self.p50_ms, 2),
            _number(self.p99_ms, 2),
            self.note,
        )


def printed(rows: list[Row]) -> str:
    """Return the rows as aligned columns."""
    lines = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            text.ljust(width) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def versions() -> str:
    """Name what the figures depend on."""
    servers = ", ".join(f"{name} {version(name)}" for name in _SERVERS)
    return (
        f"Python {platform.python_version()}, {servers}, "
        f"SQLite {sqlite3.sqlite_version}, {platform.system()} {platform.machine()}"
    )


def load_average() -> str:
    """Return the load averages of now, over 1, 5 and 15 minutes."""
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
