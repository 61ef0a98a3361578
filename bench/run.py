"""Run the bench and print its table: ``python bench/run.py --quick --json FILE``.

References and paths take turns, cell by cell, on one core, with the load from the
other; what is compared was measured in the same round. A slow machine makes slow
figures, never a failure: whatever the numbers are, this exits 0.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from bench.cells import Cell, Ratio, median_cpu_us, median_rate, paired, quantile
from bench.inprocess import decide_us, withdrawals
from bench.load import (
    CONNECTIONS,
    CellDropped,
    Exchange,
    Target,
    closed_loop,
    open_loop,
)
from bench.processes import Cores, Run, cores, serving, started, worker
from bench.references import STATIC
from bench.seed import Seeded, drawn
from bench.servers import SCRIPT
from bench.table import Row, load_average, printed, versions

LITESTAR: Final = "L"
RAW: Final = "R"
NAMES: Final = {LITESTAR: "bare Litestar echo (L)", RAW: "raw ASGI echo (R)"}
GOALS: Final = {
    ("check", LITESTAR): 1.5,
    ("check", RAW): 0.6,
    ("introspect", LITESTAR): 1.5,
    ("data release with its record", LITESTAR): 0.5,
}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often; times in seconds, the first round is thrown away."""

    pairs: int = 9
    cell: float = 2.0
    warm_up: float = 2.0
    open_loop: float = 5.0
    subjects: int = 10_000
    withdrawals: int = 1_000
    decisions: int = 50_000
    starts: int = 3


QUICK: Final = Plan(
    pairs=5,
    cell=0.5,
    open_loop=1.0,
    subjects=1_000,
    withdrawals=150,
    decisions=10_000,
    starts=2,
)


class Measured(msgspec.Struct, frozen=True):
    """All cells of one target, and its latencies at half its capacity."""

    cells: list[Cell | None]
    seconds: list[float]


def measure(plan: Plan, before: Path | None = None) -> tuple[list[Row], list[str]]:
    """Measure everything; return the rows, and what there is to say about them."""
    chosen = cores()
    notes: list[str] = []
    with TemporaryDirectory(prefix="aseanbiz-bench-") as folder:
        rows, ceiling = _over_http(plan, chosen, Path(folder), notes, before)
    notes.insert(0, f"the load generator can do {ceiling:,.0f} answers/s")
    with worker(chosen.server) as run:
        rows.append(_withdraw(plan, run))
        _progress("decisions")
        cost = run(decide_us, grants=50, calls=plan.decisions)
    rows.append(
        Row(path="decide() warm, 50 grants", value=cost, unit="µs", goal=2, cpu_us=cost)
    )
    return [*rows, *_starts(plan, chosen)], notes


# --- over HTTP ----------------------------------------------------------------------


def _over_http(
    plan: Plan, chosen: Cores, folder: Path, notes: list[str], before: Path | None
) -> tuple[list[Row], float]:
    with ExitStack() as stack:
        load: Run = stack.enter_context(worker(chosen.generator))
        ceiling = _ceiling(plan, chosen, folder, load)
        _progress("filling the gateway")
        targets = list(_targets(plan, chosen, folder, stack, before))
        measured = _rounds(plan, targets, load, notes)
    rows = [_reference_row(name, measured[name]) for name in (LITESTAR, RAW)]
    for target in targets[2:]:
        references = [LITESTAR, RAW] if target.name == "check" else [LITESTAR]
        if target.name == "check" and before is not None:
            references.append("check, before")
        rows += [
            _row(target.name, reference, measured, ceiling) for reference in references
        ]
    return rows, ceiling


def _ceiling(plan: Plan, chosen: Cores, folder: Path, load: Run) -> float:
    """Return what the generator itself can do, against a reply that costs nothing."""
    _progress("ceiling of the load generator")
    said = [Exchange(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", STATIC, {})]
    with serving("static", folder / "static", core=chosen.server) as server:
        target = Target(name="static", port=server.port, pid=server.pid, exchanges=said)
        load(closed_loop, target, plan.cell)
        # The best of some: what it can do, not what a neighbour let it do.
        return max(load(closed_loop, target, plan.cell).rate for _ in range(4))


def _targets(
    plan: Plan, chosen: Cores, folder: Path, stack: ExitStack, before: Path | None
) -> Iterator[Target]:
    def serve(kind: str, place: str, **more: Any) -> Any:  # noqa: ANN401 - passed on
        return stack.enter_context(
            serving(kind, folder / place, core=chosen.server, **more)
        )

    def filled(place: str, **more: Any) -> tuple[Any, Seeded]:  # noqa: ANN401 - passed on
        server = serve("gateway", place, subjects=plan.subjects, **more)
        script = (folder / place / SCRIPT).read_bytes()
        return server, msgspec.msgpack.decode(script, type=Seeded)

    gateway, seeded = filled("gateway")
    echoes = drawn(seeded.echoes)
    for name, kind in ((LITESTAR, "litestar"), (RAW, "raw")):
        server = serve(kind, kind)
        yield Target(name=name, port=server.port, pid=server.pid, exchanges=echoes)
    for name, said in seeded.paths.items():
        yield Target(
            name=name, port=gateway.port, pid=gateway.pid, exchanges=drawn(said)
        )
    if before is not None:
        server, seeded = filled("before", root=before)
        yield Target(
            name="check, before",
            port=server.port,
            pid=server.pid,
            exchanges=drawn(seeded.paths["check"]),
        )


def _rounds(
    plan: Plan, targets: list[Target], load: Run, notes: list[str]
) -> dict[str, Measured]:
    def cell(target: Target, seconds: float) -> Cell | None:
        try:
            return load(closed_loop, target, seconds)
        except CellDropped as reason:
            notes.append(f"{target.name}: a cell was dropped: {reason}")
            return None

    for target in targets:
        _progress(f"warm-up: {target.name}")
        cell(target, plan.warm_up)
    cells: dict[str, list[Cell | None]] = {target.name: [] for target in targets}
    for number in range(plan.pairs + 1):
        for target in targets:
            _progress(f"round {number} of {plan.pairs}: {target.name}")
            cells[target.name].append(cell(target, plan.cell))
    found: dict[str, Measured] = {}
    for target in targets:
        kept = cells[target.name][1:]
        rate, seconds = median_rate(kept), []
        if rate is not None:
            _progress(f"latency at half the capacity: {target.name}")
            try:
                seconds = load(open_loop, target, rate / 2, plan.open_loop)
            except CellDropped as reason:
                notes.append(f"{target.name}: no latency: {reason}")
        found[target.name] = Measured(kept, seconds)
    return found


def _reference_row(name: str, measured: Measured) -> Row:
    p50, p99 = _latency(measured.seconds)
    return Row(
        path=NAMES[name],
        cpu_us=median_cpu_us(measured.cells),
        p50_ms=p50,
        p99_ms=p99,
        value=median_rate(measured.cells),
        unit="answers/s",
    )


def _row(
    name: str, reference: str, measured: dict[str, Measured], ceiling: float
) -> Row:
    ours, theirs = measured[name], measured[reference]
    by_rate = paired(ours.cells, theirs.cells, "rate")
    by_cpu = paired(ours.cells, theirs.cells, "cpu")
    # Near its ceiling the generator would set the pace; CPU time is what remains.
    fastest = max(median_rate(item.cells) or 0.0 for item in (ours, theirs))
    is_fast = fastest > ceiling / 2 and by_cpu is not None
    ratio, other = (by_cpu, by_rate) if is_fast else (by_rate, by_cpu)
    p50, p99 = _latency(ours.seconds)
    return Row(
        path=name,
        reference=reference,
        ratio=ratio.median if ratio else None,
        min=ratio.low if ratio else None,
        max=ratio.high if ratio else None,
        goal=GOALS.get((name, reference)),
        cpu_us=median_cpu_us(ours.cells),
        p50_ms=p50,
        p99_ms=p99,
        by="cpu" if is_fast else "rate",
        note=_note(ratio, other, "rate" if is_fast else "CPU"),
    )


def _note(ratio: Ratio | None, other: Ratio | None, kind: str) -> str:
    said = "no pairs" if ratio is None else f"{ratio.pairs} pairs"
    return said if other is None else f"{said}, by {kind} {other.median:.2f}"


def _latency(seconds: list[float]) -> tuple[float | None, float | None]:
    if not seconds:
        return None, None
    return quantile(seconds, 0.5) * 1e3, quantile(seconds, 0.99) * 1e3


# --- without HTTP -------------------------------------------------------------------


def _withdraw(plan: Plan, run: Run) -> Row:
    _progress("durable withdrawals")
    found = run(withdrawals, pairs=plan.pairs, acts=plan.withdrawals)
    ratio = paired(found.acts, found.bare, "rate")
    p50, p99 = _latency(found.seconds)
    return Row(
        path="withdraw durable",
        reference="sqlite3, 3 statements",
        ratio=ratio.median if ratio else None,
        min=ratio.low if ratio else None,
        max=ratio.high if ratio else None,
        goal=1.0,
        cpu_us=median_cpu_us(found.acts),
        p50_ms=p50,
        p99_ms=p99,
        by="rate",
        note=f"{median_rate(found.acts) or 0:,.0f} acts/s "
        f"against {median_rate(found.bare) or 0:,.0f}",
    )


def _starts(plan: Plan, chosen: Cores) -> list[Row]:
    _progress("starts on an empty folder")
    found = [started(chosen.server) for _ in range(plan.starts)]
    sizes = [size for _, size in found if size is not None]
    return [
        Row(
            path="start to ready, empty folder",
            value=median(seconds for seconds, _ in found),
            unit="s",
            goal=2,
        ),
        Row(
            path="resident memory then",
            value=median(sizes) if sizes else None,
            unit="MB",
            goal=150,
        ),
    ]


# --- the command --------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within one minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows too")
    parser.add_argument(
        "--before",
        type=Path,
        metavar="FOLDER",
        help="sources to compare checks with, in the same run",
    )
    chosen = parser.parse_args(arguments)
    report(QUICK if chosen.quick else Plan(), chosen.json, chosen.before)
    return 0


def report(plan: Plan, file: Path | None, before: Path | None = None) -> None:
    """Measure by a plan and print the table with what it depends on."""
    began = load_average()
    rows, notes = measure(plan, before and before.resolve())
    _progress("")
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    sys.stdout.write(
        "\n".join((printed(rows), "", *notes, *_conditions(plan, began), ""))
    )


def _conditions(plan: Plan, began: str) -> tuple[str, ...]:
    pinned = cores()
    taken = (
        f"{plan.pairs} pairs of {plan.cell:g} s, {CONNECTIONS} connections, "
        f"{plan.subjects:,} subjects (Zipf), all warm, no writes between checks"
    )
    latency = "p50 and p99 at half the capacity, from the scheduled start"
    machine = (
        f"{os.cpu_count()} cores (server on {pinned.server}, generator on "
        f"{pinned.generator}), load average {began} before, {load_average()} after"
    )
    return taken, latency, versions(), machine


def _progress(text: str) -> None:
    sys.stderr.write(f"\r\x1b[K{text}" if sys.stderr.isatty() else f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
